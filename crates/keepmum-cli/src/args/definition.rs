//! The whole command line as clap knows it, with examples and exit codes beneath the options.

use std::ffi::OsString;

use clap::{Command, CommandFactory, FromArgMatches};

use super::notes::note;
use super::{Cli, examples};
use crate::exit::CODES;
use crate::manual::wrapped;
use crate::terminal::look::Look;

/// No help is wider.
const WIDEST: usize = 100;

/// How wide help is here.
pub(crate) fn width() -> usize {
    Look::of_output().width().map_or(WIDEST, |width| width.min(WIDEST))
}

/// Where the meanings of words stand.
const NOTE_INDENT: usize = 12;

/// The command line with every command, ready to read words.
pub(crate) fn program() -> Command {
    program_within(WIDEST)
}

/// The same, with help for a terminal of this width.
pub(crate) fn program_within(width: usize) -> Command {
    let mut program = with_foot(Cli::command().term_width(width), "", width);
    for name in names(&program) {
        program = program.mut_subcommand(name, |command| with_feet(command, width));
    }
    program.build();
    program
}

/// The command of these words below the program: `["key", "add"]`.
pub(crate) fn subcommand<'a>(program: &'a Command, words: &[String]) -> Option<&'a Command> {
    let first = |command: &'a Command, word: &String| command.find_subcommand(word);
    words.iter().try_fold(program, first)
}

/// Reads the words of a command line; help has this width.
pub(crate) fn read(
    words: impl IntoIterator<Item = OsString>,
    width: usize,
) -> Result<Cli, clap::Error> {
    let mut program = program_within(width);
    let matches = program.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut program))
}

/// The names of all commands, the program's an empty one: `key`, `key add`.
pub(crate) fn commands() -> Vec<String> {
    let program = program();
    let mut all = vec![String::new()];
    for command in program.get_subcommands() {
        all.push(command.get_name().to_owned());
        let below = command.get_subcommands();
        all.extend(below.map(|verb| format!("{} {}", command.get_name(), verb.get_name())));
    }
    all
}

fn names(command: &Command) -> Vec<String> {
    command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect()
}

fn with_feet(command: Command, width: usize) -> Command {
    let name = command.get_name().to_owned();
    let mut command = with_foot(command, &name, width);
    for verb in names(&command) {
        let full = format!("{name} {verb}");
        command = command.mut_subcommand(verb, |verb| with_foot(verb, &full, width));
    }
    command
}

/// Adds the text beneath the options.
fn with_foot(command: Command, name: &str, width: usize) -> Command {
    let mut foot = String::new();
    if let Some(note) = note(name) {
        foot.push_str(&format!("{}:", note.heading));
        for (word, meaning) in note.rows {
            let meaning = wrapped(meaning, NOTE_INDENT, width);
            foot.push_str(&format!("\n  {word:<9} {meaning}"));
        }
        foot.push_str("\n\n");
    }
    foot.push_str("Examples:");
    for example in examples(name) {
        foot.push_str(&format!("\n  {}:", wrapped(example.purpose, 2, width - 1)));
        foot.push_str(&format!("\n    {}", continued(example.line, 4, width)));
    }
    foot.push_str("\n\nExit codes:");
    for (code, meaning) in CODES.iter().filter(|(code, _)| codes(name).contains(code)) {
        foot.push_str(&format!("\n  {code:<5}{}", wrapped(meaning, 7, width)));
    }
    if name.is_empty() {
        foot.push_str("\n\n");
        foot.push_str(&wrapped(FURTHER, 0, width));
    }
    command.after_help(foot)
}

/// Where more is told.
const FURTHER: &str = "`keepmum help COMMAND` tells more about a command, `keepmum help config` \
    lists the keys of the config, `keepmum help words` explains the words, and `keepmum man` opens \
    the manual.";

/// A line to type that is continued on further lines, as shells read it, where it is too long.
fn continued(line: &str, indent: usize, width: usize) -> String {
    let narrower = width.saturating_sub(2);
    match indent + line.chars().count() > width {
        true => wrapped(line, indent, narrower).replace('\n', " \\\n  "),
        false => line.to_owned(),
    }
}

/// The exit codes that a command can end with.
pub(crate) fn codes(command: &str) -> &'static [u8] {
    match command.split(' ').next().unwrap_or_default() {
        "" | "dump" => &[0, 1, 2, 3, 4, 5, 6, 130, 141],
        "log" | "config" | "help" | "man" | "completions" | "version" => &[0, 1, 130],
        _ => &[0, 1, 2, 3, 4, 5, 6, 130],
    }
}

#[cfg(test)]
mod tests {
    use super::{commands, program, read, subcommand};

    fn typed(line: &str) -> Result<super::Cli, clap::Error> {
        read(line.split_whitespace().map(Into::into), 100)
    }

    #[test]
    fn the_definition_is_sound() {
        program().debug_assert();
        assert!(commands().contains(&"key add".to_owned()));
        let words = ["key", "add"].map(str::to_owned);
        assert_eq!(subcommand(&program(), &words).unwrap().get_name(), "add");
        assert!(subcommand(&program(), &["nonsense".to_owned()]).is_none());
    }

    #[test]
    fn every_command_and_option_says_what_it_is_for() {
        let program = program();
        for name in commands() {
            let words: Vec<_> = name.split_whitespace().map(str::to_owned).collect();
            let command = subcommand(&program, &words).unwrap();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(
                about.starts_with(char::is_uppercase) && !about.ends_with('.'),
                "{name}: {about}"
            );
            for option in command.get_arguments() {
                let help = option.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(
                    !help.is_empty() && !help.ends_with('.'),
                    "{name} {}: {help}",
                    option.get_id()
                );
            }
        }
    }

    #[test]
    fn options_of_every_command_may_stand_after_it() {
        let cli = typed("keepmum ls -R --from /d --json -q").unwrap();
        assert!(cli.shared.json && cli.shared.quiet && cli.shared.from.is_some());
        assert!(typed("keepmum ls --from /d -c x").is_err());
        assert!(typed("keepmum ls -q -v").is_err());
    }
}
