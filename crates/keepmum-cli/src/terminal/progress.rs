//! What is shown while a verb works: one line on a terminal, JSON lines for a program, or nothing.
//!
//! The library reports often, so an event only stores numbers; a thread of this face looks at
//! them ten times a second.

mod line;

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keepmum::ops::{self, Answer, Event, Newer, Observer, Phase, Problem, RecoveryCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::changes::{self, Change};
use super::look;
use super::newer::{Asked, can_ask};
use super::{Terminal, json as lines, problems, recovery};
use crate::failure::Failure;
pub(crate) use line::Verb;

/// Looks a second.
const HERTZ: u8 = 10;
/// The width of a terminal that does not know its own.
const PLAIN: usize = 80;

/// Lets a verb work and shows what it says meanwhile.
///
/// Where the run is ended by an error there is no report, so the problems until then are told
/// here: nobody else has them.
pub(crate) fn watched<R>(
    terminal: &Terminal,
    shape: Shape,
    verb: impl FnOnce(&Watch) -> Result<R, ops::Error>,
) -> Result<R, Failure> {
    let watch = Watch::start(terminal, shape);
    let result = verb(&watch);
    let (lines, problems) = (watch.lines(), mem::take(&mut *watch.problems()));
    drop(watch);
    if result.is_err() && lines {
        for problem in &problems {
            lines::problem(terminal, problem)?;
        }
    } else if result.is_err() {
        problems::show(terminal, &problems);
    }
    Ok(result?)
}

/// The same for a verb whose report is one document with a long list of this name: its items are
/// printed as they come, until nobody reads any more.
pub(crate) fn streamed<L: Serialize, R: Serialize>(
    terminal: &Terminal,
    list: &'static str,
    verb: impl FnOnce(&mut dyn FnMut(L) -> bool, &Watch) -> Result<R, ops::Error>,
) -> Result<R, Failure> {
    let mut document = lines::Growing::new(terminal, list);
    let mut failed = None;
    let result = watched(terminal, Shape::Document, |watch| {
        let mut each = |item| {
            failed = document.item(&item).err();
            failed.is_none() && !terminal.reader_is_gone()
        };
        verb(&mut each, watch)
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    match &result {
        Ok(report) => document.end(report)?,
        Err(_) => document.break_off()?,
    }
    result
}

/// What a verb says while it works, as the person or program wants to hear it.
pub(crate) struct Watch {
    pub(super) terminal: Terminal,
    counts: Arc<Counts>,
    bar: Option<ProgressBar>,
    drawing: Option<Arc<Drawing>>,
    shape: Shape,
    ticker: Option<JoinHandle<()>>,
    /// What could not be done so far.
    problems: Mutex<Vec<Problem>>,
    asked: Asked,
}

/// How the result of a command looks as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One document: nothing may be printed before it.
    Document,
    /// Lines, the last of which is the summary.
    Lines,
}

/// The line of progress, and since when the present phase lasts.
struct Drawing {
    bar: ProgressBar,
    verb: Verb,
    counts: Arc<Counts>,
    began: Mutex<(Instant, &'static str)>,
}

impl Drawing {
    /// Whether anything was drawn yet.
    fn is_shown(&self) -> bool {
        !self.began.lock().unwrap_or_else(PoisonError::into_inner).1.is_empty()
    }

    /// Draws the line as it is now.
    fn draw(&self) {
        // Held while the counts are read, so that an older line never follows a newer one.
        let mut began = self.began.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.counts.now();
        if began.1 != now.phase {
            *began = (Instant::now(), now.phase);
        }
        // Asked each time: a person makes the window wider or narrower meanwhile.
        let width = look::drawable().unwrap_or(PLAIN).saturating_sub(1);
        let seconds = began.0.elapsed().as_secs_f64();
        self.bar.set_message(line::line(self.verb, &now, seconds, width));
    }
}

#[derive(Default)]
struct Counts {
    phase: AtomicU8,
    entries: AtomicU64,
    entries_total: AtomicU64,
    bytes: AtomicU64,
    bytes_total: AtomicU64,
    over: AtomicBool,
}

impl Watch {
    /// Begins to watch.
    fn start(terminal: &Terminal, shape: Shape) -> Self {
        let counts = Arc::new(Counts::default());
        let lines = terminal.json && shape == Shape::Lines;
        let bar = (!terminal.json && !terminal.quiet && terminal.person_watches).then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(HERTZ);
            ProgressBar::with_draw_target(None, target).with_style(style())
        });
        terminal.interrupt.drawing(bar.clone());
        let drawing = bar.clone().map(|bar| {
            let began = Mutex::new((Instant::now(), ""));
            Arc::new(Drawing { bar, verb: terminal.verb, counts: Arc::clone(&counts), began })
        });
        let ticker = match drawing.clone() {
            Some(drawing) => Some(tick(&counts, 1, move |_| {
                drawing.draw();
                drawing.bar.tick();
            })),
            None if lines && !terminal.quiet => {
                let terminal = terminal.clone();
                // One line a second. Nobody is told here that the output failed: the summary is.
                Some(tick(&counts, u32::from(HERTZ), move |now| {
                    lines::print(&terminal, &progress(now)).ok();
                }))
            }
            None => None,
        };
        let problems = Mutex::default();
        let asked = Asked::default();
        Self { terminal: terminal.clone(), counts, bar, drawing, shape, ticker, problems, asked }
    }

    /// Whether events become JSON lines.
    fn lines(&self) -> bool {
        self.terminal.json && self.shape == Shape::Lines
    }

    /// Writes a part of a result while the bar, if there is one, is out of its way.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        aside(self.bar.as_ref(), || self.terminal.write(bytes))
    }

    fn problems(&self) -> MutexGuard<'_, Vec<Problem>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: &Change) {
        if !self.terminal.json {
            let line = change.line(self.terminal.person_reads);
            aside(self.bar.as_ref(), || self.terminal.write(&line).ok());
        } else if self.lines() {
            lines::print(&self.terminal, &change.json()).ok();
        }
    }

    pub(super) fn notice(&self, sentence: &str) {
        if self.lines() {
            lines::print(&self.terminal, &lines::notice(sentence)).ok();
        } else {
            aside(self.bar.as_ref(), || self.terminal.notice(sentence));
        }
    }
}

impl Observer for Watch {
    fn event(&self, event: Event) {
        match event {
            Event::Phase(phase) => {
                let number = PHASES.iter().position(|(known, _)| *known == phase).unwrap_or(0);
                self.counts.phase.store(number as u8, Ordering::Relaxed);
                // What is printed next draws the line again, and that must be the new one. A command
                // that is over at once draws none.
                if let Some(drawing) = self.drawing.as_ref().filter(|drawing| drawing.is_shown()) {
                    drawing.draw();
                }
                // A key that is being made cannot be interrupted, and nothing depends on it yet.
                self.terminal.interrupt.begun(phase != Phase::Unlocking);
            }
            Event::Progress { entries, entries_total, bytes, bytes_total } => {
                self.counts.entries.store(entries, Ordering::Relaxed);
                self.counts.entries_total.store(entries_total, Ordering::Relaxed);
                self.counts.bytes.store(bytes, Ordering::Relaxed);
                self.counts.bytes_total.store(bytes_total, Ordering::Relaxed);
            }
            Event::Change { kind, path, reason } => {
                self.change(&Change { kind: changes::word(kind), path, from: None, reason });
            }
            Event::Moved { from, to } => {
                let reason = String::new();
                self.change(&Change { kind: "moved", path: to, from: Some(from), reason });
            }
            // They are listed at the end, where they are seen.
            Event::Problem(problem) => problem.note_in(&mut self.problems()),
            Event::Notice(sentence) => self.notice(&sentence),
            // Whoever wants to tell a person wraps this observer.
            Event::Begun { .. } => {}
            Event::RepositoryMade { foreign_files } => {
                aside(self.bar.as_ref(), || {
                    recovery::say_made(&self.terminal, self.shape, foreign_files).ok()
                });
            }
        }
    }

    fn show_recovery_code(&self, code: &RecoveryCode) -> bool {
        aside(self.bar.as_ref(), || recovery::hand_over(&self.terminal, code))
    }

    fn is_attended(&self) -> bool {
        self.terminal.person_watches
    }

    fn stopping(&self) -> bool {
        self.terminal.interrupt.raised()
    }

    fn ask(&self, newer: &Newer) -> Option<Answer> {
        if self.terminal.json || self.terminal.quiet || !can_ask() {
            return None;
        }
        aside(self.bar.as_ref(), || self.asked.ask(newer, &self.terminal.interrupt))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.counts.over.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            // A panic in there concerns only what was drawn.
            ticker.join().ok();
        }
        self.terminal.interrupt.drawing(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Calls `look` each so many ticks until the counts are over.
fn tick(
    counts: &Arc<Counts>,
    every: u32,
    mut look: impl FnMut(&Now) + Send + 'static,
) -> JoinHandle<()> {
    let counts = Arc::clone(counts);
    let pause = Duration::from_secs(1) / u32::from(HERTZ) * every;
    thread::spawn(move || {
        loop {
            thread::park_timeout(pause);
            if counts.over.load(Ordering::Relaxed) {
                return;
            }
            look(&counts.now());
        }
    })
}

/// The counts at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Now {
    phase: &'static str,
    entries: u64,
    entries_total: u64,
    bytes: u64,
    bytes_total: u64,
}

impl Counts {
    fn now(&self) -> Now {
        let phase = usize::from(self.phase.load(Ordering::Relaxed));
        Now {
            phase: PHASES.get(phase).map_or("", |(_, word)| word),
            entries: self.entries.load(Ordering::Relaxed),
            entries_total: self.entries_total.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            bytes_total: self.bytes_total.load(Ordering::Relaxed),
        }
    }
}

const PHASES: [(Phase, &str); 4] = [
    (Phase::Unlocking, "unlocking"),
    (Phase::Opening, "opening"),
    (Phase::Working, "working"),
    (Phase::Finishing, "finishing"),
];

/// The line is made here; the bar only draws it, and keeps out of the way of other lines.
fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg}").expect("the template is a constant that a test reads")
}

fn progress(now: &Now) -> Value {
    json!({
        "type": "progress",
        "phase": now.phase,
        "entries": now.entries,
        "entries_total": now.entries_total,
        "bytes": now.bytes,
        "bytes_total": now.bytes_total,
    })
}

/// Prints while the bar is out of the way.
fn aside<T>(bar: Option<&ProgressBar>, print: impl FnOnce() -> T) -> T {
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Now, PHASES, progress, style};

    #[test]
    fn the_template_can_be_drawn() {
        style();
    }

    #[test]
    fn a_line_for_a_program() {
        let now =
            Now { phase: "working", entries: 3, entries_total: 0, bytes: 50, bytes_total: 200 };
        let expected = r#"{"bytes":50,"bytes_total":200,"entries":3,"entries_total":0,"phase":"working","type":"progress"}"#;
        assert_eq!(progress(&now).to_string(), expected);
        assert_eq!(PHASES.len(), 4);
    }
}
