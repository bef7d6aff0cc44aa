//! The question that a restore asks where something newer is in the target.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use jiff::Zoned;
use keepmum::ops::{Answer, Newer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::text;
use crate::interrupt::Interrupt;
use crate::moment;

/// So long a look for an answer lasts, until it is seen whether the person wants to stop.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// What was answered for all that is newer.
#[derive(Default)]
pub(super) struct Asked(Mutex<Option<Answer>>);

impl Asked {
    /// Asks, unless that was answered for all. Nothing if there is nobody to be asked any more.
    pub(super) fn ask(&self, newer: &Newer, interrupt: &Interrupt) -> Option<Answer> {
        let mut for_all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = *for_all {
            return Some(answer);
        }
        loop {
            let typed = line(&question(newer), interrupt)?;
            if let Some((answer, all)) = parse(&typed, newer.can_have_both) {
                *for_all = all.then_some(answer);
                return Some(answer);
            }
        }
    }
}

/// Whether a person can be asked.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn question(newer: &Newer) -> String {
    let now = Zoned::now();
    let when = |time: keepmum::Time| moment::here(time.seconds, &now);
    let both = if newer.can_have_both { ", (b)oth" } else { "" };
    format!(
        "/{} is newer in the target: {}, in the snapshot {}. (o)verwrite, (k)eep{both}; a capital \
         letter for all: ",
        text::bytes(newer.path.as_bytes()),
        when(newer.there),
        when(newer.snapshot),
    )
}

/// What was typed, and whether it is meant for all.
fn parse(typed: &str, can_have_both: bool) -> Option<(Answer, bool)> {
    let typed = typed.trim();
    let answer = match typed.to_ascii_lowercase().as_str() {
        "o" | "overwrite" => Answer::Overwrite,
        "k" | "keep" => Answer::Keep,
        "b" | "both" if can_have_both => Answer::Both,
        _ => return None,
    };
    Some((answer, typed.starts_with(|first: char| first.is_ascii_uppercase())))
}

/// A line that the person types; nothing if they want to stop, or have gone.
fn line(question: &str, interrupt: &Interrupt) -> Option<String> {
    let mut error = anstream::stderr();
    write!(error, "{}", text::line(question)).and_then(|()| error.flush()).ok()?;
    let input = io::stdin();
    loop {
        if interrupt.raised() {
            return None;
        }
        let mut looked = [PollFd::new(&input, PollFlags::IN)];
        if poll(&mut looked, Some(&LOOK)).is_ok_and(|ready| ready > 0) {
            break;
        }
    }
    let mut line = String::new();
    match input.lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use keepmum::ops::Answer;

    #[test]
    fn a_capital_letter_is_for_all() {
        assert_eq!(parse("o\n", true), Some((Answer::Overwrite, false)));
        assert_eq!(parse(" K ", true), Some((Answer::Keep, true)));
        assert_eq!(parse("both", true), Some((Answer::Both, false)));
        for (typed, both) in [("b", false), ("", true), ("y", true), ("ok", true)] {
            assert_eq!(parse(typed, both), None, "{typed}");
        }
    }
}
