//! Whole runs: which files are read again, because a change could hide behind their times.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use crate::support::{World, options};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::seam::Operation;
use keepmum::inside::store::simulated::GateFault;
use keepmum::ops::{self, BackupOptions, BackupReport, Silent};

/// A folder on the disk that holds the code: files in memory are never written back.
fn on_disk() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A backup of a folder outside the world.
fn backup(world: &World, source: &Path) -> BackupReport {
    let report = ops::backup(&world.own(), &options(source), &Silent).unwrap();
    assert!(report.problems.is_empty(), "{:#?}", report.problems);
    report
}

#[test]
fn a_file_is_read_again_until_its_time_is_ten_minutes_old() {
    let folder = on_disk();
    let mut world = World::new(32);
    world.ahead = 10;
    fs::write(folder.path().join("old"), "old").unwrap();
    backup(&world, folder.path());
    fs::write(folder.path().join("new"), "new").unwrap();
    assert_eq!(backup(&world, folder.path()).new, 1);
    for (ahead, read) in [(20, 3), (590, 3), (700, 3), (710, 0)] {
        world.ahead = ahead;
        let report = backup(&world, folder.path());
        assert_eq!((report.new, report.changed), (0, 0), "{ahead} seconds later");
        assert_eq!(report.bytes_read, read, "{ahead} seconds later");
        assert!(report.snapshot.is_none(), "reading it again made a snapshot");
    }
}

#[test]
fn after_a_first_run_nothing_is_read_if_the_disk_could_be_written_back() {
    for refused in [false, true] {
        let folder = on_disk();
        let mut world = World::new(33);
        world.ahead = 10;
        fs::write(folder.path().join("file"), "text").unwrap();
        if refused {
            world.sim.gate.plan(Operation::SourceSync, 0, GateFault::Error(5));
        }
        backup(&world, folder.path());
        assert_eq!(world.sim.gate.count(Operation::SourceSync), 1);
        let again = backup(&world, folder.path());
        assert_eq!(again.bytes_read, if refused { 4 } else { 0 });
        assert_eq!((again.changed, again.snapshot), (0, None));
        assert_eq!(world.sim.gate.count(Operation::SourceSync), 1, "later runs write nothing back");
    }
}

#[test]
fn a_dry_run_does_not_call_a_young_file_changed() {
    let mut world = World::new(34);
    world.mode = Mode::Replay { seed: 34 };
    world.ahead = 0;
    let file = world.source().join("file");
    fs::write(&file, "text").unwrap();
    world.backup();
    let dry = BackupOptions { dry_run: true, ..options(&world.source()) };
    let report = ops::backup(&world.own(), &dry, &Silent).unwrap();
    assert_eq!((report.new, report.changed), (0, 0));
    // Nor is one of which only the stamp differs, as after the move of another of its names.
    world.ahead = 1 << 20;
    world.backup();
    fs::hard_link(&file, world.folder().join("name")).unwrap();
    fs::remove_file(world.folder().join("name")).unwrap();
    let report = ops::backup(&world.own(), &dry, &Silent).unwrap();
    assert_eq!((report.new, report.changed), (0, 0));
    assert_eq!(world.backup().changed, 0);
    fs::write(&file, "longer text").unwrap();
    let report = ops::backup(&world.own(), &dry, &Silent).unwrap();
    assert_eq!((report.new, report.changed), (0, 1));
}

#[test]
fn a_time_in_the_future_does_not_make_a_file_young_for_ever() {
    let mut world = World::new(35);
    let file = world.source().join("file");
    fs::write(&file, "text").unwrap();
    let future = std::time::SystemTime::now() + Duration::from_secs(1 << 30);
    File::options().write(true).open(&file).unwrap().set_modified(future).unwrap();
    world.backup();
    assert_eq!(world.backup().bytes_read, 0);
}
