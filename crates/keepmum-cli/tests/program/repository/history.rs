//! `status` and `log`: their knowledge of runs and checks, and the exit code of `status`.

use std::fs;

use serde_json::Value;

use crate::binary::{Place, Said};
use crate::prepared::{filled, keepmum, noise, objects, ready, sample};

fn runs(place: &Place) -> Vec<Value> {
    let said = keepmum(place, ["log", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let document: Value = serde_json::from_str(&said.stdout).unwrap();
    document["runs"].as_array().unwrap().clone()
}

fn codes(place: &Place) -> Vec<Option<u64>> {
    runs(place).iter().map(|run| run["exit_code"].as_u64()).collect()
}

/// The first line of `status`, and how it ends.
fn status(place: &Place, words: &[&str]) -> (i32, String) {
    let said = keepmum(place, [&["status"], words].concat());
    (said.code, said.stdout.lines().next().unwrap_or_default().to_owned())
}

fn flip(path: &std::path::Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[100_000] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn every_run_is_known_with_any_outcome() {
    let place = ready("");
    let said = keepmum(&place, ["log"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (0, "No runs yet on this computer. `keepmum backup` makes the first one.\n")
    );
    // Refused: the source is empty. Then one that saves, and one that finds nothing to store.
    assert_eq!(keepmum(&place, ["backup"]).code, 5);
    sample(&place);
    assert_eq!(keepmum(&place, ["backup", "-n"]).code, 0);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    // The destination is gone; the password is wrong; another run is at work.
    fs::rename(place.path("destination"), place.path("away")).unwrap();
    assert_eq!(keepmum(&place, ["backup"]).code, 4);
    fs::rename(place.path("away"), place.path("destination")).unwrap();
    let wrong = place.file("wrong", "no such password\n");
    let wrong = ["backup", "--password-file", wrong.to_str().unwrap()];
    assert_eq!(keepmum(&place, wrong).code, 2);
    let lock = fs::File::open(place.path("db/catalogue-source.sqlite.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(keepmum(&place, ["backup"]).code, 5);
    drop(lock);
    let found: Vec<u64> = codes(&place).into_iter().flatten().collect();
    assert_eq!(found, [5, 0, 0, 4, 2, 5]);
    let all = runs(&place);
    assert!(all[1]["snapshot"].is_string() && all[2]["snapshot"].is_null());
    assert_eq!(all[1]["files_new"], 5);
    assert!(all[3]["error"].as_str().unwrap().contains("the destination is not there"));
    // It reads where there is neither destination nor password.
    fs::rename(place.path("destination"), place.path("away")).unwrap();
    assert_eq!(codes(&place).len(), 6);
    let said = keepmum(&place, ["log", "-n", "2"]);
    assert_eq!(said.stdout.lines().count(), 3, "{said:?}");
}

#[test]
fn a_run_that_was_killed_has_not_ended() {
    let place = filled();
    place.file("source/large", noise(7, 8_000_000));
    let mut command = crate::prepared::command(&place, ["backup", "--limit-upload", "100K"]);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    while codes(&place).len() < 2 {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(codes(&place), [Some(0), None]);
    assert!(keepmum(&place, ["log"]).stdout.contains("not ended"));
    let (code, said) = status(&place, &[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.starts_with("The last backup was stopped before its end"), "{said}");
    assert!(said.contains("`keepmum backup` goes on"), "{said}");
    assert_eq!(keepmum(&place, ["log", "2"]).code, 0);
}

#[test]
fn a_run_that_found_another_at_work_says_nothing_of_the_state() {
    let place = filled();
    let lock = fs::File::open(place.path("db/catalogue-source.sqlite.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(keepmum(&place, ["backup"]).code, 5);
    assert_eq!(
        status(&place, &[]),
        (0, "All is well. This computer was last backed up just now.".to_owned())
    );
    drop(lock);
    assert_eq!(codes(&place), [Some(0), Some(5)]);
    assert_eq!(
        status(&place, &[]),
        (0, "All is well. This computer was last backed up just now.".to_owned())
    );
    // A run that failed stays the last one, however many found it at work.
    fs::rename(place.path("destination"), place.path("away")).unwrap();
    assert_eq!(keepmum(&place, ["backup"]).code, 4);
    fs::rename(place.path("away"), place.path("destination")).unwrap();
    let lock = fs::File::open(place.path("db/catalogue-source.sqlite.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(keepmum(&place, ["backup"]).code, 5);
    drop(lock);
    let (code, said) = status(&place, &[]);
    assert!(code == 3 && said.contains("(exit code 4)"), "{said}");
}

#[test]
fn a_refusal_before_anything_is_opened_is_in_log_and_status() {
    type Change = fn(&Place);
    fn refuse(place: &Place, further: &str) {
        let config = fs::read_to_string(place.path("config.ini")).unwrap();
        fs::write(place.path("sound.ini"), &config).unwrap();
        fs::write(place.path("config.ini"), config.replace("password=jdndmnn$23", further))
            .unwrap();
    }
    fn mend(place: &Place) {
        fs::rename(place.path("sound.ini"), place.path("config.ini")).unwrap();
    }
    fn away(place: &Place) {
        fs::rename(place.path("destination"), place.path("away")).unwrap();
    }
    fn back(place: &Place) {
        fs::remove_dir(place.path("destination")).ok();
        fs::rename(place.path("away"), place.path("destination")).unwrap();
    }
    let cases: [(&str, u64, Change, Change); 5] = [
        ("wrong password", 2, |place| refuse(place, "password=another"), mend),
        ("no destination", 4, away, back),
        (
            "emptied destination",
            5,
            |place| {
                away(place);
                place.folder("destination");
            },
            back,
        ),
        (
            "password file in the destination",
            1,
            |place| {
                place.file("destination/secret", "jdndmnn$23\n");
                refuse(place, "password_file=destination/secret");
            },
            mend,
        ),
        ("no password", 1, |place| refuse(place, "password_file=nowhere"), mend),
    ];
    for (what, code, spoil, mend) in cases {
        let place = filled();
        spoil(&place);
        let said = keepmum(&place, ["backup"]);
        assert_eq!(u64::try_from(said.code).unwrap(), code, "{what}: {said:?}");
        mend(&place);
        assert_eq!(codes(&place), [Some(0), Some(code)], "{what}");
        let (ended, said) = status(&place, &[]);
        let told = format!("The last backup failed, just now (exit code {code}): ");
        assert!(ended == 3 && said.starts_with(&told), "{what}: {said}");
        assert_eq!(keepmum(&place, ["backup"]).code, 0, "{what}");
        assert_eq!(status(&place, &[]).0, 0, "{what}");
    }
}

#[test]
fn a_refused_catalogue_folder_holds_no_history() {
    let place = ready("");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let inside = place.path("destination/db").display().to_string();
    let outside = place.path("db").display().to_string();
    fs::write(place.path("config.ini"), config.replace(&outside, &inside)).unwrap();
    assert_eq!(keepmum(&place, ["backup"]).code, 1);
    assert!(!place.path("destination/db").exists());
}

#[test]
fn a_check_that_could_not_be_made_clears_nothing() {
    let place = filled();
    flip(&objects(&place).swap_remove(0));
    assert_eq!(keepmum(&place, ["check", "--read-data"]).code, 6);
    fs::rename(place.path("destination"), place.path("away")).unwrap();
    assert_eq!(keepmum(&place, ["check", "--read-data"]).code, 4);
    fs::rename(place.path("away"), place.path("destination")).unwrap();
    assert_eq!(status(&place, &[]).0, 6);
}

#[test]
fn problems_of_a_run_are_kept() {
    if rustix::process::geteuid().is_root() {
        println!("skipped: root reads everything");
    }
    let place = ready("");
    sample(&place);
    fs::set_permissions(
        place.path("source/letter.txt"),
        std::os::unix::fs::PermissionsExt::from_mode(0o000),
    )
    .unwrap();
    let said = crate::prepared::as_nobody(&place, ["backup"]);
    if said.code == 0 {
        return;
    }
    assert_eq!(said.code, 3, "{said:?}");
    let shown = crate::prepared::as_nobody(&place, ["log", "1"]);
    assert!(shown.stdout.contains("letter.txt"), "{shown:?}");
    assert!(shown.stdout.contains("Exit code 3"), "{shown:?}");
    let status = crate::prepared::as_nobody(&place, ["status"]);
    assert_eq!(status.code, 3, "{status:?}");
    assert!(status.stdout.starts_with("The last backup had 1 problem, just now"), "{status:?}");
}

#[test]
fn a_lost_history_begins_again_and_says_so() {
    let place = filled();
    let begins = "The first run that this computer remembers is run 1.\n";
    assert!(keepmum(&place, ["log"]).stdout.ends_with(begins));
    fs::remove_dir_all(place.path("db")).unwrap();
    let said = keepmum(&place, ["log"]);
    assert_eq!(
        said.stdout,
        "No runs yet on this computer. `keepmum backup` makes the first one.\n"
    );
    // The destination's records of this device still count.
    assert_eq!(
        status(&place, &[]),
        (0, "All is well. This computer was last backed up just now.".to_owned())
    );
    // The history outlives a catalogue that is damaged.
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    fs::write(place.path("db/catalogue-source.sqlite"), "no catalogue").unwrap();
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    assert_eq!(codes(&place), [Some(0), Some(0)]);
}

#[test]
fn status_ends_with_3_where_all_is_not_well() {
    let place = ready("");
    let nothing = "Nothing has been backed up yet. `keepmum backup` makes the first backup.";
    assert_eq!(status(&place, &[]), (3, nothing.to_owned()));
    sample(&place);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    assert_eq!(
        status(&place, &["--max-age", "26h"]),
        (0, "All is well. This computer was last backed up just now.".into())
    );
    // Later, as the clock of the program has it.
    let later = |config: &str, words: &[&str]| -> Said {
        let mut command = std::process::Command::new("faketime");
        command.args(["-f", "+3d", env!("CARGO_BIN_EXE_keepmum"), "status", "-c", config]);
        command.args(words).current_dir(place.path("")).env("TZ", "UTC");
        place.said(command.output().unwrap())
    };
    if std::process::Command::new("faketime").arg("--version").output().is_err() {
        println!("skipped: there is no faketime here");
        return;
    }
    let said = later("config.ini", &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = later("config.ini", &["--max-age", "26h"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stdout.starts_with("Too old: the last backup was 3 days ago.\n"), "{said:?}");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    place.file("daily.ini", format!("{config}every = 1d\n"));
    let said = later("daily.ini", &[]);
    assert_eq!(said.code, 3, "{said:?}");
    let told = "Overdue: the last backup was 3 days ago, and one is expected every day.\n";
    assert!(said.stdout.starts_with(told), "{said:?}");
    let said = later("config.ini", &["--max-age", "4d"]);
    assert_eq!(said.code, 0, "{said:?}");
    place.file("source/letter.txt", "changed");
    fs::rename(place.path("destination"), place.path("away")).unwrap();
    assert_eq!(keepmum(&place, ["backup"]).code, 4);
    fs::rename(place.path("away"), place.path("destination")).unwrap();
    let (code, said) = status(&place, &[]);
    assert_eq!(code, 3, "{said}");
    assert!(
        said.starts_with("The last backup failed, just now (exit code 4): the destination is"),
        "{said}"
    );
}

#[test]
fn status_stays_at_6_until_a_check_that_covers_the_damage_is_clean() {
    let place = filled();
    let object = objects(&place).swap_remove(0);
    assert_eq!(keepmum(&place, ["check"]).code, 0);
    assert_eq!(status(&place, &[]).0, 0);
    flip(&object);
    // Nobody has read it yet, and nobody says that it was read.
    assert_eq!(keepmum(&place, ["check"]).code, 0);
    assert_eq!(status(&place, &[]).0, 0);
    assert_eq!(keepmum(&place, ["check", "--read-data"]).code, 6);
    let (code, said) = status(&place, &[]);
    assert_eq!(code, 6, "{said}");
    assert!(said.starts_with("Data is damaged: the check just now found it. "), "{said}");
    // It is whole again: a check that only lists cannot know that.
    flip(&object);
    assert_eq!(keepmum(&place, ["check"]).code, 0);
    assert_eq!(status(&place, &[]).0, 6);
    // One that reads it again does, however little it reads.
    assert_eq!(keepmum(&place, ["check", "--read-data-subset", "1%"]).code, 0);
    assert_eq!(status(&place, &[]).0, 0);
    // Missing objects show without a check, and are healed by a run.
    fs::remove_file(&object).unwrap();
    assert_eq!(status(&place, &[]).0, 6);
    assert_eq!(keepmum(&place, ["check"]).code, 6);
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    assert_eq!(status(&place, &[]).0, 6, "until a check is clean");
    assert_eq!(keepmum(&place, ["check"]).code, 0);
    assert_eq!(status(&place, &[]).0, 0);
}
