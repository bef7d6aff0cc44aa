//! What is shown while a verb works: a bar on a terminal, JSON lines for a program, or nothing.
//!
//! The library reports often, so an event only stores numbers; a thread of this face looks at
//! them ten times a second.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use keepmum::ops::{self, Answer, Event, Newer, Observer, Phase, Problem, RecoveryCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::changes::{self, Change};
use super::newer::{Asked, can_ask};
use super::{Terminal, json as lines, problems, recovery, text};
use crate::failure::Failure;

/// Looks a second.
const HERTZ: u8 = 10;

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
            ProgressBar::with_draw_target(None, target).with_style(style(NOTHING))
        });
        terminal.interrupt.drawing(bar.clone());
        let ticker = match &bar {
            Some(bar) => {
                let bar = bar.clone();
                Some(tick(&counts, 1, move |now| draw(&bar, now)))
            }
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
        Self { terminal: terminal.clone(), counts, bar, shape, ticker, problems, asked }
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
fn tick(counts: &Arc<Counts>, every: u32, look: impl Fn(&Now) + Send + 'static) -> JoinHandle<()> {
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

const NOTHING: &str = "{spinner} {msg}  {elapsed}";
const UNKNOWN: &str = "{spinner} {msg}  {binary_bytes}  {binary_bytes_per_sec}  {elapsed}";
const BYTES: &str = "{msg} [{wide_bar}] {percent}%  {binary_bytes} of {binary_total_bytes}  \
                     {binary_bytes_per_sec}  {eta} left";
const ENTRIES: &str = "{msg} [{wide_bar}] {percent}%  {elapsed}, {eta} left";

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates are constants that a test reads")
        .progress_chars("=> ")
}

fn draw(bar: &ProgressBar, now: &Now) {
    let (template, position, length) = measure(now);
    let begins = bar.position() == 0 && position > 0;
    if bar.length() != length || begins {
        bar.set_style(style(template));
        match length {
            Some(length) => bar.set_length(length),
            None => bar.unset_length(),
        }
    }
    let mut message = now.phase.to_owned();
    if now.entries > 0 {
        let (one, many) = match now.phase == PHASES[0].1 {
            true => ("key block tried", "key blocks tried"),
            false => ("entry", "entries"),
        };
        message.push_str(&format!("  {}", text::count(now.entries, one, many)));
    }
    // The other templates show bytes themselves.
    if template == ENTRIES && now.bytes > 0 {
        message.push_str(&format!(", {}", text::size(now.bytes)));
    }
    bar.set_message(message);
    bar.set_position(position);
    bar.tick();
}

/// How the bar looks, where it stands, and of how much.
fn measure(now: &Now) -> (&'static str, u64, Option<u64>) {
    if now.bytes_total > 0 {
        (BYTES, now.bytes, Some(now.bytes_total))
    } else if now.entries_total > 0 {
        (ENTRIES, now.entries, Some(now.entries_total))
    } else if now.bytes == 0 {
        (NOTHING, 0, None)
    } else {
        (UNKNOWN, now.bytes, None)
    }
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
    use super::{BYTES, ENTRIES, NOTHING, Now, PHASES, UNKNOWN, draw, measure, progress, style};
    use indicatif::{ProgressBar, ProgressDrawTarget};

    const NOW: Now =
        Now { phase: "working", entries: 3, entries_total: 0, bytes: 50, bytes_total: 200 };

    #[test]
    fn the_templates_can_be_drawn() {
        for template in [NOTHING, UNKNOWN, BYTES, ENTRIES] {
            style(template);
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        draw(&bar, &NOW);
        assert_eq!((bar.position(), bar.length()), (50, Some(200)));
        assert_eq!(bar.message(), "working  3 entries");
        draw(&bar, &Now { bytes_total: 0, entries_total: 9, ..NOW });
        assert_eq!((bar.position(), bar.length()), (3, Some(9)));
        assert_eq!(bar.message(), "working  3 entries, 50 B");
        draw(&bar, &Now { bytes_total: 0, ..NOW });
        assert_eq!((bar.position(), bar.length()), (50, None));
    }

    #[test]
    fn bytes_are_shown_where_they_are_known_and_entries_else() {
        assert_eq!(measure(&NOW), (BYTES, 50, Some(200)));
        let entries = Now { bytes_total: 0, entries_total: 9, ..NOW };
        assert_eq!(measure(&entries), (ENTRIES, 3, Some(9)));
        assert_eq!(measure(&Now { entries_total: 0, ..entries }), (UNKNOWN, 50, None));
        assert_eq!(
            measure(&Now { entries: 0, bytes: 0, bytes_total: 0, ..NOW }),
            (NOTHING, 0, None)
        );
    }

    #[test]
    fn a_line_for_a_program() {
        let expected = r#"{"bytes":50,"bytes_total":200,"entries":3,"entries_total":0,"phase":"working","type":"progress"}"#;
        assert_eq!(progress(&NOW).to_string(), expected);
        assert_eq!(PHASES.len(), 4);
    }
}
