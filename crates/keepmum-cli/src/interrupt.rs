//! Ctrl-C, and the signals that ask a program to end.
//!
//! Where nothing is begun yet (a question stands there, a key is being made, the destination is
//! looked at) the first one ends the process at once, with the terminal as it was found. Once a
//! verb works, the first asks it to stop in an orderly way and the second ends the process; so does
//! the first where the verb waits for somebody to read its output and nobody does.
//! A signal that whoever started this had ignored (`nohup`) stays ignored.

use std::fs::{self, File};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::ExitCode;
use crate::failure::{Failure, Kind};
use crate::terminal::{Terminal, error};

/// So long the last words may take: whoever should read them may have stopped reading.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// Output that nobody has taken for so long keeps no one who wants to stop.
const UNREAD: Duration = Duration::from_millis(300);

/// The terminal as it was before a question; nothing while none is asked.
static ASKED: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// Whether the person wants the run to stop.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<State>);

#[derive(Default)]
struct State {
    raised: Arc<AtomicBool>,
    /// Something is begun that wants to be ended in an orderly way.
    begun: AtomicBool,
    /// Grows when standard output is begun to be written to, and when that is done: odd meanwhile.
    output: AtomicU64,
    bar: Mutex<Option<ProgressBar>>,
}

impl Interrupt {
    /// Listens from now on. Once per process.
    pub(crate) fn listen(&self, terminal: &Terminal) -> Result<(), Failure> {
        let ignored = ignored();
        let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|one| !ignored.contains(one));
        let mut signals = Signals::new(wanted).map_err(|error| {
            Failure::new(Kind::Local, format!("cannot listen to signals ({error})"))
        })?;
        let (interrupt, terminal) = (self.clone(), terminal.clone());
        thread::spawn(move || {
            for _ in signals.forever() {
                let first = !interrupt.raised();
                match interrupt.0.begun.load(Ordering::SeqCst) {
                    true if first => {
                        interrupt.stopping(&terminal);
                        interrupt.end_unread(&terminal);
                    }
                    _ => interrupt.end(first.then(|| (&terminal, Failure::stopped()))),
                }
                // After the word about it, which would else come behind the last one, or never.
                interrupt.0.raised.store(true, Ordering::SeqCst);
            }
        });
        Ok(())
    }

    /// Whether it was asked for.
    pub(crate) fn raised(&self) -> bool {
        self.0.raised.load(Ordering::Relaxed)
    }

    /// The same for others to look at.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.raised)
    }

    /// Says whether something is begun.
    pub(crate) fn begun(&self, begun: bool) {
        self.0.begun.store(begun, Ordering::SeqCst);
    }

    /// Writes to standard output, which may take until somebody reads it.
    pub(crate) fn writing<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.output.fetch_add(1, Ordering::SeqCst);
        let written = write();
        self.0.output.fetch_add(1, Ordering::SeqCst);
        written
    }

    /// The bar that is drawn from now on, which must not be written into.
    pub(crate) fn drawing(&self, bar: Option<ProgressBar>) {
        *held(&self.0.bar) = bar;
    }

    /// Says that the first signal was heard.
    fn stopping(&self, terminal: &Terminal) {
        let (interrupt, terminal) = (self.clone(), terminal.clone());
        last_words(move || {
            let say = || {
                terminal.aside("Stopping after the current file … (Ctrl-C again to stop now)");
            };
            match &*held(&interrupt.0.bar) {
                Some(bar) => bar.suspend(say),
                None => say(),
            }
        });
    }

    /// Ends the process as soon as the work is held up by output that nobody reads.
    fn end_unread(&self, terminal: &Terminal) {
        let (interrupt, terminal) = (self.clone(), terminal.clone());
        thread::spawn(move || {
            loop {
                let before = interrupt.0.output.load(Ordering::SeqCst);
                thread::sleep(UNREAD);
                if before % 2 == 1 && interrupt.0.output.load(Ordering::SeqCst) == before {
                    interrupt.end(Some((&terminal, Failure::unread())));
                }
            }
        });
    }

    /// Ends the process, with a last word to those who are given.
    fn end(&self, word: Option<(&Terminal, Failure)>) {
        if let Some((tty, before)) = held(&ASKED).take()
            && tcsetattr(&tty, OptionalActions::Now, &before).is_ok()
        {
            // The line with the question is not ended otherwise.
            rustix::io::write(&tty, b"\n").ok();
        }
        if let Some((terminal, failure)) = word {
            let terminal = terminal.clone();
            let bar = held(&self.0.bar).take();
            last_words(move || {
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
                error::show(&terminal, &failure);
            });
        }
        process::exit(i32::from(ExitCode::Interrupted as u8));
    }
}

/// Says something on a thread of its own, and goes on without it when nobody reads: the next signal
/// must be heard.
fn last_words(say: impl FnOnce() + Send + 'static) {
    let (done, wait) = channel();
    thread::spawn(move || {
        say();
        done.send(()).ok();
    });
    wait.recv_timeout(LAST_WORDS).ok();
}

/// Asks something; whatever ends the process meanwhile, the terminal shows again what is typed,
/// and the line with the question is ended.
pub(crate) fn asking<T>(ask: impl FnOnce() -> T) -> T {
    let before = File::options().read(true).write(true).open("/dev/tty").ok().and_then(|tty| {
        let before = tcgetattr(&tty).ok()?;
        Some((tty, before))
    });
    *held(&ASKED) = before;
    let answer = ask();
    *held(&ASKED) = None;
    answer
}

/// The signals that were ignored when this program was started, as `nohup` does it.
fn ignored() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect()
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
