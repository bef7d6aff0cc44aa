//! The recovery code of a new repository: shown once, kept nowhere.

use keepmum::ops::RecoveryCode;
use serde_json::json;
use zeroize::Zeroizing;

use super::progress::Shape;
use super::{Terminal, json as lines, text};
use crate::failure::Failure;

/// Says that a run has made the repository, before anything else of it can fail: `init`, whose
/// one document this is, or a first backup, of which it is one line of several.
pub(super) fn show(
    terminal: &Terminal,
    shape: Shape,
    code: &RecoveryCode,
    foreign_files: u64,
) -> Result<(), Failure> {
    if terminal.json {
        let made = json!({"recovery_code": code.expose(), "foreign_files": foreign_files});
        return match shape {
            Shape::Lines => lines::print(terminal, &lines::typed("repository_made", made)),
            Shape::Document => lines::print(terminal, &made),
        };
    }
    let first = match shape {
        Shape::Lines => "There was no repository; one is made.",
        Shape::Document => "The repository is made.",
    };
    let page =
        Zeroizing::new(format!("{first}\n{}{}", foreign(foreign_files), page(code.expose())));
    terminal.write(page.as_bytes())
}

/// How many files are not ours, when there are any.
pub(crate) fn foreign(files: u64) -> String {
    match files {
        0 => String::new(),
        files => format!(
            "{} there {} not keepmum's and will be ignored\n",
            text::count(files, "file", "files"),
            if files == 1 { "is" } else { "are" }
        ),
    }
}

/// The recovery code and what it is good for.
pub(crate) fn page(code: &str) -> String {
    format!(
        "
Recovery code:

    {code}

It opens the repository when the password is lost. It is shown this once and
kept nowhere: write it down, and keep it where neither this machine nor the
destination is. Whoever has it and the destination can read every backup.

"
    )
}
