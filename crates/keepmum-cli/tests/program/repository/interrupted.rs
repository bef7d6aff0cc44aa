//! Ctrl-C and other signals, sent to the program at work: it ends cleanly and soon, and the next
//! run takes over the finished part.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::binary::{Place, Said, hearing};
use crate::prepared::{PASSWORD, command, keepmum, noise, objects, ready};

/// It ends within a second; here other tests want the same processors.
const SOON: Duration = Duration::from_secs(3);
const STOPPED: &str = "hint: run it again to go on; earlier snapshots, if any, are untouched\n";

fn start(command: &mut Command) -> Child {
    let mut command = hearing(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Sends a signal and waits for the end.
fn stop(place: &Place, child: Child, signal: Signal) -> Said {
    let sent = Instant::now();
    send(&child, signal);
    let said = place.said(child.wait_with_output().unwrap());
    assert!(sent.elapsed() < SOON, "it took {:?}: {said:?}", sent.elapsed());
    said
}

/// Waits until something is so, as long as the program runs.
fn until(child: &mut Child, mut so: impl FnMut() -> bool) {
    while !so() {
        assert!(child.try_wait().unwrap().is_none(), "it had ended before");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A place with one large file in its source.
fn large(megabytes: usize) -> Place {
    let place = ready("");
    let mut file = File::create(place.path("source/large")).unwrap();
    for number in 0..megabytes {
        file.write_all(&noise(number as u64 + 1, 1 << 20)).unwrap();
    }
    place
}

fn summary(said: &Said) -> serde_json::Value {
    assert_eq!(said.code, 0, "{said:?}");
    serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap()
}

#[test]
fn the_next_run_takes_over_what_a_stopped_one_finished() {
    let place = large(160);
    let mut child = start(&mut command(&place, ["backup"]));
    until(&mut child, || objects(&place).len() >= 3);
    let said = stop(&place, child, Signal::INT);
    assert_eq!((said.code, said.stdout.as_str()), (130, ""), "{said:?}");
    assert_eq!(
        said.stderr,
        format!(
            "Stopping after the current file … (Ctrl-C again to stop now)\n\
             keepmum: stopped before the run was complete\n{STOPPED}"
        )
    );
    let kept: u64 = objects(&place).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(keepmum(&place, ["snapshots"]).stdout.starts_with("No snapshots yet."));
    let next = summary(&keepmum(&place, ["backup", "--json", "-q"]));
    let stored = next["bytes_stored"].as_u64().unwrap();
    assert!(stored + kept < 165 << 20, "{stored} bytes were stored beside {kept}");
    assert_eq!(keepmum(&place, ["check", "--read-data"]).code, 0);
}

#[test]
fn a_run_over_many_files_is_stopped() {
    let place = ready("");
    for number in 0..6000 {
        place.file(&format!("source/{}/{number}", number % 40), format!("{number}"));
    }
    let mut child = start(&mut command(&place, ["backup", "-v"]));
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let said = stop(&place, child, Signal::TERM);
    assert_eq!(said.code, 130, "{said:?}");
    let next = keepmum(&place, ["backup"]);
    assert!(next.stdout.contains(": 6000 new files. "), "{next:?}");
}

#[test]
fn a_restore_is_stopped_and_goes_on() {
    let place = large(160);
    place.file("source/small", "small");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let words = ["restore", "-t", "out"];
    let mut child = start(&mut command(&place, words));
    until(&mut child, || place.path("out").exists());
    let said = stop(&place, child, Signal::INT);
    assert_eq!(said.code, 130, "{said:?}");
    assert!(said.stderr.ends_with(&format!("stopped before all was restored\n{STOPPED}")));
    let said = keepmum(&place, words);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    let there = format!("out{}/large", place.path("source").display());
    let (back, source) = (fs::read(place.path(&there)), fs::read(place.path("source/large")));
    assert!(back.unwrap() == source.unwrap(), "not what was saved");
    let left = fs::read_dir(place.path(&there).parent().unwrap()).unwrap().count();
    assert_eq!(left, 2, "something begun was left behind");
}

#[test]
fn a_check_is_stopped() {
    let place = large(160);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    // It is quick: the right moment is looked for.
    for wait in (10..300).step_by(10) {
        let child = start(&mut command(&place, ["check", "--read-data"]));
        thread::sleep(Duration::from_millis(wait));
        let said = stop(&place, child, Signal::INT);
        if said.stderr.contains("keepmum: stopped before all was checked\n") {
            assert_eq!((said.code, said.stdout.as_str()), (130, ""));
            return;
        }
        // Before it listens, the signal itself ends it.
        assert!(matches!(said.code, 0 | 130 | -1), "{said:?}");
    }
    panic!("it was never at work when it was stopped");
}

#[test]
fn a_limit_holds_nobody_up_who_wants_to_stop() {
    let place = large(20);
    let mut child = start(&mut command(&place, ["backup", "--limit-upload", "200K"]));
    thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "it had ended before");
    let said = stop(&place, child, Signal::INT);
    // Where only the end was still to be written, it is.
    assert!(matches!(said.code, 0 | 130), "{said:?}");
}

#[test]
fn while_a_key_is_made_nothing_is_begun() {
    let place = ready("");
    let mut command = place.command(["snapshots", "--from", "destination", "--json"]);
    let child = start(command.env("KEEPMUM_PASSWORD", PASSWORD));
    thread::sleep(Duration::from_millis(100));
    let said = stop(&place, child, Signal::HUP);
    assert_eq!(said.code, 130, "{said:?}");
    assert_eq!(said.stderr, format!("keepmum: stopped before the work began\n{STOPPED}"));
    let document: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&document["kind"], &document["exit_code"]), (&"interrupted".into(), &130.into()));
}

/// A dump into a pipe that nobody reads waits for ever, and need not be stopped twice.
#[test]
fn output_that_nobody_reads_holds_nobody_up_who_wants_to_stop() {
    let place = large(20);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let path = format!("latest:{}/large", place.path("source").display());
    let mut child = start(&mut command(&place, ["dump", &path]));
    thread::sleep(Duration::from_millis(500));
    let sent = Instant::now();
    send(&child, Signal::INT);
    while child.try_wait().unwrap().is_none() && sent.elapsed() < SOON {
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "it waits for a reader");
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let last = "keepmum: stopped before all was written: nobody reads the output\n";
    assert!(said.ends_with(&format!("{last}{STOPPED}")), "{said}");
}

#[test]
fn the_second_time_ends_at_once_though_nobody_reads_the_first_word() {
    let place = large(20);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    fs::remove_file(&objects(&place)[0]).unwrap();
    let (unread, mut full) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&full, true).unwrap();
    while full.write(&[b' '; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&full, false).unwrap();
    // That an object is gone cannot be said, so it waits for ever and cannot end in good order.
    let mut backup = hearing(&command(&place, ["backup"]));
    backup.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = backup.stderr(full).spawn().unwrap();
    thread::sleep(Duration::from_millis(500));
    send(&child, Signal::INT);
    thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "it was not at work");
    let sent = Instant::now();
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(sent.elapsed() < SOON);
    drop(unread);
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let place = ready("");
    let program = place.command([""]).get_program().to_owned();
    let mut shell = place.command(["-c", "trap '' HUP; exec \"$0\" snapshots --from destination"]);
    let mut nohup = Command::new("sh");
    nohup.args(shell.get_args()).arg(program).current_dir(place.path("")).env_clear();
    nohup.envs(
        shell.env("KEEPMUM_PASSWORD", PASSWORD).get_envs().filter_map(|(k, v)| Some((k, v?))),
    );
    let child = start(&mut nohup);
    thread::sleep(Duration::from_millis(100));
    send(&child, Signal::HUP);
    let said = place.said(child.wait_with_output().unwrap());
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (0, "No snapshots yet. `keepmum backup` makes the first one.\n"),
        "{said:?}"
    );
}
