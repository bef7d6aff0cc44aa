//! `dump`: a file to standard output, a folder as a tar archive.
//!
//! Standard output is the content, so what `--json` prints goes to standard error.

use std::io::{self, Write};

use keepmum::ops::{self, DumpOptions};

use super::Session;
use super::choice::Choice;
use crate::args::DumpArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::Asking;
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{Terminal, json, problems};

/// Writes a path of a snapshot.
pub(crate) fn run(args: &DumpArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    let choice = Choice::new(&args.which, settings.source.is_some(), &session.environment.now)?;
    let options = DumpOptions { snapshot: choice.snapshot, path: choice.path };
    let access = settings.for_reading().open(session.environment, terminal, Asking::Once)?;
    let mut output = Output { terminal, is_archive: false, failed: None };
    let done = watched(terminal, Shape::Document, |watch| {
        ops::dump(&access, &options, &mut output, watch)
    });
    if output.is_archive {
        return Err(Failure::usage(
            "an archive is nothing for a terminal; write it to a file: keepmum dump … > a.tar",
        ));
    }
    if let Some(failure) = output.failed {
        return Err(failure);
    }
    if terminal.reader_is_gone() {
        // What was read is not all, and a script must be able to see that, as with `cat`.
        return Ok(ExitCode::Unread);
    }
    let report = done?;
    if terminal.json {
        json::document(terminal, &report)?;
    } else {
        problems::show(terminal, &report.problems);
    }
    Ok(report.outcome().into())
}

/// Standard output, as far as somebody reads it.
struct Output<'a> {
    terminal: &'a Terminal,
    /// An archive was about to be written to a terminal.
    is_archive: bool,
    /// Why it could not be written.
    failed: Option<Failure>,
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.terminal.person_reads && bytes.get(257..262) == Some(b"ustar") {
            self.is_archive = true;
            return Err(io::ErrorKind::InvalidData.into());
        }
        if let Err(failure) = self.terminal.content(bytes) {
            let error = io::Error::other(failure.to_string());
            self.failed = Some(failure);
            return Err(error);
        }
        match self.terminal.reader_is_gone() {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
