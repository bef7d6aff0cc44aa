//! A password that is set: typed twice, and named as weak where it is.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use keepmum::Passphrase;

use super::password::{TRIES, ask, from_file, from_input};
use super::strength::weakness;
use crate::failure::Failure;
use crate::terminal::question::yes;

/// What is asked where there is no password yet.
pub(crate) const FIRST: &str = "Choose a password: ";

/// Asks for a new password until it was typed the same twice, and once more about a weak one.
pub(crate) fn ask_new(question: &str) -> Result<Passphrase, Failure> {
    for _ in 0..TRIES {
        let first = ask(question).map_err(unanswered)?;
        if ask("Repeat password: ").map_err(unanswered)?.expose() != first.expose() {
            say("The passwords differ. Try again.");
            continue;
        }
        if accepted(&first)? {
            return Ok(first);
        }
    }
    Err(Failure::usage("no password was chosen"))
}

/// The hint about where else a password may stand is of no use for one that is new.
fn unanswered(failure: Failure) -> Failure {
    match failure.word() {
        "no_password" => Failure::usage("no password was chosen"),
        _ => failure,
    }
}

/// Whether a person means a password, who is told what a weak one costs.
fn accepted(password: &Passphrase) -> Result<bool, Failure> {
    let Some(time) = weakness(password) else { return Ok(true) };
    say(&warning(&time));
    yes("Use it all the same?", false)
}

/// What is said of a weak password.
fn warning(time: &str) -> String {
    format!(
        "This password is weak. Somebody who has the files of the backup could guess it in {time}."
    )
}

/// A new password: from a file, or asked twice, or from standard input where that is no terminal.
/// Where nobody can be asked about a weak one, it is named.
pub(crate) fn new_password(file: Option<&Path>) -> Result<Passphrase, Failure> {
    let password = match file {
        Some(file) => from_file(file)?,
        None if io::stdin().is_terminal() => return ask_new("New password: "),
        None => from_input("the new password from standard input")?,
    };
    if let Some(time) = weakness(&password) {
        say(&format!("warning: {}", warning(&time)));
    }
    Ok(password)
}

fn say(sentence: &str) {
    writeln!(anstream::stderr(), "{sentence}").ok();
}
