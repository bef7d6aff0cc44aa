//! A small repository is damaged in every way that storage and sync clients know. Nothing wrong
//! may be restored, the rest must be, and `check` must find the damage and say whose it is.
//!
//! `KEEPMUM_STRIDE=1 cargo test --release -p keepmum --test runs damage` flips a bit of every byte.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use crate::support::{Dice, Tree, World, full_check, scan, setting};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{self, ErrorKind, Outcome, ProblemKind, Silent};

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..length.div_ceil(8)).flat_map(|_| dice.word().to_le_bytes()).take(length).collect()
}

/// Two snapshots: the first in several objects, the second in one.
fn repository() -> World {
    let mut world = World::new(1);
    world.mode = Mode::Replay { seed: 1 };
    let source = world.source();
    for number in 0..3 {
        let folder = source.join(format!("folder{number}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("text"), format!("the text of {number}\n")).unwrap();
        fs::write(folder.join("noise"), noise(number, 100_000)).unwrap();
    }
    world.backup();
    fs::write(source.join("folder1/text"), "the second text\n").unwrap();
    fs::write(source.join("folder2/more"), noise(20, 30_000)).unwrap();
    world.backup();
    world
}

/// The same device before a damaged copy of its destination.
fn before(world: &mut World, disk: SimulatedDisk) {
    let disk = Arc::new(disk);
    world.sim.seam.disk = disk.clone();
    world.sim.disk = disk;
}

fn objects(disk: &SimulatedDisk) -> Vec<String> {
    let files = disk.files().into_iter();
    files.filter(|(_, bytes)| bytes.len() != 4096).map(|(path, _)| path).collect()
}

/// Every restored file is right, and all others are in the report.
fn nothing_wrong(world: &World, what: &str) -> usize {
    let mut missing = 0;
    for access in [world.own(), world.stranger()] {
        let there = match ops::snapshots(&access, &Silent) {
            Ok(report) => report.snapshots,
            Err(error) => panic!("{what}: {error}"),
        };
        for (id, tree) in world.kept.iter().filter(|(id, _)| there.iter().any(|l| l.id == *id)) {
            let (report, found) = world.restored(&access, id);
            missing += compare(tree, &found, report.problems.len(), what);
            assert_eq!(report.problems.is_empty(), report.outcome() == Outcome::Complete);
        }
    }
    missing
}

fn compare(tree: &Tree, found: &Tree, problems: usize, what: &str) -> usize {
    let mut missing = 0;
    for (path, node) in found {
        let expected = tree.get(path).unwrap_or_else(|| panic!("{what}: a file from nowhere"));
        assert!(expected.what == node.what, "{what}: {path:?} is {node:?} for {expected:?}");
    }
    for path in tree.keys().filter(|path| !found.contains_key(*path)) {
        missing += 1;
        assert!(problems > 0, "{what}: {path:?} is missing without a word");
    }
    missing
}

/// The findings that `check` must have for damage that both sides can see.
fn found(world: &World, what: &str, attributed: bool) {
    for (access, side) in [(world.own(), "own"), (world.stranger(), "stranger")] {
        let check = world.check(&access);
        let outcome = check.outcome();
        assert!(outcome != Outcome::Complete, "{what}, {side}: not found: {check:#?}");
        if side == "own" {
            assert_eq!(outcome, Outcome::Damaged, "{what}: {check:#?}");
        }
        if attributed && side == "own" {
            let named = check.problems.iter().any(|problem| problem.path.contains(":/"));
            assert!(named, "{what}, {side}: whose is it? {check:#?}");
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found_and_nothing_wrong_comes_back() {
    let mut world = repository();
    let disk = world.sim.disk.fork();
    let stride = setting("KEEPMUM_STRIDE", 0);
    for path in objects(&disk) {
        let length = disk.content(&path).unwrap().len();
        let step = if stride > 0 { stride as usize } else { length / 9 + 1 };
        let ends = [0, 23, 24, 55, 56, length - 1, length - 17];
        for at in (7..length).step_by(step).chain(ends) {
            let what = format!("bit of byte {at} of {length} in {}", &path[..6]);
            before(&mut world, disk.fork());
            assert!(world.sim.disk.flip(&path, at, 1 << (at % 8)));
            nothing_wrong(&world, &what);
            found(&world, &what, false);
        }
    }
}

#[test]
fn a_cut_or_grown_object_is_found() {
    let mut world = repository();
    let disk = world.sim.disk.fork();
    for path in objects(&disk) {
        let length = disk.content(&path).unwrap().len();
        for cut in [0, 1, 55, 56, length / 2, length - 1] {
            let what = format!("{} cut to {cut} of {length}", &path[..6]);
            before(&mut world, disk.fork());
            world.sim.disk.truncate(&path, cut);
            nothing_wrong(&world, &what);
            found(&world, &what, false);
        }
        before(&mut world, disk.fork());
        world.sim.disk.extend(&path, b"more");
        nothing_wrong(&world, "grown");
        found(&world, "grown", false);
    }
}

#[test]
fn swapped_objects_are_found() {
    let mut world = repository();
    let disk = world.sim.disk.fork();
    let files = disk.files();
    for (one, first) in &files {
        for (other, second) in files.iter().filter(|(other, _)| other > one) {
            if first.len() != second.len() || first.len() == 4096 {
                continue;
            }
            before(&mut world, disk.fork());
            world.sim.disk.add(one, second);
            world.sim.disk.add(other, first);
            nothing_wrong(&world, "swapped");
            found(&world, "swapped", true);
        }
    }
}

#[test]
fn a_deleted_object_is_found_and_healed() {
    let mut world = repository();
    let disk = world.sim.disk.fork();
    let kept = world.kept.clone();
    let catalogue = read_catalogue(&world);
    let objects = objects(&disk);
    for path in &objects {
        let what = format!("{} deleted", &path[..6]);
        before(&mut world, disk.fork());
        world.sim.disk.take(path);
        nothing_wrong(&world, &what);
        let check = world.check(&world.own());
        assert_eq!(check.outcome(), Outcome::Damaged, "{what}: {check:#?}");
        let healed = world.try_backup().unwrap();
        assert!(healed.objects_stored > 0, "{what}: {healed:#?}");
        let quiet = world.backup();
        assert_eq!(quiet.objects_stored, 0, "{what}: it is stored again and again");
        // The newest snapshot is whole on any machine, whatever was lost.
        world.kept.drain(..world.kept.len() - 1);
        for access in [world.own(), world.stranger()] {
            let target = world.fresh_target();
            let choice = crate::support::latest();
            let report = world.try_restore(&access, choice, &target);
            let report = report.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(report.outcome(), Outcome::Complete, "{what}: {report:#?}");
            assert!(scan(&world.inside(&target)) == world.kept[0].1, "{what}");
        }
        world.kept.clone_from(&kept);
        if nothing_wrong(&world, &what) == 0 && all_there(&world) {
            full_check(&world);
        }
        restore_catalogue(&world, &catalogue);
    }
}

/// Whether no record was lost: a lost record's data about its snapshot is gone for good.
fn all_there(world: &World) -> bool {
    let report = ops::snapshots(&world.stranger(), &Silent).unwrap();
    world.kept.iter().all(|(id, _)| report.snapshots.iter().any(|line| line.id == *id))
}

/// The catalogue and the number beside it: without the number it would be that of a copy.
fn read_catalogue(world: &World) -> [(PathBuf, Vec<u8>); 2] {
    let file = world.catalogue();
    let number = file.with_extension("sqlite.run");
    [file, number].map(|path| (path.clone(), fs::read(&path).unwrap()))
}

fn restore_catalogue(world: &World, files: &[(PathBuf, Vec<u8>)]) {
    for entry in fs::read_dir(world.catalogue().parent().unwrap()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for (path, bytes) in files {
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn conflict_copies_serve_where_the_original_does_not() {
    let mut world = repository();
    let disk = world.sim.disk.fork();
    let suffixes =
        [" (1)", ".sync-conflict-20260101-000000-ABCDEFG", "-HOST", " (conflicted copy 2)"];
    for (number, path) in objects(&disk).iter().enumerate() {
        let bytes = disk.content(path).unwrap();
        for damaged in [false, true] {
            before(&mut world, disk.fork());
            let copy = format!("{path}{}", suffixes[number % suffixes.len()]);
            let copy = if damaged { copy } else { format!("some/folder/{copy}") };
            world.sim.disk.add(&copy, &bytes);
            if damaged {
                (0..bytes.len()).step_by(4000).for_each(|at| {
                    world.sim.disk.flip(path, at, 4);
                });
            } else {
                world.sim.disk.take(path);
            }
            world.verify(&world.own());
            world.verify(&world.stranger());
            world.all_complete(&world.stranger());
            let check = world.check(&world.stranger());
            assert_eq!(check.conflict_copies, 1);
            assert_eq!(check.objects_lost + check.objects_pending, 0, "{check:#?}");
            assert_eq!(world.backup().objects_stored, 0);
        }
    }
}

#[test]
fn foreign_files_are_counted_and_ignored() {
    let mut world = repository();
    let other = repository_of_another();
    for (path, bytes) in other.files() {
        // Key blocks of another password too.
        world.sim.disk.add(&path, &bytes);
    }
    world.sim.disk.add("desktop.ini", b"[x]");
    world.sim.disk.add("folder/notes (1).txt", b"hello");
    world.sim.disk.add(&"a".repeat(90), b"like an object");
    world.verify(&world.own());
    world.verify(&world.stranger());
    full_check(&world);
    let check = world.check(&world.stranger());
    assert!(check.foreign_files >= 4, "{check:#?}");
    assert_eq!(world.backup().objects_stored, 0);
}

fn repository_of_another() -> Arc<SimulatedDisk> {
    let world = World::new(99);
    fs::write(world.source().join("foreign"), noise(4, 400_000)).unwrap();
    let mut access = world.own();
    access.passphrase = keepmum::inside::crypto::Passphrase::new("another one".to_owned());
    let options = crate::support::options(&world.source());
    ops::backup(&access, &options, &Silent).unwrap();
    world.sim.disk.clone()
}

#[test]
fn one_key_block_is_enough() {
    let mut world = repository();
    let disk = world.sim.disk.fork();
    let blocks: Vec<String> = disk
        .files()
        .into_iter()
        .filter(|(_, bytes)| bytes.len() == 4096)
        .map(|(path, _)| path)
        .collect();
    assert_eq!(blocks.len(), 3);
    for whole in 0..3 {
        for way in 0..3 {
            before(&mut world, disk.fork());
            for (number, block) in blocks.iter().enumerate().filter(|(n, _)| *n != whole) {
                let done = match (way + number) % 3 {
                    0 => world.sim.disk.take(block),
                    1 => (0..4096).step_by(50).all(|at| world.sim.disk.flip(block, at, 1)),
                    _ => world.sim.disk.truncate(block, 4000),
                };
                assert!(done);
            }
            world.verify(&world.stranger());
            assert_eq!(world.backup().objects_stored, 0);
        }
    }
    before(&mut world, disk.fork());
    assert!(blocks.iter().all(|block| world.sim.disk.take(block)));
    let error = ops::snapshots(&world.stranger(), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pending, "{error}");
    // This machine keeps them, and puts them back.
    assert_eq!(world.backup().objects_stored, 0);
    assert!(blocks.iter().all(|block| world.sim.disk.content(block) == disk.content(block)));
    world.verify(&world.stranger());
}

#[test]
fn missing_objects_are_pending_elsewhere_and_lost_at_home() {
    let mut world = repository();
    let disk = world.sim.disk.fork();
    let data = disk.files().into_iter().find(|(_, bytes)| bytes.len() > 200_000).unwrap().0;
    before(&mut world, disk.fork());
    world.sim.disk.take(&data);
    let mut stranger = world.stranger();
    stranger.installation.machine = b"somewhere else".to_vec();
    let check = world.check(&stranger);
    assert_eq!(check.outcome(), Outcome::Partial, "{check:#?}");
    assert!(check.problems.iter().all(|problem| problem.kind == ProblemKind::Pending));
    assert!(check.problems.iter().any(|problem| problem.path.ends_with("folder0/noise")));
    found(&world, "missing data", true);
}
