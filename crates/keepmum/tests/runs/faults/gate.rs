//! Every access to the source and to a restore target fails once: that costs one thing, which is
//! in the report, and the next plain run makes it good. And files that change under their reader.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use crate::support::{Dice, World, changes, differences, full_check, grow, latest, scan};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::seam::Operation;
use keepmum::inside::store::simulated::GateFault;
use keepmum::ops::{self, Outcome, ProblemKind, Silent};

const EIO: i32 = 5;

fn small(seed: u64) -> (World, Dice) {
    let mut dice = Dice::new(seed);
    let mut world = World::new(seed);
    world.mode = Mode::Replay { seed };
    grow(&mut dice, &world.source(), 25);
    (world, dice)
}

/// The accesses to the source that a second run makes.
fn accesses(operation: Operation) -> u64 {
    let (mut world, mut dice) = small(11);
    world.backup();
    let before = world.sim.gate.count(operation);
    changes(&mut dice, &world.source(), 12);
    world.backup();
    world.sim.gate.count(operation) - before
}

#[test]
fn a_source_access_that_fails_costs_one_thing_and_its_earlier_version_stays() {
    for operation in [Operation::SourceList, Operation::SourceOpen, Operation::SourceRead] {
        for number in 0..accesses(operation) {
            let (mut world, mut dice) = small(11);
            world.backup();
            let first = world.kept[0].1.clone();
            changes(&mut dice, &world.source(), 12);
            let now = scan(&world.source());
            let at = world.sim.gate.count(operation) + number;
            world.sim.gate.plan(operation, at, GateFault::Error(EIO));
            let what = format!("{operation:?} {number}");
            let report = match world.try_backup() {
                Ok(report) => report,
                // The folder above all cannot be listed: nothing is known then.
                Err(error) if operation == Operation::SourceList => {
                    assert_eq!(error.kind(), ops::ErrorKind::SourceGone, "{what}: {error}");
                    world.backup();
                    world.verify(&world.own());
                    continue;
                }
                Err(error) => panic!("{what}: {error}"),
            };
            assert_eq!(report.outcome(), Outcome::Partial, "{what}: {report:#?}");
            assert_eq!(report.problems.len(), 1, "{what}: {:#?}", report.problems);
            // Attributes that cannot be read cost no content.
            let of_attributes = report.problems[0].sentence.starts_with("its attributes cannot");
            let kind = if of_attributes { ProblemKind::NotWhole } else { ProblemKind::Unreadable };
            assert_eq!(report.problems[0].kind, kind, "{what}: {:#?}", report.problems);
            if report.snapshot.is_some() {
                let (id, _) = world.kept.pop().unwrap();
                let (restored, found) = world.restored(&world.own(), &id);
                assert!(restored.problems.is_empty(), "{what}: {:#?}", restored.problems);
                let failed = PathBuf::from(&report.problems[0].path);
                let failed = failed.strip_prefix(world.source()).unwrap_or(&failed).to_owned();
                for (path, node) in &found {
                    let same = now.get(path).is_some_and(|now| now.what == node.what);
                    // A folder that moved and cannot be listed shows its old contents at its new
                    // place.
                    let earlier = first.values().any(|old| old.what == node.what);
                    assert!(same || earlier, "{what}: {path:?} is of no version");
                }
                for path in now.keys().filter(|path| !found.contains_key(*path)) {
                    let text = String::from_utf8_lossy(path).into_owned();
                    let excused = PathBuf::from(&text).starts_with(&failed);
                    assert!(excused && !first.contains_key(path), "{what}: {text:?} is missing");
                }
            }
            world.backup();
            world.verify(&world.own());
            world.verify(&world.stranger());
        }
    }
}

#[test]
fn a_target_access_that_fails_is_made_good_by_the_next_restore() {
    let (mut world, _) = small(12);
    world.backup();
    let target = world.fresh_target();
    let before = world.sim.gate.operations();
    world.try_restore(&world.own(), latest(), &target).unwrap();
    let count = world.sim.gate.operations() - before;
    let stride = if std::env::var_os("KEEPMUM_CASES").is_some() { 1 } else { 3 };
    for number in (0..count).step_by(stride) {
        for kill in [false, true] {
            let target = world.fresh_target();
            let fault = if kill { GateFault::Kill } else { GateFault::Error(EIO) };
            world.sim.gate.plan_any(world.sim.gate.operations() + number, fault);
            let first = world.try_restore(&world.own(), latest(), &target);
            let said = first.as_ref().is_err() || first.is_ok_and(|r| !r.problems.is_empty());
            world.sim.gate.heal();
            let found = if world.inside(&target).exists() {
                scan(&world.inside(&target))
            } else {
                crate::support::Tree::new()
            };
            let right = differences(&world.kept[0].1, &found).is_empty();
            assert!(said || right, "access {number} failed without a word");
            let second = world.try_restore(&world.own(), latest(), &target).unwrap();
            assert!(second.problems.is_empty(), "access {number}: {:#?}", second.problems);
            let found = scan(&world.inside(&target));
            let wrong = differences(&world.kept[0].1, &found);
            assert!(wrong.is_empty(), "access {number}: {wrong:#?}");
            fs::remove_dir_all(&target).unwrap();
        }
    }
}

/// A file is written to just before its n-th read. Its saved version may be any of its states, but
/// it is read again, and then it is right.
#[test]
fn a_file_that_changes_while_it_is_read_is_read_again() {
    for size in [10_usize, 70_000, 600_000, 3_000_000] {
        for number in 0..8 {
            for cut in [false, true] {
                let mut world = World::new(21 + number);
                let path = world.source().join("file");
                fs::write(&path, vec![7; size]).unwrap();
                fs::write(world.source().join("other"), "calm").unwrap();
                let under = path.clone();
                let act = move || {
                    let file = fs::OpenOptions::new().write(true).open(&under).unwrap();
                    if cut {
                        file.set_len(size as u64 / 2).unwrap();
                    } else {
                        std::os::unix::fs::FileExt::write_all_at(
                            &file,
                            b"changed",
                            size as u64 / 2,
                        )
                        .unwrap();
                    }
                };
                let struck = Arc::clone(&world.sim.gate);
                struck.plan(Operation::SourceRead, number, GateFault::After(Box::new(act)));
                world.try_backup().unwrap();
                world.kept.clear();
                let options = crate::support::options(&world.source());
                let tree = scan(&world.source());
                let again = ops::backup(&world.own(), &options, &Silent).unwrap();
                assert!(again.problems.is_empty(), "{:#?}", again.problems);
                let target = world.fresh_target();
                world.try_restore(&world.own(), latest(), &target).unwrap();
                let wrong = differences(&tree, &scan(&world.inside(&target)));
                assert!(wrong.is_empty(), "size {size}, read {number}: {wrong:#?}");
                if again.snapshot.is_some() {
                    full_check(&world);
                }
            }
        }
    }
}

/// Listed as a small file and grown since: it is read as the large file that it is by now, a
/// segment at a time.
#[test]
fn a_file_that_grows_after_it_was_listed_is_not_taken_into_memory_at_once() {
    let mut world = World::new(31);
    let path = world.source().join("b");
    fs::write(world.source().join("a"), "read first").unwrap();
    fs::write(&path, "small").unwrap();
    let act = move || fs::write(&path, vec![7; 3_000_000]).unwrap();
    world.sim.gate.plan(Operation::SourceRead, 0, GateFault::After(Box::new(act)));
    let report = world.try_backup().unwrap();
    assert!(report.problems.is_empty(), "{:#?}", report.problems);
    assert!(world.sim.gate.count(Operation::SourceRead) > 3, "it was read at once");
    let target = world.fresh_target();
    world.try_restore(&world.own(), latest(), &target).unwrap();
    let wrong = differences(&scan(&world.source()), &scan(&world.inside(&target)));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whatever is not read of a new folder at first, its attributes too, is read by the next run.
#[test]
fn attributes_of_a_folder_that_could_not_be_read_are_read_the_next_time() {
    for number in 0.. {
        let mut world = World::new(41);
        let folder = world.source().join("folder");
        fs::create_dir(&folder).unwrap();
        let set = rustix::fs::setxattr(&folder, "user.mine", b"1", rustix::fs::XattrFlags::empty());
        set.unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        world.sim.gate.plan(Operation::SourceOpen, number, GateFault::Error(EIO));
        let first = world.try_backup();
        if world.sim.gate.count(Operation::SourceOpen) <= number {
            assert!(number > 0, "nothing was read");
            break;
        }
        drop(first);
        world.try_backup().unwrap();
        let target = world.fresh_target();
        world.try_restore(&world.own(), latest(), &target).unwrap();
        let restored = world.inside(&target).join("folder");
        let kept = rustix::fs::getxattr(&restored, "user.mine", &mut [0; 1][..]);
        assert_eq!(kept.ok(), Some(1), "access {number}");
    }
}

/// Mode and owner are those of the listing. A file with two names, whose mode and content change
/// before it is opened: its first saved version may be old, but the next run looks again.
#[test]
fn a_change_between_listing_and_reading_is_saved_by_the_next_run() {
    use std::os::unix::fs::PermissionsExt;
    for number in 0.. {
        let mut world = World::new(52);
        let path = world.source().join("file");
        fs::write(&path, "text").unwrap();
        fs::hard_link(&path, world.source().join("second")).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let act = move || {
            fs::write(&path, "tex2").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        };
        world.sim.gate.plan(Operation::SourceOpen, number, GateFault::After(Box::new(act)));
        world.try_backup().unwrap();
        if world.sim.gate.count(Operation::SourceOpen) <= number {
            assert!(number > 0, "nothing was read");
            break;
        }
        let options = crate::support::options(&world.source());
        ops::backup(&world.own(), &options, &Silent).unwrap();
        let target = world.fresh_target();
        world.try_restore(&world.own(), latest(), &target).unwrap();
        let wrong = differences(&scan(&world.source()), &scan(&world.inside(&target)));
        assert!(wrong.is_empty(), "access {number}: {wrong:#?}");
    }
}

/// A file read under one name is read for all: if its stamp was too young when the first name was
/// listed, it vouches for no other, however late that one is listed.
#[test]
fn a_stamp_too_young_under_one_name_is_remembered_under_none() {
    let mut world = World::new(62);
    world.mode = Mode::Replay { seed: 62 };
    world.ahead = 0;
    let source = world.source();
    let names = ["a/x", "z/y"].map(|name| source.join(name));
    names.iter().for_each(|path| fs::create_dir(path.parent().unwrap()).unwrap());
    fs::write(&names[0], "text").unwrap();
    fs::hard_link(&names[0], &names[1]).unwrap();
    // An hour goes by between the listing of the first name and that of the second.
    let clock = Arc::clone(&world.sim.clock);
    let act = move || clock.advance(std::time::Duration::from_secs(3600));
    let first = source.components().count() as u64 + 1;
    world.sim.gate.plan(Operation::SourceList, first, GateFault::After(Box::new(act)));
    world.backup();
    for path in &names {
        let beneath = path.strip_prefix("/").unwrap().as_os_str().as_encoded_bytes();
        world.sim.gate.refuse(Operation::SourceOpen, beneath, EIO);
    }
    let report = world.try_backup().unwrap();
    assert_eq!(report.problems.len(), 2, "not all names were read again: {report:#?}");
}

/// A stamp is as old as the listing that took it, however late its file is looked at: another
/// change may have followed the listing within the same step of time.
#[test]
fn a_stamp_that_was_too_young_when_it_was_listed_is_not_remembered() {
    for kind in ["folder", "link", "file"] {
        let mut world = World::new(61);
        world.mode = Mode::Replay { seed: 61 };
        world.ahead = 0;
        let path = world.source().join("b");
        fs::create_dir(world.source().join("a")).unwrap();
        match kind {
            "folder" => fs::create_dir(&path).unwrap(),
            "link" => std::os::unix::fs::symlink("a", &path).unwrap(),
            _ => fs::write(&path, "text").unwrap(),
        }
        // An hour goes by between the listing of the source and the look at the files in it.
        let clock = Arc::clone(&world.sim.clock);
        let act = move || clock.advance(std::time::Duration::from_secs(3600));
        let folders_above = world.source().components().count() as u64;
        let fault = GateFault::After(Box::new(act));
        world.sim.gate.plan(Operation::SourceList, folders_above, fault);
        world.backup();
        let beneath = path.strip_prefix("/").unwrap().as_os_str().as_encoded_bytes();
        world.sim.gate.refuse(Operation::SourceOpen, beneath, EIO);
        let report = world.try_backup().unwrap();
        assert_eq!(report.problems.len(), 1, "the {kind} was not looked at again");
        world.sim.gate.heal();
        world.backup();
        world.verify(&world.own());
    }
}

/// The sizes that proc and sysfs report are not those of the contents: 0, or that of a page.
#[test]
fn a_file_with_a_false_size_is_saved_as_read_and_reported() {
    for path in ["/proc/sys/kernel/ostype", "/sys/kernel/mm/transparent_hugepage/enabled"] {
        let path = std::path::Path::new(path);
        let Ok(content) = fs::read(path) else {
            eprintln!("there is no {}", path.display());
            continue;
        };
        let world = World::new(63);
        let options = crate::support::options(path);
        for run in 0..2 {
            let report = ops::backup(&world.own(), &options, &Silent).unwrap();
            assert_eq!(report.problems.len(), 1, "run {run}");
            assert_eq!(report.bytes, content.len() as u64);
            let stated = fs::metadata(path).unwrap().len();
            let sentence = format!("says that it has {stated} bytes, but {}", content.len());
            assert!(report.problems[0].sentence.starts_with(&sentence), "{report:#?}");
        }
        let target = world.fresh_target();
        world.try_restore(&world.own(), latest(), &target).unwrap();
        let restored = fs::read(target.join(path.strip_prefix("/").unwrap())).unwrap();
        assert_eq!(restored, content);
    }
}
