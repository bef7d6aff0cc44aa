//! `help` and `version`.

use std::io;

use anstream::{AutoStream, ColorChoice};
use clap::Command;
use serde::Serialize;

use super::Session;
use crate::args::{self, HelpArgs};
use crate::config::KEYS;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::manual::{config, words};
use crate::nearest::nearest;
use crate::terminal::json;

/// Shows help for a topic.
pub(crate) fn run(args: &HelpArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let topic: Vec<&str> = args.topic.iter().map(String::as_str).collect();
    let page = match topic.as_slice() {
        ["words"] => words::page().plain(args::width()),
        ["config"] => config::page().plain(args::width()),
        ["config", key] => {
            let found = config::key(key).ok_or_else(|| unknown_key(key))?;
            found.plain(args::width())
        }
        _ => of_command(&args.topic)?,
    };
    session.terminal.write(page.as_bytes())?;
    Ok(ExitCode::Done)
}

fn unknown_key(word: &str) -> Failure {
    let failure = Failure::usage(format!("there is no key {word} in the config"));
    match nearest(word, KEYS.iter().map(|entry| entry.word)) {
        Some(near) => failure.next(format!("did you mean `keepmum help config {near}`?")),
        None => failure.next("`keepmum help config` lists every key"),
    }
}

/// The same as `--help` behind the command.
pub(crate) fn of_command(words: &[String]) -> Result<String, Failure> {
    let program = args::program_within(args::width());
    let Some(command) = args::subcommand(&program, words) else {
        let known = (0..words.len()).rev().find_map(|count| {
            let (above, rest) = words.split_at(count);
            args::subcommand(&program, above).map(|_| (above.join(" "), rest))
        });
        let (above, rest) = known.unwrap_or_default();
        return Err(args::unknown_command(&above, rest.first().map_or("", String::as_str)));
    };
    Ok(help_of(command.clone()))
}

/// The text that `--help` prints.
fn help_of(command: Command) -> String {
    let asked = command.try_get_matches_from(["keepmum", "--help"]);
    let help = asked.err().map(|help| help.render()).unwrap_or_default();
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => help.to_string(),
        _ => help.ansi().to_string(),
    }
}

/// Which program this is.
#[derive(Serialize)]
struct Version {
    version: &'static str,
}

/// Prints the version.
pub(crate) fn version(session: &Session<'_>) -> Result<ExitCode, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    match session.terminal.json {
        true => json::document(session.terminal, &Version { version })?,
        false => session.terminal.line(&format!("keepmum {version}"))?,
    }
    Ok(ExitCode::Done)
}
