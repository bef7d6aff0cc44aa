//! Trees of unusual shape.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::{Dir, Mode, OFlags, mkdirat, openat};

use crate::fidelity::stage::{Stage, each_way};

const LEVELS: usize = 5000;

fn open(at: &OwnedFd, name: &str) -> OwnedFd {
    openat(at, name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap()
}

/// Makes folders in folders, each with a file; the last ones' name is `last`.
fn dig(stage: &Stage, name: &str, levels: usize) -> OwnedFd {
    let mut here = OwnedFd::from(File::open(stage.source("")).unwrap());
    for level in 0..levels {
        let flags = OFlags::WRONLY | OFlags::CREATE;
        let file = openat(&here, "file", flags, Mode::from_raw_mode(0o644)).unwrap();
        rustix::io::write(file, level.to_string().as_bytes()).unwrap();
        mkdirat(&here, name, Mode::from_raw_mode(0o755)).unwrap();
        here = open(&here, name);
    }
    here
}

/// The same program with few file descriptors.
fn frugal(stage: &Stage, words: &[&str]) -> Command {
    let plain = stage.command(words);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]).arg(plain.get_program());
    command.args(plain.get_args()).current_dir(plain.get_current_dir().unwrap()).env_clear();
    for (key, value) in plain.get_envs() {
        command.envs(value.map(|value| (key, value)));
    }
    command
}

#[track_caller]
fn runs(stage: &Stage, words: &[&str]) -> String {
    let said = stage.place.said(frugal(stage, words).output().unwrap());
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{words:?}: {}", said.stdout);
    said.stdout
}

#[test]
fn five_thousand_levels() {
    let stage = Stage::new();
    let bottom = dig(&stage, "deep", LEVELS);
    drop(bottom);
    let source = stage.source("").display().to_string();
    let source = source.trim_end_matches('/');
    let (what, deepest) = (format!("latest:{source}"), "/deep".repeat(LEVELS - 1));
    runs(&stage, &["backup"]);
    assert!(runs(&stage, &["backup"]).contains("Nothing to upload"));
    assert_eq!(runs(&stage, &["diff", "latest"]), "Nothing differs\n");
    runs(&stage, &["check", "--read-data"]);
    let listed = runs(&stage, &["ls", &format!("{what}{deepest}")]);
    assert!(listed.ends_with("file\n") && listed.lines().count() == 2, "{listed}");
    for expected in [&format!("Restored {LEVELS} files"), "Nothing to restore"] {
        let said = runs(&stage, &["restore", &what, "--target", "out"]);
        assert!(said.contains(expected), "{said}");
    }
    let mut here = OwnedFd::from(File::open(stage.out("")).unwrap());
    for level in 0..LEVELS {
        let mut file = File::from(openat(&here, "file", OFlags::RDONLY, Mode::empty()).unwrap());
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, level.to_string());
        here = open(&here, "deep");
    }
    assert_eq!(Dir::read_from(&here).unwrap().count(), 2, "only . and .. are at the bottom");
    assert_eq!(archived(&stage, &what), 2 * LEVELS + 1);
    // Things that are not in the snapshot are removed to any depth.
    fs::create_dir(stage.source("other")).unwrap();
    runs(&stage, &["backup"]);
    let what = format!("{what}/other");
    runs(&stage, &["restore", &what, "-t", "out", "--delete", "--accept-deletions"]);
    assert_eq!(fs::read_dir(stage.out("")).unwrap().count(), 0);
}

/// How many entries the archive of a folder has. (GNU tar cannot unpack such paths.)
fn archived(stage: &Stage, what: &str) -> usize {
    let mut child = frugal(stage, &["dump", what]).stdout(Stdio::piped()).spawn().unwrap();
    let mut archive = BufReader::new(child.stdout.take().unwrap());
    let mut entries = 0;
    let mut header = [0; 512];
    loop {
        archive.read_exact(&mut header).unwrap();
        if header == [0; 512] {
            break;
        }
        let size = std::str::from_utf8(&header[124..135]).unwrap();
        let size = u64::from_str_radix(size, 8).unwrap().next_multiple_of(512);
        std::io::copy(&mut archive.by_ref().take(size), &mut std::io::sink()).unwrap();
        entries += usize::from(header[156] != b'x');
    }
    std::io::copy(&mut archive, &mut std::io::sink()).unwrap();
    assert!(child.wait().unwrap().success());
    entries
}

/// Not kept: things deeper than a path of 131,071 bytes. They are reported; the rest is kept.
#[test]
fn paths_of_more_than_131071_bytes_are_reported() {
    let stage = Stage::new();
    drop(dig(&stage, &"n".repeat(250), 530));
    let said = stage.place.said(frugal(&stage, &["backup"]).output().unwrap());
    assert_eq!(said.code, 3, "{}", said.stdout);
    assert!(said.stderr.contains("lies deeper than a path can say"), "{}", said.stdout);
    let said = stage.place.said(frugal(&stage, &["restore", "--target", "out"]).output().unwrap());
    assert_eq!(said.code, 0, "{}", said.stderr);
}

/// A folder with so many files is saved, saved again, and restored twice.
fn one_folder(stage: &Stage, files: usize) {
    let folder: PathBuf = stage.source("folder");
    fs::create_dir(&folder).unwrap();
    for number in 0..files {
        fs::write(folder.join(format!("entry-{number:07}")), number.to_string()).unwrap();
    }
    stage.backup();
    fs::write(folder.join("one more"), "x").unwrap();
    fs::remove_file(folder.join("entry-0000001")).unwrap();
    let said = stage.backup();
    // The folder itself has another time.
    assert!(said.stdout.contains(": 1 new, 1 deleted files. "), "{said:?}");
    stage.restores_all(&[]);
    assert_eq!(fs::read_dir(stage.out("folder")).unwrap().count(), files);
}

#[test]
fn one_directory_of_many_entries() {
    each_way(|stage| one_folder(stage, 20_000));
}

#[test]
#[ignore = "long: makes two million files"]
fn one_directory_of_a_million_entries() {
    one_folder(&Stage::new(), 1_000_000);
}
