//! The message and the hint for a password that does not open a repository: its origin, whether it
//! was mistyped, and whether it worked before.

use std::fs;
use std::sync::PoisonError;
use std::time::UNIX_EPOCH;

use keepmum::CodeReading;

use super::Places;
use crate::moment;

/// The shortest sentence of the library for it.
const SAID: &str = "wrong password";

/// Names the password and the repository that it does not open.
pub(super) fn message(said: &str, places: &Places) -> String {
    let destination = places.destination.display();
    // How many files were tried, where not all were.
    let further = said.strip_prefix(SAID).unwrap_or_default();
    match &places.password {
        Some(place) => format!("{place} does not open {destination}{further}"),
        None => format!("Wrong password for {destination}{further}"),
    }
}

/// Names the likely mistake.
pub(super) fn hint(replaced_by: Option<&str>, places: &Places) -> String {
    if let Some(file) = replaced_by {
        let changed = changed(file, places).map(|when| format!(" ({when})")).unwrap_or_default();
        let next = match &places.password {
            Some(_) => "put the new one there",
            None => "type the new one",
        };
        return format!("it worked until the password was changed{changed}; {next}");
    }
    let reading = *places.reading.lock().unwrap_or_else(PoisonError::into_inner);
    let reading = reading.unwrap_or(CodeReading::NotACode);
    about_code(reading)
        .unwrap_or_else(|| "a recovery code is accepted in place of the password".to_owned())
}

/// When the key block appeared that took the place of the one which the password opens.
fn changed(file: &str, places: &Places) -> Option<String> {
    let time = fs::metadata(places.destination.join(file)).ok()?.modified().ok()?;
    let seconds = i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    Some(moment::short(seconds, &places.now))
}

/// The mistake in a recovery code that opens nothing; nothing where it is no such code.
pub(crate) fn about_code(reading: CodeReading) -> Option<String> {
    let looks = "this looks like a recovery code";
    Some(match reading {
        CodeReading::NotACode => return None,
        CodeReading::Right => {
            "this recovery code has no typing mistake, but it does not open this repository: either \
             a newer code took its place, or it belongs to another repository"
                .to_owned()
        }
        CodeReading::WrongGroup(group) => {
            format!("{looks} with a typing mistake in group {group} of 9")
        }
        CodeReading::SwappedGroups(one, other) => {
            format!("{looks}, but groups {one} and {other} have changed places")
        }
        CodeReading::WrongLength(groups) => {
            format!("{looks}, but it has {groups} groups of four characters instead of 9")
        }
        CodeReading::Wrong => {
            format!("{looks} with more than one typing mistake; compare every group")
        }
    })
}
