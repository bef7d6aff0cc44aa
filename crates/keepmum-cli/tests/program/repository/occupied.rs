//! Targets and destinations that already hold something: links, other kinds of things, and files of
//! other users.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use crate::binary::{Place, Said};
use crate::prepared::{PASSWORD, command, filled, keepmum, noise, objects, ready};

/// Somebody who is nobody.
const NOBODY: u32 = 65_534;

/// Restores the source into `out`.
fn restore(place: &Place, more: &[&str]) -> Said {
    let what = format!(":{}", place.path("source").display());
    keepmum(place, ["restore", &what, "-t", "out"].iter().chain(more))
}

fn make_pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn is_restored(place: &Place) {
    for file in ["letter.txt", "photos/a.raw", "photos/b.txt", "empty"] {
        let found = place.path("out").join(file);
        assert!(fs::symlink_metadata(&found).unwrap().is_file(), "{file}");
        assert_eq!(fs::read(found).unwrap(), fs::read(place.path("source").join(file)).unwrap());
    }
    assert_eq!(fs::read_link(place.path("out/link")).unwrap(), Path::new("letter.txt"));
}

#[test]
fn links_in_the_target_are_replaced_and_never_followed() {
    let place = filled();
    place.file("canary/letter.txt", "song");
    place.file("canary/a.raw", "song");
    place.folder("out");
    symlink("../canary/letter.txt", place.path("out/letter.txt")).unwrap();
    symlink("../canary", place.path("out/photos")).unwrap();
    symlink("/nowhere", place.path("out/empty")).unwrap();
    symlink(place.path("canary"), place.path("out/link")).unwrap();
    // They are newer than the snapshot, so they stay unless that is asked for.
    let said = restore(&place, &[]);
    assert_eq!(said.code, 3, "{said:?}");
    for name in ["letter.txt", "photos", "empty", "link"] {
        assert!(said.stderr.contains(&format!("Kept [PLACE]/out/{name}: ")), "{said:?}");
        assert!(fs::symlink_metadata(place.path("out").join(name)).unwrap().is_symlink());
    }
    let said = restore(&place, &["--overwrite", "if-changed"]);
    assert_eq!(said.code, 0, "{said:?}");
    is_restored(&place);
    assert_eq!(fs::read_to_string(place.path("canary/letter.txt")).unwrap(), "song");
    assert_eq!(fs::read_to_string(place.path("canary/a.raw")).unwrap(), "song");
    assert_eq!(fs::read_dir(place.path("canary")).unwrap().count(), 2);
}

#[test]
fn a_link_on_the_way_to_the_part_is_never_followed_out_of_the_target() {
    let place = filled();
    place.folder("canary");
    place.folder("out");
    // The full path of the source begins with a link in the target.
    let first = place.path("source");
    let first = first.components().nth(1).unwrap().as_os_str().to_owned();
    symlink(place.path("canary"), place.path("out").join(&first)).unwrap();
    let said = keepmum(&place, ["restore", "-t", "out"]);
    assert_eq!(said.code, 3, "{said:?}");
    let named = format!("Not restored [PLACE]/out/{}: ", first.display());
    assert!(said.stderr.contains(&named), "{said:?}");
    assert_eq!(fs::read_link(place.path("out").join(&first)).unwrap(), place.path("canary"));
    assert_eq!(fs::read_dir(place.path("canary")).unwrap().count(), 0);
}

#[test]
fn other_kinds_of_things_make_room() {
    let place = filled();
    place.file("out/photos", "a file where a folder is to be");
    place.folder("out/letter.txt");
    place.folder("out/link");
    make_pipe(&place.path("out/empty"));
    // A file or a pipe that is newer stays; empty folders make room.
    let said = restore(&place, &[]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(place.path("out/photos").is_file(), "{said:?}");
    assert!(fs::symlink_metadata(place.path("out/empty")).unwrap().file_type().is_fifo());
    let said = restore(&place, &["--overwrite", "if-changed"]);
    assert_eq!(said.code, 0, "{said:?}");
    is_restored(&place);
    // A pipe among the things left alone stays a pipe, and nobody waits for it.
    make_pipe(&place.path("out/pipe"));
    fs::remove_file(place.path("out/photos/b.txt")).unwrap();
    make_pipe(&place.path("out/photos/b.txt"));
    assert_eq!(restore(&place, &["--overwrite", "if-changed"]).code, 0);
    is_restored(&place);
    assert!(fs::symlink_metadata(place.path("out/pipe")).unwrap().file_type().is_fifo());
}

#[test]
fn a_folder_with_something_in_it_stays_unless_that_is_asked_for() {
    let place = filled();
    place.file("out/letter.txt/mine", "mine");
    place.file("out/link/deep/mine", "mine");
    let said = restore(&place, &[]);
    assert_eq!(said.code, 3, "{said:?}");
    for path in ["/letter.txt", "/link"] {
        assert!(said.stderr.contains(&format!("Not restored [PLACE]/out{path}: ")), "{said:?}");
    }
    assert_eq!(fs::read_to_string(place.path("out/letter.txt/mine")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(place.path("out/link/deep/mine")).unwrap(), "mine");
    assert_eq!(fs::read(place.path("out/photos/a.raw")).unwrap(), noise(1, 300_000));
    let said = restore(&place, &["--delete"]);
    assert_eq!(said.code, 0, "{said:?}");
    is_restored(&place);
}

#[test]
fn another_name_of_a_file_keeps_its_content_and_its_mode() {
    let place = filled();
    place.folder("out");
    let elsewhere = place.file("elsewhere", "Dear Anna,\n");
    let letter = fs::metadata(place.path("source/letter.txt")).unwrap();
    fs::File::open(&elsewhere).unwrap().set_modified(letter.modified().unwrap()).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o640)).unwrap();
    fs::hard_link(&elsewhere, place.path("out/letter.txt")).unwrap();
    fs::hard_link(&elsewhere, place.path("other")).unwrap();
    assert_eq!(restore(&place, &[]).code, 0);
    is_restored(&place);
    let there = fs::metadata(&elsewhere).unwrap();
    assert_eq!((there.mode() & 0o777, there.nlink()), (0o640, 2));
}

/// Gives a folder and all in it away; nothing where that is not permitted.
fn give_away(path: &Path) -> Option<()> {
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        if std::os::unix::fs::lchown(&path, Some(NOBODY), Some(NOBODY)).is_err() {
            println!("skipped: only root can give things away");
            return None;
        }
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    Some(())
}

/// The program, run by nobody; nothing where nobody may run it.
fn as_nobody(place: &Place, words: &[&str]) -> Option<Said> {
    let mut command = command(place, words);
    match command.uid(NOBODY).gid(NOBODY).output() {
        Ok(output) => Some(place.said(output)),
        Err(error) => {
            println!("skipped: nobody cannot run the program here ({error})");
            None
        }
    }
}

#[test]
fn files_of_somebody_else_stay_and_the_rest_comes_back() {
    let place = filled();
    let Some(()) = give_away(&place.path("")) else { return };
    let out = place.folder("out");
    chown(&out, Some(NOBODY), Some(NOBODY)).unwrap();
    // A folder of root, and a file of root in a folder of nobody.
    let theirs = place.file("out/photos/a.raw", "root's");
    place.file("out/letter.txt", "root's");
    let what = format!(":{}", place.path("source").display());
    let words = ["restore", &what, "-t", "out", "--overwrite", "if-changed"];
    let Some(said) = as_nobody(&place, &words) else { return };
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.contains("Not restored [PLACE]/out/photos/a.raw: "), "{said:?}");
    assert!(said.stderr.contains("for want of permission"), "{said:?}");
    assert_eq!(fs::read_to_string(theirs).unwrap(), "root's");
    assert_eq!(fs::metadata(place.path("out/photos")).unwrap().uid(), 0);
    // The folder is nobody's, so the name in it is theirs to replace.
    assert_eq!(fs::read_to_string(out.join("letter.txt")).unwrap(), "Dear Anna,\n");
    assert!(out.join("empty").exists() && fs::read_link(out.join("link")).is_ok());
    let Some(said) = as_nobody(&place, &["restore", &what, "-t", "out", "--delete"]) else {
        return;
    };
    assert_eq!(said.code, 3, "{said:?}");
}

#[test]
fn a_target_that_belongs_to_somebody_else_is_named() {
    let place = filled();
    let Some(()) = give_away(&place.path("")) else { return };
    place.folder("out");
    let Some(said) = as_nobody(&place, &["restore", "-t", "out"]) else { return };
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.contains("for want of permission"), "{said:?}");
    let Some(said) = as_nobody(&place, &["restore", "-t", "out/deeper"]) else { return };
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.contains("[PLACE]/out/deeper"), "{said:?}");
    assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), 0);
}

/// Takes an object away from nobody, who may still list it.
fn lock(object: &PathBuf) {
    chown(object, Some(0), Some(0)).unwrap();
    fs::set_permissions(object, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn one_unreadable_object_costs_its_contents() {
    let place = ready("");
    place.file("source/letter.txt", "Dear Anna,\n");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let first = objects(&place);
    place.file("source/photos/a.raw", noise(1, 300_000));
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let Some(()) = give_away(&place.path("")) else { return };
    lock(&objects(&place)[0]);
    let Some(said) = as_nobody(&place, &["check", "--read-data"]) else { return };
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.stderr.contains("/photos/a.raw"), "{said:?}");
    // The older one is whole, and is latest now; the arrived part of the newer can be restored by
    // its id.
    let said = as_nobody(&place, &["restore", "-t", "older"]).unwrap();
    assert_eq!(said.code, 3, "{said:?}");
    let named = said.stderr.split("The newer snapshot ").nth(1).unwrap();
    let said = as_nobody(&place, &["restore", &named[..8], "-t", "out"]).unwrap();
    assert_eq!(said.code, 6, "{said:?}");
    let letter = format!("out{}", place.path("source/letter.txt").display());
    assert_eq!(fs::read_to_string(place.path(&letter)).unwrap(), "Dear Anna,\n");
    // Now one with metadata, for somebody who has never seen it.
    lock(&first[0]);
    let password = place.file("password", PASSWORD);
    give_away(&password).unwrap();
    let alone = |words: &[&str]| {
        let mut command = place.command(words);
        command.args(["--from", "destination", "--password-file", "password"]);
        place.said(command.uid(NOBODY).gid(NOBODY).output().unwrap())
    };
    let said = alone(&["snapshots"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("  2  "), "the other snapshot is listed: {said:?}");
    let said = alone(&["check"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.stderr.contains("permission denied at the destination"), "{said:?}");
    // Whoever writes does not take it for lost.
    fs::remove_dir_all(place.path("db")).unwrap();
    give_away(&place.folder("db")).unwrap();
    let said = as_nobody(&place, &["backup"]).unwrap();
    assert_eq!(said.code, 4, "{said:?}");
}

/// A restore that was killed leaves something under a name that is nobody's: no backup saves it, and
/// the next restore to where things came from removes it, whatever it restores.
#[test]
fn leftovers_of_a_killed_restore_are_nobodys_and_go_with_the_next() {
    let place = ready("");
    let other = place.folder("other");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let roots = format!("to_backup =\n {}\n {}", place.path("source").display(), other.display());
    let config = config.replace(&format!("to_backup = {}", place.path("source").display()), &roots);
    place.file("config.ini", config);
    place.file("source/sub/letter", "x");
    place.file("other/letter", "x");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let left = [
        place.file("source/.keepmum-0123456789abcdef.tmp", "half a letter"),
        place.file("source/sub/.keepmum-0123456789abcdef.tmp", "half a letter"),
        place.file("other/.keepmum-0123456789abcdef.tmp", "half a letter"),
    ];
    symlink("nowhere", place.path("other/.keepmum-0123456789abcdee.tmp")).unwrap();
    for words in [&["backup", "-v"][..], &["backup", "-v", "-n"], &["diff", "latest"], &["check"]] {
        let said = keepmum(&place, words.iter());
        assert_eq!(said.code, 0, "{said:?}");
        assert!(!said.stdout.contains("new "), "{said:?}");
        let told = said.stdout.matches("(left behind by an interrupted restore)").count();
        assert_eq!(told, if words[0] == "backup" { 4 } else { 0 }, "{said:?}");
        assert!(left.iter().all(|path| path.exists()), "{words:?}");
    }
    let said = keepmum(&place, ["restore", "--dry-run"]);
    assert!(said.code == 0 && left.iter().all(|path| path.exists()), "{said:?}");
    // Of another part; but leftovers that lie on no way are removed by a restore that comes by.
    let what = format!("latest:{}", place.path("source/sub/letter").display());
    fs::remove_file(place.path("source/sub/letter")).unwrap();
    let said = keepmum(&place, ["restore", &what]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    assert!(left.iter().all(|path| !path.exists()), "{:?}", fs::read_dir(&other));
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
    assert!(place.path("source/sub/letter").exists());
}
