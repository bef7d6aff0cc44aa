//! Missing or damaged data of this device is stored again, as far as the source still has it; the
//! rest is named by file and snapshot, once by the run and by each check.

use std::fs;
use std::sync::{Arc, Mutex};

use crate::support::{Dice, World, full_check, options};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{
    self, BackupOptions, CheckOptions, Event, Observer, Outcome, ProblemKind, Silent, SnapshotState,
};

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..length.div_ceil(8)).flat_map(|_| dice.word().to_le_bytes()).take(length).collect()
}

/// One snapshot in several objects: data, metadata, a record.
fn world() -> World {
    let mut world = World::new(1);
    world.mode = Mode::Replay { seed: 1 };
    let folder = world.source().join("folder");
    fs::create_dir(&folder).unwrap();
    for number in 0..3 {
        fs::write(folder.join(format!("noise{number}")), noise(number, 200_000)).unwrap();
        fs::write(folder.join(format!("text{number}")), format!("text {number}\n")).unwrap();
    }
    world.backup();
    world
}

fn objects(world: &World) -> Vec<String> {
    let files = world.sim.disk.files().into_iter();
    files.filter(|(_, bytes)| bytes.len() != 4096).map(|(path, _)| path).collect()
}

fn fork(world: &mut World, disk: &SimulatedDisk) {
    let disk = Arc::new(disk.fork());
    world.sim.seam.disk = disk.clone();
    world.sim.disk = disk;
}

/// Reads the contents of the catalogue's folder, and puts them back.
struct Catalogue(Vec<(std::path::PathBuf, Vec<u8>)>);

impl Catalogue {
    fn keep(world: &World) -> Self {
        let folder = world.catalogue().parent().unwrap().to_owned();
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        Self(files.map(|path| (path.clone(), fs::read(&path).unwrap())).collect())
    }

    fn put_back(&self, world: &World) {
        for entry in fs::read_dir(world.catalogue().parent().unwrap()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        self.0.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    }
}

#[derive(Default)]
struct Ears(Mutex<Vec<String>>);

impl Observer for Ears {
    fn event(&self, event: Event) {
        if let Event::Notice(sentence) = event {
            self.0.lock().unwrap().push(sentence);
        }
    }

    fn stopping(&self) -> bool {
        false
    }
}

impl Ears {
    fn said(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

/// Every object, gone: whatever it was, one plain run makes all whole again, for everybody.
#[test]
fn missing_objects_of_every_kind_are_stored_again() {
    let mut world = world();
    let (disk, catalogue) = (world.sim.disk.fork(), Catalogue::keep(&world));
    let kept = world.kept.clone();
    let objects = objects(&world);
    assert!(objects.len() > 1, "data and record are in one object");
    let mut healed = 0;
    for path in objects {
        fork(&mut world, &disk);
        catalogue.put_back(&world);
        assert!(world.sim.disk.take(&path));
        assert_eq!(world.check(&world.own()).outcome(), Outcome::Damaged);
        let report = world.backup();
        assert!(report.objects_stored > 0, "{report:#?}");
        healed += report.healed;
        full_check(&world);
        // The old snapshot is whole too, also where its record was lost.
        world.kept.truncate(kept.len());
        world.verify(&world.own());
        world.verify(&world.stranger());
        let quiet = world.backup();
        assert_eq!((quiet.healed, quiet.objects_stored), (0, 0), "{quiet:#?}");
        world.kept.clone_from(&kept);
    }
    assert!(healed > 3, "only {healed} chunks are said to be healed");
}

/// Every object, damaged: a check finds it and the next run stores it again.
#[test]
fn damage_found_by_a_check_is_stored_again() {
    let mut world = world();
    let (disk, catalogue) = (world.sim.disk.fork(), Catalogue::keep(&world));
    let kept = world.kept.clone();
    for path in objects(&world) {
        let length = disk.content(&path).unwrap().len();
        for at in [30, length / 3, length - 20] {
            fork(&mut world, &disk);
            catalogue.put_back(&world);
            assert!(world.sim.disk.flip(&path, at, 4));
            let what = format!("byte {at} of {length}");
            let unread = world.backup();
            assert_eq!(unread.objects_stored, 0, "{what}: a run reads no data");
            assert_eq!(world.check(&world.own()).outcome(), Outcome::Damaged, "{what}");
            let report = world.backup();
            assert!(report.objects_stored > 0, "{what}: {report:#?}");
            let ears = Ears::default();
            let all = CheckOptions { read_data: ops::ReadData::Everything };
            let check = ops::check(&world.own(), &all, &ears).unwrap();
            assert_eq!(check.outcome(), Outcome::Complete, "{what}: {check:#?}");
            assert!(ears.said().contains("1 of the stored objects are damaged"), "{}", ears.said());
            world.kept.truncate(kept.len());
            world.verify(&world.own());
            world.verify(&world.stranger());
            let quiet = world.backup();
            assert_eq!((quiet.healed, quiet.objects_stored), (0, 0), "{what}: {quiet:#?}");
            world.kept.clone_from(&kept);
        }
    }
}

/// Nothing that was stored again is lost, though the object that held it stays away.
#[test]
fn data_stored_again_is_no_longer_called_lost() {
    let mut world = world();
    let (disk, catalogue) = (world.sim.disk.fork(), Catalogue::keep(&world));
    for path in objects(&world) {
        fork(&mut world, &disk);
        catalogue.put_back(&world);
        assert!(world.sim.disk.take(&path));
        let before = ops::status(&world.own(), &Silent).unwrap();
        assert!(before.objects_lost > 0, "{before:#?}");
        world.backup();
        let after = ops::status(&world.own(), &Silent).unwrap();
        assert_eq!((after.objects_lost, after.objects_pending), (0, 0), "{after:#?}");
    }
}

/// Data that is no longer in the source is named: which file, of which snapshot.
#[test]
fn data_that_cannot_be_healed_is_named() {
    let mut world = world();
    let before = objects(&world);
    fs::write(world.source().join("folder/noise1"), noise(50, 200_000)).unwrap();
    fs::write(world.source().join("folder/noise2"), noise(51, 200_000)).unwrap();
    world.backup();
    let largest = before.iter().max_by_key(|path| world.sim.disk.content(path).unwrap().len());
    assert!(world.sim.disk.take(largest.unwrap()));
    let first = world.kept[0].0[..8].to_owned();
    let named = |problems: &[ops::Problem]| -> Vec<String> {
        let lost = problems.iter().filter(|problem| problem.kind == ProblemKind::Damaged);
        let paths = lost.map(|problem| problem.path.clone());
        paths.filter(|path| path.contains(":/")).collect()
    };
    let report = world.try_backup().unwrap();
    assert_eq!(report.outcome(), Outcome::Damaged);
    assert!(report.healed > 0, "{report:#?}");
    let lost = named(&report.problems);
    assert_eq!(lost.len(), 2, "{lost:?}");
    for (path, file) in lost.iter().zip(["noise1", "noise2"]) {
        let folder = world.source().join("folder");
        assert_eq!(*path, format!("{first}:{}/{file}", folder.display()));
    }
    assert_eq!(named(&world.check(&world.own()).problems), lost);
    // It is said once by a run, and by every check.
    let quiet = world.backup();
    assert_eq!(quiet.objects_stored, 0, "{quiet:#?}");
    assert_eq!(world.check(&world.own()).outcome(), Outcome::Damaged);
    // All else of that snapshot comes back.
    let (report, tree) = world.restored(&world.own(), &world.kept[0].0);
    assert_eq!(report.outcome(), Outcome::Damaged);
    assert_eq!(tree.len() + 2, world.kept[0].1.len());
}

#[test]
fn a_destination_that_is_partial_heals_nothing() {
    let world = world();
    let path = objects(&world);
    let path = path.iter().max_by_key(|path| world.sim.disk.content(path).unwrap().len());
    assert!(world.sim.disk.take(path.unwrap()));
    let before = objects(&world).len();
    let some = BackupOptions { destination_is_partial: true, ..options(&world.source()) };
    let report = ops::backup(&world.own(), &some, &Silent).unwrap();
    assert_eq!((report.healed, report.objects_stored), (0, 0), "{report:#?}");
    assert_eq!(objects(&world).len(), before);
}

#[test]
fn missing_copies_of_the_key_block_are_reported_by_check_and_put_back_by_a_run() {
    let mut world = world();
    let blocks = |world: &World| -> Vec<String> {
        let files = world.sim.disk.files().into_iter();
        files.filter(|(_, bytes)| bytes.len() == 4096).map(|(path, _)| path).collect()
    };
    for gone in [1, 2] {
        let here = blocks(&world);
        assert_eq!(here.len(), 3);
        here[..gone].iter().for_each(|path| assert!(world.sim.disk.take(path)));
        let ears = Ears::default();
        let listing = CheckOptions { read_data: ops::ReadData::Nothing };
        let check = ops::check(&world.own(), &listing, &ears).unwrap();
        assert_eq!(check.outcome(), Outcome::Damaged);
        assert_eq!(check.problems.len(), gone);
        world.backup();
        assert_eq!(blocks(&world).len(), 3, "not all were put back");
        let ears = Ears::default();
        let check = ops::check(&world.own(), &listing, &ears).unwrap();
        assert_eq!((ears.said(), check.outcome()), (String::new(), Outcome::Complete));
    }
}

/// A small run is one object. If that is gone and the source has changed since, its record is stored
/// again and its data is not: then nobody lists the snapshot as complete, nor those on its data.
#[test]
fn a_record_that_was_stored_again_makes_no_snapshot_complete() {
    let mut world = World::new(9);
    world.mode = Mode::Replay { seed: 9 };
    let save = |world: &mut World, names: [&str; 2]| {
        for name in names {
            fs::write(world.source().join(name), noise(name.len() as u64, 3000)).unwrap();
        }
        world.backup();
    };
    save(&mut world, ["a", "no longer here"]);
    let first = objects(&world);
    save(&mut world, ["bc", "def"]);
    fs::remove_file(world.source().join("no longer here")).unwrap();
    let original = world.sim.disk.content(&first[0]).unwrap();
    world.sim.disk.take(&first[0]);
    let report = world.try_backup().unwrap();
    assert_eq!(report.outcome(), Outcome::Damaged, "{report:#?}");
    let states = |access: &ops::Access| -> Vec<bool> {
        let lines = ops::snapshots(access, &Silent).unwrap().snapshots;
        lines.iter().map(|line| line.state == SnapshotState::Complete).collect()
    };
    for access in [world.own(), world.stranger()] {
        assert_eq!(states(&access), [false, false, true]);
    }
    let state = ops::snapshots(&world.stranger(), &Silent).unwrap().snapshots.remove(0).state;
    assert_eq!(state, SnapshotState::Lost { missing: 1 });
    // With the original all is well again.
    world.sim.disk.add(&first[0], &original);
    full_check(&world);
    for access in [world.own(), world.stranger()] {
        assert_eq!(states(&access), [true; 3]);
    }
}
