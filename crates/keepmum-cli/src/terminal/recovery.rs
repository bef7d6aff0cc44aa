//! The recovery code of a new repository: shown once, kept nowhere.

use keepmum::ops::RecoveryCode;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
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
    let page = Zeroizing::new(page(code.expose()));
    // In a log or a file a picture of blocks is noise; the text says the same.
    let picture = match terminal.person_reads {
        true => Zeroizing::new(picture(code.expose())),
        false => Zeroizing::default(),
    };
    let sheet = format!("{first}\n{}{}{}", foreign(foreign_files), *page, *picture);
    let sheet = Zeroizing::new(sheet);
    terminal.write(sheet.as_bytes())
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

/// The code as a picture for a camera. Light modules are drawn, for most terminals are dark and
/// paper is not: each camera reads both.
pub(crate) fn picture(code: &str) -> String {
    match QrCode::new(code) {
        Ok(picture) => {
            let drawn = picture.render::<Dense1x2>();
            let mut drawn =
                { drawn }.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
            drawn.push_str("\n\n");
            drawn
        }
        // It stands there as text anyway.
        Err(_) => String::new(),
    }
}
