//! The files that an ordinary user gets back, and the messages.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;

use crate::fidelity::stage::{NOBODY, Stage, is_root, not_tested};

#[test]
fn own_files_come_back_without_a_word() {
    let stage = Stage::ordinary();
    stage.file("letters/anna", "x");
    symlink("nowhere", stage.source("link")).unwrap();
    let shared = stage.source("letters");
    fs::set_permissions(&shared, Permissions::from_mode(0o550)).unwrap();
    stage.backup();
    // Under their full paths: the folders above the source belong to root, and are only named.
    for _ in 0..2 {
        let said = stage.run(&["restore", "latest", "--target", "out"]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    }
    stage.restores_all(&["--delete"]);
}

#[test]
fn files_of_others_come_back_and_are_reported_in_one_line() {
    let stage = Stage::ordinary();
    if !is_root() {
        // Files of others that everybody may read are all there is without root.
        let config = fs::read_to_string(stage.place.path("config.ini")).unwrap();
        let source = stage.place.path("source").display().to_string();
        stage.place.file("config.ini", config.replace(&source, "/etc/passwd"));
        stage.backup();
        let said = stage.run(&["restore", "latest:/etc/passwd", "--target", "out"]);
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(
            said.stderr,
            "1 restored file or folder now belongs to you, because only root can give it back to its \
             owner.\n"
        );
        return;
    }
    for number in 0..200 {
        stage.file(format!("{}/{number}", number % 7), "x");
    }
    stage.hand_over("");
    for number in 0..200 {
        let path = stage.source(format!("{}/{number}", number % 7));
        lchown(path, Some(54321), Some(54322)).unwrap();
    }
    let said = stage.run(&["backup"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    let mut earlier = None;
    for _ in 0..2 {
        let said = stage.restore(&[]);
        assert_eq!(said.code, 0, "{said:?}");
        let sentence = "200 restored files and folders now belong to you, because only root can give \
                        them back to their owners.\n";
        assert_eq!(said.stderr, sentence);
        assert!(!said.stdout.contains("problem"), "{said:?}");
        assert_eq!(earlier.get_or_insert(said.code), &said.code);
    }
    for number in 0..200 {
        let path = stage.out(format!("{}/{number}", number % 7));
        assert_eq!(fs::read(&path).unwrap(), b"x");
        assert_eq!(fs::metadata(&path).unwrap().uid(), NOBODY);
    }
}

#[test]
fn special_does_not_make_an_ordinary_user_root() {
    if !is_root() {
        not_tested("without root there is no snapshot of what only root may restore");
        return own_files_come_back_without_a_word();
    }
    let mut stage = Stage::new();
    stage.file("plain", "x");
    let program = stage.file("program", "x");
    crate::fidelity::stage::set_attribute(&program, "trusted.keepmum", b"1");
    fs::set_permissions(&program, Permissions::from_mode(0o4755)).unwrap();
    let node = rustix::fs::makedev(1, 3);
    let (kind, mode) = (rustix::fs::FileType::CharacterDevice, 0o666.into());
    rustix::fs::mknodat(rustix::fs::CWD, stage.source("null"), kind, mode, node).unwrap();
    stage.backup();
    stage = stage.given_to_nobody();
    let said = stage.restore(&["--special"]);
    assert_eq!(said.code, 3, "{said:?}");
    for line in [
        "Not restored [PLACE]/out/null: could not be restored for want of permission: ",
        "2 restored files and folders now belong to you, because only root can give them back",
        "Partly restored [PLACE]/out/program: could not be restored for want of permission: attribute \
         trusted.keepmum: ",
        "Partly restored [PLACE]/out/program: was not restored in all: its set-id bits were left out \
         under another owner",
    ] {
        assert!(said.stderr.contains(line), "{line}: {said:?}");
    }
    assert_eq!(fs::metadata(stage.out("program")).unwrap().mode() & 0o7777, 0o755);
    assert_eq!(fs::read(stage.out("plain")).unwrap(), b"x");
}

#[test]
fn unreadable_files_are_reported_once_and_the_rest_is_saved() {
    let stage = Stage::ordinary();
    stage.file("open", "x");
    stage.file("closed folder/inside", "x");
    stage.file("closed file", "x");
    stage.hand_over("");
    for path in ["closed folder", "closed file"] {
        fs::set_permissions(stage.source(path), Permissions::from_mode(0o0)).unwrap();
    }
    let said = stage.run(&["backup"]);
    assert_eq!(said.code, 3, "{said:?}");
    let mut lines: Vec<_> = said.stderr.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines.len(), 2, "{said:?}");
    for (line, path) in lines.iter().zip(["closed file", "closed folder"]) {
        assert_eq!(*line, format!("Skipped [PLACE]/source/{path}: permission denied"));
    }
    let listed = stage.run(&["ls", "-R", &format!("latest:{}", stage.source("open").display())]);
    assert_eq!(listed.code, 0, "{listed:?}");
    // The test's own clearing up needs to enter it.
    fs::set_permissions(stage.source("closed folder"), Permissions::from_mode(0o700)).unwrap();
}

/// `--owner` chooses who gets restored things: with `none`, existing things keep their owner.
#[test]
fn owners_are_given_as_asked() {
    let mut stage = Stage::new();
    let ids = |path: &Path| {
        let found = fs::symlink_metadata(path).unwrap();
        (found.uid(), found.gid())
    };
    let mine = ids(&stage.file("dir/file", "x"));
    symlink("text", stage.source("dir/link")).unwrap();
    let names = ["dir", "dir/file", "dir/link"];
    if is_root() {
        for name in names {
            lchown(stage.source(name), Some(54321), Some(54322)).unwrap();
        }
    }
    stage.backup();
    let theirs = ids(&stage.source("dir/file"));
    for (to, expected) in [("none", mine), ("number", theirs), ("name", theirs)] {
        fs::remove_dir_all(stage.out("")).ok();
        for written in [true, false] {
            let said = stage.restore(&["--owner", to]);
            assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{to}: {said:?}");
            let nothing = said.stdout.contains("othing");
            assert_eq!(nothing, !written, "{to}: {said:?}");
        }
        for name in names {
            assert_eq!(ids(&stage.out(name)), expected, "{to} {name}");
        }
    }
    if is_root() {
        // With `none`, who has it keeps it; else it is given back.
        lchown(stage.out("dir/file"), Some(777), Some(778)).unwrap();
        assert_eq!(stage.restore(&["--owner", "none"]).code, 0);
        assert_eq!(ids(&stage.out("dir/file")), (777, 778));
        assert_eq!(stage.restore(&["--owner", "number"]).code, 0);
        assert_eq!(ids(&stage.out("dir/file")), theirs);
        // To an ordinary user all the same: nothing can be given, and with `none` nothing is missed.
        stage = stage.given_to_nobody();
        fs::remove_dir_all(stage.out("")).unwrap();
        let said = stage.restore(&["--owner", "number"]);
        assert!(said.code == 0 && said.stderr.contains("only root can give them back"), "{said:?}");
        fs::remove_dir_all(stage.out("")).unwrap();
        let said = stage.restore(&["--owner", "none"]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    }
    let said = stage.restore(&["--owner", "anna"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("name, number, none"), "{said:?}");
}
