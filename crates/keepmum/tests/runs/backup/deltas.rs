//! Small changes are stored as deltas: they store little, come back, and are lost, found and healed
//! together with their bases.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::support::{Dice, Node, World, bytes, differences, full_check, options, scan};
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{self, Outcome, ProblemKind, Silent, SnapshotState};

/// Text that compresses to a third, and nothing in it comes again.
fn text(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let lines = (0..).map(|_| format!("{:016x} {:016x}\n", dice.word(), dice.word()));
    lines.flat_map(String::into_bytes).take(length).collect()
}

fn put_in(path: &Path, line: &str) {
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content.splice(middle..middle, line.bytes());
    fs::write(path, content).unwrap();
}

fn paths(disk: &SimulatedDisk) -> BTreeSet<String> {
    disk.paths().into_iter().collect()
}

/// The objects of each run, after the first one.
struct History {
    world: World,
    runs: Vec<BTreeSet<String>>,
}

impl History {
    /// A source that is saved.
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        let source = world.source();
        for folder in 0..4 {
            fs::create_dir(source.join(format!("folder{folder}"))).unwrap();
            for number in 0..120_u64 {
                let name = format!("folder{folder}/file {number}");
                fs::write(source.join(name), number.to_string()).unwrap();
            }
        }
        fs::write(source.join("folder1/book"), text(1, 50_000)).unwrap();
        fs::write(source.join("folder2/long"), text(2, 1_500_000)).unwrap();
        world.backup();
        Self { world, runs: Vec::new() }
    }

    /// One more line in one of the texts, and the bytes that saving it took.
    fn edit(&mut self) -> u64 {
        let number = self.runs.len();
        let name = if number.is_multiple_of(2) { "folder1/book" } else { "folder2/long" };
        put_in(&self.world.source().join(name), &format!("line {number}\n"));
        let before = paths(&self.world.sim.disk);
        let report = self.world.backup();
        let now = paths(&self.world.sim.disk);
        self.runs.push(now.difference(&before).cloned().collect());
        report.bytes_stored
    }

    fn with_edits(seed: u64, count: usize) -> Self {
        let mut history = Self::new(seed);
        for _ in 0..count {
            history.edit();
        }
        history
    }

    /// The object of one run.
    fn object(&self, run: usize) -> &str {
        let objects = &self.runs[run];
        assert_eq!(objects.len(), 1, "a small run is one object");
        objects.first().unwrap()
    }
}

/// The newest snapshot restores the source as it is.
fn newest_is_whole(world: &World) {
    for access in [world.own(), world.stranger()] {
        let target = world.fresh_target();
        let report = world.try_restore(&access, crate::support::latest(), &target).unwrap();
        assert_eq!(report.outcome(), Outcome::Complete, "{report:#?}");
        let differences = differences(&scan(&world.source()), &scan(&world.inside(&target)));
        assert!(differences.is_empty(), "{differences:#?}");
    }
}

#[test]
fn each_of_many_edits_stores_one_object_below_four_kibibytes() {
    for seed in [1, 3] {
        let mut history = History::new(seed);
        for number in 0..30 {
            assert_eq!(history.edit(), 4095, "edit {number}");
        }
        history.world.verify(&history.world.own());
        history.world.verify(&history.world.stranger());
        full_check(&history.world);
        history.world.all_complete(&history.world.stranger());
    }
}

#[test]
fn a_change_of_everything_is_stored_once_and_not_as_deltas() {
    let mut history = History::with_edits(2, 3);
    let path = history.world.source().join("folder2/long");
    fs::write(&path, text(77, 1_500_000)).unwrap();
    let report = history.world.backup();
    assert!(report.bytes_stored > 600_000, "{report:#?}");
    assert_eq!(history.edit(), 4095);
    history.world.verify(&history.world.stranger());
    full_check(&history.world);
}

#[test]
fn a_lost_catalogue_makes_no_edit_larger() {
    let mut history = History::with_edits(4, 12);
    fs::remove_dir_all(history.world.catalogue().parent().unwrap()).unwrap();
    fs::create_dir(history.world.catalogue().parent().unwrap()).unwrap();
    for number in 0..4 {
        assert_eq!(history.edit(), 4095, "edit {number} after the loss");
    }
    history.world.verify(&history.world.stranger());
    full_check(&history.world);
}

#[test]
fn a_lost_base_loses_its_deltas_and_is_stored_again_in_full() {
    for run in 0..10 {
        let mut history = History::with_edits(7, 10);
        let object = history.object(run).to_owned();
        assert!(history.world.sim.disk.take(&object));
        let check = history.world.check(&history.world.own());
        assert_eq!(check.outcome(), Outcome::Damaged, "run {run}: {check:#?}");
        // The folders above the change are deltas of their former nodes, so each later snapshot
        // until a chain begins again misses something.
        let of = |id: &str| check.problems.iter().any(|one| one.path.starts_with(&id[..8]));
        let next = history.world.kept.get(run + 2).map(|(id, _)| of(id));
        assert!(next.unwrap_or(true), "run {run}: {:#?}", check.problems);
        // A check names each snapshot of which something does not come back, and no other. That
        // whose record is gone has no name any more.
        let listed = ops::snapshots(&history.world.own(), &Silent).unwrap().snapshots;
        for line in listed {
            let (report, _) = history.world.restored(&history.world.own(), &line.id);
            assert_eq!(of(&line.id), !report.problems.is_empty(), "run {run}: {line:?}");
        }
        let healed = history.world.try_backup().unwrap();
        assert!(healed.objects_stored > 0, "run {run}: {healed:#?}");
        newest_is_whole(&history.world);
        assert_eq!(history.world.backup().objects_stored, 0, "run {run}: again and again");
        history.edit();
        newest_is_whole(&history.world);
    }
}

#[test]
fn damage_to_a_base_is_reported_for_its_deltas_and_healed() {
    for run in [0, 1, 4, 9] {
        let mut history = History::with_edits(5, 10);
        let object = history.object(run).to_owned();
        let length = history.world.sim.disk.content(&object).unwrap().len();
        // The one segment of data in it.
        assert!(history.world.sim.disk.flip(&object, length / 2, 1));
        let check = history.world.check(&history.world.own());
        assert_eq!(check.outcome(), Outcome::Damaged, "run {run}: {check:#?}");
        let objects: Vec<_> =
            check.problems.iter().filter(|one| one.path.contains(&object[..20])).collect();
        assert_eq!(objects.len(), 1, "its own object, and no other: {:#?}", check.problems);
        let others = history.runs.iter().flatten().filter(|other| **other != object);
        for other in others {
            let is_told = check.problems.iter().any(|problem| problem.path.contains(other));
            assert!(!is_told, "run {run}: {other} is well: {:#?}", check.problems);
        }
        for (id, tree) in history.world.kept.clone() {
            let (report, found) = history.world.restored(&history.world.own(), &id);
            for (path, node) in &found {
                let expected: &Node = &tree[path];
                assert!(expected.what == node.what, "{path:?} of {id} is wrong");
            }
            let missing = tree.len() - found.len();
            assert_eq!(missing > 0, !report.problems.is_empty(), "{:#?}", report.problems);
        }
        for (id, _) in &history.world.kept {
            let (report, _) = history.world.restored(&history.world.own(), id);
            let is_named = check.problems.iter().any(|one| one.path.starts_with(&id[..8]));
            assert_eq!(is_named, !report.problems.is_empty(), "run {run}: {id}");
        }
        history.world.try_backup().unwrap();
        newest_is_whole(&history.world);
    }
}

#[test]
fn a_piece_whose_base_cannot_be_read_is_stored_in_full() {
    let mut history = History::with_edits(8, 2);
    // Nobody has looked at it yet: the next run comes upon it.
    let large = |(_, bytes): &(String, Vec<u8>)| bytes.len() > 100_000;
    let (object, content) = history.world.sim.disk.files().into_iter().find(large).unwrap();
    for at in (100..content.len()).step_by(10_000) {
        history.world.sim.disk.flip(&object, at, 1);
    }
    put_in(&history.world.source().join("folder2/long"), "a line\n");
    let report = history.world.backup();
    assert!(report.bytes_stored > 4095, "{report:#?}");
    assert_eq!(report.outcome(), Outcome::Complete);
}

#[test]
fn contents_that_are_compressed_separately_are_never_deltas() {
    let history = History::with_edits(10, 2);
    let (access, path) = (history.world.own(), history.world.source().join("folder1/book"));
    let options =
        ops::BackupOptions { compress_together: false, ..options(&history.world.source()) };
    put_in(&path, "a line\n");
    let report = ops::backup(&access, &options, &Silent).unwrap();
    assert!(report.bytes_stored > 8191, "{report:#?}");
}

/// Two devices at one destination: the pieces of one are deltas of the other's.
#[test]
fn deltas_of_another_devices_objects_wait_for_them() {
    let mut one = World::new(13);
    fs::write(one.source().join("book"), text(5, 80_000)).unwrap();
    one.backup();
    let of_one: BTreeSet<String> = paths(&one.sim.disk);
    let mut other = World::beside(14, Arc::clone(&one.sim.disk));
    fs::write(other.source().join("mine"), text(5, 80_000)).unwrap();
    assert!(other.backup().bytes_stored < 8192, "it is there already");
    put_in(&other.source().join("mine"), "a line\n");
    assert!(other.backup().bytes_stored < 8192, "it stands on what is there");
    other.verify(&other.stranger());
    full_check(&other);
    let there = SimulatedDisk::new();
    let late = |path: &String, bytes: &[u8]| bytes.len() != 4096 && of_one.contains(path);
    for (path, bytes) in one.sim.disk.files() {
        if !late(&path, &bytes) {
            there.add(&path, &bytes);
        }
    }
    let elsewhere = World::beside(15, Arc::new(there));
    let report = ops::snapshots(&elsewhere.stranger(), &Silent).unwrap();
    assert_eq!(report.snapshots.len(), 2);
    for line in &report.snapshots {
        assert!(matches!(line.state, SnapshotState::Pending { .. }), "{:?}", line.state);
    }
    let check = elsewhere.check(&elsewhere.stranger());
    assert_eq!(check.outcome(), Outcome::Partial, "{check:#?}");
    assert!(check.problems.iter().all(|problem| problem.kind == ProblemKind::Pending));
}

/// Random writes into a long file cost little more than themselves.
#[test]
fn writes_into_a_long_file_cost_little_more_than_themselves() {
    let mut world = World::new(16);
    let path = world.source().join("image");
    let mut dice = Dice::new(16);
    let mut content = bytes(&mut dice, 24 << 20);
    fs::write(&path, &content).unwrap();
    world.backup();
    for _ in 0..3 {
        for _ in 0..12 {
            let at = (dice.word() % (content.len() as u64 / 4096)) as usize * 4096;
            content[at..at + 4096].copy_from_slice(&bytes(&mut dice, 4096));
        }
        fs::write(&path, &content).unwrap();
        let report = world.backup();
        assert!(report.bytes_stored < 66_000, "{report:#?}");
    }
    content.splice(4321..4321, *b"12345");
    fs::write(&path, &content).unwrap();
    assert_eq!(world.backup().bytes_stored, 4095);
    world.verify(&world.stranger());
    full_check(&world);
}
