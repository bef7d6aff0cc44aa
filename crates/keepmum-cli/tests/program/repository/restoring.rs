//! Restoring, and the message if that is impossible.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::binary::Place;
use crate::prepared::{filled, keepmum, noise, says};

fn restore(place: &Place, what: &str, more: &[&str]) -> crate::binary::Said {
    let what = what.replace("SOURCE", &place.path("source").display().to_string());
    let words = ["restore", &what, "--target", "out"];
    keepmum(place, words.iter().chain(more))
}

#[test]
fn everything_comes_back_under_its_full_path_once() {
    let place = filled();
    let first = restore(&place, "latest", &[]);
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    says(
        &first.stdout,
        "Restored 4 files (293 KiB) and [..] folders, links or attributes to [PLACE]/out from [..] \
         (today [..]). Read [..] KiB in [..] s\n",
    );
    let out = place.path(&format!("out{}", place.path("source").display()));
    for file in ["letter.txt", "photos/a.raw", "photos/b.txt", "empty"] {
        let (there, here) = (out.join(file), place.path("source").join(file));
        assert_eq!(fs::read(&there).unwrap(), fs::read(&here).unwrap(), "{file}");
        let times = |path| fs::metadata(path).map(|m| (m.mtime(), m.mtime_nsec(), m.mode()));
        assert_eq!(times(there).unwrap(), times(here).unwrap(), "{file}");
    }
    assert_eq!(fs::read_link(out.join("link")).unwrap().to_str(), Some("letter.txt"));
    let again = restore(&place, "latest", &[]);
    assert_eq!(again.code, 0);
    assert!(again.stdout.contains("Nothing to restore to [PLACE]/out "), "{again:?}");
}

#[test]
fn a_path_comes_back_as_its_content_and_a_file_as_itself() {
    let place = filled();
    let folder = restore(&place, "latest:SOURCE/photos", &[]);
    assert_eq!(folder.code, 0, "{folder:?}");
    assert_eq!(fs::read(place.path("out/a.raw")).unwrap(), noise(1, 300_000));
    let file = restore(&place, ":SOURCE/letter.txt", &["-q"]);
    assert_eq!((file.code, file.stderr.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(place.path("out/letter.txt")).unwrap(), "Dear Anna,\n");
}

#[test]
fn a_dry_run_writes_nothing() {
    let place = filled();
    let said = restore(&place, "latest:SOURCE", &["--dry-run", "-v"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    assert!(said.stdout.contains("new      [PLACE]/out/photos/a.raw\n"), "{said:?}");
    assert!(said.stdout.contains(". Nothing was written\n"), "{said:?}");
    assert!(!place.path("out").exists());
}

#[test]
fn existing_files_in_the_target_are_treated_as_requested() {
    let place = filled();
    let letter = |text: &str| place.file("out/letter.txt", text);
    let now = || fs::read_to_string(place.path("out/letter.txt")).unwrap();
    letter("mine");
    let never = restore(&place, ":SOURCE", &["--overwrite", "never"]);
    assert_eq!((never.code, now().as_str()), (0, "mine"), "{never:?}");
    let changed = restore(&place, ":SOURCE", &["--overwrite", "if-changed"]);
    assert_eq!((changed.code, now().as_str()), (0, "Dear Anna,\n"), "{changed:?}");
    // The same length and time with other bytes: only `always` looks no further.
    let time = fs::metadata(place.path("out/letter.txt")).unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(letter("Dear Otto,\n")).unwrap();
    file.set_modified(time).unwrap();
    fs::set_permissions(
        place.path("out/letter.txt"),
        fs::metadata(place.path("source/letter.txt")).unwrap().permissions(),
    )
    .unwrap();
    assert_eq!(restore(&place, ":SOURCE", &[]).code, 0);
    assert_eq!(now(), "Dear Otto,\n");
    let always = restore(&place, ":SOURCE", &["--overwrite", "always"]);
    assert_eq!((always.code, now().as_str()), (0, "Dear Anna,\n"), "{always:?}");
}

#[test]
fn only_delete_removes_files_missing_from_the_snapshot() {
    let place = filled();
    place.file("out/extra/mine.txt", "mine");
    let kept = restore(&place, ":SOURCE", &[]);
    assert_eq!(kept.code, 0);
    assert!(place.path("out/extra/mine.txt").exists());
    let dry = restore(&place, ":SOURCE", &["--delete", "--dry-run"]);
    assert!(dry.stdout.contains(", 2 to be removed. "), "{dry:?}");
    assert!(place.path("out/extra/mine.txt").exists());
    let gone = restore(&place, ":SOURCE", &["--delete"]);
    assert_eq!(gone.code, 0, "{gone:?}");
    assert!(!place.path("out/extra").exists() && place.path("out/letter.txt").exists());
}

#[test]
fn a_target_that_is_no_folder_is_named() {
    let place = filled();
    place.file("out", "mine");
    let said = restore(&place, "latest", &[]);
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (1, "keepmum: The target must be a folder, and this is none: [PLACE]/out\n")
    );
    let below = keepmum(&place, ["restore", "-t", "out/deeper"]);
    assert_eq!(below.code, 3, "{below:?}");
    assert!(below.stderr.contains("[PLACE]/out/deeper"), "{below:?}");
    assert!(below.stderr.contains("hint: see that the target is writable"), "{below:?}");
    assert_eq!(fs::read_to_string(place.path("out")).unwrap(), "mine");
}

#[test]
fn snapshots_that_are_not_there_are_said_so() {
    let place = filled();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["ls", "0123456789"], 1, "there is no snapshot 0123456789"),
        (&["ls", "latest~7"], 1, "there is only 1 complete snapshot"),
        (&["ls", "latest~x"], 1, "\"latest~x\" is not a snapshot. Write a number"),
        (&["ls", "abc"], 1, "\"abc\" is neither a snapshot nor a path in"),
        (&["ls", "yesterday"], 1, "\"yesterday\" is neither a snapshot nor a path in"),
        (&["ls", "/etc"], 1, "/etc is not in"),
        (&["ls", "latest:/no/such"], 1, "/no/such is not in"),
        (&["ls", "latest:/a/../b"], 1, "/a/../b is not in"),
        (&["ls", "--at", "2001-01-01"], 1, "there is no snapshot at or before that time"),
    ];
    for (words, code, expected) in cases {
        let said = keepmum(&place, words);
        assert_eq!((said.code, said.stdout.as_str()), (code, ""), "{words:?}: {said:?}");
        assert!(said.stderr.contains(expected), "{words:?}: {said:?}");
    }
    let device = keepmum(&place, ["ls", "--device", "nobody"]);
    assert_eq!(device.code, 1, "{device:?}");
}

#[test]
fn a_prefix_must_belong_to_one_snapshot() {
    let place = filled();
    let ids = || -> Vec<String> {
        let document = keepmum(&place, ["snapshots", "--json"]).stdout;
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        let lines = document["snapshots"].as_array().unwrap().iter();
        lines.map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    };
    let one = ids()[0].clone();
    for name in [&one[..], &one[..12], &one[..4], &one[..8].to_uppercase()] {
        assert_eq!(keepmum(&place, ["ls", name]).code, 0, "{name}");
    }
    // Four digits of two ids in sixteen thousand pairs: the library tests ambiguous ids.
    place.file("source/letter.txt", "other");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    assert_eq!(ids().len(), 2);
    let both = keepmum(&place, ["diff"]);
    assert_eq!(both.code, 1, "there is no such command yet: {both:?}");
    let older = keepmum(&place, ["restore", "latest~1", "-t", "old"]);
    assert_eq!(older.code, 0, "{older:?}");
    let letter = format!("old{}", place.path("source/letter.txt").display());
    assert_eq!(fs::read_to_string(place.path(&letter)).unwrap(), "Dear Anna,\n");
}

#[test]
fn a_target_that_is_no_folder_is_refused_before_anything_is_opened() {
    let place = filled();
    place.file("file", "");
    std::os::unix::fs::symlink("nowhere", place.path("link")).unwrap();
    for target in ["file", "link"] {
        let said = keepmum(&place, ["restore", "--target", target]);
        assert_eq!(said.code, 1, "{said:?}");
        let told = format!("The target must be a folder, and this is none: [PLACE]/{target}");
        assert!(said.stderr.contains(&told), "{said:?}");
    }
    assert!(!place.path("nowhere").exists());
}
