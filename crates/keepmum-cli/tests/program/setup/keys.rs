//! `key` at a terminal: what it asks, and what it changes besides the key.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use super::screen::{END, STOP, Screen};
use crate::binary::{Place, Said};
use crate::prepared::{PASSWORD, as_nobody, command, filled, keepmum, ready, recovery_code};

/// Strong enough that nobody is asked about it.
const NEW: &str = "plum-Vault-93-ostrich-kettle";

/// A place whose config only its owner can read.
fn private() -> Place {
    let place = filled();
    fs::set_permissions(place.path("config.ini"), fs::Permissions::from_mode(0o600)).unwrap();
    place
}

fn mode(place: &Place, file: &str) -> u32 {
    fs::metadata(place.path(file)).unwrap().permissions().mode() & 0o777
}

/// Changes the password at a terminal, with this answer to whether the config is to be updated.
fn changed(place: &Place, answer: &str) -> Option<Said> {
    let mut screen = Screen::open(place, "keepmum key passwd -c config.ini")?;
    screen
        .answer("New password: ", NEW)
        .answer("Repeat password: ", NEW)
        .answer("which holds the old one? [Y/n] ", answer);
    let said = screen.end(place);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!said.stdout.contains(NEW), "what is typed is not shown: {said:?}");
    Some(said)
}

#[test]
fn passwd_updates_the_config_after_a_yes() {
    let place = private();
    let before = fs::read_to_string(place.path("config.ini")).unwrap();
    let Some(said) = changed(&place, "y") else { return };
    assert!(said.stdout.contains("Password changed."), "{said:?}");
    assert!(said.stdout.contains("Updated "), "{said:?}");
    let after = fs::read_to_string(place.path("config.ini")).unwrap();
    assert!(after.contains(NEW) && !after.contains(PASSWORD), "{after}");
    // Nothing else of it is changed.
    assert_eq!(before.lines().count(), after.lines().count(), "{after}");
    assert_eq!(before.lines().zip(after.lines()).filter(|(old, new)| old != new).count(), 1);
    assert_eq!(mode(&place, "config.ini"), 0o600);
    assert_eq!(keepmum(&place, ["backup"]).code, 0, "the config opens it again");
}

#[test]
fn passwd_leaves_the_config_after_a_no() {
    let place = private();
    let before = fs::read_to_string(place.path("config.ini")).unwrap();
    let Some(said) = changed(&place, "n") else { return };
    assert!(said.stdout.contains("Put the new one there before the next backup."), "{said:?}");
    assert_eq!(fs::read_to_string(place.path("config.ini")).unwrap(), before);
    assert_eq!(keepmum(&place, ["backup"]).code, 2);
}

#[test]
fn passwd_that_is_stopped_changes_nothing() {
    let place = private();
    let words = "trap : INT; keepmum key passwd -c config.ini";
    let Some(mut screen) = Screen::open(&place, words) else { return };
    screen.answer("New password: ", NEW).wait("Repeat password: ");
    screen.press(STOP);
    assert_eq!(screen.end(&place).code, 130);
    assert_eq!(keepmum(&place, ["backup"]).code, 0, "the old password opens as before");
}

/// Another group would read the password.
#[test]
fn a_config_whose_group_cannot_be_kept_is_for_its_owner_alone() {
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can make a file of another group");
        return;
    }
    let place = private();
    place.file("new", format!("{NEW}\n"));
    assert_eq!(as_nobody(&place, ["snapshots"]).code, 0);
    let config = place.path("config.ini");
    std::os::unix::fs::chown(&config, None, Some(0)).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o640)).unwrap();
    let words = ["key", "passwd", "--new-password-file", "new", "--update-config"];
    let output = command(&place, words).uid(NOBODY).gid(NOBODY).output().unwrap();
    let said = place.said(output);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(fs::read_to_string(&config).unwrap().contains(NEW), "{said:?}");
    assert_eq!(mode(&place, "config.ini"), 0o600);
}

/// Runs `key sheet` without a terminal and types a code into it.
fn sheet(place: &Place, file: &str, typed: &str) -> Said {
    let mut command = place.command(["key", "sheet", file, "-c", "config.ini"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever refuses the file does not read.
    child.stdin.take().unwrap().write_all(typed.as_bytes()).ok();
    place.said(child.wait_with_output().unwrap())
}

#[test]
fn a_sheet_is_a_new_file_outside_the_destination_that_only_its_owner_can_read() {
    let place = ready("");
    let code = format!("{}\n", recovery_code());
    place.folder("destination/within");
    std::os::unix::fs::symlink("destination", place.path("link")).unwrap();
    for file in ["destination/sheet.html", "destination/within/sheet.html", "link/sheet.html"] {
        let said = sheet(&place, file, &code);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said:?}");
        assert!(said.stderr.contains("must not lie in the destination"), "{said:?}");
        assert!(!place.path(file).exists());
    }
    place.file("there.html", "mine");
    let said = sheet(&place, "there.html", &code);
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(fs::read_to_string(place.path("there.html")).unwrap(), "mine");
    let said = sheet(&place, "sheet.html", &code);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(mode(&place, "sheet.html"), 0o600);
    let page = fs::read_to_string(place.path("sheet.html")).unwrap();
    assert!(page.contains(recovery_code()) && page.contains("<svg"), "{page}");
    assert!(!said.stdout.contains(recovery_code()) && !said.stderr.contains(recovery_code()));
}

#[test]
fn a_sheet_at_a_terminal_asks_again_after_a_slip() {
    let place = ready("");
    let words = "keepmum key sheet sheet.html -c config.ini";
    let Some(mut screen) = Screen::open(&place, words) else { return };
    screen
        .answer("Recovery code for the sheet", "no code")
        .answer("Recovery code for the sheet", recovery_code());
    let said = screen.end(&place);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("The sheet to print is in [PLACE]/sheet.html"), "{said:?}");
    assert!(!said.stdout.contains(recovery_code()), "what is typed is not shown: {said:?}");
    assert_eq!(mode(&place, "sheet.html"), 0o600);
}

#[test]
fn a_new_recovery_code_is_refused_by_no_and_the_old_one_stays() {
    let place = ready("");
    let Some(mut screen) = Screen::open(&place, "keepmum key recovery -c config.ini") else {
        return;
    };
    screen.answer("Make a new recovery code? [y/N] ", "");
    let said = screen.end(&place);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("Nothing was changed."), "{said:?}");
    let list = ["key", "list", "--from", "destination"];
    let mut list = place.command(list);
    let list = list.env("KEEPMUM_PASSWORD", recovery_code()).output().unwrap();
    assert!(list.status.success());
}

#[test]
fn the_end_of_the_input_is_no_yes() {
    let place = ready("");
    let words = "NO_COLOR=1 keepmum key recovery -c config.ini";
    let Some(mut screen) = Screen::open(&place, words) else { return };
    screen.wait("Make a new recovery code? [y/N] ");
    screen.press(END);
    let said = screen.end(&place);
    assert_eq!(said.code, 1, "{said:?}");
    let sentence = "keepmum: no answer was given, so nothing was changed";
    assert!(said.stdout.lines().any(|line| line == sentence), "{said:?}");
}

/// A new password stands nowhere else, so nobody is told where else to put it.
#[test]
fn the_end_of_the_input_at_each_question_for_a_new_password_changes_nothing() {
    for answered in [0, 1] {
        for words in ["key passwd", "key add"] {
            let place = private();
            let Some(mut screen) = Screen::open(&place, &format!("keepmum {words} -c config.ini"))
            else {
                return;
            };
            screen.wait("New password: ");
            if answered == 1 {
                screen.press(&format!("{NEW}\n")).wait("Repeat password: ");
            }
            screen.press(END);
            let said = screen.end(&place);
            assert_eq!(said.code, 1, "{said:?}");
            assert!(said.stdout.contains("no password was chosen"), "{said:?}");
            assert!(
                said.stdout.contains(": \nkeepmum: ") || said.stdout.contains(": \n\u{1b}"),
                "{said:?}"
            );
            assert!(!said.stdout.contains("hint:"), "{said:?}");
            assert_eq!(keepmum(&place, ["backup"]).code, 0, "the old password opens as before");
        }
    }
}
