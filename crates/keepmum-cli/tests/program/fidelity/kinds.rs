//! Things other than files.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::fidelity::look;
use crate::fidelity::stage::{Stage, each_way, is_root};

#[test]
fn directories_and_empty_ones() {
    each_way(|stage| {
        stage.file("a/b/c/file", "x");
        for folder in ["empty", "a/empty", "a/b/empty/deeper"] {
            fs::create_dir_all(stage.source(folder)).unwrap();
        }
        stage.comes_back();
    });
}

#[test]
fn symlinks_and_dangling_ones() {
    each_way(|stage| {
        stage.file("folder/file", "x");
        let long = "x/".repeat(2040);
        for (name, text) in [
            ("to a file", "folder/file"),
            ("to a folder", "folder"),
            ("upward", "../../../.."),
            ("absolute", "/etc/hostname"),
            ("dangling", "no such thing"),
            ("to itself", "to itself"),
            ("long", &long),
            ("odd", "a\nb\x1b[31m\"'\\ "),
        ] {
            symlink(text, stage.source(name)).unwrap();
        }
        stage.comes_back();
    });
}

#[test]
fn hard_links() {
    each_way(|stage| {
        let first = stage.file("a/first", "one file");
        fs::create_dir_all(stage.source("b/c")).unwrap();
        fs::hard_link(&first, stage.source("a/second")).unwrap();
        fs::hard_link(&first, stage.source("b/c/third")).unwrap();
        let other = stage.file("z", "one file");
        fs::hard_link(other, stage.source("b/z")).unwrap();
        stage.comes_back();
        assert_eq!(fs::metadata(stage.out("b/c/third")).unwrap().nlink(), 3);
        // One name more in a later run, and one less.
        fs::hard_link(&first, stage.source("later")).unwrap();
        fs::remove_file(stage.source("b/z")).unwrap();
        stage.backup();
        stage.restores_all(&["--delete"]);
    });
}

/// Not kept: that links and pipes are one under several names. Each comes back as its own.
#[test]
fn several_names_of_links_and_pipes() {
    each_way(|stage| {
        symlink("text", stage.source("link")).unwrap();
        pipe(stage, "pipe");
        fs::hard_link(stage.source("link"), stage.source("link too")).unwrap();
        fs::hard_link(stage.source("pipe"), stage.source("pipe too")).unwrap();
        stage.comes_back();
        assert_eq!(fs::symlink_metadata(stage.out("link")).unwrap().nlink(), 1);
    });
}

fn pipe(stage: &Stage, name: &str) {
    mknodat(CWD, stage.source(name), FileType::Fifo, Mode::from_raw_mode(0o640), 0).unwrap();
}

#[test]
fn pipes() {
    each_way(|stage| {
        pipe(stage, "pipe");
        stage.file("beside", "x");
        stage.comes_back();
    });
}

#[test]
fn device_nodes() {
    let nodes = [
        ("null", FileType::CharacterDevice, makedev(1, 3)),
        ("large", FileType::CharacterDevice, makedev(500, 1_000_000)),
        ("disk", FileType::BlockDevice, makedev(7, 0)),
    ];
    if !is_root() {
        // Nobody else can make them: the machine's own must do.
        let stage = Stage::new();
        let config = fs::read_to_string(stage.place.path("config.ini")).unwrap();
        let source = stage.place.path("source").display().to_string();
        stage.place.file("config.ini", config.replace(&source, "/dev/null"));
        stage.backup();
        for more in [&[][..], &["--special"]] {
            let said = stage.run(&[&["restore", "latest:/dev/null", "-t", "out"], more].concat());
            assert_eq!(said.code, 3, "{said:?}");
            assert!(said.stderr.starts_with("Not restored /null: "), "{said:?}");
        }
        return;
    }
    let stage = Stage::new();
    for (name, kind, number) in nodes {
        mknodat(CWD, stage.source(name), kind, Mode::from_raw_mode(0o640), number).unwrap();
    }
    stage.backup();
    for _ in 0..2 {
        let said = stage.restore(&[]);
        assert_eq!(said.code, 3, "{said:?}");
        assert!(said.stdout.contains("othing"), "{said:?}");
        for (name, ..) in nodes {
            let line = format!(
                "Not restored [PLACE]/out/{name}: was not restored in all: a device is left out without --special\n"
            );
            assert!(said.stderr.contains(&line), "{said:?}");
        }
        assert!(look::tree(&stage.out("")).is_empty());
    }
    stage.restores_all(&["--special"]);
}

/// Not kept: sockets. The program that listens makes its own.
#[test]
fn sockets_are_passed_over() {
    each_way(|stage| {
        stage.file("beside", "x");
        let _listener = UnixListener::bind(stage.source("socket")).unwrap();
        stage.comes_back();
        assert!(!stage.out("socket").exists());
        let again = stage.backup();
        assert!(again.stdout.contains("Nothing to upload"), "{again:?}");
    });
}
