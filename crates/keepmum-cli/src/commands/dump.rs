//! `dump`: a file to standard output or a new file, a folder as a tar archive.
//!
//! Standard output is the content, so what `--json` prints goes to standard error. It is never a
//! terminal, which would take content for commands. A file has no name until all of it is there.

use std::io::{self, Write};
use std::path::Path;

use crate::new_file::NewFile;
use keepmum::ops::{self, DumpOptions};

use super::Session;
use super::choice::Choice;
use super::missing::Missed;
use crate::args::DumpArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::{Asking, private};
use crate::terminal::progress::{Shape, watched};
use crate::terminal::{Terminal, json, problems};

/// Writes a path of a snapshot.
pub(crate) fn run(args: &DumpArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    let settings = session.settings()?;
    let own = settings.source.is_some();
    let choice = Choice::new(args.what.as_slice(), &args.which, own, session.environment)?;
    let options = DumpOptions { snapshot: choice.snapshot, paths: choice.paths };
    let file = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if file.is_none() && terminal.person_reads {
        let failure = Failure::usage("dump does not write to a terminal. Use `> FILE` or -o FILE");
        return Err(failure.next("to read a text, add `| less`"));
    }
    let destination = settings.destination.clone();
    let access = settings.for_reading().open(session.environment, terminal, Asking::Once)?;
    let mut output = Output { terminal, file: None, failed: None };
    if let Some(path) = file {
        output.file = Some(NewFile::begin(path)?);
        private::say_if_clear(terminal, path, &destination);
    }
    let mut missed = Missed::default();
    let done = watched(terminal, Shape::Document, |watch| {
        missed.note(ops::dump(&access, &options, &mut output, watch))
    });
    let done = missed.explain(done, "dump", session);
    if let Some(failure) = output.failed {
        return Err(failure);
    }
    if terminal.reader_is_gone() {
        // What was read is not all, and a script must be able to see that, as with `cat`.
        return Ok(ExitCode::Unread);
    }
    let report = done?;
    if let Some(file) = output.file {
        file.finish()?;
    }
    if terminal.json {
        json::document(terminal, &report)?;
    } else {
        problems::show(terminal, &report.problems);
    }
    Ok(report.outcome().into())
}

/// Standard output, as far as somebody reads it, or a file.
struct Output<'a> {
    terminal: &'a Terminal,
    file: Option<NewFile>,
    /// Why it could not be written.
    failed: Option<Failure>,
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            return file.write(bytes).map_err(|failure| {
                let error = io::Error::other(failure.to_string());
                self.failed = Some(failure);
                error
            });
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
