//! `completions`: for packagers, and for people who set up a shell.

use clap::CommandFactory;
use clap_complete::generate;

use super::Session;
use crate::args::{Cli, CompletionsArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;

/// Prints the completions for a shell.
pub(crate) fn run(args: &CompletionsArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "keepmum", &mut script);
    session.terminal.write(&script)?;
    Ok(ExitCode::Done)
}
