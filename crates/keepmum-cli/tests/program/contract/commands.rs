//! The rows of "commands", and the exit codes.

use std::fs;
use std::process::Command;

use crate::binary::Place;
use crate::contract::transcript::{LAPTOP, Transcript, filled};
use crate::prepared::{PASSWORD, keepmum, objects, ready, sample};

#[test]
fn init() {
    let place = Place::new();
    place.config(LAPTOP);
    place.file("destination/holiday.jpg", "");
    let mut transcript = Transcript::at(&place);
    transcript.run("init");
    transcript.run("init -c config.ini");
    transcript.run("init -c config.ini");
    transcript.run("init --from destination");
    for folder in ["destination", "db"] {
        fs::remove_dir_all(place.path(folder)).unwrap();
        place.folder(folder);
    }
    transcript.note("destination and catalogue are empty again");
    transcript.run("init -c config.ini --json -q");
    transcript.agrees("init.txt");
}

#[test]
fn backup() {
    let place = Place::new();
    place.config("device_name = laptop\nto_exclude = *.tmp\n");
    let mut transcript = Transcript::at(&place);
    transcript.note("the source is empty");
    transcript.run("backup -c config.ini");
    sample(&place);
    place.file("source/photos/a.raw", "raw\n");
    place.file("source/x.tmp", "");
    place.file("destination/holiday.jpg", "");
    transcript.note("the source has a few files now, and the destination a foreign one");
    transcript.run("backup -c config.ini --dry-run");
    transcript.run("backup -c config.ini");
    transcript.run("backup -c config.ini");
    place.file("source/letter.txt", "Dear Anna, how are you?\n");
    place.file("source/new\x1b[31m.txt", "n");
    fs::remove_file(place.path("source/empty")).unwrap();
    place.folder("source/folder");
    transcript.note("one file is changed, one new, one gone, and a folder is new");
    transcript.run("backup -c config.ini -n -v");
    transcript.run("backup -c config.ini --json");
    fs::rename(place.path("source"), place.path("elsewhere")).unwrap();
    transcript.note("the source is not there");
    transcript.run("backup -c config.ini");
    place.folder("source");
    transcript.note("the source is empty");
    transcript.run("backup -c config.ini");
    transcript.run("backup -c config.ini --accept-deletions");
    transcript.run("backup -c config.ini");
    transcript.agrees("backup.txt");
}

#[test]
fn snapshots_and_status() {
    let place = ready(LAPTOP);
    let mut transcript = Transcript::at(&place);
    transcript.run("snapshots -c config.ini");
    transcript.run("status -c config.ini");
    sample(&place);
    place.file("source/photos/a.raw", "raw\n");
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    transcript.note("there is one snapshot now");
    transcript.run("snapshots -c config.ini");
    transcript.run("snapshots -c config.ini --json");
    transcript.run("status -c config.ini");
    transcript.run("status -c config.ini --json");
    place.file("source/letter.txt", "Dear Anna, how are you?\n");
    let first = objects(&place);
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    let last = objects(&place).into_iter().find(|path| !first.contains(path)).unwrap();
    fs::rename(last, place.path("away")).unwrap();
    transcript.note("there are two, and the object of the newest has not arrived at this machine");
    let variable = [("KEEPMUM_PASSWORD", PASSWORD)];
    transcript.run_with("snapshots --from destination", &variable, None);
    transcript.run("snapshots -c config.ini");
    transcript.run("status -c config.ini");
    transcript.agrees("snapshots-status.txt");
}

#[test]
fn log() {
    let place = ready(LAPTOP);
    let mut transcript = Transcript::at(&place);
    transcript.run("log -c config.ini");
    sample(&place);
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    fs::rename(place.path("destination"), place.path("away")).unwrap();
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 4);
    transcript.note("one run has saved, and for the next one the destination was not there");
    transcript.run("log -c config.ini 1");
    transcript.run("log -c config.ini 2");
    transcript.run("log -c config.ini 3");
    transcript.run("log -c config.ini -n 1 --json");
    transcript.run("log --from away");
    transcript.agrees("log.txt");
}

#[test]
fn ls() {
    let place = filled();
    let mut transcript = Transcript::at(&place);
    transcript.run("ls -c config.ini latest:[PLACE]/source");
    transcript.run("ls -c config.ini latest:[PLACE]/source/letter.txt");
    transcript.run("ls -c config.ini -l :[PLACE]/source");
    transcript.run("ls -c config.ini -R :[PLACE]/source/");
    transcript.run("ls -c config.ini latest:/nowhere");
    transcript.run("ls -c config.ini :[PLACE]/source/letter.txt --json");
    transcript.agrees("ls.txt");
}

#[test]
fn restore() {
    let place = filled();
    let mut transcript = Transcript::at(&place);
    transcript.run("restore -c config.ini");
    transcript.run("restore -c config.ini --target out --dry-run");
    transcript.run("restore -c config.ini --target out");
    transcript.show(&format!("out{}/source/letter.txt", place.path("").display()));
    let source = "latest:[PLACE]/source";
    transcript.run(&format!("restore -c config.ini {source} --target part"));
    place.file("part/letter.txt", "something else\n");
    place.file("part/surplus", "");
    transcript.note("part/letter.txt says something else, and part/surplus is not in the snapshot");
    transcript.run(&format!("restore -c config.ini {source} --target part --overwrite never"));
    transcript.run(&format!("restore -c config.ini {source} --target part -n -v --delete"));
    transcript.run(&format!("restore -c config.ini {source} --target part --delete"));
    transcript.run(&format!("restore -c config.ini {source} -t part --overwrite always --json"));
    transcript.run(&format!("restore -c config.ini {source}/letter.txt -t file"));
    transcript.show("file/letter.txt");
    transcript.run("restore -c config.ini --target config.ini");
    transcript.run("restore -c config.ini latest:/nowhere --target out");
    transcript.agrees("restore.txt");
}

#[test]
fn dump() {
    let place = filled();
    let mut transcript = Transcript::at(&place);
    transcript.run("dump -c config.ini latest:[PLACE]/source/letter.txt");
    transcript.run("dump -c config.ini latest:[PLACE]/source/letter.txt --json");
    transcript.run("dump -c config.ini latest:/nowhere");
    transcript.run("dump -c config.ini latest:[PLACE]/source/letter.txt -o letter.txt");
    assert_eq!(fs::read_to_string(place.path("letter.txt")).unwrap(), "Dear Anna,\n");
    transcript.run("dump -c config.ini latest:[PLACE]/source/letter.txt -o letter.txt");
    transcript.run("dump -c config.ini latest:[PLACE]/source/letter.txt -o nowhere/letter.txt");
    transcript.run("dump -c config.ini latest:[PLACE]/source/letter.txt -o destination/letter.txt");
    let folder = format!("latest:{}", place.path("source/photos").display());
    let archive = place.command(["dump", "-c", "config.ini", &folder]).output().unwrap();
    place.file("archive.tar", archive.stdout);
    let mut tar = Command::new("tar");
    tar.args(["-tf", "archive.tar"]).current_dir(place.path(""));
    let line = "$ keepmum dump -c config.ini latest:[PLACE]/source/photos | tar -tf -";
    transcript.end(line, &mut tar, None);
    transcript.agrees("dump.txt");
}

#[test]
fn diff() {
    let place = filled();
    place.file("source/letter.txt", "Dear Anna, how are you?\n");
    place.file("source/new\x1b.txt", "n");
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    fs::remove_file(place.path("source/empty")).unwrap();
    let mut transcript = Transcript::at(&place);
    transcript.run("diff -c config.ini latest~1 latest");
    transcript.run("diff -c config.ini latest");
    transcript.run("diff -c config.ini latest latest");
    transcript.run("diff -c config.ini latest:/x");
    transcript.run("diff -c config.ini latest --json");
    let variable = [("KEEPMUM_PASSWORD", PASSWORD)];
    transcript.run_with("diff latest --from destination", &variable, None);
    transcript.agrees("diff.txt");
}

#[test]
fn check() {
    let place = filled();
    let mut transcript = Transcript::at(&place);
    transcript.run("check -c config.ini");
    transcript.run("check -c config.ini --read-data");
    transcript.run("check -c config.ini --read-data-subset 100%");
    transcript.run("check -c config.ini --read-data-subset 0%");
    transcript.run("check -c config.ini --read-data --json -q");
    let object = objects(&place).swap_remove(0);
    let bytes = fs::read(&object).unwrap();
    let mut damaged = bytes.clone();
    damaged[100] ^= 1;
    fs::write(&object, damaged).unwrap();
    transcript.note("one byte of the object is another one");
    transcript.run("check -c config.ini --read-data");
    fs::write(&object, bytes).unwrap();
    fs::remove_file(&object).unwrap();
    transcript.note("the object is gone");
    transcript.run("check -c config.ini");
    transcript.agrees("check.txt");
}

#[test]
fn key() {
    let place = ready(LAPTOP);
    let mut transcript = Transcript::at(&place);
    transcript.run("key list -c config.ini");
    transcript.run_with("key add -c config.ini --label anna", &[], Some("for anna\n"));
    let listed = transcript.run("key list -c config.ini");
    let anna = listed.stdout.lines().find(|line| line.contains("anna")).unwrap();
    let anna = anna.split_whitespace().next().unwrap().to_owned();
    let mut remove = place.command(["key", "remove", &anna, "--yes", "-c", "config.ini"]);
    transcript.end("$ keepmum key remove [ID] --yes -c config.ini", &mut remove, None);
    transcript.run("key remove 0123 --yes -c config.ini");
    place.file("new", "another one\n");
    transcript.run("key passwd -c config.ini --new-password-file new");
    transcript.run("key list -c config.ini");
    let variable = [("KEEPMUM_PASSWORD", "another one")];
    transcript.run_with("key list --from destination --json", &variable, None);
    transcript.run_with("key passwd --from destination", &variable, Some("\n"));
    transcript.agrees("key.txt");
}

#[test]
fn what_is_said_is_less_or_more_or_for_programs() {
    let place = filled();
    let mut transcript = Transcript::at(&place);
    transcript.run("backup -c config.ini -q");
    transcript.run("backup -c config.ini -v");
    transcript.run("backup -c config.ini -q -v");
    transcript.run("ls --json --nonsense");
    transcript.run("snapshots --json -c none.ini");
    transcript.run_with("snapshots -c none.ini", &[("NO_COLOR", "1")], None);
    transcript.run_with(
        "snapshots -c none.ini",
        &[("CLICOLOR_FORCE", "1"), ("TERM", "xterm")],
        None,
    );
    let forced = [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("TERM", "xterm")];
    transcript.run_with("snapshots -c none.ini", &forced, None);
    transcript.agrees("voice.txt");
}
