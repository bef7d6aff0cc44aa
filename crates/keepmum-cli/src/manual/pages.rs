//! The pages about the program and its commands, made from the command line's definition.

use clap::{Arg, Command};

use super::Page;
use super::about::about;
use super::words::WORDS;
use crate::args;
use crate::exit::CODES;

/// Variables that the program obeys.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("KEEPMUM_CONFIG", "The config file, if --config is not given."),
    ("KEEPMUM_PASSWORD", "The password, if neither --password-file nor the config has one."),
    ("CREDENTIALS_DIRECTORY", "The folder that `%d` stands for in password_file; systemd sets it."),
    ("XDG_CONFIG_HOME", "The folder of config files instead of ~/.config."),
    ("XDG_STATE_HOME", "The folder of the catalogue instead of ~/.local/state."),
    ("COLUMNS", "The width of the terminal."),
    ("NO_COLOR", "Turns colours off, whatever its value is."),
    ("TMPDIR", "The folder of the catalogue that --from needs while it runs."),
    ("TZ", "The time zone of times that are shown and typed."),
];

/// Files that the program reads and writes beside source and destination.
const FILES: [(&str, &str); 4] = [
    (
        "~/.config/keepmum/config.ini",
        "The config. For root, /etc/keepmum/config.ini is read if this file does not exist.",
    ),
    (
        "~/.local/state/keepmum/catalogue-NAME.sqlite",
        "The catalogue of the source NAME: the local index. It is made again if it is lost.",
    ),
    (
        "~/.local/state/keepmum/catalogue-NAME.keys",
        "The unlocked keys, kept only if the config holds the password itself.",
    ),
    (
        "~/.config/keepmum/config.ini.cache-key",
        "Opens catalogue-NAME.keys. Delete it, and the next run takes half a second longer.",
    ),
];

/// The page about the program.
pub(crate) fn program() -> Page {
    let program = args::program();
    let mut page = Page::default();
    name(&mut page, "keepmum", &program);
    page.section("Synopsis");
    page.text("`keepmum` [`OPTION`]... `COMMAND` [`ARGUMENT`]...");
    page.section("Description");
    page.text(
        "keepmum backs up folders into a folder that you do not have to trust, usually one that \
         Dropbox, OneDrive, Nextcloud or another service syncs. Every file is encrypted, and the \
         stored names tell nothing. After a change only the change is uploaded. Everything can be \
         restored from the destination and the password alone.",
    );
    page.text(
        "Start with `keepmum init`, then run `keepmum backup` every day. `keepmum status` says \
         whether your files are safe.",
    );
    page.section("Commands");
    for command in program.get_subcommands() {
        page.item(format!("`{}`", command.get_name()), sentence(command));
    }
    options(&mut page, &program, false);
    examples(&mut page, "");
    page.section("Words");
    for word in &WORDS {
        page.item(word.word, word.meaning);
    }
    table(&mut page, "Files", &FILES);
    table(&mut page, "Environment", &ENVIRONMENT);
    exit_status(&mut page, "");
    page.section("See also");
    let names =
        program.get_subcommands().map(|command| format!("keepmum-{}(1)", command.get_name()));
    page.text(names.chain(["keepmum-config(5)".to_owned()]).collect::<Vec<_>>().join(", "));
    page
}

/// The page about a command.
pub(crate) fn command(name_of: &str, command: &Command) -> Page {
    let mut page = Page::default();
    name(&mut page, &format!("keepmum-{name_of}"), command);
    page.section("Synopsis");
    let verbs: Vec<_> = command.get_subcommands().collect();
    match verbs.is_empty() {
        true => page.text(synopsis(&format!("keepmum {name_of}"), command)),
        false => verbs.iter().for_each(|verb| {
            page.text(synopsis(&format!("keepmum {name_of} {}", verb.get_name()), verb));
        }),
    }
    page.section("Description");
    page.text(sentence(command));
    about(name_of).iter().for_each(|text| page.text(*text));
    if !verbs.is_empty() {
        page.section("Commands");
        for verb in &verbs {
            page.item(format!("`{name_of} {}`", verb.get_name()), sentence(verb));
            for argument in own(verb) {
                page.further(format!("{}: {}", typed(argument), help(argument)));
            }
        }
    }
    options(&mut page, command, true);
    examples(&mut page, name_of);
    exit_status(&mut page, name_of);
    page.section("See also");
    page.text("keepmum(1), keepmum-config(5)");
    page
}

fn name(page: &mut Page, name: &str, command: &Command) {
    page.section("Name");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut letters = about.chars();
    let first = letters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    page.text(format!("{name} - {first}{}", letters.as_str()));
}

fn sentence(command: &Command) -> String {
    format!("{}.", command.get_about().map(ToString::to_string).unwrap_or_default())
}

/// The arguments of a command that are not those of every command.
fn own(command: &Command) -> Vec<&Arg> {
    let ours = |argument: &&Arg| !argument.is_global_set() && argument.get_id() != "help";
    command.get_arguments().filter(ours).collect()
}

fn synopsis(line: &str, command: &Command) -> String {
    let mut synopsis = format!("`{line}`");
    for argument in own(command) {
        let is_option = argument.get_long().is_some() || argument.get_short().is_some();
        let shown = if is_option { typed(argument) } else { value(argument) };
        match argument.is_required_set() {
            true => synopsis.push_str(&format!(" {shown}")),
            false if shown.starts_with('[') => synopsis.push_str(&format!(" {shown}")),
            false => synopsis.push_str(&format!(" [{shown}]")),
        }
    }
    synopsis.push_str(" [`OPTION`]...");
    synopsis
}

/// An option or argument as it is typed: `-c, --config FILE`.
fn typed(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| format!("`-{short}`"));
    let long = argument.get_long().map(|long| format!("`--{long}`"));
    let names: Vec<_> = short.into_iter().chain(long).collect();
    if names.is_empty() {
        return value(argument);
    }
    let takes = argument.get_num_args().is_some_and(|count| count.takes_values());
    let optional = argument.get_num_args().is_some_and(|count| count.min_values() == 0);
    let behind = match takes {
        false => String::new(),
        true if optional => format!("[={}]", value(argument)),
        true => format!(" {}", value(argument)),
    };
    format!("{}{behind}", names.join(", "))
}

fn value(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    if names.is_empty() { argument.get_id().to_string() } else { names.join(" ") }
}

fn help(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    format!("{help}.")
}

fn options(page: &mut Page, command: &Command, with_own: bool) {
    let own: Vec<_> = if with_own { own(command) } else { Vec::new() };
    if !own.is_empty() {
        page.section("Options");
        own.into_iter().for_each(|argument| option(page, argument));
    }
    page.section("Options of every command");
    let of_all = command.get_arguments().filter(|argument| argument.is_global_set());
    of_all.for_each(|argument| option(page, argument));
}

fn option(page: &mut Page, argument: &Arg) {
    page.item(typed(argument), help(argument));
    let values = argument.get_possible_values();
    if argument.get_action().takes_values() && values.iter().any(|value| value.get_help().is_some())
    {
        for value in values {
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            page.further(format!("`{}`: {help}.", value.get_name()));
        }
    }
}

fn examples(page: &mut Page, command: &str) {
    page.section("Examples");
    for example in args::examples(command) {
        page.text(format!("{}:", example.purpose));
        page.literal(example.line);
    }
}

fn table(page: &mut Page, heading: &str, rows: &[(&str, &str)]) {
    page.section(heading);
    for (word, meaning) in rows {
        page.item(format!("`{word}`"), *meaning);
    }
}

fn exit_status(page: &mut Page, command: &str) {
    page.section("Exit status");
    let codes = args::codes(command);
    for (code, meaning) in CODES.iter().filter(|(code, _)| codes.contains(code)) {
        page.item(format!("`{code}`"), format!("{meaning}."));
    }
}

/// Sections that the config's page shares.
pub(super) fn files_and_environment(page: &mut Page) {
    table(page, "Files", &FILES);
    table(page, "Environment", &ENVIRONMENT);
}

#[cfg(test)]
mod tests {
    use super::{about, program};
    use crate::args;

    #[test]
    fn every_command_is_described_and_listed() {
        let listed = program().plain(80);
        for name in args::commands().iter().filter(|name| !name.contains(' ') && !name.is_empty()) {
            assert!(name == "version" || !about(name).is_empty(), "{name}");
            assert!(listed.contains(&format!("keepmum-{name}(1)")), "{name}");
        }
    }
}
