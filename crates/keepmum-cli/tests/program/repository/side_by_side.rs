//! Runs that meet, are stopped, or lose their reader.

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use keepmum::inside::catalogue::Catalogue;
use rustix::process::{Pid, Signal, kill_process};

use crate::binary::{Place, Said, hearing};
use crate::prepared::{command, filled, keepmum, noise, ready, stored};

#[test]
fn a_second_run_is_refused_and_readers_are_not() {
    let place = filled();
    let lock = Catalogue::lock_for_run(&place.path("db/catalogue-source.sqlite")).unwrap();
    let said = keepmum(&place, ["backup"]);
    assert_eq!((said.code, said.stdout.as_str()), (5, ""));
    assert_eq!(
        said.stderr,
        format!(
            "keepmum: another run uses this catalogue (process {}): \
             [PLACE]/db/catalogue-source.sqlite\n\
             hint: wait until it has ended, then run this again; a run that was killed holds \
             nothing up\n",
            std::process::id()
        )
    );
    for words in [&["snapshots"][..], &["ls"], &["check"], &["restore", "-t", "o"]] {
        assert_eq!(keepmum(&place, words).code, 0, "{words:?}");
    }
    // It reads too. A run that found another one at work says nothing of how things are.
    let status = keepmum(&place, ["status"]);
    assert_eq!((status.code, status.stderr.as_str()), (0, ""), "{status:?}");
    assert!(status.stdout.starts_with("All is well"), "{status:?}");
    assert!(keepmum(&place, ["log"]).stdout.contains("another run uses this catalogue"));
    drop(lock);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    assert_eq!(keepmum(&place, ["status"]).code, 0);
}

#[test]
fn readers_do_without_a_catalogue_that_a_run_writes() {
    let place = filled();
    let file = place.path("db/catalogue-source.sqlite");
    // A catalogue that has not heard of the second run, held for writing.
    fs::copy(&file, place.path("older")).unwrap();
    place.file("source/letter.txt", "Dear Anna, how are you?\n");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    fs::copy(place.path("older"), &file).unwrap();
    let catalogue = Catalogue::open(&file).unwrap();
    catalogue.begin().unwrap();
    for words in
        [&["snapshots"][..], &["check"], &["status"], &["ls", "-R"], &["restore", "-t", "o"]]
    {
        let said = keepmum(&place, words);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{words:?}: {said:?}");
    }
    assert_eq!(keepmum(&place, ["snapshots"]).stdout.matches(" complete\n").count(), 2);
    let status = keepmum(&place, ["status"]).stdout;
    assert!(status.contains("  ok\n"), "the device knows itself: {status}");
    catalogue.rollback().unwrap();
}

/// Starts a backup and stops it as soon as so many bytes are stored.
fn stopped(place: &Place, after: u64) -> (Said, Duration) {
    let mut command = hearing(&command(place, ["backup"]));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while stored(place) < after {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is stored");
        assert!(child.try_wait().unwrap().is_none(), "the run was over too soon");
        std::thread::sleep(Duration::from_millis(5));
    }
    let asked = Instant::now();
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    (place.said(output), asked.elapsed())
}

#[test]
fn a_stopped_run_ends_at_once_and_the_next_takes_over_what_is_stored() {
    for folder in ["one large file", "many files"] {
        let place = ready("");
        match folder {
            "many files" => {
                for seed in 0..100 {
                    place.file(&format!("source/{seed}.raw"), noise(seed + 1, 1_000_000));
                }
            }
            _ => drop(place.file("source/large.raw", noise(9, 100_000_000))),
        }
        let (said, took) = stopped(&place, 17_000_000);
        assert_eq!((said.code, said.stdout.as_str()), (130, ""), "{folder}: {said:?}");
        assert_eq!(
            said.stderr,
            "Stopping after the current file … (Ctrl-C again to stop now)\n\
             keepmum: stopped before the run was complete\n\
             hint: run it again to go on; earlier snapshots, if any, are untouched\n"
        );
        assert!(took < Duration::from_secs(1), "{folder}: it took {took:?}");
        let before = stored(&place);
        let next = keepmum(&place, ["backup"]);
        assert_eq!(next.code, 0, "{folder}: {next:?}");
        let more = stored(&place) - before;
        assert!(more < 101_000_000 - before * 9 / 10, "{folder}: {before}, then {more} more");
        let check = keepmum(&place, ["check", "--read-data"]);
        assert_eq!((check.code, check.stderr.as_str()), (0, ""), "{folder}: {check:?}");
        assert!(!check.stdout.contains("named by no record"), "{folder}: {check:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = ready("");
    for number in 0..3_000 {
        place.file(&format!("source/{number}-with-a-name-of-some-length.txt"), "");
    }
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let mut child = command(&place, ["ls", "-R"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let said = place.said(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
}
