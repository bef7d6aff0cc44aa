//! Tests of the questions of `init`, which need no terminal.

use std::fs;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use keepmum::Passphrase;

use super::super::folders::{ask, ask_destination};
use super::super::talk::Talk;
use super::{make, store};
use crate::config::{Around, Config, Draft};
use crate::failure::Failure;
use crate::terminal::look::Look;

/// What `hear` makes of this input, and what was said; lines of at most so many columns.
fn talked<T>(
    input: &str,
    home: &Path,
    width: usize,
    hear: impl FnOnce(&mut Talk<'_>) -> Result<T, Failure>,
) -> (Result<T, String>, String) {
    let (mut input, mut output) = (input.as_bytes(), Vec::new());
    let mut talk = Talk {
        line: &mut |line| input.read_line(line),
        output: &mut output,
        secret: &mut |_| Err(Failure::usage("no secret")),
        new_secret: &mut || Err(Failure::usage("no secret")),
        home: Some(home),
        look: Look::plain(width),
    };
    let heard = hear(&mut talk).map_err(|failure| failure.to_string());
    (heard, String::from_utf8(output).unwrap())
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().canonicalize().unwrap();
    for made in ["Documents/letters/old", "Pictures/node_modules", "Dropbox", "state"] {
        fs::create_dir_all(home.join(made)).unwrap();
    }
    fs::write(home.join("Documents/letter"), vec![0; 2048]).unwrap();
    fs::write(home.join("Pictures/node_modules/x"), vec![0; 1024]).unwrap();
    fs::write(home.join("file"), "").unwrap();
    (folder, home)
}

#[test]
fn several_folders_are_named_by_number_or_path() {
    let (_folder, home) = home();
    let typed = "\n9\n~/nowhere\n~/Documents/letters\n1 2\n~/file\n\n\n";
    let (folders, said) = talked(typed, &home, 80, ask);
    let folders = folders.unwrap();
    assert_eq!(folders.roots, ["Documents", "Pictures", "file"].map(|name| home.join(name)));
    assert_eq!((folders.amount.files, folders.amount.bytes), (3, 3072));
    assert!(folders.excludes.iter().any(|pattern| pattern == "node_modules/"));
    for expected in [
        "  1  ~/Documents      2.0 KiB in 1 file\n",
        "  2  ~/Pictures       1.0 KiB in 1 file\n",
        "Name at least one folder.",
        "There is no number 9 in the list.",
        "~/nowhere does not exist.",
        "That is 3.0 KiB in 3 files.",
        "they take 1.0 KiB.",
        "Leave them out? [Y/n]",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // The end of the input is no answer.
    let (folders, _) = talked("1\n", &home, 80, ask);
    assert_eq!(folders.err().unwrap(), "no answer was given, so nothing was written");
}

#[test]
fn what_is_within_another_folder_is_not_named_twice() {
    let (_folder, home) = home();
    let (folders, said) = talked("1\n~/Documents/letters\n\nn\n", &home, 80, ask);
    let folders = folders.unwrap();
    assert_eq!(folders.roots, [home.join("Documents")]);
    assert!(folders.excludes.is_empty());
    assert!(said.contains("~/Documents/letters is in ~/Documents already."), "{said}");
}

/// The first backup would stop at it, with no word of it before.
#[test]
fn an_empty_folder_is_neither_offered_nor_taken() {
    let (_folder, home) = home();
    fs::create_dir(home.join("Music")).unwrap();
    let (folders, said) = talked("~/Music\n3\n1\n\n\n", &home, 200, ask);
    assert_eq!(folders.unwrap().roots, [home.join("Documents")]);
    assert!(said.contains("~/Music is empty, and a backup stops at an empty folder"), "{said}");
    assert!(said.contains("There is no number 3 in the list."), "{said}");
}

#[test]
fn a_destination_is_asked_for_until_it_makes_sense() {
    let (_folder, home) = home();
    let roots = [home.join("Documents")];
    let state = home.join("state/keepmum");
    let place = |talk: &mut Talk<'_>| ask_destination(talk, &roots, &[&state]);
    let typed = "~\n~/file\n~/state\ns3:bucket/x\nsftp://host/x\n~/new\nn\n~/new\nmaybe\ny\n";
    let (destination, said) = talked(typed, &home, 200, place);
    assert_eq!(destination.unwrap(), home.join("new"));
    assert!(!home.join("new").exists(), "it is made once everything was answered");
    for expected in [
        "[~/Dropbox/Backup]:",
        "~/Documents is inside ~. Choose another folder.",
        "~/file is not a folder.",
        "~/state/keepmum would be inside ~/state and must not be uploaded.",
        "s3: destinations are not available in this version; name a folder.",
        "sftp: destinations are not available in this version; name a folder.",
        "~/new does not exist. Make it? [Y/n]",
        "Type y or n.",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let (destination, _) = talked("\n\n", &home, 80, place);
    assert_eq!(destination.unwrap(), home.join("Dropbox/Backup"));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let (_folder, home) = home();
    for width in [60, 80] {
        let (_, said) = talked("1 2\n\n\n", &home, width, ask);
        // What is typed ends the line of a question.
        let mut lines = said.lines().flat_map(|line| line.split_inclusive(": "));
        let wide = lines.find(|line| line.chars().count() > width);
        assert_eq!(wide, None, "{said}");
    }
}

#[test]
fn a_config_is_never_written_over_and_a_failure_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let path = at.join("keepmum/config.ini");
    let draft = |destination: &Path| Draft {
        roots: vec!["/s".into()],
        excludes: Vec::new(),
        exclude_caches: false,
        destination: destination.to_owned(),
        password: Some(Passphrase::new("p w".to_owned())),
        device_name: "laptop".to_owned(),
    };
    let written = store(&path, &draft(&at.join("a/b")), false).ok().unwrap();
    assert_eq!(Config::read(&path, Around::default()).ok().unwrap().roots, [Path::new("/s")]);
    let failure = store(&path, &draft(&at.join("c/d")), false).err().unwrap().to_string();
    assert!(failure.contains("is not overwritten"), "{failure}");
    assert!(!at.join("c").exists() && path.exists());
    written.undo();
    assert_eq!(fs::read_dir(at).unwrap().count(), 0);
    // What somebody put there meanwhile stays.
    let mut made = Vec::new();
    make(&at.join("e/f"), &mut made).ok().unwrap();
    assert_eq!(made, [at.join("e/f"), at.join("e")]);
}
