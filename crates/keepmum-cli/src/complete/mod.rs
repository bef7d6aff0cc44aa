//! Candidates that a shell offers for the word that is being typed.
//!
//! The scripts that `completions` prints ask for it with a command that stands in no help. It looks
//! at the command line, at the config and at the catalogue. It never asks for a password, never
//! opens the destination and never waits; it offers only candidates that are at hand.

mod known;
mod paths;
mod quoting;
pub(crate) mod scripts;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use clap::{Arg, Command, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};

use crate::args;
use crate::exit::ExitCode;
use known::Known;

/// The command that the scripts use: shell, then the words up to the cursor.
pub(crate) const ASKING: &str = "__complete";

/// Answers a script, if a script asks.
pub(crate) fn answered(typed: &[OsString]) -> Option<ExitCode> {
    let (_, rest) = typed.split_first()?;
    let (asking, rest) = rest.split_first()?;
    if asking != ASKING {
        return None;
    }
    let (shell, words) = rest.split_first()?;
    let words: Vec<OsString> = match shell == "bash" {
        true => words.iter().map(|word| quoting::plain(word)).collect(),
        false => words.to_vec(),
    };
    let mut answer = Vec::new();
    for candidate in candidates(words) {
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default().replace('\t', " ");
        answer.extend_from_slice(candidate.get_value().as_bytes());
        answer.extend_from_slice(format!("\t{help}\n").as_bytes());
    }
    // A shell that has lost interest is no failure.
    io::stdout().lock().write_all(&answer).ok();
    Some(ExitCode::Done)
}

/// Candidates for the last of these words.
fn candidates(words: Vec<OsString>) -> Vec<CompletionCandidate> {
    let Some(last) = words.len().checked_sub(1) else { return Vec::new() };
    let is_empty = words.get(last).is_some_and(|word| word.is_empty());
    let mut program = completing(&Arc::new(Known::of(&words)));
    let here = env::current_dir().ok();
    let mut found = complete(&mut program, words, last, here.as_deref()).unwrap_or_default();
    let is_option = |one: &CompletionCandidate| one.get_value().as_bytes().starts_with(b"-");
    // Options are offered once somebody has typed a dash, or where there is nothing else.
    if is_empty && found.iter().any(|one| !is_option(one)) {
        found.retain(|one| !is_option(one));
    }
    // A line break would be taken for the end of a candidate.
    found.retain(|one| !one.get_value().as_bytes().iter().any(|byte| byte.is_ascii_control()));
    found
}

/// The command line, whose arguments know their candidates.
fn completing(known: &Arc<Known>) -> Command {
    let mut program = args::program();
    let names: Vec<_> = program.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    program = program.mut_args(|argument| with_values(argument, "", known));
    for name in names {
        program = program.mut_subcommand(&name, |command| {
            let verbs: Vec<_> =
                command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
            let mut command = command.mut_args(|argument| with_values(argument, &name, known));
            for verb in verbs {
                let full = format!("{name} {verb}");
                command = command.mut_subcommand(verb, |verb| {
                    verb.mut_args(|argument| with_values(argument, &full, known))
                });
            }
            command
        });
    }
    program
}

fn with_values(argument: Arg, command: &str, known: &Arc<Known>) -> Arg {
    type Source = fn(&Known, &OsStr) -> Vec<CompletionCandidate>;
    let with = |argument: Arg, source: Source| {
        let known = Arc::clone(known);
        argument.add(ArgValueCompleter::new(move |word: &OsStr| source(&known, word)))
    };
    let id = argument.get_id().to_string();
    let value = argument.get_value_names().and_then(<[_]>::first).map(ToString::to_string);
    match (command, id.as_str(), value.as_deref().unwrap_or_default()) {
        ("diff", "old" | "new", _) => with(argument, Known::snapshots),
        ("forget", "snapshots", _) => with(argument, Known::to_forget),
        ("pin", "snapshots", _) | ("tag", "snapshot", _) => with(argument, Known::snapshots),
        (_, _, value) if value.contains("SNAPSHOT") => with(argument, Known::snapshots_and_paths),
        (_, "device", _) | ("device retire", ..) => with(argument, Known::devices),
        (_, "source", _) => with(argument, Known::sources),
        (_, "at", _) => with(argument, Known::times),
        ("key remove", "id", _) => with(argument, Known::keys),
        ("log", "run", _) => with(argument, Known::runs),
        ("help" | "man", ..) => with(argument, Known::topics),
        (_, "from" | "target", _) => argument.value_hint(ValueHint::DirPath),
        (_, _, "FILE") => argument.value_hint(ValueHint::FilePath),
        _ => argument,
    }
}

#[cfg(test)]
mod tests;
