//! Questions that are answered with yes or no.

use std::io::{self, IsTerminal, Write};

use super::Terminal;
use crate::failure::{Failure, Kind};
use crate::interrupt;

impl Terminal {
    /// Whether a person can be asked something.
    pub(crate) fn can_ask(&self) -> bool {
        !self.json && self.person_watches && io::stdin().is_terminal()
    }
}

/// Asks; an empty answer is the default.
///
/// # Errors
/// The end of the input: whoever leaves has not agreed.
pub(crate) fn yes(question: &str, default: bool) -> Result<bool, Failure> {
    let choice = if default { "[Y/n]" } else { "[y/N]" };
    let mut out = anstream::stderr();
    loop {
        write!(out, "{question} {choice} ").and_then(|()| out.flush()).ok();
        let mut line = String::new();
        let read = interrupt::asking(|| io::stdin().read_line(&mut line));
        let length =
            read.map_err(|error| Failure::new(Kind::Local, format!("cannot ask ({error})")))?;
        if length == 0 {
            writeln!(out).ok();
            return Err(Failure::usage("no answer was given, so nothing was changed"));
        }
        match answer(&line, default) {
            Some(answer) => return Ok(answer),
            None => writeln!(out, "Type y or n.").ok(),
        };
    }
}

/// What an answer means.
pub(crate) fn answer(line: &str, default: bool) -> Option<bool> {
    match line.trim().to_ascii_lowercase().as_str() {
        "" => Some(default),
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}
