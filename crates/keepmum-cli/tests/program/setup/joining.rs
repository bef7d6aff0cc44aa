//! `init` at a terminal: a new repository, and one that is there already.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::screen::Screen;
use crate::binary::Place;
use crate::prepared::{PASSWORD, filled};

const CONFIG: &str = "home/.config/keepmum/config.ini";

/// Answers what comes before the password: one folder, and a destination that is there.
fn up_to_the_password(screen: &mut Screen, folder: &str, destination: &str) {
    screen
        .answer("Folder to back up: ", folder)
        .answer("Another folder (Enter: no more): ", "")
        .answer("Leave them out? [Y/n] ", "")
        .answer("Where should the backup go?", destination);
}

fn is_private(place: &Place, file: &str) -> bool {
    fs::metadata(place.path(file)).unwrap().permissions().mode() & 0o777 == 0o600
}

#[test]
fn a_repository_that_is_there_is_joined_after_two_wrong_passwords() {
    let place = filled();
    place.file("home/Documents/letter.txt", "Dear Anna,\n");
    let before = fs::read_dir(place.path("destination")).unwrap().count();
    let Some(mut screen) = Screen::open(&place, "keepmum init") else { return };
    up_to_the_password(&mut screen, "1", "destination");
    screen.wait("There already is a keepmum backup in ");
    screen
        .answer("Its password (or the recovery code): ", "wrong")
        .answer("This is not its password. Try again.", "wrong again")
        .wait("This is not its password. Try again.");
    screen
        .answer("Its password (or the recovery code): ", PASSWORD)
        .answer("Add this computer to it? [Y/n] ", "")
        .answer("Name of this computer [", "second")
        .answer("Write this? [Y/n] ", "");
    let said = screen.end(&place);
    assert_eq!(said.code, 0, "{said:?}");
    for sentence in [
        "One computer backs up there:",
        "[PLACE]/destination (added to the backup there)",
        "Nothing is backed up yet. Start with: `keepmum backup`",
    ] {
        assert!(said.stdout.contains(sentence), "{sentence}: {}", said.stdout);
    }
    assert!(!said.stdout.contains(PASSWORD), "{}", said.stdout);
    assert!(!said.stdout.contains("recovery code. It opens"), "it has its code already");
    assert!(is_private(&place, CONFIG));
    let config = fs::read_to_string(place.path(CONFIG)).unwrap();
    assert!(config.contains(&format!("\npassword = {PASSWORD}\n")), "{config}");
    assert_eq!(fs::read_dir(place.path("destination")).unwrap().count(), before);
    let backup = place.run(["backup"]);
    assert_eq!((backup.code, backup.stderr.as_str()), (0, ""), "{backup:?}");
    assert!(place.run(["snapshots"]).stdout.contains("second"));
}

#[test]
fn three_wrong_passwords_end_init_and_write_nothing() {
    let place = filled();
    place.file("home/Documents/letter.txt", "Dear Anna,\n");
    let Some(mut screen) = Screen::open(&place, "keepmum init") else { return };
    up_to_the_password(&mut screen, "1", "destination");
    for _ in 0..3 {
        screen.answer("Its password (or the recovery code): ", "wrong");
    }
    let said = screen.end(&place);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stdout.contains("wrong password for [PLACE]/destination"), "{said:?}");
    assert!(!place.path("home/.config").exists());
}

#[test]
fn a_name_that_another_device_has_is_not_taken() {
    let place = filled();
    place.file("home/Documents/letter.txt", "Dear Anna,\n");
    let devices = place.run(["status", "-c", "config.ini", "--json"]).stdout;
    let devices: serde_json::Value = serde_json::from_str(&devices).unwrap();
    let taken = devices["devices"][0]["name"].as_str().unwrap().to_owned();
    let Some(mut screen) = Screen::open(&place, "keepmum init") else { return };
    up_to_the_password(&mut screen, "1", "destination");
    let sentence = format!("There already is a device called {taken}, last used ");
    screen
        .answer("Its password (or the recovery code): ", PASSWORD)
        .answer("Add this computer to it? [Y/n] ", "")
        .wait(&sentence);
    screen.answer(&format!("Name of this computer [{taken}-2]: "), &taken).wait(&sentence);
    screen
        .answer(&format!("Name of this computer [{taken}-2]: "), "")
        .answer("Write this? [Y/n] ", "");
    let said = screen.end(&place);
    assert_eq!(said.code, 0, "{said:?}");
    let config = fs::read_to_string(place.path(CONFIG)).unwrap();
    assert!(config.contains(&format!("{taken}-2")), "{config}");
}

#[test]
fn a_weak_password_of_a_new_repository_is_asked_about() {
    let place = Place::new();
    place.file("home/Documents/letter.txt", "Dear Anna,\n");
    place.folder("synced");
    let Some(mut screen) = Screen::open(&place, "keepmum init") else { return };
    up_to_the_password(&mut screen, "1", "synced");
    screen
        .answer("press Enter to choose your own: ", "")
        .answer("Choose a password: ", "pass")
        .answer("Repeat password: ", "pass")
        .wait("This password is weak.");
    screen
        .answer("Use it all the same? [y/N] ", "")
        .answer("Choose a password: ", "pass")
        .answer("Repeat password: ", "pass")
        .answer("Use it all the same? [y/N] ", "y")
        .answer("Name of this computer [", "laptop")
        .answer("Write this? [Y/n] ", "n");
    let said = screen.end(&place);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.contains("nothing was written, as you asked"), "{said:?}");
    assert!(!place.path("home/.config").exists());
    assert_eq!(fs::read_dir(place.path("synced")).unwrap().count(), 0);
}
