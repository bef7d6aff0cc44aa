//! Mistakes on the command line, in the same voice as every other failure, with the right words.
//!
//! Clap's own tips are left out: they name whatever looks alike, which misleads those who know
//! another tool.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::definition::{commands, program};
use super::foreign;
use crate::failure::Failure;
use crate::nearest::nearest;

/// The failure that this error of clap's is; `typed` are the words of the command line.
pub(crate) fn mistake(error: &clap::Error, typed: &[OsString]) -> Failure {
    let command = command_of(typed);
    let text = |kind| context(error, kind);
    let invalid = text(ContextKind::InvalidArg).unwrap_or_default();
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            // The words behind it may look like commands, too.
            let before = typed.iter().position(|one| *one == word.as_str()).unwrap_or(typed.len());
            unknown_command(&command_of(&typed[..before]), &word)
        }
        ErrorKind::MissingSubcommand => fail(&command, "a command is missing"),
        ErrorKind::UnknownArgument if invalid.starts_with('-') => {
            unknown_option(&command, &invalid)
        }
        ErrorKind::UnknownArgument => unexpected_word(&command, &invalid),
        ErrorKind::MissingRequiredArgument => {
            let missing = list(error, ContextKind::InvalidArg).join(" and ");
            fail(&command, format!("{missing} is missing"))
        }
        ErrorKind::ArgumentConflict => {
            let other = list(error, ContextKind::PriorArg).join(" and ");
            let said = match other.is_empty() || other == invalid {
                true => format!("{invalid} can be given only once"),
                false => format!("{invalid} and {other} cannot be used together"),
            };
            fail(&command, said)
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            fail(&command, format!("{invalid} needs a value"))
        }
        ErrorKind::InvalidValue => {
            let known = list(error, ContextKind::ValidValue).join(", ");
            let said = format!("{invalid} cannot be {value:?}");
            match known.is_empty() {
                true => fail(&command, said),
                false => fail(&command, said).next(format!("choose one of {known}")),
            }
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string);
            let said = format!("{invalid} cannot be {value:?}");
            let failure = fail(&command, said);
            match why {
                Some(why) if why.contains("digit") => failure.next("type a whole number"),
                Some(why) => failure.next(why),
                None => failure,
            }
        }
        ErrorKind::NoEquals => fail(&command, format!("{invalid} needs = before its value")),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            fail(&command, format!("{invalid} needs another value"))
        }
        ErrorKind::TooManyValues => {
            fail(&command, format!("{invalid} takes no such value as {value:?}"))
        }
        ErrorKind::InvalidUtf8 => fail(&command, "a word that was typed is not UTF-8"),
        _ => fail(&command, first_line(error)),
    }
}

/// Nothing is called so.
pub(crate) fn unknown_command(above: &str, word: &str) -> Failure {
    if let Some(foreign) = foreign::command(word).filter(|_| above.is_empty()) {
        return Failure::usage(said_of(word, foreign.answer)).next(foreign.next);
    }
    let full = if above.is_empty() { word.to_owned() } else { format!("{above} {word}") };
    let failure = Failure::usage(format!("there is no command `{full}`"));
    let all = commands();
    let below = all.iter().filter_map(|name| match name.rsplit_once(' ') {
        Some((parent, verb)) => (parent == above).then_some(verb),
        None => above.is_empty().then_some(name.as_str()),
    });
    match other_verb(above, word).or_else(|| nearest(word, below)) {
        Some(near) => {
            let near = format!("{above} {near}");
            failure.next(format!("did you mean `keepmum {}`?", near.trim_start()))
        }
        None => failure.next(see(above)),
    }
}

/// The verb of ours for a verb that other tools have.
fn other_verb(above: &str, word: &str) -> Option<&'static str> {
    match (above, word) {
        ("key", "change-passphrase" | "change-password" | "change" | "password") => Some("passwd"),
        ("key", "delete" | "rm" | "revoke") => Some("remove"),
        ("key", "new" | "create") => Some("add"),
        ("config", "get" | "list" | "print" | "ls" | "view") => Some("show"),
        ("config", "test" | "verify" | "validate" | "lint") => Some("check"),
        _ => None,
    }
}

fn unknown_option(command: &str, typed: &str) -> Failure {
    if let Some(foreign) = foreign::option(typed) {
        return Failure::usage(said_of(typed, foreign.answer)).next(foreign.next);
    }
    let said = match command {
        "" => format!("there is no option {typed}"),
        command => format!("`{command}` has no option {typed}"),
    };
    let program = program();
    let words: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
    let here = super::subcommand(&program, &words);
    let options = here.into_iter().flat_map(clap::Command::get_arguments);
    let options: Vec<_> = options.filter_map(|option| option.get_long()).collect();
    let near = typed.strip_prefix("--").and_then(|word| nearest(word, options.into_iter()));
    match near {
        Some(near) => Failure::usage(said).next(format!("did you mean --{near}?")),
        None => fail(command, said),
    }
}

fn unexpected_word(command: &str, word: &str) -> Failure {
    let said = format!("unexpected {word:?} after `{command}`");
    match command {
        "backup" => Failure::usage(said).next(
            "the folders to back up stand in the config, under to_backup; see `keepmum help config`",
        ),
        "ls" | "dump" | "restore" | "diff" if word.contains('/') => Failure::usage(said)
            .next(format!("write a path behind its snapshot, as in `latest:{word}`")),
        "" => Failure::usage(format!("there is no command {word:?}")).next(see("")),
        _ => fail(command, said),
    }
}

/// A foreign word and our answer.
fn said_of(word: &str, answer: &str) -> String {
    match answer.starts_with("this version") {
        true => answer.to_owned(),
        false => format!("there is no `{word}`; {answer}"),
    }
}

/// A failure that leads to the help of the command.
fn fail(command: &str, sentence: impl Into<String>) -> Failure {
    Failure::usage(sentence).next(see(command))
}

fn see(command: &str) -> String {
    match command {
        "" => "`keepmum help` lists the commands".to_owned(),
        // The page about the keys has this name.
        "config" => "`keepmum config --help` shows its options".to_owned(),
        command => format!("`keepmum help {command}` shows its options"),
    }
}

/// The command that was meant: the first word that is one, and a verb of it.
fn command_of(typed: &[OsString]) -> String {
    let all = commands();
    let is_one = |name: &str| all.iter().any(|known| known == name);
    let mut words = typed.iter().skip(1).filter_map(|word| word.to_str());
    let Some(first) = words.find(|word| is_one(word)) else { return String::new() };
    let verb = words.map(|verb| format!("{first} {verb}")).find(|full| is_one(full));
    verb.unwrap_or_else(|| first.to_owned())
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    list(error, kind).into_iter().next()
}

/// One side of an error, as clap has it; options without the names of their values.
fn list(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => vec![plain(word)],
        Some(ContextValue::Strings(words)) => words.iter().map(|word| plain(word)).collect(),
        _ => Vec::new(),
    }
}

fn plain(word: &str) -> String {
    match word.starts_with('-') {
        true => word.split([' ', '=', '[']).next().unwrap_or(word).to_owned(),
        false => word.trim_matches(['<', '>', '[', ']']).to_owned(),
    }
}

fn first_line(error: &clap::Error) -> String {
    let said = error.render().to_string();
    said.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::mistake;
    use crate::args::definition::read;

    fn said(line: &str) -> (String, String) {
        let words: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
        let error = read(words.clone(), 100).err().unwrap_or_else(|| panic!("{line} is right"));
        let failure = mistake(&error, &words);
        (failure.to_string(), failure.hint().unwrap_or_default().to_owned())
    }

    /// A line, the message, the hint.
    const MISTAKES: &[(&str, &str, &str)] = &[
        (
            "keepmum list snapshots",
            "there is no `list`; `keepmum snapshots` lists the snapshots, and `keepmum ls` lists their files",
            "`keepmum snapshots`",
        ),
        ("keepmum -v", "a command is missing", "`keepmum help` lists the commands"),
        ("keepmum log abc", "RUN cannot be \"abc\"", "type a whole number"),
        (
            "keepmum key change-passphrase",
            "there is no command `key change-passphrase`",
            "did you mean `keepmum key passwd`?",
        ),
        (
            "keepmum config get",
            "there is no command `config get`",
            "did you mean `keepmum config show`?",
        ),
        (
            "keepmum config xyzzy",
            "there is no command `config xyzzy`",
            "`keepmum config --help` shows its options",
        ),
        (
            "keepmum find x",
            "this version has no `find` yet",
            "search one snapshot with `keepmum ls -R latest | grep NAME`",
        ),
        ("keepmum bakcup", "there is no command `bakcup`", "did you mean `keepmum backup`?"),
        ("keepmum xyzzy", "there is no command `xyzzy`", "`keepmum help` lists the commands"),
        (
            "keepmum key lisst",
            "there is no command `key lisst`",
            "did you mean `keepmum key list`?",
        ),
        ("keepmum key remove", "ID is missing", "`keepmum help key remove` shows its options"),
        ("keepmum diff", "A is missing", "`keepmum help diff` shows its options"),
        ("keepmum backup --dryrun", "`backup` has no option --dryrun", "did you mean --dry-run?"),
        (
            "keepmum -z backup",
            "`backup` has no option -z",
            "`keepmum help backup` shows its options",
        ),
        (
            "keepmum ls -q -v",
            "--quiet and --verbose cannot be used together",
            "`keepmum help ls` shows its options",
        ),
        ("keepmum ls -c", "--config needs a value", "`keepmum help ls` shows its options"),
        (
            "keepmum check --threads 0",
            "--threads cannot be \"0\"",
            "type a whole number from 1 to 256",
        ),
        (
            "keepmum restore --overwrite x",
            "--overwrite cannot be \"x\"",
            "choose one of if-older, if-changed, always, never",
        ),
        (
            "keepmum completions tcsh",
            "SHELL cannot be \"tcsh\"",
            "choose one of bash, elvish, fish, powershell, zsh",
        ),
        (
            "keepmum dump latest /etc",
            "unexpected \"/etc\" after `dump`",
            "write a path behind its snapshot, as in `latest:/etc`",
        ),
    ];

    #[test]
    fn a_mistake_says_what_to_type_instead() {
        for (line, message, hint) in MISTAKES {
            assert_eq!(said(line), ((*message).to_owned(), (*hint).to_owned()), "{line}");
        }
    }

    #[test]
    fn words_of_other_tools_are_answered_wherever_they_stand() {
        for line in [
            "keepmum unlock",
            "keepmum -r x snapshots",
            "keepmum backup --tag=x",
            "keepmum --no-lock check",
        ] {
            let (message, hint) = said(line);
            let starts = ["there is no `", "this version "];
            let is_answer = starts.iter().any(|start| message.starts_with(start));
            assert!(is_answer && !hint.is_empty(), "{line}: {message}");
        }
    }
}
