//! Whole runs: extended attributes that cannot be read cost no content, and no attribute that was
//! saved before.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{World, latest};
use keepmum::ops::{Outcome, ProblemKind};
use rustix::fs::{XattrFlags, llistxattr, lremovexattr, lsetxattr};

/// Names of 250 bytes: the kernel gives no list of more than 64 KiB.
fn long_name(space: &str, number: usize) -> String {
    let name = format!("{space}.{number:03}");
    format!("{name}{}", "n".repeat(250 - name.len()))
}

const MANY: usize = 300;

/// Gives it more attributes than can be listed; whether the file system holds so many.
fn overload(path: &Path, space: &str) -> bool {
    let set = |number| lsetxattr(path, long_name(space, number), b"x", XattrFlags::empty());
    (0..MANY).all(|number| set(number).is_ok())
        && llistxattr(path, &mut [0_u8; 65536][..]) == Err(rustix::io::Errno::TOOBIG)
}

fn relieve(path: &Path, space: &str) {
    for number in 0..MANY {
        lremovexattr(path, long_name(space, number)).unwrap();
    }
}

fn has_early(path: &Path, space: &str) -> bool {
    let mut value = [0; 8];
    rustix::fs::lgetxattr(path, format!("{space}.early"), &mut value[..]) == Ok(5)
}

/// A small file, a large one, one with two names, a folder, a root, and a link, whose attributes
/// only root may set; each has one attribute of the namespace.
fn things(source: &Path) -> Vec<(PathBuf, &'static str)> {
    let mut things: Vec<(PathBuf, &str)> = Vec::new();
    for name in ["small", "large", "linked"] {
        let length = if name == "large" { 3_000_000 } else { 10 };
        fs::write(source.join(name), vec![b'1'; length]).unwrap();
        things.push((source.join(name), "user"));
    }
    fs::hard_link(source.join("linked"), source.join("other name")).unwrap();
    fs::create_dir(source.join("folder")).unwrap();
    things.push((source.join("folder"), "user"));
    if rustix::process::geteuid().is_root() {
        symlink("small", source.join("link")).unwrap();
        things.push((source.join("link"), "trusted"));
    }
    things.push((source.to_owned(), "user"));
    for (thing, space) in &things {
        lsetxattr(thing, format!("{space}.early"), b"value", XattrFlags::empty()).unwrap();
    }
    things
}

#[test]
fn a_list_of_attributes_that_is_too_long_costs_only_the_attributes() {
    let mut world = World::new(81);
    let source = world.source();
    let trial = world.folder().join("trial");
    fs::write(&trial, "").unwrap();
    if !overload(&trial, "user") {
        eprintln!("NOT TESTED: no file system here holds more attributes than can be listed");
        return;
    }
    let things = things(&source);
    world.backup();
    for (thing, space) in &things {
        assert!(overload(thing, space), "{}", thing.display());
    }
    for (name, length) in [("small", 10), ("large", 3_000_000), ("linked", 10), ("new", 10)] {
        fs::write(source.join(name), vec![b'2'; length]).unwrap();
    }
    assert!(overload(&source.join("new"), "user"));
    fs::write(source.join("folder/inside"), "inside").unwrap();
    let report = world.try_backup().unwrap();
    assert!(report.snapshot.is_some());
    // The file with two names is reported under each, and there is a new one.
    assert_eq!(report.problems.len(), things.len() + 2, "{:#?}", report.problems);
    for problem in &report.problems {
        let stays = problem.sentence.ends_with("; those of the backup before stay");
        assert_eq!(problem.kind, ProblemKind::NotWhole);
        assert!(problem.sentence.starts_with("its attributes cannot be read: "), "{problem:?}");
        assert_eq!(stays, !problem.path.ends_with("/new"), "{problem:?}");
    }
    let target = world.fresh_target();
    let restored = world.try_restore(&world.own(), latest(), &target).unwrap();
    assert_eq!(restored.outcome(), Outcome::Complete, "{:#?}", restored.problems);
    let inside = world.inside(&target);
    for name in ["small", "large", "linked", "other name", "new"] {
        let content = fs::read(inside.join(name)).unwrap();
        assert!(content.iter().all(|byte| *byte == b'2'), "{name}");
    }
    assert_eq!(fs::read(inside.join("folder/inside")).unwrap(), b"inside");
    for (thing, space) in &things {
        let there = inside.join(thing.strip_prefix(&source).unwrap());
        assert!(has_early(&there, space), "{}", there.display());
    }
    // It is reported again, but nothing is stored again.
    let again = world.try_backup().unwrap();
    assert_eq!(again.problems.len(), report.problems.len());
    assert_eq!(again.changed, 0, "{again:?}");
    // Attributes that can be read again are saved again.
    for (thing, space) in &things {
        relieve(thing, space);
    }
    relieve(&source.join("new"), "user");
    fs::write(source.join("small"), "3").unwrap();
    world.backup();
    world.kept.drain(1..2);
    world.verify(&world.own());
}

/// Bytes that do not compress.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = crate::support::Dice::new(seed);
    (0..length.div_ceil(8)).flat_map(|_| dice.word().to_le_bytes()).take(length).collect()
}

fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    lsetxattr(path, name, value, XattrFlags::empty()).is_ok()
}

/// Things of all kinds with values from 1 byte to the longest that there are, and one with so many
/// that they do not stand in an entry together; nothing where no file system holds such.
fn large(source: &Path) -> Option<Vec<(PathBuf, &'static str)>> {
    let things = things(source);
    for (number, (thing, space)) in (0..).zip(&things) {
        let all = [1, 4096, 4097, 65_536]
            .iter()
            .all(|length| set(thing, &format!("{space}.{length}"), &noise(number, *length)));
        if !all {
            eprintln!("NOT TESTED: no file system here holds large attributes");
            return None;
        }
    }
    for number in 0..60 {
        let value = noise(number, 2000 + usize::try_from(number).unwrap());
        assert!(set(&source.join("linked"), &format!("user.many{number}"), &value));
    }
    Some(things)
}

#[test]
fn large_attributes_come_back_and_are_stored_once() {
    let mut world = World::new(82);
    let source = world.source();
    let Some(things) = large(&source) else { return };
    world.backup();
    world.verify(&world.own());
    world.verify(&world.stranger());
    // Nothing has changed: not for a run, not for a dry one, not for a restore.
    for dry_run in [true, false] {
        let options = keepmum::ops::BackupOptions { dry_run, ..crate::support::options(&source) };
        let report = keepmum::ops::backup(&world.own(), &options, &keepmum::ops::Silent).unwrap();
        assert_eq!((report.new, report.changed), (0, 0), "{report:?}");
    }
    let target = world.fresh_target();
    for written in [true, false] {
        let restored = world.try_restore(&world.own(), latest(), &target).unwrap();
        assert_eq!(restored.outcome(), Outcome::Complete, "{:#?}", restored.problems);
        assert_eq!(restored.entries_written > 0, written, "{restored:?}");
    }
    // One value stored twice is stored once, and one that changes alone is stored alone.
    let (first, space) = &things[0];
    let (second, _) = &things[1];
    let value = noise(99, 60_000);
    assert!(set(first, &format!("{space}.65536"), &value));
    assert!(set(second, &format!("{space}.65536"), &value));
    let report = world.backup();
    assert_eq!(report.changed, 2, "{report:?}");
    assert!((60_000..80_000).contains(&report.bytes_stored), "{report:?}");
    world.verify(&world.own());
    // Further attributes in a target are removed, and missing ones are added.
    let inside = world.inside(&target);
    assert!(set(&inside.join("small"), "user.other", &noise(7, 50_000)));
    lremovexattr(inside.join("linked"), "user.65536").unwrap();
    let restored = world.try_restore(&world.own(), latest(), &target).unwrap();
    assert_eq!(restored.outcome(), Outcome::Complete, "{:#?}", restored.problems);
    assert!(crate::support::scan(&inside) == crate::support::scan(&source));
}

/// Whichever object is gone: a value that it held is reported with its path, and stored again.
#[test]
fn large_attributes_that_are_gone_are_stored_again() {
    let mut world = World::new(83);
    let source = world.source();
    if large(&source).is_none() {
        return;
    }
    for number in 0..4 {
        fs::write(source.join(format!("noise{number}")), noise(number, 150_000)).unwrap();
    }
    world.backup();
    let files = world.sim.disk.files().into_iter().filter(|(_, bytes)| bytes.len() != 4096);
    let objects: Vec<_> = files.map(|(path, _)| path).collect();
    assert!(objects.len() > 1, "{objects:?}");
    let mut told = 0;
    for object in objects {
        assert!(world.sim.disk.take(&object));
        let found = world.check(&world.own());
        assert_ne!(found.outcome(), Outcome::Complete, "{object}");
        told += usize::from(found.problems.iter().any(|problem| problem.path.ends_with("/folder")));
        world.try_backup().unwrap();
        let healed = world.check(&world.own());
        assert_eq!(healed.outcome(), Outcome::Complete, "{object}: {:#?}", healed.problems);
    }
    assert!(told > 0, "no check named the folder whose values were gone");
    world.verify(&world.own());
}
