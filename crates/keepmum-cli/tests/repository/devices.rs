//! Several devices at one destination, and sources that share a name.

use std::fs;
use std::path::Path;

use crate::binary::Place;
use crate::prepared::{PASSWORD, keepmum, noise, ready};

/// Each of two folders gets the files that only the other has, as a sync client would bring them.
fn sync(one: &Path, other: &Path) {
    for (from, to) in [(one, other), (other, one)] {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let there = to.join(entry.file_name());
            if !there.exists() {
                fs::copy(entry.path(), there).unwrap();
            }
        }
    }
}

/// Two machines make their first runs at once in one synced folder; then everything arrives, and
/// both run again.
#[test]
fn of_two_that_began_at_once_each_gets_its_last_run_back() {
    let [a, b] = ["a", "b"].map(|name| {
        let place = Place::new();
        place.config(&format!("device_name = {name}"));
        place.file("source/file", format!("the first of {name}"));
        place.file("source/noise", noise(name.len() as u64, 20_000));
        assert_eq!(keepmum(&place, ["backup"]).code, 0);
        place
    });
    let destinations = [&a, &b].map(|place| place.path("destination"));
    sync(&destinations[0], &destinations[1]);
    for (name, place) in [("a", &a), ("b", &b)] {
        place.file("source/file", format!("the last of {name}"));
        let said = keepmum(place, ["backup"]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(!said.stderr.contains("device id"), "{said:?}");
    }
    sync(&destinations[0], &destinations[1]);
    for (name, place) in [("a", &a), ("b", &b)] {
        assert_eq!(keepmum(place, ["check"]).code, 0);
        a.file("password", PASSWORD);
        let words = ["restore", "--from", "destination", "--password-file", "password", "--device"];
        let target = format!("out-{name}");
        let said = a.run(words.iter().copied().chain([name, "latest", "-t", &target]));
        assert_eq!(said.code, 0, "{said:?}");
        let inside = place.path("source/file");
        let restored = a.path(&target).join(inside.strip_prefix("/").unwrap());
        assert_eq!(fs::read_to_string(restored).unwrap(), format!("the last of {name}"));
    }
    // Without a device "latest" means nobody's.
    let words = ["restore", "--from", "destination", "--password-file", "password", "-t", "out"];
    let said = a.run(words);
    assert_eq!(said.code, 1, "{said:?}");
    for wanted in ["device a (", "device b (", "last backup 20"] {
        assert!(said.stderr.contains(wanted), "{said:?}");
    }
}

/// Two folders of one name, in two configs with one `db_path`.
#[test]
fn a_config_for_other_folders_under_the_same_name_is_refused() {
    let place = ready("");
    place.file("source/a", "A");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    place.file("elsewhere/source/b", "B");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let before = format!("to_backup = {}", place.path("source").display());
    let after = format!("to_backup = {}", place.path("elsewhere/source").display());
    let line = config.lines().position(|line| line == before).unwrap() + 1;
    place.file("other.ini", config.replace(&before, &after));
    for words in [&["backup"][..], &["restore", "latest", "-t", "out"], &["snapshots"], &["status"]]
    {
        let said = place.run(words.iter().copied().chain(["-c", "other.ini"]));
        assert_eq!(said.code, 1, "{words:?}: {said:?}");
        let begin = format!("keepmum: other.ini:{line}: another source has this name already");
        assert!(said.stderr.starts_with(&begin), "{words:?}: {said:?}");
    }
    assert!(!place.path("out").exists());
    // With a name of its own it is another source.
    place.file("other.ini", config.replace(&before, &format!("{after}\nname = other")));
    let said = place.run(["backup", "-c", "other.ini"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
}
