//! `dump`: a file to standard output or a new file, a folder as a tar archive.
//!
//! Standard output is the content, so what `--json` prints goes to standard error. What a terminal
//! would take for commands is never written to one. A file has no name until all of it is there.

mod new_file;

use std::io::{self, Write};

use keepmum::ops::{self, DumpOptions};
use new_file::NewFile;

use super::Session;
use super::choice::Choice;
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
    let choice = Choice::new(&args.which, settings.source.is_some(), &session.environment.now)?;
    let options = DumpOptions { snapshot: choice.snapshot, path: choice.path };
    let destination = settings.destination.clone();
    let access = settings.for_reading().open(session.environment, terminal, Asking::Once)?;
    let mut output = Output { terminal, file: None, is_refused: false, failed: None };
    if let Some(path) = &args.output {
        output.file = Some(NewFile::begin(path)?);
        private::say_if_clear(terminal, path, &destination);
    }
    let done = watched(terminal, Shape::Document, |watch| {
        ops::dump(&access, &options, &mut output, watch)
    });
    if output.is_refused {
        return Err(Failure::usage(
            "this is an archive or holds control characters, and is not written to a terminal; \
             write it to a file: keepmum dump -o FILE …",
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
    /// An archive or control characters were about to be written to a terminal.
    is_refused: bool,
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
        if self.terminal.person_reads && !is_text(bytes) {
            self.is_refused = true;
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

/// Whether a terminal would show this as it is. A cut in the middle of a letter does not matter.
fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| (*byte < b' ' && !b"\t\n\r\x0c".contains(byte)) || *byte == 0x7f;
    // U+0080 to U+009F, some of which begin commands as ESC does.
    let is_high = |two: &[u8]| matches!(two, [0xc2, 0x80..=0x9f]);
    !bytes.iter().any(is_control) && !bytes.windows(2).any(is_high)
}

#[cfg(test)]
mod tests {
    use super::is_text;

    #[test]
    fn only_text_goes_to_a_terminal() {
        for text in ["", "Dear Anna,\r\n\tä ß 語\x0c"] {
            assert!(is_text(text.as_bytes()), "{text:?}");
        }
        let commands: [&[u8]; 5] = [b"a\0", b"\x1b[2J", b"\x07", "\u{9b}".as_bytes(), b"\x7f"];
        for command in commands {
            assert!(!is_text(command), "{command:?}");
        }
        let mut archive = b"letter.txt".to_vec();
        archive.resize(512, 0);
        assert!(!is_text(&archive));
    }
}
