//! Stored objects that were cut, changed, swapped or lost on the way: damage is named, no wrong
//! byte ever comes back, and everything else does.

use std::fs;
use std::path::Path;

use crate::binary::{Place, Said};
use crate::prepared::{filled, keepmum, noise, objects, ready};

/// A place with two snapshots, whose photos are in a data object of their own, and that object.
fn photos() -> (Place, std::path::PathBuf) {
    let place = ready("");
    place.file("source/letter.txt", "Dear Anna,\n");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    place.file("source/photos/a.raw", noise(1, 300_000));
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let largest = objects(&place).swap_remove(0);
    assert!(fs::metadata(&largest).unwrap().len() > 290_000);
    (place, largest)
}

fn check(place: &Place, more: &[&str]) -> Said {
    keepmum(place, ["check"].iter().chain(more))
}

/// Restores the newest snapshot; whatever came back must be as it was.
fn restore(place: &Place) -> Said {
    fs::remove_dir_all(place.path("out")).ok();
    let said = keepmum(place, ["restore", &newest(place), "-t", "out"]);
    let out = place.path(&format!("out{}", place.path("source").display()));
    let whole = [("photos/a.raw", noise(1, 300_000)), ("letter.txt", b"Dear Anna,\n".to_vec())];
    for (file, expected) in whole {
        if let Ok(found) = fs::read(out.join(file)) {
            assert_eq!(found, expected, "a wrong byte was written: {file}");
        }
    }
    said
}

fn flip(object: &Path, at: usize) {
    let mut bytes = fs::read(object).unwrap();
    bytes[at] ^= 1;
    fs::write(object, bytes).unwrap();
}

const PHOTO: &str = "/photos/a.raw";

#[test]
fn a_flipped_bit_is_found_and_named() {
    let (place, object) = photos();
    flip(&object, 150_000);
    assert_eq!(check(&place, &[]).code, 0, "without reading data nobody can see it");
    let said = check(&place, &["--read-data"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(
        said.stderr.contains("missing or unreadable: ") && said.stderr.contains(PHOTO),
        "{said:?}"
    );
    assert!(said.stderr.contains(&object.file_name().unwrap().to_str().unwrap()[..10]), "{said:?}");
    assert!(said.stdout.contains("\n1 stored file damaged\n"), "{said:?}");
    assert!(said.stdout.ends_with("`keepmum backup` stores again what is still on this disk.\n"));
    let back = restore(&place);
    assert_eq!(back.code, 6, "{back:?}");
    assert!(back.stderr.contains(PHOTO), "{back:?}");
    let letter = format!("out{}", place.path("source/letter.txt").display());
    assert!(place.path(&letter).exists(), "the rest comes back");
}

/// Once a check has found damage, no list calls that snapshot complete and *latest* skips it, until
/// a run has stored the damaged data again, or a check finds nothing.
#[test]
fn a_snapshot_that_a_check_found_damaged_is_not_called_complete() {
    let (place, object) = photos();
    let whole = fs::read(&object).unwrap();
    let states = || {
        let said = keepmum(&place, ["snapshots"]);
        let lines = said.stdout.lines().skip(1).map(|line| line.split_whitespace().last());
        lines.map(|state| state.unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states(), ["complete", "complete"]);
    let damage = |further: &[&str]| {
        flip(&object, 150_000);
        assert_eq!(check(&place, further).code, 6);
        assert_eq!(states(), ["complete", "damaged"], "{further:?}");
    };
    damage(&["--read-data"]);
    // A listing shows nothing of it, and clears nothing.
    check(&place, &[]);
    assert_eq!(states(), ["complete", "damaged"]);
    let older = keepmum(&place, ["restore", "-t", "older"]);
    assert_eq!(older.code, 3, "{older:?}");
    let said = format!("The newer snapshot {} is damaged, as the last", &newest(&place)[..8]);
    assert!(older.stderr.contains(&said), "{older:?}");
    let refused = keepmum(&place, ["restore", "-t", "out", "--delete", &newest(&place)]);
    assert_eq!(refused.code, 5, "{refused:?}");
    // It was a bad cable.
    fs::write(&object, &whole).unwrap();
    assert_eq!(check(&place, &["--read-data-subset", "1%"]).code, 0);
    assert_eq!(states(), ["complete", "complete"]);
    damage(&["--read-data"]);
    let healed = keepmum(&place, ["backup"]);
    assert_eq!(healed.code, 0, "{healed:?}");
    assert!(states().iter().all(|state| state == "complete"), "{:?}", states());
    assert_eq!(keepmum(&place, ["restore", "-t", "latest"]).code, 0);
}

#[test]
fn an_object_that_is_shorter_was_cut() {
    let (place, object) = photos();
    fs::File::options().write(true).open(&object).unwrap().set_len(100_000).unwrap();
    let said = check(&place, &[]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(
        said.stdout.contains("1 stored file missing (here once, gone or shorter now)"),
        "{said:?}"
    );
    assert!(said.stderr.contains(PHOTO), "{said:?}");
    // The older one is whole, and is taken; that it is the older one is said.
    let older = keepmum(&place, ["restore", "-t", "older"]);
    assert_eq!(older.code, 3, "{older:?}");
    let said = format!("The newer snapshot {} has lost stored objects. ", &newest(&place)[..8]);
    assert!(older.stderr.contains(&said), "{older:?}");
    let back = restore(&place);
    assert!(matches!(back.code, 3 | 6) && back.stderr.contains(PHOTO), "{back:?}");
}

#[test]
fn a_lost_object_is_stored_again_by_the_next_run() {
    let (place, object) = photos();
    fs::remove_file(&object).unwrap();
    let listed = keepmum(&place, ["snapshots"]);
    assert!(listed.stdout.contains(" 1 stored file lost\n"), "{listed:?}");
    let said = check(&place, &[]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.stdout.contains("1 stored file missing"), "{said:?}");
    let refused = keepmum(&place, ["restore", "-t", "out", "--delete", &newest(&place)]);
    assert_eq!(refused.code, 5, "{refused:?}");
    let healed = keepmum(&place, ["backup"]);
    assert_eq!(healed.code, 0, "{healed:?}");
    assert!(healed.stderr.contains("1 stored object is gone from the destination"), "{healed:?}");
    assert_eq!(restore(&place).code, 0);
    let again = keepmum(&place, ["backup"]);
    assert!(again.stdout.contains("Nothing to upload"), "{again:?}");
}

#[test]
fn a_damaged_record_is_reported_when_the_latest_is_requested() {
    let place = ready("");
    place.file("source/letter.txt", "Dear Anna,\n");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let before = objects(&place);
    place.file("source/letter.txt", "Dear Otto,\n");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    let record = objects(&place).into_iter().find(|path| !before.contains(path)).unwrap();
    flip(&record, 100);
    // To this device the record is known; to another the snapshot is not there at all.
    let mut command = place.command(["ls", "--from", "destination"]);
    command.env("KEEPMUM_PASSWORD", crate::prepared::recovery_code());
    let said = place.said(command.output().unwrap());
    let told = "A later record of this device is damaged or gone, and with it perhaps a newer";
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.contains(told), "{said:?}");
    fs::remove_file(&record).unwrap();
    let said = keepmum(&place, ["ls"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.contains(told), "{said:?}");
}

/// A record that is here and damaged is not on its way, whether or not a later one names it; one
/// that is not here may be.
#[test]
fn a_damaged_record_is_not_said_to_be_on_its_way() {
    let place = ready("");
    let mut records = Vec::new();
    for letter in ["Dear Anna,\n", "Dear Otto,\n", "Dear Eve,\n"] {
        let before = objects(&place);
        place.file("source/letter.txt", letter);
        assert_eq!(keepmum(&place, ["backup"]).code, 0);
        records.extend(objects(&place).into_iter().filter(|path| !before.contains(path)));
    }
    let elsewhere = || {
        let mut command = place.command(["snapshots", "--from", "destination"]);
        command.env("KEEPMUM_PASSWORD", crate::prepared::recovery_code());
        place.said(command.output().unwrap()).stdout
    };
    let damaged = "1 record of a snapshot is damaged or gone; `keepmum check` says more.\n";
    let pending = "1 more snapshot is still arriving; let the sync service finish.\n";
    for record in &records[1..] {
        let whole = fs::read(record).unwrap();
        flip(record, 100);
        let said = elsewhere();
        assert!(said.ends_with(damaged) && !said.contains(pending), "{said}");
        fs::remove_file(record).unwrap();
        let said = elsewhere();
        let is_named = record == &records[1];
        assert_eq!(said.contains(pending), is_named, "{said}");
        assert!(!said.contains(damaged), "{said}");
        // This device saw it once.
        let said = keepmum(&place, ["snapshots"]).stdout;
        assert!(said.ends_with(damaged) && !said.contains(pending), "{said}");
        fs::write(record, whole).unwrap();
    }
}

fn newest(place: &Place) -> String {
    let document = keepmum(place, ["snapshots", "--json"]).stdout;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let newest = document["snapshots"].as_array().unwrap().last().unwrap();
    newest["id"].as_str().unwrap().to_owned()
}

#[test]
fn on_another_machine_missing_files_are_pending() {
    let (place, object) = photos();
    fs::remove_file(&object).unwrap();
    let elsewhere = |words: &[&str]| {
        let mut command = place.command(words);
        command.args(["--from", "destination"]);
        place.said(
            command.env("KEEPMUM_PASSWORD", crate::prepared::recovery_code()).output().unwrap(),
        )
    };
    let listed = elsewhere(&["snapshots"]);
    assert_eq!(listed.code, 0);
    assert!(listed.stdout.contains(" arriving: 2 of 3 files\n"), "{listed:?}");
    let said = elsewhere(&["check"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stdout.contains("1 stored file still arriving\n"), "{said:?}");
    assert!(
        said.stdout.ends_with("Nothing is damaged, but not everything has arrived.\n"),
        "{said:?}"
    );
    // The older snapshot is whole, and so the latest.
    let latest = elsewhere(&["restore", "-t", "older"]);
    assert_eq!(latest.code, 3, "{latest:?}");
    assert!(latest.stderr.contains("has not arrived in full (2 of 3). "), "{latest:?}");
    let back = elsewhere(&["restore", &newest(&place), "-t", "out"]);
    assert_eq!(back.code, 3, "{back:?}");
    assert!(back.stderr.contains("Waiting for ") && back.stderr.contains(PHOTO), "{back:?}");
}

#[test]
fn swapped_objects_are_no_objects() {
    let place = ready("");
    for (seed, name) in [(1, "a"), (2, "b")] {
        place.file(&format!("source/photos/{name}.raw"), noise(seed, 300_000));
        assert_eq!(keepmum(&place, ["backup"]).code, 0);
    }
    let largest = objects(&place);
    let (one, other) = (fs::read(&largest[0]).unwrap(), fs::read(&largest[1]).unwrap());
    assert_eq!(one.len(), other.len(), "the test wants two of a size");
    fs::write(&largest[0], other).unwrap();
    fs::write(&largest[1], one).unwrap();
    let said = check(&place, &["--read-data"]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.stdout.contains("2 stored files damaged"), "{said:?}");
    let back = restore(&place);
    assert_eq!(back.code, 6, "{back:?}");
}

#[test]
fn files_of_others_are_ignored_and_counted() {
    let place = filled();
    place.file("destination/desktop.ini", "[x]");
    place.file("destination/Thumbs.db", noise(5, 4096));
    place.file("destination/sub/.stfolder", "");
    let name = objects(&place)[0].file_name().unwrap().to_str().unwrap().to_owned();
    // As long as a name can be, and of nobody.
    place.file(&format!("destination/{}", name.chars().rev().collect::<String>()), "x");
    let said = check(&place, &["--read-data"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
    assert!(said.stdout.contains("4 files not made by keepmum"), "{said:?}");
    let status = keepmum(&place, ["status"]);
    assert!(status.stdout.contains("4 files not made by keepmum"), "{status:?}");
}

#[test]
fn a_copy_that_a_sync_client_made_stands_in_for_the_original() {
    let (place, object) = photos();
    let name = object.file_name().unwrap().to_str().unwrap();
    fs::rename(&object, object.with_file_name(format!("{name} (conflicted copy 2026-11-02)")))
        .unwrap();
    let said = check(&place, &["--read-data"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("1 copy made by a sync service"), "{said:?}");
    assert_eq!(restore(&place).code, 0);
}

/// Also where the unlocked key is kept, so that nothing else ever reads the key blocks.
#[test]
fn a_damaged_key_block_is_reported_by_a_check_that_reads_data_and_put_back() {
    let place = filled();
    assert!(place.path("db/catalogue-source.keys").exists());
    let blocks = || {
        let files = fs::read_dir(place.path("destination")).unwrap();
        let paths = files.map(|entry| entry.unwrap().path());
        paths.filter(|path| fs::metadata(path).unwrap().len() == 4096).collect::<Vec<_>>()
    };
    flip(&blocks()[0], 200);
    let said = check(&place, &["--read-data"]);
    let told = "This copy of the key block is damaged; the next backup puts it back: ";
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.stderr.starts_with(told) && !said.stderr.contains("What to do"), "{said:?}");
    let healed = keepmum(&place, ["backup"]);
    let told = "A copy of the key block was missing or damaged; it was put back.\n";
    assert_eq!((healed.code, healed.stderr.as_str()), (0, told), "{healed:?}");
    assert_eq!(blocks().len(), 4);
    let said = check(&place, &["--read-data"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said:?}");
}

#[test]
fn damaged_metadata_is_damage_and_no_end() {
    let place = filled();
    let record = objects(&place).pop().unwrap();
    place.file("source/letter.txt", "Dear Anna, again,\n");
    assert_eq!(keepmum(&place, ["backup"]).code, 0);
    fs::remove_dir_all(place.path("db")).unwrap();
    flip(&record, 1_000);
    let said = check(&place, &[]);
    assert_eq!(said.code, 6, "{said:?}");
    assert!(said.stdout.contains("1 stored file damaged\n"), "{said:?}");
    let next = keepmum(&place, ["backup"]);
    assert_eq!(next.code, 0, "the next plain run succeeds: {next:?}");
}
