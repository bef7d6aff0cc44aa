//! The command `keepmum`: reads what was typed, lets the library work, and shows what it says.
//!
//! Only a face: it renders events and reports, and never does a verb's work itself.

mod args;
mod commands;
mod complete;
mod config;
mod exit;
mod failure;
mod interrupt;
mod manual;
mod moment;
mod nearest;
mod new_file;
mod settings;
mod size;
mod small_file;
mod terminal;

use std::ffi::OsString;
use std::io::{self, Write};
use std::{env, process};

#[cfg(target_os = "linux")]
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::args::{Cli, Command, Shared};
use crate::exit::ExitCode;
use crate::settings::Environment;
use crate::terminal::progress::Verb;
use crate::terminal::{Terminal, error};

fn main() -> process::ExitCode {
    keep_memory_private();
    let typed: Vec<_> = env::args_os().collect();
    if let Some(code) = complete::answered(&typed) {
        return code.into();
    }
    let code = match args::read(typed.clone(), args::width()) {
        Ok(cli) => run(&cli),
        Err(error) if error.use_stderr() && !is_bare(&error) => mistyped(&error, &typed),
        Err(help) => print(&help),
    };
    code.into()
}

/// Whether a command was left out, so that help is the answer.
fn is_bare(error: &clap::Error) -> bool {
    error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// Says what was typed wrong, like any other failure.
fn mistyped(error: &clap::Error, typed: &[OsString]) -> ExitCode {
    let json = typed.iter().any(|word| word == "--json");
    let terminal = Terminal::new(&Shared { json, ..Shared::default() }, false);
    let failure = args::mistake(error, typed);
    error::show(&terminal, &failure);
    failure.code()
}

/// Prints help. Asking for help is no error, and that nobody reads it to its end is none either;
/// that it cannot be written is one, and so is a command that is left out.
fn print(help: &clap::Error) -> ExitCode {
    let printed = help.print().and_then(|()| io::stdout().flush());
    match printed {
        _ if help.use_stderr() => ExitCode::Usage,
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            writeln!(anstream::stderr(), "keepmum: cannot write the output ({error})").ok();
            ExitCode::Usage
        }
        _ => ExitCode::Done,
    }
}

/// Lets a restore hold as many files open as it may: they have no names until many of them are
/// durable together. The usual limit is kept low for programs that cannot count far.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where it may not, fewer wait at a time.
    setrlimit(Resource::Nofile, raised).ok();
}

/// Sees to it that a crash leaves no image of the memory, and so no password and no key, on a disk,
/// and that no other program of this user reads it. Where the system refuses, work goes on.
fn keep_memory_private() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).ok();
    #[cfg(target_os = "linux")]
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
}

fn run(cli: &Cli) -> ExitCode {
    if let Command::Restore(_) = cli.command {
        raise_open_files();
    }
    let verb = match cli.command {
        Command::Init(_) | Command::Key(_) => Verb::Making,
        Command::Backup(_) => Verb::Saving,
        Command::Restore(_) => Verb::Restoring,
        Command::Check(_) | Command::Tidy(_) => Verb::Checking,
        _ => Verb::Reading,
    };
    let terminal = Terminal::new(&cli.shared, matches!(cli.command, Command::Dump(_))).doing(verb);
    let listening = terminal.interrupt.listen(&terminal);
    match listening.and_then(|()| commands::run(cli, &Environment::real(), &terminal)) {
        Ok(code) => code,
        Err(failure) => {
            let failure = failure.within(terminal.places());
            error::show(&terminal, &failure);
            failure.code()
        }
    }
}
