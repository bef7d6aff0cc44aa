//! Whole runs: extended attributes that cannot be read cost no content, and no attribute that was
//! saved before.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stderr, reason = "a failure says how to repeat it")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use keepmum::ops::{Outcome, ProblemKind};
use rustix::fs::{XattrFlags, llistxattr, lremovexattr, lsetxattr};
use support::{World, latest};

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
    // The file with two names is told by each, and there is a new one.
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
    // It is told again, but nothing is stored again.
    let again = world.try_backup().unwrap();
    assert_eq!(again.problems.len(), report.problems.len());
    assert_eq!(again.changed, 0, "{again:?}");
    // What can be read again is saved again.
    for (thing, space) in &things {
        relieve(thing, space);
    }
    relieve(&source.join("new"), "user");
    fs::write(source.join("small"), "3").unwrap();
    world.backup();
    world.kept.drain(1..2);
    world.verify(&world.own());
}
