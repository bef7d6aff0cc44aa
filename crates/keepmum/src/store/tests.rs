//! The local store on a real folder and on the simulated disk, under every planned fault.

use std::sync::Arc;

use super::simulated::{Fault, SeededRandom, SimulatedDisk};
use super::{LocalStore, Put, Store, StoreError, StoreErrorKind, conformance};
use crate::seam::{Disk, RealDisk};

fn real(folder: &std::path::Path) -> RealDisk {
    RealDisk::open(folder, Arc::new(SeededRandom::new(1))).unwrap()
}

fn kind<T: std::fmt::Debug>(result: Result<T, StoreError>) -> StoreErrorKind {
    result.expect_err("must fail").kind
}

#[test]
fn a_real_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conformance::check(&LocalStore::new(Arc::new(real(folder.path()))));
}

#[test]
fn a_real_folder_without_unnamed_files_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let disk = real(folder.path());
    disk.stage_by_name();
    conformance::check(&LocalStore::new(Arc::new(disk)));
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(!name.to_string_lossy().starts_with('~'), "{name:?} was left behind");
    }
}

#[test]
fn the_simulated_disk_conforms() {
    conformance::check(&LocalStore::new(Arc::new(SimulatedDisk::new())));
}

/// Names and contents of the scenario below: two groups, each followed by a sync.
fn objects() -> Vec<(String, Vec<u8>)> {
    (0..6u8).map(|n| (format!("object{n}"), vec![n + 1; 100 + usize::from(n) * 37])).collect()
}

/// Puts two groups; returns how many objects the store said are durable.
fn scenario(store: &dyn Store) -> (usize, Result<(), StoreError>) {
    let objects = objects();
    let mut durable = 0;
    let result = objects.chunks(3).try_for_each(|group| {
        for (name, bytes) in group {
            assert_ne!(store.put_new(name, bytes)?, Put::Existed);
        }
        store.sync()?;
        durable += group.len();
        Ok(())
    });
    (durable, result)
}

/// After any fault and a power cut: durable data is there, and nothing is half.
fn check_survivors(disk: &SimulatedDisk, durable: usize, context: &str) {
    for (number, (name, bytes)) in objects().into_iter().enumerate() {
        match disk.content(&name) {
            Some(found) => assert_eq!(found, bytes, "{context}: {name} is not whole"),
            None => assert!(number >= durable, "{context}: {name} was durable and is lost"),
        }
    }
}

#[test]
fn no_fault_at_any_operation_loses_or_halves_an_object() {
    let clean = Arc::new(SimulatedDisk::new());
    let (durable, result) = scenario(&LocalStore::new(clean.clone()));
    assert!(result.is_ok() && durable == 6);
    for number in 0..=clean.operations() {
        for fault in Fault::ALL {
            for seed in 0..12 {
                let disk = Arc::new(SimulatedDisk::new());
                disk.plan(number, fault);
                let (durable, result) = scenario(&LocalStore::new(disk.clone()));
                let context = format!("{fault:?} at {number}, seed {seed}");
                let harmless = fault == Fault::ShortWrite || number == clean.operations();
                assert_eq!(result.is_ok(), harmless, "{context}: {result:?}");
                disk.crash();
                disk.heal();
                disk.restart(seed);
                check_survivors(&disk, durable, &context);
                // The next run needs no repair.
                let again = LocalStore::new(disk.clone());
                for (name, bytes) in objects() {
                    let _put = again.put_new(&name, &bytes).unwrap();
                }
                again.sync().unwrap();
                assert!(objects().iter().all(|(name, _)| disk.is_durable(name)), "{context}");
            }
        }
    }
}

#[test]
fn after_a_failed_sync_the_object_has_no_name_and_the_store_has_ended() {
    let disk = Arc::new(SimulatedDisk::new());
    let store = LocalStore::new(disk.clone());
    disk.plan(2, Fault::Error);
    assert_eq!(kind(store.put_new("a", b"bytes")), StoreErrorKind::Io);
    assert_eq!(disk.paths(), Vec::<String>::new());
    let operations = disk.operations();
    assert_eq!(kind(store.put_new("b", b"bytes")), StoreErrorKind::Io);
    assert_eq!(kind(store.sync()), StoreErrorKind::Io);
    assert_eq!(kind(store.delete("b")), StoreErrorKind::Io);
    assert_eq!(disk.operations(), operations, "nothing more was tried");
}

#[test]
fn after_a_failed_directory_sync_no_later_one_is_believed() {
    let disk = Arc::new(SimulatedDisk::new());
    let store = LocalStore::new(disk.clone());
    assert_eq!(store.put_new("a", b"bytes").unwrap(), Put::Stored);
    disk.plan(disk.operations(), Fault::Error);
    assert!(store.sync().is_err());
    assert!(store.sync().is_err());
    assert!(!disk.is_durable("a"));
}

#[test]
fn a_sync_without_changes_costs_nothing() {
    let disk = Arc::new(SimulatedDisk::new());
    let store = LocalStore::new(disk.clone());
    store.sync().unwrap();
    assert_eq!(disk.operations(), 0);
    assert_eq!(store.put_new("a", b"x").unwrap(), Put::Stored);
    store.sync().unwrap();
    let operations = disk.operations();
    store.sync().unwrap();
    assert_eq!(disk.operations(), operations);
    assert_eq!(store.put_new("a", b"x").unwrap(), Put::Existed);
    let operations = disk.operations();
    store.sync().unwrap();
    assert_eq!(disk.operations(), operations + 1, "an existing name may not be durable yet");
}

#[test]
fn a_name_that_another_process_made_is_durable_after_it_is_relied_on() {
    let disk = Arc::new(SimulatedDisk::new());
    assert_eq!(LocalStore::new(disk.clone()).put_new("a", b"x").unwrap(), Put::Stored);
    let store = LocalStore::new(disk.clone());
    store.sync().unwrap();
    assert!(!disk.is_durable("a"));
    store.rely_on_found();
    store.sync().unwrap();
    assert!(disk.is_durable("a"));
}

#[test]
fn errors_are_distinguished() {
    let disk = Arc::new(SimulatedDisk::new());
    let store = LocalStore::new(disk.clone());
    disk.read_only(true);
    assert_eq!(kind(store.put_new("a", b"x")), StoreErrorKind::ReadOnly);
    disk.heal();
    disk.plan(disk.operations(), Fault::Full);
    assert_eq!(kind(store.put_new("a", b"x")), StoreErrorKind::Full);
    assert_eq!(disk.free_space().unwrap(), 0);
    disk.heal();
    assert_eq!(store.put_new("a", b"x").unwrap(), Put::Stored);
    disk.gone(true);
    assert_eq!(kind(store.put_new("b", b"x")), StoreErrorKind::Gone);
    assert_eq!(kind(store.get("a", 9)), StoreErrorKind::Gone);
    assert_eq!(kind(store.list(&mut |_| {})), StoreErrorKind::Gone);
    assert_eq!(kind(store.sync()), StoreErrorKind::Gone);
}

#[test]
fn a_deleted_or_replaced_folder_is_gone_and_never_made_again() {
    for stage_by_name in [false, true] {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("destination");
        std::fs::create_dir(&folder).unwrap();
        let disk = real(&folder);
        if stage_by_name {
            disk.stage_by_name();
        }
        let store = LocalStore::new(Arc::new(disk));
        std::fs::remove_dir(&folder).unwrap();
        assert_eq!(kind(store.list(&mut |_| {})), StoreErrorKind::Gone);
        assert_eq!(kind(store.put_new("a", b"x")), StoreErrorKind::Gone);
        assert_eq!(kind(store.get("a", 9)), StoreErrorKind::Gone);
        assert!(!folder.exists());
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(kind(store.list(&mut |_| {})), StoreErrorKind::Gone);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
}

#[test]
fn many_objects_are_read_in_ranges_with_few_open_files() {
    let disk = Arc::new(SimulatedDisk::new());
    let store = LocalStore::new(disk.clone());
    for number in 0..40u8 {
        assert_eq!(store.put_new(&format!("o{number}"), &[number; 64]).unwrap(), Put::Stored);
    }
    for number in (0..40u8).chain(0..40) {
        assert_eq!(store.get_range(&format!("o{number}"), 10, 5).unwrap(), [number; 5]);
    }
    let before = disk.operations();
    assert_eq!(store.get_range("o39", 0, 5).unwrap(), [39; 5]);
    assert_eq!(disk.operations(), before + 1, "a kept file is read without opening it");
}

#[test]
fn errors_read_as_sentences() {
    let error = StoreError::new(StoreErrorKind::TooLong, Some("abc"), "it has 9 bytes");
    assert_eq!(error.to_string(), "an object is too long (object abc): it has 9 bytes");
}
