//! `tidy`: it deletes copies of stored files that are here and whole, and nothing else, whatever a
//! sync client does meanwhile.

use std::fs;
use std::sync::Arc;

use super::client_names::{COPIES, before, copy, key_blocks, objects, repository};
use crate::support::{World, full_check};
use keepmum::inside::catalogue::Catalogue;
use keepmum::inside::seam::{RealDisk, SystemRandom};
use keepmum::inside::store::simulated::{Fault, SimulatedDisk};
use keepmum::ops::{self, ErrorKind, KeptReason, Outcome, Silent, TidyReport};

fn tidy(world: &World) -> TidyReport {
    ops::tidy(&world.own(), false, &Silent).unwrap()
}

pub(super) fn kept(report: &TidyReport) -> Vec<(&str, KeptReason)> {
    report.kept.iter().map(|one| (&*one.path, one.reason)).collect()
}

/// An object that is not the newest record, and a key block.
pub(super) fn two(disk: &SimulatedDisk) -> [String; 2] {
    [objects(disk).swap_remove(0), key_blocks(disk).swap_remove(0)]
}

#[test]
fn copies_of_originals_that_are_here_are_deleted_and_nothing_else() {
    let mut world = repository(1);
    let (objects, blocks) = (objects(&world.sim.disk), key_blocks(&world.sim.disk));
    world.sim.disk.add("holiday.jpg", b"a photo");
    world.sim.disk.add("dir (1)/holiday (1).jpg", b"a photo");
    let disk = world.sim.disk.fork();
    let files = disk.files();
    let mut added = Vec::new();
    for (number, pattern) in COPIES.iter().enumerate() {
        for name in [&objects[number % 2], &blocks[number % 3]] {
            let path = copy(pattern, name);
            world.sim.disk.add(&path, &disk.content(name).unwrap());
            added.push(path);
        }
    }
    added.sort();
    added.dedup();
    let all = world.sim.disk.files();
    let planned = ops::tidy(&world.own(), true, &Silent).unwrap();
    assert!(world.sim.disk.files() == all, "a dry run deletes nothing");
    let report = tidy(&world);
    let paths: Vec<_> = files.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(world.sim.disk.paths(), paths, "{:#?}", report.kept);
    assert!(world.sim.disk.files() == files);
    assert_eq!((planned.removed, planned.bytes), (report.removed.clone(), report.bytes));
    let removed: Vec<_> = report.removed.iter().map(|one| one.path.clone()).collect();
    assert_eq!((removed, kept(&report)), (added, Vec::new()));
    let length: usize = all.iter().map(|(_, bytes)| bytes.len()).sum();
    let left: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(report.bytes, (length - left) as u64);
    assert_eq!(report.outcome(), Outcome::Complete);
    assert!(tidy(&world).removed.is_empty());
    world.verify(&world.stranger());
    full_check(&world);
    assert_eq!(world.backup().objects_stored, 0);
}

/// A case: its name, a change of the folder around an original and its bytes, and the copies that
/// are kept. `^` is the name in upper case; other marks follow the name.
struct Case(&'static str, fn(&SimulatedDisk, &str, &[u8]), &'static [(&'static str, KeptReason)]);

const KEPT: [Case; 12] = [
    Case(
        "a bit",
        |d, n, b| {
            d.add(&format!("{n} (1)"), b);
            assert!(d.flip(&format!("{n} (1)"), 99, 1));
        },
        &[(" (1)", KeptReason::Differs)],
    ),
    Case(
        "cut",
        |d, n, b| d.add(&format!("{n} (1)"), &b[..b.len() - 1]),
        &[(" (1)", KeptReason::Differs)],
    ),
    Case(
        "grown",
        |d, n, b| d.add(&format!("{n} (1)"), &[b, b"x"].concat()),
        &[(" (1)", KeptReason::Differs)],
    ),
    Case("empty", |d, n, _| d.add(&format!("{n} (1)"), b""), &[(" (1)", KeptReason::Differs)]),
    Case(
        "zeros",
        |d, n, b| d.add(&format!("{n} (1)"), &vec![0; b.len()]),
        &[(" (1)", KeptReason::Differs)],
    ),
    Case(
        "missing",
        |d, n, b| {
            assert!(d.take(n));
            d.add(&format!("{n} (1)"), b);
            d.add(&format!("{n} (2)"), b);
        },
        &[(" (1)", KeptReason::OriginalMissing), (" (2)", KeptReason::OriginalMissing)],
    ),
    Case(
        "damaged",
        |d, n, b| {
            d.add(&format!("{n} (1)"), b);
            assert!(d.flip(n, 2000, 1));
        },
        &[(" (1)", KeptReason::OriginalDamaged)],
    ),
    Case(
        "damaged alike",
        |d, n, _| {
            assert!(d.flip(n, 2000, 1));
            d.add(&format!("{n} (1)"), &d.content(n).unwrap());
        },
        &[(" (1)", KeptReason::OriginalDamaged)],
    ),
    Case("upper case", |d, n, b| d.add(&n.to_uppercase(), b), &[("^", KeptReason::SameFile)]),
    Case("a dot", |d, n, b| d.add(&format!("{n}."), b), &[(".", KeptReason::SameFile)]),
    Case("a space", |d, n, b| d.add(&format!("{n} "), b), &[(" ", KeptReason::SameFile)]),
    Case(
        "only upper case",
        |d, n, b| {
            assert!(d.take(n));
            d.add(&n.to_uppercase(), b);
            d.add(&format!("{n} (1)"), b);
        },
        &[("^", KeptReason::OriginalMissing), (" (1)", KeptReason::OriginalMissing)],
    ),
];

#[test]
fn whatever_is_not_the_same_as_a_whole_original_is_kept() {
    let mut world = repository(2);
    let disk = world.sim.disk.fork();
    for Case(what, change, expected) in KEPT {
        for name in two(&disk) {
            before(&mut world, disk.fork());
            change(&world.sim.disk, &name, &disk.content(&name).unwrap());
            let files = world.sim.disk.files();
            let report = tidy(&world);
            assert!(world.sim.disk.files() == files, "{what}: {report:#?}");
            let path = |mark: &str| match mark {
                "^" => name.to_uppercase(),
                mark => format!("{name}{mark}"),
            };
            let mut expected: Vec<_> =
                expected.iter().map(|(mark, reason)| (path(mark), *reason)).collect();
            expected.sort();
            let found: Vec<_> = report.kept.iter().map(|k| (k.path.clone(), k.reason)).collect();
            assert_eq!(found, expected, "{what}: {report:#?}");
            let is_damaged = what.starts_with("damaged");
            let outcome = if is_damaged { Outcome::Damaged } else { Outcome::Complete };
            assert_eq!(report.outcome(), outcome, "{what}");
        }
    }
}

#[test]
fn an_original_that_is_cut_keeps_its_copy() {
    let mut world = repository(4);
    let disk = world.sim.disk.fork();
    for name in two(&disk) {
        before(&mut world, disk.fork());
        world.sim.disk.add(&format!("{name} (1)"), &disk.content(&name).unwrap());
        assert!(world.sim.disk.truncate(&name, 1000));
        let report = tidy(&world);
        assert!(report.removed.is_empty() && report.kept.len() == 1, "{report:#?}");
        assert_ne!(report.kept[0].reason, KeptReason::Differs, "{report:#?}");
        world.verify(&world.stranger());
    }
}

#[test]
fn trash_and_files_on_their_way_are_left_to_the_client() {
    let world = repository(5);
    let disk = &world.sim.disk;
    for name in two(disk) {
        let bytes = disk.content(&name).unwrap();
        for pattern in [
            ".stversions/{}~20261102-101010",
            ".Trash-1000/files/{} (1)",
            "#recycle/{}",
            "{}.partial",
            ".syncthing.{}.tmp",
            ".{}.~3f2a",
            ".{}.icloud",
            "{}.nextcloud",
            "._{}",
        ] {
            disk.add(&copy(pattern, &name), &bytes);
        }
    }
    let files = disk.files();
    let report = tidy(&world);
    assert!(disk.files() == files && kept(&report).is_empty(), "{report:#?}");
}

#[test]
fn the_original_is_the_file_in_the_fewest_folders() {
    let mut world = repository(7);
    let disk = world.sim.disk.fork();
    let cases: [(&[&str], &str); 5] = [
        (&["{}", "dir (1)/{}", "a/{} (1)"], "{}"),
        (&["dir (1)/{}", "dir (1)/{} (1)"], "dir (1)/{}"),
        (&["a/b/{}", "c/{}", "b/{}"], "b/{}"),
        (&[".stversions/{}", "z/{}", "Copy of {}"], "z/{}"),
        (&["deep/er/{}", "{} (1)", "{} (2)"], "deep/er/{}"),
    ];
    for (patterns, original) in cases {
        for name in two(&disk) {
            before(&mut world, disk.fork());
            let bytes = disk.content(&name).unwrap();
            world.sim.disk.take(&name);
            patterns.iter().for_each(|one| world.sim.disk.add(&copy(one, &name), &bytes));
            let report = tidy(&world);
            assert!(report.kept.is_empty(), "{patterns:?}: {report:#?}");
            let mut left = world.sim.disk.paths();
            left.retain(|path| path.contains(&name) && !path.starts_with('.'));
            assert_eq!(left, [copy(original, &name)], "{patterns:?}");
        }
    }
}

#[test]
fn devices_that_see_different_parts_of_the_folder_leave_one_file() {
    let mut world = repository(8);
    let whole = world.sim.disk.fork();
    let name = objects(&whole).swap_remove(0);
    let bytes = whole.content(&name).unwrap();
    whole.take(&name);
    let patterns = ["a/{}", "b/{}", "b/{} (1)", "c/d/{}", "{} (1)", "Copy of {}"];
    let paths = patterns.map(|pattern| copy(pattern, &name));
    for seen in 1u32..1 << paths.len() {
        let other = seen.wrapping_mul(37) % (1 << paths.len());
        let mut deleted = Vec::new();
        for seen in [seen, other] {
            before(&mut world, whole.fork());
            let here = |at: &usize| seen >> at & 1 == 1;
            let here: Vec<_> = (0..paths.len()).filter(here).map(|at| &paths[at]).collect();
            here.iter().for_each(|path| world.sim.disk.add(path, &bytes));
            let report = tidy(&world);
            assert!(here.len() - report.removed.len() >= usize::from(!here.is_empty()));
            deleted.extend(report.removed.into_iter().map(|one| one.path));
        }
        let union = (0..paths.len()).filter(|at| (seen | other) >> at & 1 == 1);
        let left = union.filter(|at| !deleted.contains(&paths[*at])).count();
        assert!(left > 0, "{seen:b} and {other:b}");
    }
}

#[test]
fn a_run_that_is_killed_or_fails_leaves_every_original() {
    let mut world = repository(13);
    let disk = world.sim.disk.fork();
    let with_copies = || {
        let there = disk.fork();
        for name in two(&disk) {
            there.add(&format!("{name} (1)"), &disk.content(&name).unwrap());
            there.add(&format!("dir (1)/{name}"), &disk.content(&name).unwrap());
        }
        there
    };
    before(&mut world, with_copies().fork());
    tidy(&world);
    let operations = world.sim.disk.operations();
    for at in 0..operations {
        for fault in Fault::ALL {
            before(&mut world, with_copies().fork());
            world.sim.disk.plan(at, fault);
            let first = ops::tidy(&world.own(), false, &Silent);
            world.sim.disk.restart(at + 1);
            world.sim.disk.heal();
            for (name, bytes) in disk.files() {
                let found = world.sim.disk.content(&name);
                assert_eq!(found, Some(bytes), "{fault:?} at {at}: {first:#?}");
            }
            tidy(&world);
            assert!(world.sim.disk.files() == disk.files(), "{fault:?} at {at}");
        }
    }
}

#[test]
fn it_waits_for_no_run_and_lets_none_begin() {
    let world = repository(14);
    let lock = Catalogue::lock_for_run(&world.catalogue()).unwrap();
    let error = ops::tidy(&world.own(), false, &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    drop(lock);
    tidy(&world);
}

#[test]
fn on_a_real_disk_links_and_placeholders_are_kept() {
    let mut world = repository(16);
    let folder = world.folder().join("destination");
    fs::create_dir(&folder).unwrap();
    for (path, bytes) in world.sim.disk.files() {
        fs::write(folder.join(path), bytes).unwrap();
    }
    world.sim.seam.disk = Arc::new(RealDisk::open(&folder, Arc::new(SystemRandom)).unwrap());
    let [object, block] = two(&world.sim.disk);
    fs::create_dir(folder.join("dir (1)")).unwrap();
    fs::hard_link(folder.join(&object), folder.join(format!("dir (1)/{object}"))).unwrap();
    fs::copy(folder.join(&object), folder.join(format!("dir (1)/{object} (1)"))).unwrap();
    fs::copy(folder.join(&block), folder.join(format!("Copy of {block}"))).unwrap();
    let length = fs::metadata(folder.join(&object)).unwrap().len();
    let stub = fs::File::create(folder.join(format!("{object} (3)"))).unwrap();
    stub.set_len(length).unwrap();
    let pipe = folder.join(format!("{object} (4)"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink(&object, folder.join(format!("{object} (5)"))).unwrap();
    let report = tidy(&world);
    let mut expected = [
        (format!("{object} (3)"), KeptReason::OnlineOnly),
        (format!("dir (1)/{object}"), KeptReason::SameFile),
    ];
    expected.sort();
    let found: Vec<_> = report.kept.iter().map(|one| (one.path.clone(), one.reason)).collect();
    assert_eq!(found, expected, "{report:#?}");
    let removed: Vec<_> = report.removed.iter().map(|one| one.path.clone()).collect();
    assert_eq!(removed, [format!("Copy of {block}"), format!("dir (1)/{object} (1)")]);
    for path in [format!("dir (1)/{object}"), format!("{object} (3)"), object, block] {
        assert!(folder.join(&path).exists(), "{path}");
    }
    assert!(folder.join("dir (1)").is_dir());
    world.verify(&world.stranger());
}
