//! Whatever lies at the file's place, a usable catalogue or a calm error comes out of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{children, name};
use crate::catalogue::{Catalogue, CatalogueError, ResetReason, state};
use crate::model::DeviceId;

fn place() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("home.catalogue");
    (folder, file)
}

/// A catalogue of some thirty pages.
fn fill(file: &Path) -> Catalogue {
    let catalogue = Catalogue::open(file).unwrap();
    catalogue.set(&state::DEVICE, &DeviceId(*b"12345678")).unwrap();
    catalogue.begin().unwrap();
    let folder = catalogue
        .put_directory(Catalogue::ROOT, &name("home"), None, b"the folder", 1, 2, None)
        .unwrap();
    for number in 0..1000_u32 {
        let text = format!("entry {number}, {}", "as it was encoded ".repeat(5));
        let at = name(&format!("file {number:04}"));
        let stamp = Some(&[number as u8; 48]);
        catalogue.put_entry(folder, &at, stamp, text.as_bytes(), 0).unwrap();
    }
    catalogue.commit().unwrap();
    catalogue
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|found| found.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn written_data_is_there_again_and_private() {
    let (folder, file) = place();
    drop(fill(&file));
    assert_eq!(names(&folder), ["home.catalogue"], "nothing is left beside it");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let catalogue = Catalogue::open(&file).unwrap();
    assert_eq!(catalogue.was_reset(), None);
    assert_eq!(catalogue.get(&state::DEVICE).unwrap().unwrap(), DeviceId(*b"12345678"));
    assert_eq!(catalogue.get(&state::ENTRIES).unwrap(), None);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_is_no_catalogue_is_renamed_and_never_deleted() {
    let (folder, file) = place();
    fs::write(&file, "my letters, which I keep here").unwrap();
    assert_eq!(Catalogue::open(&file).unwrap().was_reset(), Some(ResetReason::Foreign));
    let database = rusqlite::Connection::open(folder.path().join("other")).unwrap();
    database.execute_batch("CREATE TABLE mine(x); INSERT INTO mine VALUES(1)").unwrap();
    drop(database);
    fs::rename(folder.path().join("other"), &file).unwrap();
    assert_eq!(Catalogue::open(&file).unwrap().was_reset(), Some(ResetReason::Foreign));
    Catalogue::set_aside(&file).unwrap();
    assert_eq!(
        names(&folder),
        [
            "home.catalogue.damaged-1",
            "home.catalogue.damaged-2",
            "home.catalogue.damaged-3",
            "home.catalogue.lock"
        ]
    );
    let letters = fs::read(folder.path().join("home.catalogue.damaged-1")).unwrap();
    assert_eq!(letters, b"my letters, which I keep here");
}

#[test]
fn of_our_own_only_the_last_is_kept() {
    let (folder, file) = place();
    for round in 1..=3 {
        drop(fill(&file));
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        let catalogue = Catalogue::open(&file).unwrap();
        assert_eq!(catalogue.was_reset(), Some(ResetReason::Damaged));
        assert_eq!(catalogue.get(&state::DEVICE).unwrap(), None);
        assert!(children(&catalogue, Catalogue::ROOT).unwrap().is_empty());
        drop(catalogue);
        let kept = format!("home.catalogue.damaged-{round}");
        assert_eq!(names(&folder), ["home.catalogue", &kept, "home.catalogue.lock"]);
    }
}

#[test]
fn zeros_another_version_and_missing_tables_lead_to_a_new_one() {
    let (_folder, file) = place();
    drop(fill(&file));
    fs::write(&file, vec![0; 65_536]).unwrap();
    assert_eq!(Catalogue::open(&file).unwrap().was_reset(), Some(ResetReason::Damaged));
    for (change, reason) in [
        ("PRAGMA user_version = 99", ResetReason::OtherVersion),
        ("PRAGMA application_id = 5", ResetReason::Foreign),
        ("DROP TABLE chunk", ResetReason::Damaged),
        ("ALTER TABLE entry RENAME COLUMN body TO other", ResetReason::Damaged),
        ("DELETE FROM directory", ResetReason::Damaged),
    ] {
        drop(fill(&file));
        rusqlite::Connection::open(&file).unwrap().execute_batch(change).unwrap();
        assert_eq!(Catalogue::open(&file).unwrap().was_reset(), Some(reason), "{change}");
        assert_eq!(Catalogue::open(&file).unwrap().was_reset(), None);
        assert_eq!(Catalogue::open(&file).unwrap().get(&state::DEVICE).unwrap(), None);
    }
}

#[test]
fn the_log_of_a_catalogue_set_aside_does_not_reach_the_new_one() {
    let (folder, file) = place();
    let open = fill(&file);
    assert!(names(&folder).contains(&"home.catalogue-wal".into()), "the test needs a log");
    Catalogue::set_aside(&file).unwrap();
    let new = Catalogue::open(&file).unwrap();
    new.set(&state::DEVICE, &DeviceId(*b"new     ")).unwrap();
    drop(open);
    drop(new);
    let again = Catalogue::open(&file).unwrap();
    assert_eq!(again.was_reset(), None);
    assert_eq!(again.get(&state::DEVICE).unwrap().unwrap(), DeviceId(*b"new     "));
}

#[test]
fn a_refusal_by_the_system_changes_nothing() {
    let (folder, file) = place();
    fs::create_dir(&file).unwrap();
    assert!(matches!(Catalogue::open(&file), Err(CatalogueError::Io(_))));
    let nowhere = folder.path().join("absent").join("catalogue");
    assert!(matches!(Catalogue::open(&nowhere), Err(CatalogueError::Io(_))));
    assert_eq!(names(&folder), ["home.catalogue"]);
}

#[test]
fn a_flipped_bit_never_changes_the_memory_of_the_source() {
    let (folder, file) = place();
    let catalogue = fill(&file);
    let home = children(&catalogue, Catalogue::ROOT).unwrap();
    let files = children(&catalogue, home[0].directory.unwrap()).unwrap();
    assert_eq!(files.len(), 1000);
    drop(catalogue);
    let whole = fs::read(&file).unwrap();
    let copy = folder.path().join("copy");
    let (mut noticed, mut random) = (0, 0x1234_5678_9abc_def1_u64);
    for _ in 0..300 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let bit = (random % (whole.len() as u64 * 8)) as usize;
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&copy, bytes).unwrap();
        let read = Catalogue::open(&copy).and_then(|open| {
            let top = children(&open, Catalogue::ROOT)?;
            assert!(top.iter().all(|entry| home.contains(entry)), "bit {bit}");
            let Some(id) = top.first().and_then(|entry| entry.directory) else { return Ok(()) };
            let found = children(&open, id)?;
            let same = found.iter().all(|f| {
                files.binary_search_by(|o| o.name.cmp(&f.name)).is_ok_and(|at| files[at] == *f)
            });
            assert!(same, "bit {bit}");
            Ok(())
        });
        noticed += usize::from(matches!(read, Err(CatalogueError::Corrupt(_))));
    }
    assert!(noticed > 100, "only {noticed} of 300 were noticed");
}

#[test]
fn only_the_holder_of_the_run_lock_sets_a_catalogue_aside() {
    let (folder, file) = place();
    let run = Catalogue::lock_for_run(&file).unwrap();
    let running = Catalogue::open_for_run(&file, &run).unwrap();
    running.begin().unwrap();
    running.set(&state::DEVICE, &DeviceId(*b"of the r")).unwrap();
    // To another version of the program it is a catalogue of another version.
    let other = rusqlite::Connection::open(&file).unwrap();
    running.commit().unwrap();
    other.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(other);
    let before = names(&folder);
    assert!(matches!(Catalogue::open(&file), Err(CatalogueError::Busy { .. })));
    assert_eq!(names(&folder), before, "the log of the run is still there");
    assert_eq!(running.get(&state::DEVICE).unwrap().unwrap(), DeviceId(*b"of the r"));
    drop((running, run));
    let new = Catalogue::open(&file).unwrap();
    assert_eq!(new.was_reset(), Some(ResetReason::OtherVersion));
    let run = Catalogue::lock_for_run(&file).expect("the lock was given back");
    drop(new);
    fs::write(&file, "no catalogue").unwrap();
    let new = Catalogue::open_for_run(&file, &run).unwrap();
    assert_eq!(new.was_reset(), Some(ResetReason::Foreign));
}

#[test]
fn a_private_copy_equals_the_catalogue_and_leaves_it_alone() {
    let (folder, file) = place();
    let odd = folder.path().join("a? #%20\u{e4}.sqlite");
    drop(fill(&odd));
    let before = (names(&folder), fs::read(&odd).unwrap());
    let copy = Catalogue::private_copy(&odd).unwrap();
    assert_eq!(copy.get(&state::DEVICE).unwrap().unwrap(), DeviceId(*b"12345678"));
    copy.set(&state::DEVICE, &DeviceId(*b"another ")).unwrap();
    assert!((names(&folder), fs::read(&odd).unwrap()) == before);
    // A missing, foreign or damaged file leads to an empty catalogue.
    for bytes in [&b"nonsense"[..], &[], &before.1[..20_000]] {
        fs::write(&file, bytes).unwrap();
        let copy = Catalogue::private_copy(&file).unwrap();
        assert_eq!(copy.get(&state::ENTRIES).unwrap(), None);
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(Catalogue::private_copy(&file).unwrap().get(&state::DEVICE).unwrap(), None);
    assert!(!file.exists());
}
