//! Whole runs: a run that ends early, and its catalogue lost with it, costs hardly any more upload.

use std::fs;
use std::sync::Arc;

use crate::support::{Dice, World, full_check, options};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{self, BackupOptions, Deletions, ErrorKind, Event, Observer, Silent};

const MIB: usize = 1 << 20;

/// Stops a run as soon as so many files lie at the destination.
struct StopAt(Arc<SimulatedDisk>, usize);

impl Observer for StopAt {
    fn event(&self, _: Event) {}

    fn stopping(&self) -> bool {
        self.0.paths().len() >= self.1
    }
}

fn world(seed: u64) -> World {
    let mut world = World::new(seed);
    world.mode = Mode::Replay { seed };
    world
}

/// Adds files of a MiB of noise each.
fn add(world: &World, seed: u64, count: usize) {
    let mut dice = Dice::new(seed);
    for number in 0..count {
        let name = format!("file-{seed}-{number:03}");
        let noise: Vec<u8> = (0..MIB / 8).flat_map(|_| dice.word().to_le_bytes()).collect();
        fs::write(world.source().join(name), noise).unwrap();
    }
}

fn stored(world: &World) -> u64 {
    world.sim.disk.files().iter().map(|(_, bytes)| bytes.len() as u64).sum()
}

/// Runs until so many more objects are stored; then the process is gone, and the catalogue too.
fn killed_after(world: &World, objects: usize) {
    let disk = Arc::clone(&world.sim.disk);
    let at = disk.paths().len() + objects;
    let stop = StopAt(disk, at);
    let error = ops::backup(&world.own(), &options(&world.source()), &stop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    fs::remove_dir_all(world.catalogue().parent().unwrap()).unwrap();
    fs::create_dir(world.catalogue().parent().unwrap()).unwrap();
}

/// The bytes that the run before would have stored, and those that it and the next one did store.
fn with_and_without_a_kill(seed: u64, prepare: impl Fn(&mut World)) -> (u64, u64) {
    let mut whole = world(seed);
    prepare(&mut whole);
    let before = stored(&whole);
    add(&whole, seed, 54);
    whole.backup();
    let wanted = stored(&whole) - before;
    let mut killed = world(seed);
    prepare(&mut killed);
    let before = stored(&killed);
    add(&killed, seed, 54);
    // Key blocks and the record that says whose objects these are, where this is the first run.
    let others = if before == 0 { 3 + 1 } else { 0 };
    killed_after(&killed, others + 3);
    let at = stored(&killed) - before;
    assert!(at > wanted / 10 * 7, "killed at {at} of {wanted}");
    killed.backup();
    full_check(&killed);
    (wanted, stored(&killed) - before)
}

#[test]
fn a_first_run_that_is_killed_and_loses_its_catalogue_stores_little_more_in_all() {
    let (wanted, took) = with_and_without_a_kill(21, |_| ());
    assert!(took <= wanted + wanted / 20, "{took} instead of {wanted}");
}

#[test]
fn so_does_a_later_run() {
    let (wanted, took) = with_and_without_a_kill(22, |world| {
        fs::write(world.source().join("first"), "something").unwrap();
        world.backup();
    });
    assert!(took <= wanted + wanted / 20, "{took} instead of {wanted}");
}

#[test]
fn the_first_record_of_a_short_first_run_is_its_only_one() {
    for (megabytes, objects) in [(0, 1), (3, 2), (11, 2)] {
        let mut world = world(23);
        fs::write(world.source().join("first"), "something").unwrap();
        add(&world, 23, megabytes);
        world.backup();
        assert_eq!(world.sim.disk.paths().len(), 3 + objects, "{megabytes} MiB");
    }
}

/// The first record of a long first run says whose objects follow, and is no snapshot.
#[test]
fn a_long_first_run_is_one_snapshot() {
    let mut world = world(24);
    add(&world, 24, 20);
    let report = world.backup();
    let listed = ops::snapshots(&world.stranger(), &Silent).unwrap();
    assert_eq!(listed.snapshots.len(), 1);
    assert_eq!(listed.snapshots[0].run, 2);
    let paths = world.sim.disk.paths().len() as u64;
    assert_eq!(report.objects_stored + 3, paths);
    assert_eq!(report.bytes_stored + 3 * 4096, stored(&world));
    world.verify(&world.stranger());
    full_check(&world);
}

/// Also where that object is found to be full only when the run ends.
#[test]
fn a_full_object_never_comes_before_the_first_record() {
    for megabytes in 12..20 {
        let mut world = world(25);
        add(&world, 25, megabytes);
        world.backup();
        let large =
            world.sim.disk.files().iter().filter(|(_, bytes)| bytes.len() > MIB / 8).count();
        let listed = ops::snapshots(&world.stranger(), &Silent).unwrap();
        assert!(large < 2 || listed.snapshots[0].run == 2, "{megabytes} MiB: {large} objects");
    }
}

/// With its catalogue, a first run that is killed reads nothing again that it had stored before its
/// last checkpoint.
#[test]
fn a_killed_first_run_reads_nothing_again_that_it_had_stored() {
    for seed in 40..44 {
        let mut world = world(seed);
        let options = BackupOptions { checkpoint_after: 6 << 20, ..options(&world.source()) };
        add(&world, seed, 60);
        for folder in 0..8 {
            let folder = world.source().join(format!("folder-{folder}"));
            fs::create_dir(&folder).unwrap();
            (0..20)
                .for_each(|n| fs::write(folder.join(format!("{n}")), format!("{n} text")).unwrap());
            fs::hard_link(
                folder.join("3"),
                world.source().join(format!("zz-{}", folder.file_name().unwrap().display())),
            )
            .unwrap();
        }
        let objects = usize::try_from(seed - 40).unwrap();
        let stop = StopAt(Arc::clone(&world.sim.disk), 3 + 6 + objects);
        let error = ops::backup(&world.own(), &options, &stop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
        let before = stored(&world);
        // Something changes meanwhile: a file that was stored, and one that is gone.
        fs::write(world.source().join(format!("file-{seed}-001")), "another text").unwrap();
        fs::remove_file(world.source().join(format!("file-{seed}-002"))).unwrap();
        let report = ops::backup(&world.own(), &options, &Silent).unwrap();
        let again = 58 * (1 << 20) - report.bytes_read;
        assert!(
            again > 12 << 20 && again + (28 << 20) > before,
            "seed {seed}: {} read, {before} stored",
            report.bytes_read
        );
        assert_eq!((report.changed, report.gone, report.moved), (0, 0, 0));
        assert_eq!(report.new, report.files + report.directories + report.others);
        world.verify(&world.own());
        world.verify(&world.stranger());
        full_check(&world);
        let quiet = world.backup();
        assert_eq!((quiet.bytes_read, quiet.snapshot), (0, None));
    }
}

/// Data that it had stored and that is gone since is read and stored again.
#[test]
fn a_killed_first_run_trusts_only_pieces_that_are_still_there() {
    let world = world(47);
    let options = BackupOptions { checkpoint_after: 6 << 20, ..options(&world.source()) };
    add(&world, 47, 40);
    let stop = StopAt(Arc::clone(&world.sim.disk), 3 + 5);
    ops::backup(&world.own(), &options, &stop).unwrap_err();
    let files = world.sim.disk.files();
    let large = &files.iter().find(|(_, bytes)| bytes.len() > 4 << 20).unwrap().0;
    assert!(world.sim.disk.take(large));
    ops::backup(&world.own(), &options, &Silent).unwrap();
    world.verify(&world.own());
    full_check(&world);
}

/// Files remembered by a run that was killed were never saved, so their loss refuses nothing; but
/// an empty root looks like a disk that is not mounted, whatever was remembered of it.
#[test]
fn after_a_killed_first_run_only_an_empty_root_is_refused() {
    let world = world(48);
    let careful = BackupOptions {
        accept_deletions: Deletions::Refuse,
        checkpoint_after: 6 << 20,
        ..options(&world.source())
    };
    (0..60).for_each(|n| fs::write(world.source().join(format!("a{n}")), format!("{n}")).unwrap());
    add(&world, 48, 40);
    let stop = StopAt(Arc::clone(&world.sim.disk), 3 + 5);
    ops::backup(&world.own(), &careful, &stop).unwrap_err();
    let aside = world.folder().join("aside");
    fs::rename(world.source(), &aside).unwrap();
    fs::create_dir(world.source()).unwrap();
    let refused = ops::backup(&world.own(), &careful, &Silent).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::SourceGone, "{refused}");
    fs::remove_dir(world.source()).unwrap();
    fs::rename(&aside, world.source()).unwrap();
    for entry in fs::read_dir(world.source()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "a7" {
            fs::remove_file(path).unwrap();
        }
    }
    let report = ops::backup(&world.own(), &careful, &Silent).unwrap();
    assert_eq!((report.files, report.gone), (1, 0));
}

/// A root of which nothing was remembered but its row is not known to be empty.
#[test]
fn a_root_that_only_a_killed_run_has_entered_is_not_known_to_be_empty() {
    let world = world(49);
    let careful = BackupOptions {
        accept_deletions: Deletions::Refuse,
        checkpoint_after: 6 << 20,
        ..options(&world.source())
    };
    let mut dice = Dice::new(49);
    let noise: Vec<u8> = (0..5 * MIB).flat_map(|_| dice.word().to_le_bytes()).collect();
    fs::write(world.source().join("one"), noise).unwrap();
    let stop = StopAt(Arc::clone(&world.sim.disk), 3 + 4);
    ops::backup(&world.own(), &careful, &stop).unwrap_err();
    fs::remove_file(world.source().join("one")).unwrap();
    let refused = ops::backup(&world.own(), &careful, &Silent).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::SourceGone, "{refused}");
}
