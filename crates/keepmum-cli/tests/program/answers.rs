//! What the program answers to "am I safe?", at 60, 80 and 120 columns, with clocks that go on and
//! stored files that are damaged, lost or late. No line of any message passes the width.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::binary::{Place, Said, hearing};
use crate::contract::transcript::{LAPTOP, Transcript};
use crate::prepared::{PASSWORD, keepmum, noise, objects, ready};

const WIDTHS: [usize; 3] = [60, 80, 120];

/// Whether each line fits; a path may be longer, alone on its line or at its end.
#[track_caller]
fn fits(said: &Said, width: usize) {
    for line in said.stdout.lines().chain(said.stderr.lines()) {
        let length = line.chars().filter(|character| *character != '\u{1b}').count();
        let is_path = line.split_whitespace().count() < 2 || line.contains("/.tmp");
        assert!(length <= width || is_path, "{length} of {width}: {line}");
    }
}

/// Types these lines at each width, and compares what was said with the golden text.
fn at_each_width(name: &str, place: &Place, lines: &[&str]) {
    for width in WIDTHS {
        let mut transcript = Transcript::at(place);
        for line in lines {
            let columns = width.to_string();
            fits(&transcript.run_with(line, &[("COLUMNS", &columns)], None), width);
        }
        transcript.agrees(&format!("../answers/{name}-{width}.txt"));
    }
}

/// A place with two snapshots: photos in a stored file of their own, and letters.
fn two() -> Place {
    let place = ready(LAPTOP);
    // Each in one piece, and together more than one stored file holds beside its record.
    for number in 0..24 {
        place.file(&format!("source/photos/IMG_{number:04}.jpg"), noise(number + 1, 15_000));
    }
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    place.file("source/letter.txt", "Dear Anna,\n");
    fs::remove_file(place.path("source/photos/IMG_0000.jpg")).unwrap();
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    place
}

/// The stored file that holds the photos.
fn largest(place: &Place) -> PathBuf {
    objects(place).swap_remove(0)
}

#[test]
fn all_is_well() {
    let place = two();
    place.file("destination/holiday.jpg", "x");
    let lines = ["status", "snapshots", "log", "log 1", "check", "check --read-data", "status"];
    let lines: Vec<_> = lines.iter().map(|line| format!("{line} -c config.ini")).collect();
    at_each_width("well", &place, &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn damage_is_told_by_file_with_steps() {
    let place = two();
    let object = largest(&place);
    let mut bytes = fs::read(&object).unwrap();
    for at in (1000..bytes.len()).step_by(16_000) {
        bytes[at] ^= 1;
    }
    fs::write(&object, bytes).unwrap();
    let lines = [
        "check -c config.ini --read-data",
        "check -c config.ini --read-data --list",
        "status -c config.ini",
        "snapshots -c config.ini",
    ];
    at_each_width("damaged", &place, &lines);
}

#[test]
fn what_is_gone_is_told_and_healed() {
    let place = two();
    fs::remove_file(largest(&place)).unwrap();
    let lines = ["status -c config.ini", "check -c config.ini", "snapshots -c config.ini"];
    at_each_width("lost", &place, &lines);
    let healed = keepmum(&place, ["backup"]);
    assert!(healed.stdout.contains("Repaired "), "{healed:?}");
    // One photo is only in the older snapshot, and nothing can bring it back.
    let said = keepmum(&place, ["check"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.stderr.contains("Only in older snapshots, 1 file cannot be restored"), "{said:?}");
    assert!(!said.stderr.contains("In the latest snapshot"), "{said:?}");
}

#[test]
fn what_is_on_its_way_is_arriving() {
    let place = two();
    fs::remove_file(largest(&place)).unwrap();
    place.file("password", PASSWORD);
    let from = "--from destination --password-file password";
    let lines = [format!("status {from}"), format!("check {from}"), format!("snapshots {from}")];
    at_each_width("arriving", &place, &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn backups_say_what_they_did() {
    for width in WIDTHS {
        let place = ready("device_name = laptop\nto_exclude = *.tmp\n    cache/\n");
        let mut transcript = Transcript::at(&place);
        let columns = width.to_string();
        let mut run = |words: &str| {
            fits(&transcript.run_with(words, &[("COLUMNS", &columns)], None), width);
        };
        run("backup -c config.ini");
        for number in 0..40 {
            place.file(&format!("source/IMG_{number:04}.jpg"), noise(number + 1, 3_000));
        }
        place.file("source/x.tmp", "x");
        place.file("source/cache/y", "y");
        run("backup -c config.ini --dry-run");
        run("backup -c config.ini");
        run("backup -c config.ini --dry-run");
        run("backup -c config.ini");
        let folder = place.folder("source/2026");
        for number in 0..40 {
            let name = format!("IMG_{number:04}.jpg");
            fs::rename(place.path(&format!("source/{name}")), folder.join(name)).unwrap();
        }
        run("backup -c config.ini");
        for number in 0..30 {
            fs::remove_file(folder.join(format!("IMG_{number:04}.jpg"))).unwrap();
        }
        run("backup -c config.ini");
        run("backup -c config.ini --accept-deletions=30");
        fs::rename(place.path("source"), place.path("elsewhere")).unwrap();
        run("backup -c config.ini");
        run("backup -c config.ini --limit-upload 5");
        transcript.agrees(&format!("../answers/backup-{width}.txt"));
    }
}

/// Runs the program so many days from now. Nothing where there is no `faketime`.
fn later(place: &Place, days: i32, words: &[&str]) -> Option<Said> {
    later_by(place, days, "config.ini", words)
}

/// The same with another config; the days may be past.
fn later_by(place: &Place, days: i32, config: &str, words: &[&str]) -> Option<Said> {
    if Command::new("faketime").arg("--version").output().is_err() {
        println!("skipped: there is no faketime here (Debian: apt install faketime)");
        return None;
    }
    let program = place.command(words.iter().chain(&["-c", config]));
    let mut command = Command::new("faketime");
    command.arg("-f").arg(format!("{days:+}d")).arg(program.get_program());
    command.args(program.get_args()).current_dir(place.path("")).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(place.said(command.output().unwrap()))
}

#[test]
fn six_daily_runs_without_a_change_are_a_backup_of_today() {
    let place = ready("device_name = laptop\nevery = 1d\n");
    place.file("source/letter.txt", "Dear Anna,\n");
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    for day in 1..=6 {
        let Some(run) = later(&place, day, &["backup"]) else { return };
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
        assert!(run.stdout.starts_with("Nothing has changed. Nothing to upload. "), "{run:?}");
    }
    let status = later(&place, 6, &["status"]).unwrap();
    assert_eq!(status.code, 0, "{status:?}");
    let first =
        "All is well. This computer was last backed up just now; nothing had changed since ";
    assert!(status.stdout.starts_with(first), "{status:?}");
    assert!(
        status.stdout.contains("\nlaptop  just now     6 days ago           1  ok\n"),
        "{status:?}"
    );
    // The seventh says that the computer is alive.
    let run = later(&place, 8, &["backup"]).unwrap();
    assert!(run.stdout.contains(" to show that this computer is still backed up. "), "{run:?}");
    let status = later(&place, 20, &["status"]).unwrap();
    assert_eq!(status.code, 3, "{status:?}");
    let first = "Overdue: the last backup was 12 days ago, and one is expected every day.\n";
    assert!(status.stdout.starts_with(first), "{status:?}");
    assert!(status.stdout.contains("OVERDUE: expected every day, since "), "{status:?}");
    for (days, code) in [("30d", 0), ("26h", 3)] {
        let place = &place;
        // Without `every`, only what is asked for counts.
        let config = fs::read_to_string(place.path("config.ini")).unwrap();
        place.file("config.ini", config.replace("every = 1d\n", ""));
        let said = later(place, 20, &["status", "--max-age", days]).unwrap();
        assert_eq!(said.code, code, "{said:?}");
    }
}

#[test]
fn several_devices_have_headings_and_the_overdue_come_first() {
    let place = two();
    let other = place.path("config.ini");
    let config =
        fs::read_to_string(&other).unwrap().replace("device_name = laptop", "device_name = attic");
    let config = config.replace("/db\n", "/db2\n");
    place.folder("db2");
    place.file("attic.ini", config);
    let Some(said) = later_by(&place, -1, "attic.ini", &["backup", "-q"]) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    let lines = ["snapshots -c config.ini", "snapshots -c config.ini -n 1", "status -c config.ini"];
    at_each_width("devices", &place, &lines);
    let said = keepmum(&place, ["snapshots", "--device", "nosuch"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("attic") && said.stderr.contains("laptop"), "{said:?}");
    let Some(said) = later(&place, 40, &["status"]) else { return };
    let rows: Vec<_> = said.stdout.lines().filter(|line| line.contains("silent for")).collect();
    assert_eq!(rows.len(), 2, "{said:?}");
}

/// Runs a script at a terminal that is so wide, and types Ctrl-C once it has said this. Nothing
/// where there is no `script`.
fn at_a_terminal(place: &Place, width: usize, words: &str, stop_at: Option<&str>) -> Option<Said> {
    if Command::new("script").arg("--version").output().is_err() {
        println!("skipped: there is no script here (Debian: apt install bsdutils)");
        return None;
    }
    let program = place.command([""]);
    let mut command = Command::new("script");
    let name = program.get_program().to_str().unwrap();
    let line = format!("stty cols {width} rows 24; '{name}' {words} -c config.ini");
    command.args(["-q", "-e", "-c"]).arg(line).arg("/dev/null");
    command.current_dir(place.path("")).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("TERM", "xterm");
    let mut command = hearing(&command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut stop_at) = (Vec::new(), stop_at);
    let mut more = [0; 4096];
    while let Ok(length @ 1..) = screen.read(&mut more) {
        shown.extend_from_slice(&more[..length]);
        if let Some(wanted) = stop_at
            && String::from_utf8_lossy(&shown).contains(wanted)
        {
            keyboard.write_all(b"\x03").unwrap();
            stop_at = None;
        }
    }
    let mut output = child.wait_with_output().unwrap();
    output.stdout = shown;
    Some(place.said(output))
}

/// What a terminal showed, piece by piece, without the sequences that move the cursor.
fn drawn(said: &Said) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut letters = said.stdout.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' | '\n' => pieces.push(String::new()),
            '\u{1b}' => {
                // To the letter that ends the sequence.
                letters.next_if_eq(&'[');
                while letters.next().is_some_and(|next| !next.is_ascii_alphabetic()) {}
            }
            other => pieces.last_mut().unwrap().push(other),
        }
    }
    pieces.into_iter().map(|piece| piece.trim_end().to_owned()).collect()
}

/// The columns for a line: a message is wrapped to twenty at least, and progress never wraps.
fn room(line: &str, width: usize) -> usize {
    let begins = ["Saving", "Restoring ", "Looking", "Making", "Finishing", "Trying"];
    if begins.iter().any(|begin| line.starts_with(begin)) { width } else { width.max(20) }
}

#[test]
fn one_line_of_progress_that_never_wraps() {
    for width in [12, 60, 80, 120, 200] {
        let place = ready("");
        for number in 0..3 {
            place.file(&format!("source/{number}"), noise(number + 1, 1 << 20));
        }
        let words = "backup --limit-read 1500K";
        let Some(said) = at_a_terminal(&place, width, words, None) else { return };
        assert_eq!(said.code, 0, "{said:?}");
        let drawn = drawn(&said);
        assert!(drawn.iter().any(|line| line.starts_with("Saving")), "{drawn:?}");
        for line in &drawn {
            let room = room(line, width);
            assert!(line.chars().count() <= room, "{room}: {line}");
        }
        let words = "restore --target out --limit-read 1500K";
        let Some(said) = at_a_terminal(&place, width, words, None) else { return };
        assert_eq!(said.code, 0, "{said:?}");
        let drawn = self::drawn(&said);
        let bar = |line: &String| line.starts_with("Restoring  [") && line.contains(" % ");
        assert!(width <= 60 || drawn.iter().any(bar), "{drawn:?}");
        for line in &drawn {
            // Its last line, which names the target, is no progress.
            let is_path = line.contains('/');
            let room = room(line, width);
            assert!(line.chars().count() <= room || is_path, "{room}: {line}");
        }
    }
}

#[test]
fn a_first_run_says_that_the_key_takes_its_time() {
    let place = Place::new();
    place.config("");
    place.file("source/letter.txt", "Dear Anna,\n");
    let wanted = "Making your key (a few seconds, on purpose)";
    let Some(said) = at_a_terminal(&place, 60, "backup", Some(wanted)) else { return };
    assert_eq!(said.code, 130, "{said:?}");
    assert_eq!(objects(&place).len(), 0, "nothing is begun yet");
}

#[test]
fn a_phase_that_is_over_is_not_drawn_again() {
    let place = Place::new();
    place.config("");
    for number in 0..3 {
        place.file(&format!("source/{number}"), noise(number + 1, 1 << 20));
    }
    let words = "backup --limit-read 1500K --recovery-code-file code";
    let Some(said) = at_a_terminal(&place, 80, words, None) else { return };
    assert_eq!(said.code, 0, "{said:?}");
    let drawn = drawn(&said);
    let last = drawn.iter().rposition(|line| line.starts_with("Making your key")).unwrap();
    let later = drawn.iter().position(|line| line.starts_with("Saving")).unwrap();
    assert!(last < later, "{drawn:?}");
    // A message draws the line anew, and that must be the line of the present phase: the new
    // repository is opened afterwards, which is a phase of its own.
    let made = drawn.iter().position(|line| line.starts_with("There was no repository"));
    let next = drawn.iter().skip(made.unwrap() + 1).find(|line| !line.is_empty()).unwrap();
    assert!(!next.starts_with("Making your key"), "{drawn:?}");
}

#[test]
fn ctrl_c_is_answered_with_one_sentence() {
    let place = ready("");
    for number in 0..8 {
        place.file(&format!("source/{number}"), noise(number + 1, 1 << 20));
    }
    let words = "backup --limit-read 1500K";
    let Some(said) = at_a_terminal(&place, 80, words, Some("Saving  ")) else { return };
    assert_eq!(said.code, 130, "{said:?}");
    let sentence = "Stopping after the current file … (Ctrl-C again to stop now)";
    assert!(drawn(&said).iter().any(|line| line == sentence), "{said:?}");
}

#[test]
fn colours_are_for_terminals() {
    let place = two();
    let Some(said) = at_a_terminal(&place, 80, "status", None) else { return };
    assert!(said.stdout.starts_with("\u{1b}[1m\u{1b}[32mAll is well\u{1b}[0m."), "{said:?}");
    let mut piped = place.command(["status", "-c", "config.ini"]);
    assert!(!place.said(piped.output().unwrap()).stdout.contains('\u{1b}'));
}
