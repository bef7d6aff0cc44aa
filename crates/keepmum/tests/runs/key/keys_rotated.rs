//! Data stored after a password was removed is under a new key, which arrives with the key blocks.

use std::sync::Arc;

use keepmum::inside::crypto::Passphrase;
use keepmum::inside::format::is_key_block_length;
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{self, CheckOptions, Outcome, ProblemKind, ReadData, Silent};

use crate::scene::{PASSWORD, Scene, noise};

fn bring(from: &SimulatedDisk, to: &SimulatedDisk, key_blocks: bool) {
    for (path, bytes) in from.files() {
        if is_key_block_length(bytes.len() as u64) == key_blocks {
            to.add(&path, &bytes);
        }
    }
}

/// A sync client brings files in any order.
#[test]
fn objects_whose_key_block_has_not_arrived_are_pending() {
    let scene = Scene::new();
    scene.write("a", "a");
    scene.backup().unwrap();
    let added =
        ops::key_add(&scene.access(PASSWORD), &Passphrase::new("bob".to_owned()), "", &Silent);
    let bob = added.unwrap().added.unwrap();
    let before = Arc::new(scene.disk.fork());
    ops::key_remove(&scene.access(PASSWORD), &bob, &Silent).unwrap();
    scene.write("b", noise(10_000));
    scene.backup().unwrap();
    bring(&scene.disk, &before, false);
    let everything = CheckOptions { read_data: ReadData::Everything };
    for with_bob in [false, true] {
        let password = if with_bob { "bob" } else { PASSWORD };
        let access = || scene.access_to(&before, password);
        let report = ops::check(&access(), &everything, &Silent).unwrap();
        assert_eq!(report.outcome(), Outcome::Partial, "{report:#?}");
        assert_eq!(ops::snapshots(&access(), &Silent).unwrap().snapshots.len(), 1);
    }
    // A device that does not have them yet makes a snapshot all the same, and loses nothing by it.
    ops::backup(&scene.access_to(&before, PASSWORD), &scene.backup_options(), &Silent).unwrap();
    bring(&scene.disk, &before, true);
    let report = ops::check(&scene.access_to(&before, PASSWORD), &everything, &Silent).unwrap();
    assert_eq!(report.outcome(), Outcome::Complete, "{report:#?}");
    assert_eq!(report.snapshots, 3);
    assert!(!scene.opens_at(&before, "bob"));
}

/// A device that has lost its catalogue, and whose key blocks are older than its last objects.
#[test]
fn own_objects_under_a_missing_key_are_neither_lost_nor_damaged() {
    let scene = Scene::new();
    scene.write("a", "a");
    scene.backup().unwrap();
    let added =
        ops::key_add(&scene.access(PASSWORD), &Passphrase::new("bob".to_owned()), "", &Silent);
    let bob = added.unwrap().added.unwrap();
    let before = Arc::new(scene.disk.fork());
    ops::key_remove(&scene.access(PASSWORD), &bob, &Silent).unwrap();
    scene.write("b", noise(600_000));
    scene.backup().unwrap();
    bring(&scene.disk, &before, false);
    let fresh = scene.source().parent().unwrap().join("fresh.sqlite");
    let access = || ops::Access {
        catalogue: ops::CatalogueAt::File(fresh.clone()),
        ..scene.access_to(&before, PASSWORD)
    };
    let everything = CheckOptions { read_data: ReadData::Everything };
    let is_well = |kind| matches!(kind, ProblemKind::Pending | ProblemKind::Unknown);
    for _ in 0..2 {
        let check = ops::check(&access(), &everything, &Silent).unwrap();
        assert_eq!(check.outcome(), Outcome::Partial, "{check:#?}");
        assert!(check.problems.iter().all(|problem| is_well(problem.kind)), "{check:#?}");
        let report = ops::backup(&access(), &scene.backup_options(), &Silent).unwrap();
        assert!(report.problems.is_empty() && report.healed == 0, "{report:#?}");
    }
    bring(&scene.disk, &before, true);
    let check = ops::check(&access(), &everything, &Silent).unwrap();
    assert_eq!(check.outcome(), Outcome::Complete, "{check:#?}");
}
