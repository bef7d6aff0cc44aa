//! A conversation, line by line. It asks until an answer makes sense, and its end ends `init`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use keepmum::Passphrase;

use crate::config::writable;
use crate::failure::{Failure, Kind};
use crate::interrupt;
use crate::terminal::look::Look;
use crate::terminal::question::answer;
use crate::terminal::text;

/// Where questions go and answers come from.
pub(super) struct Talk<'a> {
    /// Reads a line. The input is free between two lines, for the other questions read it too.
    pub(super) line: &'a mut dyn FnMut(&mut String) -> io::Result<usize>,
    pub(super) output: &'a mut dyn Write,
    /// Asks for a password, which is not shown.
    pub(super) secret: &'a mut dyn FnMut(&str) -> Result<Passphrase, Failure>,
    /// Asks for a new password until it was typed the same twice.
    pub(super) new_secret: &'a mut dyn FnMut() -> Result<Passphrase, Failure>,
    pub(super) home: Option<&'a Path>,
    pub(super) look: Look,
}

impl Talk<'_> {
    /// One line, without blanks around it.
    pub(super) fn ask(&mut self, question: &str) -> Result<String, Failure> {
        let question = self.look.wrap(&text::line(question));
        write!(self.output, "{} ", question.trim_end()).map_err(cannot)?;
        self.output.flush().map_err(cannot)?;
        let mut line = String::new();
        match interrupt::asking(|| (self.line)(&mut line)).map_err(cannot)? {
            0 => {
                writeln!(self.output).map_err(cannot)?;
                Err(Failure::usage("no answer was given, so nothing was written"))
            }
            _ => Ok(line.trim().to_owned()),
        }
    }

    /// One line, or what stands in the brackets where that is empty.
    pub(super) fn ask_or(&mut self, question: &str, default: &str) -> Result<String, Failure> {
        let typed = self.ask(&format!("{question} [{default}]:"))?;
        Ok(if typed.is_empty() { default.to_owned() } else { typed })
    }

    pub(super) fn yes(&mut self, question: &str, default: bool) -> Result<bool, Failure> {
        let choice = if default { "[Y/n]" } else { "[y/N]" };
        loop {
            let typed = self.ask(&format!("{question} {choice}"))?;
            match answer(&typed, default) {
                Some(answer) => return Ok(answer),
                None => self.say("Type y or n.")?,
            }
        }
    }

    /// A paragraph.
    pub(super) fn say(&mut self, sentence: &str) -> Result<(), Failure> {
        let wrapped = self.look.wrap(&text::line(sentence));
        let wrapped = if wrapped.is_empty() { "\n" } else { &wrapped };
        write!(self.output, "{wrapped}").map_err(cannot)
    }

    /// A line of the summary, with its name in a column.
    pub(super) fn row(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        let row = self.look.hanging(&text::line(&format!("  {name:<14} {value}")), 15);
        write!(self.output, "{row}").map_err(cannot)
    }

    /// The absolute path that was typed, if a config file can hold it.
    pub(super) fn path(&self, typed: &str) -> Result<PathBuf, String> {
        let path = match (typed.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            (None, Some(home)) if typed == "~" => home.to_owned(),
            _ => PathBuf::from(typed),
        };
        let found = path.canonicalize().or_else(|_| std::path::absolute(&path));
        let path = found.map_err(|_| format!("\"{typed}\" is not a path."))?;
        match writable(path.as_os_str().as_encoded_bytes()) {
            Ok(()) => Ok(path),
            Err(why) => Err(format!("{}.", why.0)),
        }
    }

    /// A path as people write it: with `~` for the home.
    pub(super) fn shown(&self, path: &Path) -> String {
        let within = self.home.and_then(|home| path.strip_prefix(home).ok());
        match within {
            Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
            Some(rest) => format!("~/{}", rest.display()),
            None => path.display().to_string(),
        }
    }
}

fn cannot(error: io::Error) -> Failure {
    Failure::new(Kind::Local, format!("cannot ask ({error})"))
}
