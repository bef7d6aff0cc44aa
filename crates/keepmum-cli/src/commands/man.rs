//! `man`: the manual page, made from the same definition as `--help`.

use clap_mangen::Man;

use super::Session;
use crate::args::{self, ManArgs};
use crate::exit::ExitCode;
use crate::failure::{Failure, Kind};

/// Prints the page of the program or of one command.
pub(crate) fn run(args: &ManArgs, session: &Session<'_>) -> Result<ExitCode, Failure> {
    let program = args::program();
    let command = match args.page.first() {
        None => program,
        Some(name) => {
            let known = program.find_subcommand(name);
            known.ok_or_else(|| args::unknown_command("", name))?.clone()
        }
    };
    let mut page = Vec::new();
    Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::new(Kind::Output, format!("cannot make the page ({error})")))?;
    session.terminal.write(&page)?;
    Ok(ExitCode::Done)
}
