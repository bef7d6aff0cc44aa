//! Problems of the destination or the catalogue: nothing half-done counts, nothing is made where
//! something was, and the next plain run succeeds.

use std::fs;

use crate::binary::Place;
use crate::prepared::{copy, filled, keepmum, noise, objects, ready, sample, says};
use crate::repository::namespace::script;

const REFUSED: &str = "hint: nothing was changed. Is the right disk mounted, and has the sync \
                       client finished? Where a new repository is meant, give it a db_path of its \
                       own too\n";

fn empty(place: &Place) {
    fs::remove_dir_all(place.path("destination")).unwrap();
    fs::create_dir(place.path("destination")).unwrap();
}

#[test]
fn a_destination_that_vanished_is_never_made_again() {
    let place = filled();
    fs::rename(place.path("destination"), place.path("unmounted")).unwrap();
    for words in [&["backup"][..], &["check"], &["status"], &["restore", "-t", "out"]] {
        let said = keepmum(&place, words);
        assert_eq!((said.code, said.stdout.as_str()), (4, ""), "{said:?}");
        assert!(said.stderr.starts_with("keepmum: the destination is not there: [PLACE]/dest"));
        assert!(!place.path("destination").exists());
    }
    fs::rename(place.path("unmounted"), place.path("destination")).unwrap();
    assert_eq!(keepmum(&place, ["check"]).code, 0);
}

#[test]
fn a_run_removes_half_written_files_that_are_a_day_old() {
    let place = filled();
    let [old, fresh] = [
        "destination/~aaaaaaaaaaaaaaaaaaaaaaaaaa.~1.tmp",
        "destination/~bbbbbbbbbbbbbbbbbbbbbbbbbb.~1.tmp",
    ];
    for name in [old, fresh, "destination/~theirs.~1.tmp"] {
        place.file(name, "half of it");
    }
    let two_days = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 24 * 60 * 60);
    for name in [old, "destination/~theirs.~1.tmp"] {
        let file = fs::File::options().write(true).open(place.path(name)).unwrap();
        file.set_modified(two_days).unwrap();
    }
    assert_eq!(keepmum(&place, ["backup", "-n"]).code, 0);
    assert!(place.path(old).exists(), "a dry run removes nothing");
    let said = keepmum(&place, ["backup"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!place.path(old).exists());
    assert!(place.path(fresh).exists(), "it may be of a run at work");
    assert!(place.path("destination/~theirs.~1.tmp").exists());
}

#[test]
fn an_emptied_destination_never_gets_a_new_repository() {
    let place = filled();
    empty(&place);
    for words in [&["backup"][..], &["init"], &["snapshots"], &["check"], &["backup", "-n"]] {
        let said = keepmum(&place, words);
        assert_eq!((said.code, said.stdout.as_str()), (5, ""), "{words:?}: {said:?}");
        let expected = "keepmum: the destination is empty, though this catalogue knows a \
                        repository in it: [PLACE]/destination\n";
        assert!(said.stderr.ends_with(&format!("{expected}{REFUSED}")), "{words:?}: {said:?}");
        assert_eq!(fs::read_dir(place.path("destination")).unwrap().count(), 0);
    }
    place.file("destination/desktop.ini", "");
    assert_eq!(keepmum(&place, ["backup"]).code, 5, "a foreign file makes it no less empty");
}

#[test]
fn another_repository_is_not_taken_for_this_one() {
    let place = filled();
    let other = Place::new();
    other.config("");
    assert_eq!(keepmum(&other, ["init"]).code, 0);
    empty(&place);
    copy(&other.path("destination"), &place.path("destination"));
    for words in [&["backup"][..], &["check"], &["restore", "-t", "out"]] {
        let said = keepmum(&place, words);
        assert_eq!((said.code, said.stdout.as_str()), (5, ""), "{said:?}");
        let expected = "keepmum: the destination holds another repository than the one this \
                        catalogue knows: [PLACE]/destination\n";
        assert_eq!(said.stderr, format!("{expected}{REFUSED}"), "{words:?}");
    }
    assert_eq!(objects(&place).len(), 0, "something was written into it");
}

#[test]
fn key_blocks_that_have_not_arrived_are_waited_for() {
    let place = filled();
    // A machine that has never seen them.
    fs::remove_dir_all(place.path("db")).unwrap();
    fs::create_dir(place.path("later")).unwrap();
    for entry in fs::read_dir(place.path("destination")).unwrap() {
        let path = entry.unwrap().path();
        if fs::metadata(&path).unwrap().len() == 4096 {
            fs::rename(&path, place.path("later").join(path.file_name().unwrap())).unwrap();
        }
    }
    let before = objects(&place);
    for words in [&["backup"][..], &["check"], &["restore", "-t", "out"]] {
        let said = keepmum(&place, words);
        assert_eq!((said.code, said.stdout.as_str()), (3, ""), "{said:?}");
        assert_eq!(
            said.stderr,
            "keepmum: objects are here, but their key block has not arrived yet: \
             [PLACE]/destination\n\
             hint: let the sync client finish, then run this again; nothing is damaged\n"
        );
    }
    assert_eq!(objects(&place), before);
    copy(&place.path("later"), &place.path("destination"));
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
}

#[test]
fn a_folder_without_a_repository_is_no_repository() {
    let place = Place::new();
    place.folder("nothing");
    place.file("nothing/holiday.jpg", "not ours");
    let mut command = place.command(["snapshots", "--from", "nothing"]);
    let said = place.said(command.env("KEEPMUM_PASSWORD", "x").output().unwrap());
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    let expected = "keepmum: there is no repository at the destination: nothing\nhint: ";
    assert!(said.stderr.starts_with(expected), "{said:?}");
    assert_eq!(fs::read_dir(place.path("nothing")).unwrap().count(), 1);
}

#[test]
fn join_never_makes_a_repository() {
    let place = Place::new();
    let config = place.config("");
    let text = fs::read_to_string(&config).unwrap().replace("[DB]", "join = yes\n[DB]");
    place.file("config.ini", text);
    place.file("source/a", "a");
    let said = keepmum(&place, ["backup"]);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
    assert_eq!(fs::read_dir(place.path("destination")).unwrap().count(), 0);
}

#[test]
fn a_destination_that_is_a_file_is_named() {
    let place = filled();
    fs::remove_dir_all(place.path("destination")).unwrap();
    place.file("destination", "a file");
    let said = keepmum(&place, ["backup"]);
    assert_eq!((said.code, said.stdout.as_str()), (4, ""));
    assert!(
        said.stderr.starts_with("keepmum: the destination is no folder: [PLACE]/destination\n")
    );
    assert_eq!(fs::read_to_string(place.path("destination")).unwrap(), "a file");
}

#[test]
fn a_read_only_destination_fails_and_still_gives_everything_back() {
    let place = filled();
    place.file("source/new.txt", "new");
    let run = "mount --bind destination destination && mount -o remount,ro,bind destination
               keepmum backup; echo backup $?
               keepmum check --read-data > /dev/null; echo check $?
               keepmum restore -q -t out > /dev/null; echo restore $?";
    let Some(said) = script(&place, run) else { return };
    assert_eq!(said.stdout, "backup 4\ncheck 0\nrestore 0\n", "{said:?}");
    says(
        &said.stderr,
        "keepmum: [..]
hint: see that the destination is mounted, writable and not full, then run this again: nothing \
         half-done counts
",
    );
    let next = keepmum(&place, ["backup"]);
    assert!(next.code == 0 && next.stdout.contains(": 1 new"), "{next:?}");
}

#[test]
fn a_full_destination_fails_and_the_next_run_continues() {
    let place = ready("");
    place.file("source/big.raw", noise(7, 6_000_000));
    place.file("source/small.txt", "small");
    fs::rename(place.path("destination"), place.path("blocks")).unwrap();
    place.folder("destination");
    let run = "mount -t tmpfs -o size=3m none destination && cp blocks/* destination
               keepmum backup; echo full $?
               keepmum check > /dev/null; echo check $?
               mount -o remount,size=30m destination
               keepmum backup > /dev/null; echo larger $?
               keepmum check --read-data > /dev/null; echo check $?";
    let Some(said) = script(&place, run) else { return };
    assert_eq!(said.stdout, "full 4\ncheck 0\nlarger 0\ncheck 0\n", "{said:?}");
    assert!(said.stderr.contains("no space left"), "{said:?}");
    assert!(said.stderr.contains("hint: see that the destination is mounted, writable and not"));
}

#[test]
fn the_recovery_code_is_handed_over_though_the_first_run_fails_later() {
    let place = Place::new();
    place.config("");
    place.file("source/big.raw", noise(7, 6_000_000));
    let run = "mount -t tmpfs -o size=3m none destination
               keepmum backup --json --recovery-code-file code > said; echo $?
               keepmum snapshots > /dev/null; echo $?";
    let Some(said) = script(&place, run) else { return };
    assert_eq!(said.stdout, "4\n0\n", "{said:?}");
    let lines = fs::read_to_string(place.path("said")).unwrap();
    let made = lines.lines().find(|line| line.contains("repository_made")).unwrap();
    let made: serde_json::Value = serde_json::from_str(made).unwrap();
    assert_eq!(made["foreign_files"], 0);
    let code = fs::read_to_string(place.path("code")).unwrap();
    assert_eq!(code.trim().split('-').count(), 9);
    assert!(!lines.contains(&code[..9]), "{lines}");
    assert!(lines.lines().last().unwrap().contains("\"type\":\"error\""), "{lines}");
}

#[test]
fn a_lost_or_spoilt_catalogue_costs_time_only() {
    let place = filled();
    for spoil in ["garbage", "gone", "empty", "cut"] {
        let file = place.path("db/catalogue-source.sqlite");
        match spoil {
            "garbage" => fs::write(&file, noise(3, 200_000)).unwrap(),
            "gone" => fs::remove_dir_all(place.path("db")).unwrap(),
            "empty" => fs::write(&file, "").unwrap(),
            _ => fs::File::options().write(true).open(&file).unwrap().set_len(5_000).unwrap(),
        }
        let before = objects(&place);
        let listed = keepmum(&place, ["snapshots"]);
        assert_eq!(listed.code, 0, "{spoil}: {listed:?}");
        assert!(listed.stdout.contains(" complete\n"), "{spoil}: {listed:?}");
        let said = keepmum(&place, ["backup"]);
        assert_eq!(said.code, 0, "{spoil}: {said:?}");
        assert!(said.stdout.contains("Nothing to upload"), "{spoil}: {said:?}");
        assert_eq!(objects(&place), before, "{spoil}");
        let begun_anew = listed.stderr.contains("The catalogue was begun anew");
        assert_eq!(begun_anew, spoil == "garbage" || spoil == "cut", "{spoil}: {listed:?}");
    }
}

#[test]
fn a_catalogue_that_is_a_folder_is_named() {
    let place = ready("");
    sample(&place);
    fs::remove_file(place.path("db/catalogue-source.sqlite")).unwrap();
    place.folder("db/catalogue-source.sqlite");
    let said = keepmum(&place, ["backup"]);
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said:?}");
    assert!(said.stderr.contains("[PLACE]/db/catalogue-source.sqlite is not a file"), "{said:?}");
}

#[test]
fn half_written_files_of_killed_runs_are_removed_a_day_later() {
    let place = filled();
    let name = |letter: &str| format!("destination/~{}.~1.tmp", letter.repeat(26));
    let day = std::time::Duration::from_secs(24 * 60 * 60 + 60);
    for (letter, age) in [("a", day), ("b", std::time::Duration::ZERO)] {
        place.file(&name(letter), "half");
        let file = fs::File::options().write(true).open(place.path(&name(letter))).unwrap();
        file.set_modified(std::time::SystemTime::now() - age).unwrap();
    }
    place.file("destination/~notes.~1.tmp", "of the user");
    for words in [&["backup", "-n"][..], &["check"]] {
        assert_eq!(keepmum(&place, words).code, 0);
        assert!(place.path(&name("a")).exists(), "{words:?} removes nothing");
    }
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    assert!(!place.path(&name("a")).exists());
    assert!(place.path(&name("b")).exists(), "it may belong to a run that goes on");
    assert!(place.path("destination/~notes.~1.tmp").exists());
}
