//! `man`: the manual page, made from the same definition as `--help`.

use clap::CommandFactory;
use clap_mangen::Man;

use super::Session;
use crate::args::{Cli, ManArgs};
use crate::exit::ExitCode;
use crate::failure::{Failure, Kind};

/// Prints the page of the program or of one command.
pub(crate) fn run(args: &ManArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let mut program = Cli::command();
    program.build();
    let command = match &args.command {
        None => program,
        Some(name) => {
            let known = program.find_subcommand(name);
            let known = known.ok_or_else(|| Failure::usage(format!("no command {name:?}")))?;
            known.clone()
        }
    };
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::new(Kind::Output, format!("cannot make the page ({error})")))?;
    session.terminal.write(&page)?;
    Ok(ExitCode::Done)
}
