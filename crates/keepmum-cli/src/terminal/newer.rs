//! The question that a restore asks where something newer is in the target.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use jiff::Zoned;
use keepmum::ops::{Answer, Newer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::look::Look;
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
        let (sentence, choice) = question(newer);
        let wrapped = Look::of_errors().wrap(&text::line(&sentence));
        write!(anstream::stderr(), "{wrapped}").ok()?;
        loop {
            let typed = line(choice, interrupt)?;
            if let Some((answer, all)) = parse(&typed, newer.can_have_both) {
                // Both cannot be had of everything; who wants both loses nothing by keeping.
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

fn question(newer: &Newer) -> (String, &'static str) {
    let now = Zoned::now();
    let when = |time: keepmum::Time| moment::short(time.seconds, &now);
    let (there, here) = (when(newer.snapshot), when(newer.there));
    // Within a minute they would look alike.
    let times = match there == here {
        true => String::new(),
        false => format!(" (here {here}, backup {there})"),
    };
    let path = super::paths::shown_in_tree(&newer.path, home().as_deref());
    let choice = match newer.can_have_both {
        true => "Overwrite? [y]es / [k]eep mine / [b]oth, or \"k all\": ",
        false => "Overwrite? [y]es / [k]eep mine, or \"k all\": ",
    };
    (format!("{path} is newer here than in the backup{times}."), choice)
}

fn home() -> Option<std::path::PathBuf> {
    std::env::var_os("HOME").map(std::path::PathBuf::from).filter(|home| home.is_absolute())
}

/// What was typed, and whether it is meant for all.
fn parse(typed: &str, can_have_both: bool) -> Option<(Answer, bool)> {
    let typed = typed.trim().to_ascii_lowercase();
    let (word, all) = match typed.strip_suffix("all") {
        Some(word) => (word.trim_end(), true),
        None => (typed.as_str(), false),
    };
    let answer = match word {
        "y" | "yes" | "o" | "overwrite" => Answer::Overwrite,
        "k" | "keep" | "keep mine" | "n" | "no" => Answer::Keep,
        "b" | "both" if can_have_both => Answer::Both,
        _ => return None,
    };
    Some((answer, all))
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
    fn an_answer_is_for_one_unless_it_says_all() {
        for (typed, answer, all) in [
            ("y\n", Answer::Overwrite, false),
            ("Y", Answer::Overwrite, false),
            (" k ", Answer::Keep, false),
            ("k all", Answer::Keep, true),
            ("YES ALL", Answer::Overwrite, true),
            ("ball", Answer::Both, true),
            ("no", Answer::Keep, false),
        ] {
            assert_eq!(parse(typed, true), Some((answer, all)), "{typed}");
        }
        for (typed, both) in [("b", false), ("", true), ("all", true), ("ok", true), ("x", true)] {
            assert_eq!(parse(typed, both), None, "{typed}");
        }
    }
}
