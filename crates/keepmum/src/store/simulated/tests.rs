//! The simulated disk must be as wicked as it claims: a store that skips a step is caught.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Fault, FaultyGate, GateFault, START, SimulatedDisk, Simulation};
use crate::seam::{Disk, Gate, NewFile, Operation};

const BYTES: &[u8] = b"sixteen bytes ok";

fn written(disk: &SimulatedDisk) -> Box<dyn NewFile> {
    let mut file = disk.create().unwrap();
    assert_eq!(file.write(BYTES).unwrap(), BYTES.len());
    file
}

/// The contents of `a` after power cuts with many seeds.
fn outcomes(disk: &SimulatedDisk) -> BTreeSet<Option<Vec<u8>>> {
    (0..64)
        .map(|seed| {
            let fork = disk.fork();
            fork.crash();
            assert!(fork.list(&mut |_| Ok(())).is_err());
            fork.restart(seed);
            fork.content("a")
        })
        .collect()
}

#[test]
fn synced_content_and_name_always_survive() {
    let disk = SimulatedDisk::new();
    let mut file = written(&disk);
    file.sync().unwrap();
    file.publish("a").unwrap();
    disk.sync_directory().unwrap();
    assert!(disk.is_durable("a"));
    assert_eq!(outcomes(&disk), BTreeSet::from([Some(BYTES.to_vec())]));
}

#[test]
fn a_name_without_directory_sync_may_be_lost() {
    let disk = SimulatedDisk::new();
    let mut file = written(&disk);
    file.sync().unwrap();
    file.publish("a").unwrap();
    assert_eq!(outcomes(&disk), BTreeSet::from([None, Some(BYTES.to_vec())]));
}

#[test]
fn content_without_sync_may_be_empty_cut_or_garbage() {
    let disk = SimulatedDisk::new();
    written(&disk).publish("a").unwrap();
    disk.sync_directory().unwrap();
    let outcomes: Vec<Vec<u8>> =
        outcomes(&disk).into_iter().map(|content| content.expect("the name is durable")).collect();
    assert!(outcomes.iter().any(Vec::is_empty));
    assert!(outcomes.iter().any(|bytes| !bytes.is_empty() && bytes.len() < BYTES.len()));
    assert!(outcomes.iter().any(|bytes| bytes.len() == BYTES.len() && bytes != BYTES));
    assert!(outcomes.iter().any(|bytes| bytes == BYTES));
}

#[test]
fn a_removal_without_sync_may_come_back() {
    let disk = SimulatedDisk::new();
    disk.add("a", BYTES);
    disk.remove("a").unwrap();
    assert_eq!(disk.content("a"), None);
    assert_eq!(outcomes(&disk), BTreeSet::from([None, Some(BYTES.to_vec())]));
    disk.sync_directory().unwrap();
    assert_eq!(outcomes(&disk), BTreeSet::from([None]));
}

#[test]
fn a_sync_repeated_after_a_failure_lies() {
    let disk = SimulatedDisk::new();
    let mut file = written(&disk);
    disk.plan(2, Fault::Error);
    assert!(file.sync().is_err());
    file.sync().unwrap();
    file.publish("a").unwrap();
    disk.plan(disk.operations(), Fault::Error);
    assert!(disk.sync_directory().is_err());
    disk.sync_directory().unwrap();
    let outcomes = outcomes(&disk);
    assert!(outcomes.contains(&None) && outcomes.len() > 3, "{outcomes:?}");
}

#[test]
fn an_unnamed_file_leaves_nothing_and_a_name_is_given_once() {
    let disk = SimulatedDisk::new();
    drop(written(&disk));
    written(&disk).publish("a").unwrap();
    let taken = written(&disk).publish("a").unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(super::state::lock(&disk.state).files.len(), 1);
}

#[test]
fn files_opened_before_a_power_cut_are_dead_after_it() {
    let disk = SimulatedDisk::new();
    disk.add("a", BYTES);
    let reader = disk.open("a").unwrap();
    let mut writer = written(&disk);
    disk.crash();
    disk.restart(0);
    assert!(reader.read_at(0, &mut [0; 4]).is_err());
    assert!(writer.write(b"more").is_err() && writer.publish("b").is_err());
    assert_eq!(disk.paths(), ["a"]);
}

#[test]
fn the_same_seed_leaves_the_same_disk() {
    let disk = SimulatedDisk::new();
    for name in ["a", "b", "c", "d"] {
        written(&disk).publish(name).unwrap();
    }
    let after = |seed| {
        let fork = disk.fork();
        fork.crash();
        fork.restart(seed);
        fork.files()
    };
    assert_eq!(after(5), after(5));
    assert!((0..20).any(|seed| after(seed) != after(5)));
}

#[test]
fn damage_stays_in_its_fork() {
    let disk = SimulatedDisk::new();
    disk.add("a", BYTES);
    let fork = disk.fork();
    assert!(fork.flip("a", 0, 0x80) && fork.truncate("a", 4) && fork.extend("a", b"!"));
    assert!(fork.rename("a", "folder/a (1)"));
    assert_eq!(fork.content("folder/a (1)").unwrap(), b"\xf3ixt!");
    assert!(!fork.flip("folder/a (1)", 9, 1) && !fork.take("a") && !fork.truncate("x", 0));
    assert_eq!(disk.files(), [("a".to_owned(), BYTES.to_vec())]);
}

#[test]
fn the_simulation_repeats_itself() {
    let draw = |seed| {
        let world = Simulation::new(seed);
        let mut bytes = [0; 21];
        world.seam.random.fill(&mut bytes).unwrap();
        (bytes, world.seam.clock.now(), world.seam.clock.now())
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1).0, draw(2).0);
    let (_, first, second) = draw(1);
    assert_eq!(first, START);
    assert_eq!(second.nanos, 1_000_000);
}

#[test]
fn the_gate_counts_cuts_refuses_and_kills() {
    let gate = FaultyGate::new();
    let read = |path: &[u8]| gate.pass(Operation::SourceRead, path, 100);
    gate.plan(Operation::SourceRead, 1, GateFault::Cut(7));
    gate.plan(Operation::SourceRead, 2, GateFault::Error(5));
    gate.refuse(Operation::SourceRead, b"secret", 13);
    assert_eq!(read(b"a").unwrap(), 100);
    assert_eq!(read(b"a").unwrap(), 7);
    assert_eq!(read(b"a").unwrap_err().raw_os_error(), Some(5));
    assert_eq!(read(b"secret").unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    let seen = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mark = Arc::clone(&seen);
    let action = move || mark.store(true, std::sync::atomic::Ordering::Relaxed);
    gate.plan_any(4, GateFault::After(Box::new(action)));
    assert_eq!(read(b"a").unwrap(), 100);
    assert!(seen.load(std::sync::atomic::Ordering::Relaxed));
    gate.plan_any(5, GateFault::Kill);
    assert!(read(b"a").is_err() && read(b"a").is_err());
    gate.heal();
    assert_eq!(read(b"secret").unwrap(), 100);
    assert_eq!((gate.count(Operation::SourceRead), gate.operations()), (8, 8));
}
