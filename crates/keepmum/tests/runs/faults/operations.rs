//! Every operation of three backups and a restore fails once, in every way the simulated disk
//! knows; afterwards plain runs must do, and whatever was reported as done must come back.
//!
//! The short round strides over the operations. All of them, with more restarts each:
//! `cargo test --release -p keepmum --test runs operations::every -- --ignored`; `KEEPMUM_CASES` is the number of restarts.

use std::fs;
use std::path::PathBuf;

use crate::support::{Dice, World, differences, full_check, latest, options, scan, setting};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::store::simulated::Fault;
use keepmum::ops::{self, Error, Outcome, Silent, SnapshotState};

/// The machine's fate when the fault has struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// It continues: the disk is whole again.
    Continue,
    /// The power is off and comes back.
    Restart,
    /// So it does, and the catalogue is lost.
    WithoutCatalogue,
    /// So it does, and the catalogue is one of before the run.
    OlderCatalogue,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    fault: Fault,
    at: u64,
    after: After,
    seed: u64,
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..length.div_ceil(8)).flat_map(|_| dice.word().to_le_bytes()).take(length).collect()
}

/// The source before each of the three runs. The first and the last are too large for one object.
fn prepare(world: &World, step: u64) {
    let source = world.source();
    match step {
        0 => {
            for number in 0..4 {
                let folder = source.join(format!("folder{number}"));
                fs::create_dir(&folder).unwrap();
                fs::write(folder.join("text"), format!("the text of {number}\n")).unwrap();
                fs::write(folder.join("part"), noise(number, 70_000)).unwrap();
            }
            // Its object leaves in more than one part.
            fs::write(source.join("large"), noise(9, 1_400_000)).unwrap();
            fs::hard_link(source.join("large"), source.join("folder1/link")).unwrap();
        }
        1 => {
            fs::write(source.join("folder1/text"), "another text\n").unwrap();
            fs::rename(source.join("folder2"), source.join("folder3/moved")).unwrap();
        }
        _ => {
            fs::write(source.join("folder0/new"), noise(50, 600_000)).unwrap();
            fs::remove_file(source.join("folder0/part")).unwrap();
        }
    }
}

fn catalogue_files(world: &World) -> Vec<PathBuf> {
    let folder = world.catalogue().parent().unwrap().to_owned();
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn recover(world: &World, case: Case, older: &[(PathBuf, Vec<u8>)]) {
    if case.after == After::Continue && !world.sim.disk.has_crashed() {
        world.sim.disk.heal();
        return;
    }
    world.sim.disk.crash();
    world.sim.disk.restart(case.seed);
    world.sim.disk.heal();
    if matches!(case.after, After::WithoutCatalogue | After::OlderCatalogue) {
        catalogue_files(world).iter().for_each(|path| fs::remove_file(path).unwrap());
    }
    if case.after == After::OlderCatalogue {
        older.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    }
}

/// Plays the whole story; answers with how many operations it took.
fn play(case: Case) -> u64 {
    let mut world = World::new(7);
    world.mode = Mode::Replay { seed: case.seed };
    world.sim.disk.plan(case.at, case.fault);
    let mut struck = 0;
    for step in 0..3 {
        prepare(&world, step);
        let files = catalogue_files(&world);
        let older: Vec<_> =
            files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
        if let Err(error) = world.try_backup() {
            struck += 1;
            assert_expected(&error, case);
            recover(&world, case, &older);
            let again = world.try_backup();
            let again = again.unwrap_or_else(|error| panic!("{case:?}: {error}"));
            assert!(again.problems.is_empty(), "{case:?}: {:#?}", again.problems);
        }
    }
    let target = world.fresh_target();
    match world.try_restore(&world.own(), latest(), &target) {
        // An unreadable object costs its contents, and the rest came back.
        Ok(report) if !report.problems.is_empty() => {
            assert!(case.fault != Fault::None, "{case:?}: {:#?}", report.problems);
            struck += 1;
        }
        Ok(_) => {}
        Err(error) => {
            struck += 1;
            assert_expected(&error, case);
        }
    }
    if world.try_restore(&world.own(), latest(), &target).map_or(true, |r| !r.problems.is_empty()) {
        recover(&world, case, &[]);
        let report = world.try_restore(&world.own(), latest(), &target).unwrap();
        assert!(report.problems.is_empty(), "{case:?}: {:#?}", report.problems);
    }
    let operations = world.sim.disk.operations();
    assert!(struck < 2, "{case:?} struck twice");
    let missing = differences(&scan(&world.source()), &scan(&world.inside(&target)));
    assert!(missing.is_empty(), "{case:?}: {missing:#?}");
    finish(&world, case);
    operations
}

fn assert_expected(error: &Error, case: Case) {
    assert!(case.fault != Fault::None && case.fault != Fault::ShortWrite, "{case:?}: {error}");
}

/// The power fails once more: reported files are there, and every file there is whole.
fn finish(world: &World, case: Case) {
    world.sim.disk.heal();
    world.sim.disk.crash();
    world.sim.disk.restart(case.seed + 100);
    let stranger = world.stranger();
    let report = ops::snapshots(&stranger, &Silent).unwrap();
    for line in &report.snapshots {
        assert_eq!(line.state, SnapshotState::Complete, "{case:?}, run {}", line.run);
    }
    for access in [world.own(), stranger] {
        let check = world.check(&access);
        assert_eq!(check.outcome(), Outcome::Complete, "{case:?}: {check:#?}");
    }
    world.verify(&world.own());
}

fn round(stride: u64, restarts: u64) {
    let none = Case { fault: Fault::None, at: 0, after: After::Restart, seed: 1 };
    let operations = play(none);
    assert!(operations > 40, "{operations}");
    let at = setting("KEEPMUM_AT", u64::MAX);
    let mut offset = 0;
    for fault in Fault::ALL {
        for after in
            [After::Restart, After::Continue, After::WithoutCatalogue, After::OlderCatalogue]
        {
            if fault == Fault::ShortWrite && after != After::Continue {
                continue;
            }
            offset += 1;
            for at in (0..operations)
                .filter(|n| (n + offset).is_multiple_of(stride) && (at > operations || at == *n))
            {
                for seed in 1..=restarts {
                    let case = Case { fault, at, after, seed };
                    let result = std::panic::catch_unwind(|| play(case));
                    if let Err(cause) = result {
                        eprintln!(
                            "{case:?}; repeat all of this operation with\n  KEEPMUM_AT={at} cargo test -p keepmum --test runs operations::every -- --ignored"
                        );
                        std::panic::resume_unwind(cause);
                    }
                }
            }
        }
    }
}

#[test]
fn any_operation_may_fail() {
    round(13, 1);
}

#[test]
#[ignore = "minutes: every operation"]
fn every_operation_may_fail() {
    round(1, setting("KEEPMUM_CASES", 3));
}

#[test]
fn a_full_gone_or_read_only_destination_is_said_and_nothing_is_lost() {
    let mut world = World::new(3);
    prepare(&world, 0);
    world.backup();
    for trouble in 0..3 {
        fs::write(world.source().join("more"), noise(trouble, 400_000)).unwrap();
        match trouble {
            0 => world.sim.disk.plan(world.sim.disk.operations() + 2, Fault::Full),
            1 => world.sim.disk.read_only(true),
            _ => world.sim.disk.gone(true),
        }
        let error = world.try_backup().unwrap_err();
        assert_eq!(error.kind(), ops::ErrorKind::Destination, "{error}");
        world.sim.disk.heal();
        world.backup();
    }
    world.verify(&world.stranger());
    full_check(&world);
}

/// Only a failed sync of names makes them doubtful; after any other end of a run its objects stay.
#[test]
fn objects_stored_before_the_destination_was_full_are_not_stored_again() {
    let begun = || {
        let mut world = World::new(5);
        world.mode = Mode::Replay { seed: 5 };
        fs::write(world.source().join("small"), "text").unwrap();
        world.backup();
        // More than an object.
        fs::write(world.source().join("large"), noise(11, 20 << 20)).unwrap();
        world
    };
    let mut rehearsal = begun();
    rehearsal.backup();
    let operations = rehearsal.sim.disk.operations();
    let mut world = begun();
    world.sim.disk.plan(operations - 8, Fault::Full);
    let error = world.try_backup().unwrap_err();
    assert_eq!(error.kind(), ops::ErrorKind::Destination, "{error}");
    world.sim.disk.heal();
    let report = world.backup();
    assert!(report.bytes_stored < 10 << 20, "{report:#?}");
    world.verify(&world.stranger());
    full_check(&world);
}

#[test]
fn an_emptied_destination_never_gets_a_new_repository() {
    let mut world = World::new(4);
    prepare(&world, 0);
    world.backup();
    let files = world.sim.disk.files();
    for (path, _) in &files {
        world.sim.disk.take(path);
    }
    let error = ops::backup(&world.own(), &options(&world.source()), &Silent).unwrap_err();
    assert_eq!(error.kind(), ops::ErrorKind::Refused, "{error}");
    assert!(world.sim.disk.paths().is_empty());
    for (path, bytes) in &files {
        world.sim.disk.add(path, bytes);
    }
    world.backup();
    full_check(&world);
}

/// If the directory could not be synced and the machine continues, a later run must not rely on
/// names that may never have become durable.
#[test]
fn a_failed_directory_sync_is_not_built_upon() {
    let operations = play(Case { fault: Fault::None, at: 0, after: After::Restart, seed: 1 });
    for at in 0..operations {
        for fault in [Fault::Error, Fault::Full] {
            for seed in 1..=3 {
                play(Case { fault, at, after: After::Continue, seed });
            }
        }
    }
}

/// Two runs in a row fail, and the second at its first step: making the first one's names durable.
/// Later runs must not rely on names that no sync has made durable.
#[test]
fn leftovers_of_an_interrupted_run_are_durable_before_a_run_relies_on_them() {
    let operations = play(Case { fault: Fault::None, at: 0, after: After::Restart, seed: 1 });
    for at in (0..operations / 2).step_by(3) {
        for then in 0..8 {
            let mut world = World::new(7);
            world.mode = Mode::Replay { seed: 1 };
            prepare(&world, 0);
            world.sim.disk.plan(at, Fault::Error);
            if world.try_backup().is_ok() {
                continue;
            }
            world.sim.disk.heal();
            world.sim.disk.plan(world.sim.disk.operations() + then, Fault::Error);
            if world.try_backup().is_ok() {
                continue;
            }
            world.sim.disk.heal();
            world.backup();
            world.sim.disk.crash();
            world.sim.disk.restart(at + then);
            world.verify(&world.own());
            full_check(&world);
        }
    }
}

/// The process is gone before it could note anything, another command has looked at the files
/// since, and the next run finds nothing to store: everything it reports as done is still durable.
#[test]
fn names_that_another_command_found_are_durable_before_a_run_reports_success() {
    let mut nothing_left = 0;
    let operations = play(Case { fault: Fault::None, at: 0, after: After::Restart, seed: 1 });
    for (at, seed) in (0..operations / 2).flat_map(|at| (0..6).map(move |seed| (at, seed))) {
        let mut world = World::new(7);
        world.mode = Mode::Replay { seed: 1 };
        prepare(&world, 0);
        // The named objects are there, and no sync came after them.
        world.sim.disk.plan(at, Fault::LateError);
        if world.try_backup().is_ok() {
            continue;
        }
        world.sim.disk.heal();
        catalogue_files(&world).iter().for_each(|path| fs::remove_file(path).unwrap());
        ops::snapshots(&world.own(), &Silent).ok();
        let again = world.backup();
        nothing_left += u32::from(again.snapshot.is_none());
        world.sim.disk.crash();
        world.sim.disk.restart(seed);
        world.verify(&world.own());
        full_check(&world);
    }
    assert!(nothing_left > 0, "no run found everything done");
}
