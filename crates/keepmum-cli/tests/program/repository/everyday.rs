//! The days on which nothing goes wrong.

use std::fs;

use crate::binary::Place;
use crate::prepared::{filled, keepmum, objects, ready, recovery_code, sample, says, stored};

/// A run's message about a repository whose recovery code nobody has.
pub(crate) const UNSEEN: &str =
    "You have confirmed no recovery code yet; `keepmum key recovery` makes one.\n";

#[test]
fn the_original_scripts_config_works_as_it_is() {
    let place = Place::new();
    for folder in ["backup", "db", "Desktop/z/inner"] {
        place.folder(folder);
    }
    place.file("Desktop/z/inner/letter.txt", "Dear Anna,\n");
    place.file("backup/not-ours.txt", "");
    let at = place.path("");
    let at = at.display();
    place.file(
        "original.ini",
        format!(
            "[Credentials]\npassword=jdndmnn$23\n\n[DropBox]\ndrop_box_dir = {at}backup\n\n\
             [DB]\n#Database MUST not be in backed up folder as it's being changed\n\
             db_path = {at}db\n\n[Backup]\nto_backup = {at}Desktop/z\nto_exclude =\n"
        ),
    );
    let first = place.run(["backup", "-c", "original.ini", "--recovery-code-file", "code"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(first.stderr, "The recovery code is in [PLACE]/code\n");
    says(
        &first.stdout,
        "There was no repository; one is made.
1 file there is not keepmum's and will be ignored
Saved [..]: 1 new file. [..] KiB to upload. [..] s
",
    );
    // Everything comes back from the destination and the code alone.
    let back =
        place.run(["restore", "--from", "backup", "--password-file", "code", "--target", "out"]);
    assert_eq!((back.code, back.stderr.as_str()), (0, ""), "{back:?}");
    let there = format!("out{}", place.path("Desktop/z/inner/letter.txt").display());
    assert_eq!(fs::read_to_string(place.path(&there)).unwrap(), "Dear Anna,\n");
    let again = place.run(["backup", "-c", "original.ini"]);
    says(&again.stdout, "Nothing has changed. Nothing to upload. [..] s\n");
}

/// Also before there is a repository, and then it leaves nothing behind, not even a catalogue: the
/// first run is to be the first.
#[test]
fn a_dry_run_before_the_first_run_describes_it() {
    let place = Place::new();
    place.config("");
    fs::remove_dir(place.path("db")).unwrap();
    let empty = keepmum(&place, ["backup", "--dry-run"]);
    assert_eq!(empty.code, 5, "an empty source is refused as ever: {empty:?}");
    sample(&place);
    place.file("destination/holiday.jpg", "");
    let dry = keepmum(&place, ["backup", "--dry-run"]);
    assert_eq!(dry.code, 0, "{dry:?}");
    assert_eq!(dry.stderr, "There is no repository; the first run makes one.\n");
    assert!(dry.stdout.starts_with("Dry run: 5 new files. "), "{dry:?}");
    assert_eq!(fs::read_dir(place.path("destination")).unwrap().count(), 1);
    assert!(!place.path("db").exists(), "a catalogue was made");
    let json = keepmum(&place, ["backup", "--dry-run", "--json"]);
    let summary: serde_json::Value =
        serde_json::from_str(json.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&summary["files"], &summary["foreign_files"]), (&4.into(), &1.into()), "{json:?}");
    let first = keepmum(&place, ["backup"]);
    assert_eq!((first.code, first.stderr.as_str()), (0, UNSEEN), "{first:?}");
    assert!(!first.stdout.contains("Recovery code"), "no code goes to a pipe: {first:?}");
    assert!(first.stdout.starts_with("There was no repository; one is made.\n"), "{first:?}");
    // The catalogue lost, it is still the same device: its files are to be read, but not new.
    fs::remove_dir_all(place.path("db")).unwrap();
    let again = keepmum(&place, ["backup", "--dry-run"]);
    assert!(again.stdout.starts_with("Dry run: nothing has changed, "), "{again:?}");
}

#[test]
fn init_makes_an_empty_repository_once() {
    let place = ready("");
    assert_eq!(recovery_code().split('-').count(), 9);
    let again = keepmum(&place, ["init"]);
    assert_eq!((again.code, again.stdout.as_str()), (5, ""), "{again:?}");
    says(
        &again.stderr,
        "keepmum: there is a repository at the destination already: [PLACE]/destination
hint: `keepmum backup` saves into it; a new repository needs another destination
",
    );
    assert_eq!(
        keepmum(&place, ["snapshots"]).stdout,
        "No snapshots yet. `keepmum backup` makes the first one.\n"
    );
    let none = keepmum(&place, ["restore", "-t", "out"]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("keepmum: there is no snapshot yet"), "{none:?}");
    assert!(!place.path("out").exists());
}

#[test]
fn a_run_tells_what_it_did() {
    let place = ready("to_exclude = *.tmp\n");
    sample(&place);
    place.file("source/x.tmp", "x");
    let first = keepmum(&place, ["backup"]);
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    says(&first.stdout, "Saved [..]: 5 new files. [..] KiB to upload. [..] s\n");
    let before = stored(&place);
    let same = keepmum(&place, ["backup"]);
    assert_eq!((same.code, stored(&place)), (0, before), "{same:?}");
    place.file("source/letter.txt", "Dear Anna, how are you?\n");
    fs::remove_file(place.path("source/empty")).unwrap();
    place.file("source/new\x1b[31m.txt", "n");
    let dry = keepmum(&place, ["backup", "--dry-run"]);
    assert_eq!((dry.code, stored(&place)), (0, before), "{dry:?}");
    assert!(dry.stdout.contains("\nDry run: 1 new"), "{dry:?}");
    let changed = keepmum(&place, ["backup", "-v"]);
    let lines: Vec<&str> = changed.stdout.lines().collect();
    let source = "[PLACE]/source";
    for line in [
        format!("changed  {source}/letter.txt"),
        format!("gone     {source}/empty"),
        format!("new      {source}/new\x1b[31m.txt"),
        format!("left_out {source}/x.tmp").replace("left_out ", "left out "),
    ] {
        assert!(lines.iter().any(|said| said.starts_with(&line)), "{line}: {changed:?}");
    }
    assert!(lines.contains(&"Excluded 1 file or folder: 1 by pattern *.tmp"), "{changed:?}");
    assert!(lines.last().unwrap().contains(": 1 new"), "{changed:?}");
    assert!(stored(&place) - before < 4096, "a small change is one small object");
}

#[test]
fn snapshots_are_a_table() {
    let place = filled();
    place.file("source/letter.txt", "Dear Anna, how are you?\n");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let table = keepmum(&place, ["snapshots"]);
    assert_eq!((table.code, table.stderr.as_str()), (0, ""));
    says(
        &table.stdout,
        "id        time (UTC)   age       files     size   upload  state
[..]  today [..]  just now      4  293 KiB  [..] KiB  complete
[..]  today [..]  just now      4  293 KiB  [..] KiB  complete
",
    );
}

#[test]
fn a_listing_shows_a_folder_or_everything_beneath() {
    let place = filled();
    let source = place.path("source");
    let source = source.display();
    let folder = keepmum(&place, ["ls", &format!("latest:{source}")]);
    assert_eq!((folder.code, folder.stderr.as_str()), (0, ""));
    says(
        &folder.stdout,
        "empty
letter.txt
link
photos/
",
    );
    let long = keepmum(&place, ["ls", "-l", "-R", &format!(":{source}/")]);
    says(
        &long.stdout,
        "-rw------- [..]     0 B today [..] empty
-rw------- [..]    11 B today [..] letter.txt
l[..]     0 B today [..] link -> letter.txt
d[..] 293 KiB today [..] photos/
-rw------- [..] 293 KiB today [..] photos/a.raw
-rw------- [..]     2 B today [..] photos/b.txt
",
    );
    let file = keepmum(&place, ["ls", &format!("latest:{source}/letter.txt")]);
    assert_eq!(file.stdout, "[PLACE]/source/letter.txt\n");
    let all = keepmum(&place, ["ls", "-R"]);
    assert!(all.stdout.contains("[PLACE]/source/photos/b.txt\n"), "{all:?}");
}

#[test]
fn check_and_status_say_that_all_is_well() {
    let place = filled();
    let quick = keepmum(&place, ["check"]);
    assert_eq!((quick.code, quick.stderr.as_str()), (0, ""));
    says(
        &quick.stdout,
        "Checked 1 snapshot, 2 stored files, [..] pieces. Read 0 B in [..] s.
Every stored file is there, with the right size. Contents were not read; `keepmum check --read-data` reads them.
",
    );
    let whole = keepmum(&place, ["check", "--read-data"]);
    assert_eq!((whole.code, whole.stderr.as_str()), (0, ""));
    says(
        &whole.stdout,
        "Checked 1 snapshot, 2 stored files, [..] pieces. Read [..] KiB in [..] s.
Everything is there and intact. Every byte was read.
",
    );
    assert_eq!(keepmum(&place, ["check", "--read-data-subset", "50%"]).code, 0);
    let status = keepmum(&place, ["status"]);
    assert_eq!((status.code, status.stderr.as_str()), (0, ""));
    says(
        &status.stdout,
        "All is well. This computer was last backed up just now.

device  [..]last backup  last change  snapshots  state
[..]  just now     just now             1  ok

Latest snapshot  [..] of source, today [..] (UTC), complete
Last check       just now, reading [..]: nothing wrong
Repository       [..] KiB in 2 stored files, [..] free, in [PLACE]/destination
Upload           [..] KiB in the last 24 hours, [..] KiB in 7 days, [..] KiB in 30 days
",
    );
}

#[test]
fn status_says_that_nobody_has_seen_the_recovery_code() {
    let place = Place::new();
    place.config("");
    sample(&place);
    let first = keepmum(&place, ["backup", "-q"]);
    assert_eq!((first.code, first.stdout.as_str(), first.stderr.as_str()), (0, "", ""));
    let status = keepmum(&place, ["status"]);
    // The files are safe all the same.
    assert_eq!(status.code, 0, "{status:?}");
    let said = "\nRecovery code    not confirmed yet; `keepmum key recovery` makes a new one\n";
    assert!(status.stdout.contains(said), "{status:?}");
    let recovery = ["key", "recovery", "--recovery-code-file", "code"];
    assert_eq!(keepmum(&place, recovery).code, 0);
    let status = keepmum(&place, ["status"]);
    assert_eq!(status.code, 0, "{status:?}");
    assert!(!status.stdout.contains("Recovery code"), "{status:?}");
}

#[test]
fn quiet_is_quiet() {
    let place = ready("");
    sample(&place);
    let target = ["restore", "-q", "--target", "out"];
    for words in [&["backup", "-q"][..], &["check", "-q"], &["status", "-q"], &target] {
        let said = keepmum(&place, words);
        let all = (said.code, said.stdout.as_str(), said.stderr.as_str());
        assert_eq!(all, (0, "", ""), "{words:?}");
    }
    // Problems are still reported.
    for object in objects(&place) {
        fs::remove_file(object).unwrap();
    }
    for words in [["check", "-q"], ["status", "-q"]] {
        let said = keepmum(&place, words);
        assert_eq!(said.code, 6, "{words:?}: {said:?}");
        assert!(!said.stdout.is_empty(), "{words:?}: {said:?}");
    }
    let both = keepmum(&place, ["backup", "-q", "-v"]);
    assert_eq!(both.code, 1);
}

#[test]
fn names_that_are_not_utf8_are_listed_byte_by_byte() {
    use std::os::unix::ffi::OsStrExt;
    let place = ready("");
    let name = std::ffi::OsStr::from_bytes(b"bad\xff\x1b.txt");
    fs::write(place.path("source").join(name), "x").unwrap();
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let mut typed = std::ffi::OsString::from("latest:");
    typed.push(place.path("source"));
    let listed = crate::prepared::command(&place, [std::ffi::OsStr::new("ls"), &typed]);
    let listed = { listed }.output().unwrap();
    assert_eq!(listed.stdout, b"bad\xff\x1b.txt\n");
    typed.push("/");
    typed.push(name);
    let words = [std::ffi::OsStr::new("restore"), &typed, "-t".as_ref(), "out".as_ref()];
    assert_eq!(keepmum(&place, words).code, 0);
    assert_eq!(fs::read(place.path("out").join(name)).unwrap(), b"x");
}
