//! How this program speaks: results to standard output, everything else to standard error.
//!
//! A reader that has gone away (`keepmum ls | head`) is no failure; from then on nothing is
//! written, and the exit code is what it would have been.

pub(crate) mod announcing;
mod changes;
pub(crate) mod damage;
pub(crate) mod error;
pub(crate) mod json;
pub(crate) mod look;
mod newer;
pub(crate) mod paths;
pub(crate) mod problems;
pub(crate) mod progress;
pub(crate) mod question;
pub(crate) mod recovery;
mod sheet;
pub(crate) mod table;
pub(crate) mod text;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};

use keepmum::{Passphrase, read_code};

use crate::args::Shared;
use crate::exit::ExitCode;
use crate::failure::{Failure, Kind, Places};
use crate::interrupt::Interrupt;
use look::{Look, Tone};

/// The two streams, and how much of what is to go there.
#[derive(Clone)]
pub(crate) struct Terminal {
    /// Print JSON.
    pub(crate) json: bool,
    /// No progress, no notices.
    pub(crate) quiet: bool,
    /// List each entry.
    pub(crate) verbose: bool,
    /// A person reads standard output.
    pub(crate) person_reads: bool,
    /// A person watches standard error.
    pub(crate) person_watches: bool,
    /// What the command does, for its line of progress.
    pub(crate) verb: progress::Verb,
    /// How results look.
    pub(crate) out: Look,
    /// How everything else looks.
    pub(crate) err: Look,
    /// Whether the person wants this to stop.
    pub(crate) interrupt: Interrupt,
    /// Results go to standard error, since standard output is for content.
    results_aside: bool,
    reader_gone: Arc<AtomicBool>,
    places: Arc<OnceLock<Places>>,
    /// The file that a recovery code goes to instead of the terminal.
    code_file: Arc<OnceLock<CodeFile>>,
}

/// The file that a recovery code goes to.
#[derive(Debug)]
pub(crate) struct CodeFile {
    /// Its path.
    pub(crate) path: PathBuf,
    /// Where the backup is, if the file is to be a sheet to print.
    pub(crate) sheet_of: Option<PathBuf>,
}

impl Terminal {
    /// The streams of this process.
    pub(crate) fn new(shared: &Shared, writes_content: bool) -> Self {
        let err = Look::of_errors();
        Self {
            results_aside: writes_content,
            out: if writes_content { err } else { Look::of_output() },
            err,
            verb: progress::Verb::default(),
            json: shared.json,
            quiet: shared.quiet,
            verbose: shared.verbose,
            person_reads: io::stdout().is_terminal(),
            person_watches: io::stderr().is_terminal(),
            interrupt: Interrupt::default(),
            reader_gone: Arc::default(),
            places: Arc::default(),
            code_file: Arc::default(),
        }
    }

    /// The same for a command that does this.
    pub(crate) fn doing(self, verb: progress::Verb) -> Self {
        Self { verb, ..self }
    }

    /// Remembers the file that a recovery code goes to.
    pub(crate) fn code_goes_to(&self, file: CodeFile) {
        // It is given once.
        self.code_file.set(file).ok();
    }

    /// Remembers what the command is at work on.
    pub(crate) fn at_work_on(&self, places: Places) {
        // It is the same all the time.
        self.places.set(places).ok();
    }

    /// Remembers whether the password is a recovery code, for what is said where it opens nothing.
    pub(crate) fn note_password(&self, password: &Passphrase) {
        if let Some(places) = self.places.get() {
            let mut reading = places.reading.lock().unwrap_or_else(PoisonError::into_inner);
            *reading = Some(read_code(password.expose()));
        }
    }

    /// What the command is at work on, once that is settled.
    pub(crate) fn places(&self) -> Option<&Places> {
        self.places.get()
    }

    /// Writes a result as it is.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        if self.results_aside {
            // Where that is closed, there is nobody left to tell.
            io::stderr().lock().write_all(bytes).ok();
            return Ok(());
        }
        self.content(bytes)
    }

    /// Writes to standard output what is no result but what was asked for itself.
    pub(crate) fn content(&self, bytes: &[u8]) -> Result<(), Failure> {
        if self.reader_is_gone() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let written = self.interrupt.writing(|| out.write_all(bytes).and_then(|()| out.flush()));
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.reader_gone.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                Err(Failure::new(Kind::Output, format!("cannot write the output ({error})")))
            }
        }
    }

    /// Whether a command that ended like this prints nothing: it is to be quiet, and all is done.
    pub(crate) fn has_nothing_to_say(&self, code: ExitCode) -> bool {
        self.quiet && code == ExitCode::Done
    }

    /// Writes a line of a result.
    pub(crate) fn line(&self, line: &str) -> Result<(), Failure> {
        self.write(format!("{line}\n").as_bytes())
    }

    /// Whether nobody reads any more.
    pub(crate) fn reader_is_gone(&self) -> bool {
        self.reader_gone.load(Ordering::Relaxed)
    }

    /// Writes text of a result, wrapped at words to the width of where it goes.
    pub(crate) fn say(&self, text: &str) -> Result<(), Failure> {
        self.write(self.out.wrap(text).as_bytes())
    }

    /// Something that a person should know though nothing failed.
    pub(crate) fn notice(&self, sentence: &str) {
        if !self.quiet {
            self.aside(&text::line(sentence));
        }
    }

    /// Something that a person should change.
    pub(crate) fn warn(&self, sentence: &str) {
        self.marked("warning:", Tone::Warning, sentence);
    }

    /// A word in colour, then a sentence. Colours are left out where they do not belong.
    fn marked(&self, word: &str, tone: Tone, sentence: &str) {
        self.aside(&format!("{} {}", self.err.toned(tone, word), text::line(sentence)));
    }

    /// A question at the end of standard error, whose line is left open.
    pub(crate) fn ask(&self, question: &str) {
        let mut out = anstream::stderr().lock();
        write!(out, "{question}").and_then(|()| out.flush()).ok();
    }

    /// Text on standard error that is wrapped already.
    pub(crate) fn raw_aside(&self, text: &str) {
        write!(anstream::stderr().lock(), "{text}").ok();
    }

    /// A paragraph on standard error, wrapped at words. Where that is closed, there is nobody left
    /// to tell.
    pub(crate) fn aside(&self, paragraph: &str) {
        if self.results_aside && self.json {
            // A program reads there.
            return;
        }
        write!(anstream::stderr().lock(), "{}", self.err.wrap(paragraph)).ok();
    }
}
