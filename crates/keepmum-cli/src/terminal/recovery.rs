//! The recovery code: handed over once, kept nowhere.
//!
//! It goes to a terminal where a person confirms it, or into a file of its own. It never goes to a
//! pipe or a log: whoever reads it there could read every backup.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use keepmum::ops::RecoveryCode;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::json;
use zeroize::Zeroizing;

use super::progress::Shape;
use super::{CodeFile, Terminal, json as lines, sheet, text};
use crate::args::RecoveryCodeArgs;
use crate::failure::Failure;
use crate::interrupt;
use crate::new_file::NewFile;
use crate::settings::is_inside;

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
    let path = new_file(file, destination)?;
    terminal.code_goes_to(CodeFile { path, sheet_of: None });
    Ok(())
}

/// The path of a file for a recovery code, which must be new and not lie in the destination.
///
/// # Errors
/// As above.
pub(crate) fn new_file(file: &Path, destination: &Path) -> Result<PathBuf, Failure> {
    let shown = file.display();
    if file.symlink_metadata().is_ok() {
        let sentence = format!("the recovery code needs a new file; this one exists: {shown}");
        return Err(Failure::usage(sentence));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().map_err(|error| {
        Failure::usage(format!("cannot write the recovery code to {shown} ({error})"))
    })?;
    if is_inside(&folder, destination) {
        return Err(Failure::usage(format!(
            "the recovery code must not lie in the destination, which it opens: {shown}"
        )));
    }
    Ok(folder.join(file.file_name().unwrap_or_default()))
}

/// Whether a code can be handed over: there is a file for it, or a person at a terminal.
pub(crate) fn can_hand_over(terminal: &Terminal) -> bool {
    terminal.code_file.get().is_some() || is_person_here(terminal)
}

fn is_person_here(terminal: &Terminal) -> bool {
    !terminal.quiet && !terminal.json && terminal.person_reads && io::stdin().is_terminal()
}

/// Hands a code over; answers whether somebody has it now.
pub(crate) fn hand_over(terminal: &Terminal, code: &RecoveryCode) -> bool {
    if let Some(file) = terminal.code_file.get() {
        let (text, what) = match &file.sheet_of {
            Some(place) => (sheet::html(code.expose(), place), "The sheet to print"),
            None => (Zeroizing::new(format!("{}\n", code.expose())), "The recovery code"),
        };
        let path = file.path.display();
        return match NewFile::whole(&file.path, text.as_bytes()) {
            Ok(()) => {
                terminal.notice(&format!("{what} is in {path}"));
                true
            }
            Err(error) => {
                terminal.warn(&format!("The recovery code was not written: {error}"));
                false
            }
        };
    }
    is_person_here(terminal) && show(terminal, code).is_ok() && confirm(terminal, code.expose())
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
        terminal.ask("Type its last four characters when you have written it down (Enter skips): ");
        let mut line = Zeroizing::new(String::new());
        let read = interrupt::asking(|| io::stdin().read_line(&mut line));
        let typed = line.trim();
        if !read.is_ok_and(|length| length > 0) || typed.is_empty() {
            break;
        }
        is_confirmed = typed.eq_ignore_ascii_case(last);
        if is_confirmed {
            break;
        }
        terminal.aside("These are not its last four characters. Look at the code again.");
    }
    terminal.interrupt.begun(true);
    // Who made the code says what it means that nobody confirmed it.
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
        "This is the recovery code. It opens the backup if you forget the password.
Write it down now: it is shown once and stored nowhere. Keep it away from this
computer and from the backup: whoever has both can read everything.

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
