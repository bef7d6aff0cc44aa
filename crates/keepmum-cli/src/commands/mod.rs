//! One file a command: settings in, one call of the library, its report on the terminal.

mod backup;
mod check;
mod choice;
mod completions;
mod config;
mod device;
mod diff;
mod dump;
mod forget;
mod help;
mod init;
mod key;
mod log;
mod ls;
mod man;
mod mark;
mod missing;
mod prune;
mod restore;
mod snapshots;
mod status;
mod tidy;
mod verdict;

use crate::args::{Cli, Command};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::settings::{Environment, Settings};
use crate::terminal::Terminal;

/// What every command is given.
pub(crate) struct Session<'a> {
    /// What was typed for all commands.
    pub(crate) shared: &'a crate::args::Shared,
    /// What is around this program.
    pub(crate) environment: &'a Environment,
    /// Where to speak.
    pub(crate) terminal: &'a Terminal,
}

impl Session<'_> {
    /// What is meant by all that.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        Settings::resolve(self.shared, self.environment)
    }
}

/// Nobody means fewer bytes per second.
const SLOW: u64 = 10 * 1024;

/// Runs the command that was typed.
pub(crate) fn run(
    cli: &Cli,
    environment: &Environment,
    terminal: &Terminal,
) -> Result<ExitCode, Failure> {
    let session = Session { shared: &cli.shared, environment, terminal };
    let limits =
        [("--limit-upload", cli.shared.limit_upload), ("--limit-read", cli.shared.limit_read)];
    for (option, limit) in limits {
        if let Some(bytes) = limit.filter(|bytes| bytes.get() < SLOW) {
            terminal.warn(&format!(
                "{option} is {bytes} bytes per second, which takes very long; did you mean {bytes}K \
                 or {bytes}M?"
            ));
        }
    }
    match &cli.command {
        Command::Init(args) => init::run(args, &session),
        Command::Backup(args) => backup::run(args, &session),
        Command::Snapshots(args) => snapshots::run(args, &session),
        Command::Ls(args) => ls::run(args, &session),
        Command::Restore(args) => restore::run(args, &session),
        Command::Dump(args) => dump::run(args, &session),
        Command::Diff(args) => diff::run(args, &session),
        Command::Forget(args) => forget::run(args, &session),
        Command::Prune(args) => prune::run(args, &session),
        Command::Pin(args) => mark::pin(args, &session),
        Command::Tag(args) => mark::tag(args, &session),
        Command::Check(args) => check::run(args, &session),
        Command::Status(args) => status::run(args, &session),
        Command::Log(args) => log::run(args, &session),
        Command::Device(args) => device::run(args, &session),
        Command::Tidy(args) => tidy::run(args, &session),
        Command::Key(args) => key::run(args, &session),
        Command::Completions(args) => completions::run(args, &session),
        Command::Config { verb } => config::run(verb, &session),
        Command::Help(args) => help::run(args, &session),
        Command::Man(args) => man::run(args, &session),
        Command::Version => help::version(&session),
    }
}
