//! Restores that are larger than a batch, and restores with a missing part.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use crate::support::{World, latest};
use keepmum::inside::seam::{Gate, Operation};
use keepmum::ops::{
    self, Outcome, Overwrite, ProblemKind, RestoreOptions, RestoreReport, Silent, SnapshotChoice,
    Which,
};

fn the_one(id: &str) -> SnapshotChoice {
    SnapshotChoice { which: Which::Id(id.to_owned()), device: None, source: None, own: false }
}

/// More folders than wait at once: those that the walk is still in keep their times and modes.
#[test]
fn folders_above_very_many_others_come_back_with_their_times() {
    let mut world = World::new(71);
    let top = world.source().join("top");
    for number in 0..16_500 {
        fs::create_dir_all(top.join(format!("{number:05}"))).unwrap();
    }
    fs::write(top.join("zz last"), "after all folders").unwrap();
    world.backup();
    world.verify(&world.own());
}

/// The second name of a file is never linked to the first one of an earlier restore.
#[test]
fn a_hard_link_is_never_made_to_a_name_that_could_not_be_written() {
    let mut world = World::new(72);
    let mut state = 72_u64;
    let noise: Vec<u8> = (0..600_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    fs::write(world.source().join("a"), &noise).unwrap();
    fs::hard_link(world.source().join("a"), world.source().join("b")).unwrap();
    world.backup();
    let id = world.kept[0].0.clone();
    let files = world.sim.disk.files();
    let largest = files.iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    assert!(largest.1.len() > 500_000, "the file has no object of its own");
    assert!(world.sim.disk.take(&largest.0));
    let target = world.fresh_target();
    let inside = world.inside(&target);
    fs::create_dir_all(&inside).unwrap();
    fs::write(inside.join("a"), "what an earlier restore left").unwrap();
    let report = world.try_restore(&world.own(), the_one(&id), &target).unwrap();
    assert_ne!(report.outcome(), Outcome::Complete);
    assert!(!inside.join("b").exists(), "b was linked to old bytes");
    let paths: Vec<&str> = report.problems.iter().map(|problem| problem.path.as_str()).collect();
    assert!(paths.iter().any(|path| path.ends_with("/a")), "{paths:?}");
    assert!(paths.iter().any(|path| path.ends_with("/b")), "{paths:?}");
    // Files that could not be written are not counted as written.
    assert_eq!((report.files_written, report.bytes_written), (0, 0));
}

/// Restores the newest snapshot with some gate before the target.
fn restore(world: &World, target: &Path, gate: Arc<dyn Gate>) -> RestoreReport {
    restore_over(world, target, gate, Overwrite::IfOlder)
}

fn restore_over(
    world: &World,
    target: &Path,
    gate: Arc<dyn Gate>,
    overwrite: Overwrite,
) -> RestoreReport {
    let mut access = world.own();
    access.seam.gate = gate;
    let options = RestoreOptions {
        snapshot: latest(),
        paths: ops::Paths::default(),
        target: Some(target.to_owned()),
        dry_run: false,
        overwrite,
        delete: false,
        deletions: ops::Deletions::All,
        staying: Vec::new(),
        owner: ops::Owner::Names,
        special: true,
        list_changes: false,
    };
    ops::restore(&access, &options, &Silent).unwrap()
}

fn with_three_names() -> World {
    let mut world = World::new(73);
    let source = world.source();
    fs::write(source.join("1"), "text").unwrap();
    for name in ["2", "3"] {
        fs::hard_link(source.join("1"), source.join(name)).unwrap();
    }
    world.backup();
    world
}

/// The first name is blocked, or the first two are: those that are left are one file.
#[test]
fn names_of_a_file_come_back_without_those_that_cannot() {
    for blocked in [&["1"][..], &["2"], &["1", "2"], &["1", "3"], &["1", "2", "3"]] {
        let world = with_three_names();
        let target = world.fresh_target();
        let inside = world.inside(&target);
        for name in blocked {
            fs::create_dir_all(inside.join(name).join("mine")).unwrap();
        }
        let report = world.try_restore(&world.own(), latest(), &target).unwrap();
        assert_eq!(report.problems.len(), blocked.len(), "{:#?}", report.problems);
        assert_eq!(report.files_written, 3 - blocked.len() as u64);
        let left: Vec<_> = ["1", "2", "3"].iter().filter(|name| !blocked.contains(name)).collect();
        for name in &left {
            assert_eq!(fs::read(inside.join(name)).unwrap(), b"text", "{blocked:?}");
            let names = fs::metadata(inside.join(name)).unwrap().nlink();
            assert_eq!(names, left.len() as u64, "{blocked:?}");
        }
        for name in blocked {
            assert!(inside.join(name).join("mine").is_dir());
        }
    }
}

/// Somebody puts another file in the place of the first name before the second is made.
struct Meanwhile(std::path::PathBuf);

impl Gate for Meanwhile {
    fn pass(&self, operation: Operation, path: &[u8], bytes: usize) -> io::Result<usize> {
        if operation == Operation::TargetLink && path.ends_with(b"/2") {
            fs::remove_file(self.0.join("1")).unwrap();
            fs::write(self.0.join("1"), "mine").unwrap();
        }
        Ok(bytes)
    }
}

#[test]
fn a_name_that_somebody_takes_meanwhile_is_not_linked_to() {
    let world = with_three_names();
    // The first name is written by the restore, or was right before.
    for right in [false, true] {
        let target = world.fresh_target();
        let inside = world.inside(&target);
        if right {
            world.try_restore(&world.own(), latest(), &target).unwrap();
            fs::remove_file(inside.join("2")).unwrap();
            fs::remove_file(inside.join("3")).unwrap();
        }
        restore(&world, &target, Arc::new(Meanwhile(inside.clone())));
        assert_eq!(fs::read(inside.join("1")).unwrap(), b"mine");
        for name in ["2", "3"] {
            assert_eq!(fs::read(inside.join(name)).unwrap(), b"text", "{right}");
            assert_eq!(fs::metadata(inside.join(name)).unwrap().nlink(), 2, "{right}");
        }
    }
}

#[test]
fn links_of_one_length_and_time_are_told_apart() {
    let mut world = World::new(75);
    let link = world.source().join("link");
    let times = rustix::fs::Timestamps {
        last_access: rustix::fs::Timespec { tv_sec: 1, tv_nsec: 0 },
        last_modification: rustix::fs::Timespec { tv_sec: 1, tv_nsec: 0 },
    };
    let make = |at: &Path, text: &str| {
        std::os::unix::fs::symlink(text, at).unwrap();
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, at, &times, flags).unwrap();
    };
    make(&link, "here");
    world.backup();
    let target = world.fresh_target();
    let inside = world.inside(&target);
    fs::create_dir_all(&inside).unwrap();
    make(&inside.join("link"), "away");
    world.try_restore(&world.own(), latest(), &target).unwrap();
    assert_eq!(fs::read_link(inside.join("link")).unwrap(), Path::new("here"));
}

/// The gate of a file system on which a file has one name.
struct OneName;

impl Gate for OneName {
    fn pass(&self, operation: Operation, _path: &[u8], bytes: usize) -> io::Result<usize> {
        match operation {
            Operation::TargetUnnamed => Err(rustix::io::Errno::OPNOTSUPP.into()),
            Operation::TargetLink => Err(rustix::io::Errno::PERM.into()),
            _ => Ok(bytes),
        }
    }
}

#[test]
fn where_a_file_has_one_name_the_others_become_copies_once() {
    let world = with_three_names();
    let target = world.fresh_target();
    let inside = world.inside(&target);
    for (written, overwrite) in [
        (3, Overwrite::IfOlder),
        (0, Overwrite::IfOlder),
        (0, Overwrite::IfChanged),
        (0, Overwrite::IfOlder),
    ] {
        let report = restore_over(&world, &target, Arc::new(OneName), overwrite);
        assert_eq!(report.outcome(), Outcome::Partial);
        assert_eq!(report.problems.len(), 1, "{:#?}", report.problems);
        assert_eq!(report.problems[0].kind, ProblemKind::Metadata);
        let sentence = &report.problems[0].sentence;
        assert!(sentence.contains("1 other entry"), "{sentence}");
        assert_eq!(report.files_written, written, "{report:#?}");
        for name in ["1", "2", "3"] {
            assert_eq!(fs::read(inside.join(name)).unwrap(), b"text");
            assert_eq!(fs::metadata(inside.join(name)).unwrap().nlink(), 1);
        }
    }
    // Where there can be, there are again.
    let report = world.try_restore(&world.own(), latest(), &target).unwrap();
    assert!(report.problems.is_empty(), "{:#?}", report.problems);
    assert_eq!(fs::metadata(inside.join("3")).unwrap().nlink(), 3);
    assert_eq!(fs::read_dir(&inside).unwrap().count(), 3);
}

/// Most file systems of disks end in some century, those in memory do not.
#[test]
fn what_the_target_cannot_keep_is_told_once_and_not_written_again() {
    let mut world = World::new(74);
    for name in ["a", "b", "c"] {
        let path = world.source().join(name);
        fs::write(&path, name).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        let late = std::time::UNIX_EPOCH + std::time::Duration::from_secs(16_725_225_600);
        file.set_modified(late).unwrap();
    }
    world.backup();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    for written in [3, 0] {
        let report = world.try_restore(&world.own(), latest(), &target).unwrap();
        assert_eq!(report.files_written, written);
        let found = fs::metadata(world.inside(&target).join("a")).unwrap().mtime();
        let lost = found != 16_725_225_600;
        assert_eq!(report.problems.len(), usize::from(lost), "{:#?}", report.problems);
        if lost {
            let sentence = &report.problems[0].sentence;
            assert!(sentence.contains("2 other entries"), "{sentence}");
        }
    }
}
