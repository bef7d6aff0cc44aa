//! After `key passwd`: the new password in the place where the old one stands.

use keepmum::{CodeReading, Passphrase, read_code};

use crate::commands::Session;
use crate::config::{with_first_line, with_value, writable, write_over};
use crate::failure::Failure;
use crate::settings::Held;
use crate::small_file;
use crate::terminal::question::yes;
use crate::terminal::text;

/// Offers to write the new password to where the old one stands, or says what else is to be done;
/// answers whether nothing is left to do.
pub(super) fn update(
    held: &Held,
    (old, new): (&Passphrase, &Passphrase),
    is_agreed: bool,
    session: &Session<'_>,
) -> Result<bool, Failure> {
    let terminal = session.terminal;
    let shown = text::line(&held.file.display().to_string());
    if held.is_command {
        terminal
            .notice(&format!("password_command ({shown}) must give the new password from now on."));
        return Ok(true);
    }
    // Another password may stand there, which opens as before.
    let is_old = held.password().is_ok_and(|there| there.expose() == old.expose());
    let is_by_code = read_code(old.expose()) == CodeReading::Right;
    if !is_old && !is_by_code {
        return Ok(true);
    }
    let is_agreed = is_agreed
        || (terminal.can_ask() && yes(&format!("Update {shown}, which holds the old one?"), true)?);
    if !is_agreed {
        terminal.notice(&format!(
            "The old password is still in {shown}. Put the new one there before the next backup."
        ));
        return Ok(true);
    }
    match written(held, new) {
        Ok(()) => {
            terminal.notice(&format!("Updated {shown}"));
            Ok(true)
        }
        Err(why) => {
            terminal.warn(&format!("cannot update {shown} ({why}); put the new password there"));
            Ok(false)
        }
    }
}

fn written(held: &Held, new: &Passphrase) -> Result<(), String> {
    let text = small_file::read(&held.file).map_err(|error| error.to_string())?;
    let text = match held.line {
        Some(line) => {
            writable(new.expose().as_bytes()).map_err(|why| why.0.to_owned())?;
            with_value(&text, line, new)
        }
        None => with_first_line(&text, new),
    };
    let text = text.ok_or("the line of the password is not there any more")?;
    write_over(&held.file, &text).map_err(|error| error.to_string())
}
