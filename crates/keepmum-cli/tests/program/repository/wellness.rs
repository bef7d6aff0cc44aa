//! What `status` and `backup` say where something is not well that no stored file shows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::{thread, time::Duration};

use crate::binary::{Place, hearing};
use crate::prepared::{as_nobody, command, filled, keepmum, noise, ready};

fn key_blocks(place: &Place) -> Vec<PathBuf> {
    let paths = fs::read_dir(place.path("destination")).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| fs::metadata(path).unwrap().len() == 4096).collect()
}

#[test]
fn a_missing_copy_of_the_key_is_told_until_it_is_back() {
    let place = filled();
    assert_eq!(keepmum(&place, ["status"]).code, 0);
    let blocks = key_blocks(&place);
    assert_eq!(blocks.len(), 3);
    fs::remove_file(&blocks[0]).unwrap();
    let said = keepmum(&place, ["status"]);
    assert_eq!(said.code, 6, "{said:?}");
    let sentence = "The key is at risk: 1 copy of it is gone from the destination.";
    assert!(said.stdout.starts_with(sentence), "{said:?}");
    fs::remove_file(&blocks[1]).unwrap();
    let said = keepmum(&place, ["status"]);
    let sentence = "The key is at risk: 2 copies of it are gone from the destination.";
    assert!(said.stdout.starts_with(sentence), "{said:?}");
    let json: serde_json::Value =
        serde_json::from_str(&keepmum(&place, ["status", "--json"]).stdout).unwrap();
    assert_eq!(json["key_copies_missing"], 2);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let said = keepmum(&place, ["status"]);
    assert_eq!((said.code, key_blocks(&place).len()), (0, 3), "{said:?}");
}

#[test]
fn a_killed_run_is_told_until_one_comes_to_its_end() {
    let place = filled();
    for number in 0..16 {
        place.file(&format!("source/{number}"), noise(number + 1, 1 << 20));
    }
    let slow = command(&place, ["backup", "--limit-read", "1500K"]);
    let mut child = hearing(&slow).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = || keepmum(&place, ["status"]);
    // While it works, nothing is wrong.
    while !status().stdout.contains("it is at work") {
        assert!(child.try_wait().unwrap().is_none(), "it had ended before");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(status().code, 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let said = status();
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stdout.starts_with("The last backup was stopped before its end, "), "{said:?}");
    assert!(said.stdout.contains("; it was stopped"), "{said:?}");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    assert_eq!(status().code, 0);
}

#[test]
fn nothing_has_changed_is_said_only_of_files_that_could_be_read() {
    let place = ready("");
    place.file("source/closed/a.txt", "closed\n");
    place.file("source/open.txt", "open\n");
    assert_eq!(as_nobody(&place, ["backup"]).code, 0);
    let said = as_nobody(&place, ["backup"]);
    assert!(said.stdout.starts_with("Nothing has changed. "), "{said:?}");
    let folder = place.path("source/closed");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o0)).unwrap();
    // The folder itself has changed.
    assert_eq!(as_nobody(&place, ["backup"]).code, 3);
    let said = as_nobody(&place, ["backup"]);
    assert_eq!(said.code, 3, "{said:?}");
    let sentence = "Nothing has changed among the files that could be read. ";
    assert!(said.stdout.starts_with(sentence), "{said:?}");
    let said = as_nobody(&place, ["backup", "--dry-run"]);
    let sentence = "Dry run: nothing has changed among the files that could be read, so nothing";
    assert!(said.stdout.starts_with(sentence), "{said:?}");
}
