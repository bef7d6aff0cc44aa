//! The range of a `check`: all copies of the key block, and subsets that cover everything in turn.

use std::collections::HashSet;

use keepmum::ops::{
    self, Access, CheckOptions, CheckReport, KeyCacheAt, Outcome, ProblemKind, ReadData, Silent,
};

use crate::scene::{PASSWORD, Scene, noise};

fn check(access: &Access, read_data: ReadData) -> CheckReport {
    ops::check(access, &CheckOptions { read_data }, &Silent).unwrap()
}

/// A repository of so many runs, each with an object of another size.
fn of_runs(runs: usize) -> Scene {
    let scene = Scene::new();
    for run in 0..runs {
        scene.write(&format!("file {run}"), noise(1000 + 3000 * run));
        scene.backup().unwrap();
    }
    scene
}

/// The objects that are no key blocks.
fn objects(scene: &Scene) -> Vec<String> {
    let files = scene.disk.files().into_iter();
    files.filter(|(_, bytes)| bytes.len() != 4096).map(|(path, _)| path).collect()
}

/// Checks until a damaged object was found in each place; answers with how many it took at most.
fn rounds_until_found(scene: &Scene, read_data: ReadData) -> usize {
    let mut most = 0;
    for path in objects(scene) {
        let length = scene.disk.content(&path).unwrap().len();
        assert!(scene.disk.flip(&path, length / 2, 1));
        let found = (1..200).find(|_| {
            check(&scene.with_catalogue(PASSWORD), read_data).outcome() == Outcome::Damaged
        });
        most = most.max(found.expect("repeated checks read everything"));
        assert!(scene.disk.flip(&path, length / 2, 1));
        // The damaged object is read again, and is whole now.
        let report = check(&scene.with_catalogue(PASSWORD), read_data);
        assert_eq!(report.outcome(), Outcome::Complete, "{report:#?}");
    }
    most
}

#[test]
fn repeated_subsets_read_everything() {
    let scene = of_runs(15);
    let most = rounds_until_found(&scene, ReadData::Percent(10));
    assert!(most <= 11, "a tenth each time, and it took {most} times");
    rounds_until_found(&scene, ReadData::Percent(1));
    rounds_until_found(&scene, ReadData::Bytes(1));
}

#[test]
fn every_subset_reads_at_least_one_object_and_says_how_much() {
    let scene = of_runs(15);
    let count = objects(&scene).len() as u64;
    for read_data in [ReadData::Percent(1), ReadData::Bytes(1), ReadData::Percent(30)] {
        for access in [scene.with_catalogue(PASSWORD), scene.access(PASSWORD)] {
            let report = check(&access, read_data);
            assert!((1..count).contains(&report.objects_read), "{read_data:?}: {report:#?}");
            assert!(report.bytes_read > 0 && report.bytes_covered < report.bytes_here);
        }
    }
    let half = check(&scene.with_catalogue(PASSWORD), ReadData::Percent(50));
    assert!(half.bytes_covered * 2 >= half.bytes_here);
    for all in [ReadData::Percent(100), ReadData::Bytes(u64::MAX), ReadData::Everything] {
        let report = check(&scene.with_catalogue(PASSWORD), all);
        assert_eq!((report.objects_read, report.bytes_covered), (count, report.bytes_here));
    }
    let nothing = check(&scene.with_catalogue(PASSWORD), ReadData::Nothing);
    assert_eq!((nothing.objects_read, nothing.bytes_covered), (0, 0));
}

#[test]
fn without_a_catalogue_chance_says_where_a_subset_begins() {
    let scene = of_runs(8);
    let mut read = HashSet::new();
    for _ in 0..100 {
        read.insert(check(&scene.access(PASSWORD), ReadData::Bytes(1)).bytes_covered);
    }
    assert!(read.len() > 3, "one object of each size: {read:?}");
}

#[test]
fn a_copy_of_the_key_block_that_is_missing_or_damaged_is_damage() {
    for kept_key in [false, true] {
        for damage in ["missing", "damaged"] {
            for read_data in [ReadData::Nothing, ReadData::Everything] {
                key_copy(kept_key, damage, read_data);
            }
        }
    }
}

fn key_copy(kept_key: bool, damage: &str, read_data: ReadData) {
    let scene = of_runs(1);
    let access = || {
        let mut access = scene.with_catalogue(PASSWORD);
        access.key_cache = kept_key.then(|| KeyCacheAt {
            file: scene.folder.path().join("catalogue.keys"),
            secret: scene.folder.path().join("secret"),
        });
        access
    };
    let report = check(&access(), read_data);
    assert_eq!(report.outcome(), Outcome::Complete, "{report:#?}");
    assert_eq!(access().key_cache.is_some_and(|at| at.file.exists()), kept_key);
    let (path, whole) = scene.blocks().remove(1);
    match damage {
        "missing" => assert!(scene.disk.take(&path)),
        _ => assert!(scene.disk.flip(&path, 3000, 1)),
    }
    let report = check(&access(), read_data);
    assert_eq!(report.outcome(), Outcome::Damaged, "{damage}, {read_data:?}");
    assert_eq!(report.problems.len(), 1);
    let said = &report.problems[0].sentence;
    assert!(said.contains(&format!("is {damage}")), "{said}");
    // To a machine that never was here, a missing one may be on its way.
    let mut stranger = scene.access(PASSWORD);
    stranger.installation.machine = b"another machine".to_vec();
    let report = check(&stranger, read_data);
    let expected = match damage {
        "missing" => (Outcome::Partial, ProblemKind::Pending),
        _ => (Outcome::Damaged, ProblemKind::Damaged),
    };
    assert_eq!((report.outcome(), report.problems[0].kind), expected);
    // It is put back, and a damaged file that stays does no harm, nor does one that comes back.
    ops::backup(&access(), &scene.backup_options(), &Silent).unwrap();
    let report = check(&access(), read_data);
    assert_eq!(report.outcome(), Outcome::Complete, "{report:#?}");
    scene.disk.take(&path);
    scene.disk.add(&path, &whole);
    let report = check(&access(), read_data);
    assert_eq!(report.outcome(), Outcome::Complete, "{report:#?}");
}

/// Hears notices.
#[derive(Default)]
struct Notices(std::sync::Mutex<Vec<String>>);

impl ops::Observer for Notices {
    fn event(&self, event: ops::Event) {
        if let ops::Event::Notice(sentence) = event {
            self.0.lock().unwrap().push(sentence);
        }
    }

    fn stopping(&self) -> bool {
        false
    }
}

#[test]
fn a_destination_whose_folders_cannot_be_synced_is_used_and_said_once() {
    let scene = Scene::new();
    scene.disk.cannot_sync_folders();
    for run in 0..3 {
        scene.write("file", noise(1000 + run));
        let told = Notices::default();
        let access = scene.with_catalogue(PASSWORD);
        let report = ops::backup(&access, &scene.backup_options(), &told).unwrap();
        assert!(report.snapshot.is_some() && report.objects_stored == 1, "{report:#?}");
        let told = told.0.into_inner().unwrap();
        let said = told.iter().filter(|said| said.contains("cannot sync a folder")).count();
        assert_eq!(said, 1, "{told:?}");
    }
    // Nothing of it is in doubt later.
    let report = check(&scene.with_catalogue(PASSWORD), ReadData::Everything);
    assert_eq!((report.outcome(), report.objects), (Outcome::Complete, 3));
}
