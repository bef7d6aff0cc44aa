//! `completions`: for packagers, and for people who set up a shell.

use clap_complete::generate;

use super::Session;
use crate::args::{self, CompletionsArgs};
use crate::exit::ExitCode;
use crate::failure::Failure;

/// Prints the completions for a shell.
pub(crate) fn run(args: &CompletionsArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut args::program(), "keepmum", &mut script);
    session.terminal.write(&script)?;
    Ok(ExitCode::Done)
}
