//! `completions`: for packagers, and for people who set up a shell.

use super::Session;
use crate::args::CompletionsArgs;
use crate::complete::scripts;
use crate::exit::ExitCode;
use crate::failure::Failure;

/// Prints the completions for a shell.
pub(crate) fn run(args: &CompletionsArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    session.terminal.write(&scripts::script(args.shell))?;
    Ok(ExitCode::Done)
}
