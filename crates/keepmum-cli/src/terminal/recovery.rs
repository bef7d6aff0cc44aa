//! The recovery code: handed over once, kept nowhere.
//!
//! It goes to a terminal where a person confirms it, or into a file of its own. It never goes to a
//! pipe or a log: whoever reads it there could read every backup.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use keepmum::ops::RecoveryCode;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::json;
use zeroize::Zeroizing;

use super::progress::Shape;
use super::{Terminal, json as lines, text};
use crate::args::RecoveryCodeArgs;
use crate::failure::Failure;
use crate::interrupt;

/// How often a person is asked for the last group.
const ROUNDS: usize = 3;

/// Takes the file that the code is to go to. It must be new, and not where the backups are.
///
/// # Errors
/// A file that is there already, has no folder, or lies in the destination.
pub(crate) fn take_file(
    terminal: &Terminal,
    args: &RecoveryCodeArgs,
    destination: &Path,
) -> Result<(), Failure> {
    let Some(file) = &args.recovery_code_file else { return Ok(()) };
    let shown = file.display();
    if file.symlink_metadata().is_ok() {
        let sentence =
            format!("the recovery code goes to a new file, and {shown} is there already");
        return Err(Failure::usage(sentence));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().map_err(|error| {
        Failure::usage(format!("cannot write the recovery code to {shown} ({error})"))
    })?;
    if destination.canonicalize().is_ok_and(|destination| folder.starts_with(destination)) {
        return Err(Failure::usage(format!(
            "the recovery code must not lie in the destination, which it opens: {shown}"
        )));
    }
    terminal.code_goes_to(folder.join(file.file_name().unwrap_or_default()));
    Ok(())
}

/// Whether a code can be handed over: there is a file for it, or a person at a terminal.
pub(crate) fn can_hand_over(terminal: &Terminal) -> bool {
    terminal.code_file.get().is_some() || is_person_here(terminal)
}

fn is_person_here(terminal: &Terminal) -> bool {
    !terminal.json && terminal.person_reads && io::stdin().is_terminal()
}

/// Hands a code over; answers whether somebody has it now.
pub(crate) fn hand_over(terminal: &Terminal, code: &RecoveryCode) -> bool {
    if let Some(file) = terminal.code_file.get() {
        return match write(file, code.expose()) {
            Ok(()) => {
                terminal.notice(&format!("The recovery code is in {}", file.display()));
                true
            }
            Err(error) => {
                let file = file.display();
                terminal.warn(&format!("cannot write the recovery code to {file} ({error})"));
                false
            }
        };
    }
    is_person_here(terminal) && show(terminal, code).is_ok() && confirm(terminal, code.expose())
}

fn write(file: &PathBuf, code: &str) -> io::Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    let line = Zeroizing::new(format!("{code}\n"));
    out.write_all(line.as_bytes())?;
    out.sync_all()?;
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// The picture first and the code last, where a terminal of any height still shows it.
fn show(terminal: &Terminal, code: &RecoveryCode) -> Result<(), Failure> {
    let (picture, page) = (picture(code.expose()), Zeroizing::new(page(code.expose())));
    let sheet = Zeroizing::new(format!("\n{}{}", *picture, *page));
    terminal.write(sheet.as_bytes())
}

/// Asks for the last group, so that nobody goes on without the code.
fn confirm(terminal: &Terminal, code: &str) -> bool {
    let last = code.rsplit('-').next().unwrap_or(code);
    // Who leaves now is not held up: the next run says that no code was shown.
    terminal.interrupt.begun(false);
    let mut is_confirmed = false;
    for _ in 0..ROUNDS {
        terminal.ask("To show that you have it, type its last four characters: ");
        let mut line = Zeroizing::new(String::new());
        let read = interrupt::asking(|| io::stdin().read_line(&mut line));
        if !read.is_ok_and(|length| length > 0) {
            break;
        }
        is_confirmed = line.trim().eq_ignore_ascii_case(last);
        if is_confirmed {
            break;
        }
    }
    terminal.interrupt.begun(true);
    is_confirmed
}

/// Says that a run has made the repository, before anything else of it can fail.
pub(super) fn say_made(
    terminal: &Terminal,
    shape: Shape,
    foreign_files: u64,
) -> Result<(), Failure> {
    match (terminal.json, shape) {
        (true, Shape::Lines) => {
            let made = json!({"foreign_files": foreign_files});
            lines::print(terminal, &lines::typed("repository_made", made))
        }
        // Its one document comes at the end.
        (true, Shape::Document) => Ok(()),
        (false, _) if terminal.quiet => Ok(()),
        (false, Shape::Lines) => terminal.write(
            format!("There was no repository; one is made.\n{}", foreign(foreign_files)).as_bytes(),
        ),
        (false, Shape::Document) => terminal
            .write(format!("The repository is made.\n{}", foreign(foreign_files)).as_bytes()),
    }
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

/// What the recovery code is good for, and the code.
fn page(code: &str) -> String {
    format!(
        "The recovery code opens the repository when the password is lost. It is shown this once
and kept nowhere. Write it down, and keep it where neither this machine nor the destination
is: whoever has it and the destination can read every backup.

    {code}

"
    )
}

/// The code as a picture for a camera. Light modules are drawn, for most terminals are dark and
/// paper is not: each camera reads both.
fn picture(code: &str) -> Zeroizing<String> {
    let Ok(picture) = QrCode::new(code) else {
        // It stands there as text anyway.
        return Zeroizing::default();
    };
    let mut drawn = picture.render::<Dense1x2>();
    let mut drawn = drawn.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    drawn.push_str("\n\n");
    Zeroizing::new(drawn)
}
