//! Whole runs of two devices, seen from a place where not all of their objects have arrived.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use crate::support::{Dice, World, bytes, options};
use keepmum::inside::model::TreePath;
use keepmum::inside::pipeline::Mode;
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{
    self, Access, ErrorKind, Event, ListOptions, Observer, Outcome, ProblemKind, Silent,
    SnapshotLine, SnapshotState,
};

fn paths(disk: &SimulatedDisk) -> BTreeSet<String> {
    disk.paths().into_iter().collect()
}

/// The objects that `work` has added to a destination.
fn added(disk: &SimulatedDisk, work: impl FnOnce()) -> BTreeSet<String> {
    let before = paths(disk);
    work();
    let new = paths(disk).difference(&before).cloned().collect::<BTreeSet<_>>();
    // Key blocks are not the subject of these tests.
    new.into_iter().filter(|path| disk.content(path).is_some_and(|b| b.len() != 4096)).collect()
}

/// Another place where everything has arrived but these files.
fn without(disk: &SimulatedDisk, missing: &BTreeSet<String>) -> World {
    let there = SimulatedDisk::new();
    let files = disk.files().into_iter().filter(|(path, _)| !missing.contains(path));
    files.for_each(|(path, bytes)| there.add(&path, &bytes));
    World::beside(999, Arc::new(there))
}

fn lines(access: &Access) -> Vec<SnapshotLine> {
    ops::snapshots(access, &Silent).unwrap().snapshots
}

fn line_of(access: &Access, id: &str) -> SnapshotLine {
    lines(access).into_iter().find(|line| line.id == id).unwrap()
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    bytes(&mut Dice::new(seed), length)
}

/// Noise that does not compress and is long enough for a data object of its own.
fn long(seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..50_000).flat_map(|_| dice.word().to_le_bytes()).collect()
}

fn replay(seed: u64, disk: Option<Arc<SimulatedDisk>>) -> World {
    let mut world = match disk {
        Some(disk) => World::beside(seed, disk),
        None => World::new(seed),
    };
    world.mode = Mode::Replay { seed };
    world
}

/// Two devices; `other` relies on objects that `one` stored in its second run. Returns the objects
/// of that run.
fn leaning() -> (World, World, BTreeSet<String>) {
    let (mut one, mut other) = (World::new(51), None);
    fs::write(one.source().join("first"), "the first file").unwrap();
    one.backup();
    fs::write(one.source().join("thesis"), noise(1, 20_000)).unwrap();
    let disk = Arc::clone(&one.sim.disk);
    let second = added(&disk, || drop(one.backup()));
    let beside = other.insert(World::beside(1051, Arc::clone(&disk)));
    fs::write(beside.source().join("thesis"), noise(1, 20_000)).unwrap();
    let report = beside.backup();
    assert!(report.bytes_stored < 10_000, "it leans on the other device");
    (one, other.unwrap(), second)
}

#[test]
fn a_snapshot_that_leans_on_a_run_which_has_not_arrived_is_pending() {
    let (_, other, second) = leaning();
    let third = without(&other.sim.disk, &second);
    let id = &other.kept[0].0;
    let line = line_of(&third.stranger(), id);
    assert!(matches!(line.state, SnapshotState::Pending { here, of } if here < of), "{line:?}");
    let (report, _) = other.restored(&third.stranger(), id);
    assert_eq!(report.outcome(), Outcome::Partial, "{:?}", report.problems);
    assert!(report.problems.iter().all(|problem| problem.kind == ProblemKind::Pending));
    let check = third.check(&third.stranger());
    assert_eq!(check.outcome(), Outcome::Partial, "{check:#?}");
    assert_eq!((check.objects_damaged, check.objects_lost), (0, 0));
}

/// The record that names the record of the needed run has not arrived either.
#[test]
fn a_run_that_no_record_here_names_is_pending_all_the_same() {
    let mut one = World::new(56);
    fs::write(one.source().join("first"), "the first file").unwrap();
    one.backup();
    let disk = Arc::clone(&one.sim.disk);
    let missing = added(&disk, || {
        for (name, content) in [("thesis", noise(1, 20_000)), ("later", vec![b'x'])] {
            fs::write(one.source().join(name), content).unwrap();
            one.backup();
        }
    });
    let mut other = World::beside(1056, Arc::clone(&disk));
    fs::write(other.source().join("thesis"), noise(1, 20_000)).unwrap();
    other.backup();
    // The record that is here names the third run of the other device; the second is needed.
    let third = without(&disk, &missing);
    let id = &other.kept[0].0;
    let line = line_of(&third.stranger(), id);
    assert!(matches!(line.state, SnapshotState::Pending { .. }), "{line:?}");
    let (report, _) = other.restored(&third.stranger(), id);
    assert_eq!(report.outcome(), Outcome::Partial, "{:?}", report.problems);
}

/// So much metadata that objects of it are stored before the record: links that say long things.
fn much_metadata(world: &World) {
    let mut dice = Dice::new(80);
    for folder in 0..30 {
        let folder = world.source().join(format!("folder {folder:02}"));
        fs::create_dir(&folder).unwrap();
        for number in 0..100 {
            let words = (0..450).flat_map(|_| dice.word().to_le_bytes());
            let text: Vec<u8> = words.map(|byte| byte.max(1)).collect();
            let text = OsStr::from_bytes(&text);
            std::os::unix::fs::symlink(text, folder.join(format!("{number}"))).unwrap();
        }
    }
}

/// The one object of a run without which there is no snapshot.
fn record_among(disk: &SimulatedDisk, run: &BTreeSet<String>) -> String {
    let is_record = |path: &&String| {
        let alone = without(disk, &BTreeSet::from([(*path).clone()]));
        lines(&alone.stranger()).is_empty()
    };
    run.iter().find(is_record).unwrap().clone()
}

/// A path in a snapshot whose trees have not arrived is pending, too.
#[test]
fn what_lies_in_a_tree_that_has_not_arrived_is_pending() {
    let mut one = replay(54, None);
    much_metadata(&one);
    let disk = Arc::clone(&one.sim.disk);
    let run = added(&disk, || drop(one.backup()));
    assert!(run.len() >= 2, "metadata and record: {run:?}");
    let record = record_among(&disk, &run);
    let missing: BTreeSet<String> = run.into_iter().filter(|path| *path != record).collect();
    let third = without(&disk, &missing);
    let inside = one.source().join("folder 00/0");
    let path = TreePath::new(inside.to_str().unwrap().trim_start_matches('/').as_bytes()).unwrap();
    let which = ops::Which::Id(one.kept[0].0.clone());
    let snapshot = ops::SnapshotChoice { which, device: None, source: None, own: false };
    let access = third.stranger();
    let asked = ListOptions {
        snapshot: snapshot.clone(),
        paths: path.clone().into(),
        recursive: false,
        sums: false,
    };
    let error = ops::list(&access, &asked, &mut |_| true, &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pending, "{error}");
    let asked = ops::DumpOptions { snapshot, paths: path.into() };
    let error = ops::dump(&access, &asked, &mut Vec::new(), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pending, "{error}");
    let (report, _) = one.restored(&access, &one.kept[0].0);
    assert_eq!(report.outcome(), Outcome::Partial, "{:?}", report.problems);
}

/// Stops a run as soon as so many files lie at the destination.
struct StopAt(Arc<SimulatedDisk>, usize);

impl Observer for StopAt {
    fn event(&self, _: Event) {}

    fn stopping(&self) -> bool {
        self.0.paths().len() >= self.1
    }
}

/// Every object of a run is here but its record: it may still be at work, or dead.
#[test]
fn nothing_leans_on_what_no_record_lists() {
    let mut one = replay(52, None);
    much_metadata(&one);
    fs::write(one.source().join("large"), long(2)).unwrap();
    let disk = Arc::clone(&one.sim.disk);
    let run = added(&disk, || drop(one.backup()));
    assert!(run.len() >= 3, "data, metadata and record: {run:?}");
    let record = record_among(&disk, &run);
    let kept = disk.content(&record).unwrap();
    disk.take(&record);
    let mut other = replay(1052, Some(Arc::clone(&disk)));
    much_metadata(&other);
    fs::write(other.source().join("large"), long(2)).unwrap();
    let report = other.backup();
    assert!(report.bytes_stored > 8_000_000, "it leans on nothing: {report:?}");
    // An object that no record lists need not arrive anywhere.
    let third = without(&disk, &run);
    let id = &other.kept[0].0;
    assert_eq!(line_of(&third.stranger(), id).state, SnapshotState::Complete);
    other.verify(&third.stranger());
    assert_eq!(third.check(&third.stranger()).outcome(), Outcome::Complete);
    // Once the record is here, it counts.
    disk.add(&record, &kept);
    let mut last = replay(2052, Some(Arc::clone(&disk)));
    fs::copy(one.source().join("large"), last.source().join("large")).unwrap();
    assert!(last.backup().bytes_stored < 100_000);
}

/// Objects of a run that was killed count from the record on that takes them over, and it is this
/// record's run that is needed.
#[test]
fn what_a_later_run_took_over_is_needed_by_the_run_that_lists_it() {
    let mut one = replay(53, None);
    fs::write(one.source().join("first"), "the first file").unwrap();
    one.backup();
    let disk = Arc::clone(&one.sim.disk);
    for number in 0..20 {
        let mut dice = Dice::new(70 + number);
        let noise: Vec<u8> = (0..1 << 17).flat_map(|_| dice.word().to_le_bytes()).collect();
        fs::write(one.source().join(format!("large {number:02}")), noise).unwrap();
    }
    let stop = StopAt(Arc::clone(&disk), disk.paths().len() + 1);
    let error = ops::backup(&one.own(), &options(&one.source()), &stop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    let second = added(&disk, || drop(one.backup()));
    let mut other = replay(1053, Some(Arc::clone(&disk)));
    fs::copy(one.source().join("large 00"), other.source().join("large 00")).unwrap();
    assert!(other.backup().bytes_stored < 100_000, "it leans on what was taken over");
    // The object that holds it is here, the record that lists it is not.
    let third = without(&disk, &second);
    let id = &other.kept[0].0;
    let line = line_of(&third.stranger(), id);
    let (report, _) = other.restored(&third.stranger(), id);
    match line.state {
        // Everything it needs is here, whichever record lists it.
        SnapshotState::Complete => assert_eq!(report.outcome(), Outcome::Complete),
        SnapshotState::Pending { .. } => {}
        SnapshotState::Lost { .. } | SnapshotState::Unknown { .. } | SnapshotState::Damaged => {
            panic!("{line:?}")
        }
    }
    let everything = paths(&disk);
    let data = everything.iter().filter(|path| !second.contains(*path));
    let large = data.filter(|path| disk.content(path).unwrap().len() > 1 << 20).cloned();
    let mut missing: BTreeSet<String> = large.collect();
    assert!(!missing.is_empty());
    missing.extend(second);
    let third = without(&disk, &missing);
    let line = line_of(&third.stranger(), id);
    assert!(matches!(line.state, SnapshotState::Pending { .. }), "{line:?}");
    let (report, _) = other.restored(&third.stranger(), id);
    assert_eq!(report.outcome(), Outcome::Partial, "{:?}", report.problems);
}

/// A client may give a file its full length before it has any of its bytes.
#[test]
fn a_file_that_a_client_has_only_allocated_is_pending() {
    for name in ["", ".part"] {
        let (_, other, second) = leaning();
        let third = without(&other.sim.disk, &second);
        let (path, length) = second
            .iter()
            .map(|path| (path, other.sim.disk.content(path).unwrap().len()))
            .next()
            .unwrap();
        third.sim.disk.add(&format!("{path}{name}"), &vec![0; length]);
        let id = &other.kept[0].0;
        let line = line_of(&third.stranger(), id);
        assert!(matches!(line.state, SnapshotState::Pending { .. }), "{name}: {line:?}");
        let (report, _) = other.restored(&third.stranger(), id);
        assert_eq!(report.outcome(), Outcome::Partial, "{name}: {:?}", report.problems);
        let check = third.check(&third.stranger());
        assert_eq!(check.outcome(), Outcome::Partial, "{name}: {check:#?}");
    }
}

/// A copy that is only filled in part, of a data object, which nobody opens before it is needed.
#[test]
fn a_copy_that_does_not_open_is_pending_while_the_original_is_missing() {
    let mut one = World::new(55);
    fs::write(one.source().join("large"), long(5)).unwrap();
    fs::write(one.source().join("small"), "small").unwrap();
    one.backup();
    let disk = &one.sim.disk;
    let mut by_length: Vec<_> =
        disk.files().into_iter().map(|(path, bytes)| (bytes.len(), path)).collect();
    by_length.sort();
    let (length, path) = by_length.pop().unwrap();
    let third = without(disk, &BTreeSet::from([path.clone()]));
    let mut half = disk.content(&path).unwrap();
    half[length / 3..].fill(0);
    third.sim.disk.add(&format!("{path}.part"), &half);
    let id = &one.kept[0].0;
    let (report, _) = one.restored(&third.stranger(), id);
    assert_eq!(report.outcome(), Outcome::Partial, "{:?}", report.problems);
    let check = third.check(&third.stranger());
    assert_eq!(check.outcome(), Outcome::Partial, "{check:#?}");
    assert!(check.objects_pending > 0);
    // The original in the same state is damaged.
    let third = without(disk, &BTreeSet::from([path.clone()]));
    third.sim.disk.add(&path, &half);
    let (report, _) = one.restored(&third.stranger(), id);
    assert_eq!(report.outcome(), Outcome::Damaged, "{:?}", report.problems);
}
