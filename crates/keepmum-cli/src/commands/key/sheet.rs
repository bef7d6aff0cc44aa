//! `key sheet`: the recovery code on paper.
//!
//! The code is stored nowhere, so a sheet holds either one that is typed and seen to open the
//! repository, or a new one.

use std::path::Path;

use keepmum::{CodeReading, Passphrase, ops, read_code};

use super::{Hearing, failure};
use crate::commands::Session;
use crate::exit::ExitCode;
use crate::failure::{Failure, about_code};
use crate::settings::{Asking, Settings, TRIES, ask, code_from_input};
use crate::terminal::{CodeFile, Terminal, recovery};

/// Makes a code that is made go to this sheet.
pub(super) fn take_file(
    file: &Path,
    settings: &Settings,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let path = recovery::new_file(file, &settings.destination)?;
    terminal.code_goes_to(CodeFile { path, sheet_of: Some(settings.destination.clone()) });
    Ok(())
}

/// Writes a sheet with the code that is typed, once that has opened the repository.
pub(super) fn of_typed(
    file: &Path,
    settings: Settings,
    session: &Session<'_>,
) -> Result<ExitCode, Failure> {
    let terminal = session.terminal;
    take_file(file, &settings, terminal)?;
    let code = typed(terminal)?;
    let shown = ops::RecoveryCode::of(&code).ok_or_else(|| Failure::usage("this is no code"))?;
    let settings = settings.for_reading().with_typed(code);
    let access = settings.open(session.environment, terminal, Asking::Once)?;
    ops::key_opens(&access, &Hearing(terminal)).map_err(failure)?;
    match recovery::hand_over(terminal, &shown) {
        true => Ok(ExitCode::Done),
        false => Err(Failure::usage("the sheet was not written")),
    }
}

/// A recovery code without typing mistakes, as it is written.
fn typed(terminal: &Terminal) -> Result<Passphrase, Failure> {
    for _ in 0..TRIES {
        let code = match terminal.can_ask() {
            true => ask("Recovery code for the sheet (what you type is not shown): ")?,
            false => code_from_input()?,
        };
        let wrong = match read_code(code.expose()) {
            CodeReading::Right => return Ok(code),
            CodeReading::NotACode => {
                "a recovery code has nine groups of four characters; `--new` makes one".to_owned()
            }
            reading => about_code(reading).unwrap_or_default(),
        };
        if !terminal.can_ask() {
            return Err(Failure::usage(wrong));
        }
        terminal.aside(&wrong);
    }
    Err(Failure::usage("no recovery code was given"))
}
