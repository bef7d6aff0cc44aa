//! Prune: space comes back, nothing that a snapshot needs goes, and a run that is cut off at any
//! operation is gone on with by the next one.

use std::fs;
use std::sync::Arc;

use crate::scene::noise;
use crate::support::{World, full_check};
use keepmum::inside::store::simulated::{Fault, Simulation};
use keepmum::ops::{
    self, Deletions, Error, ErrorKind, Forget, ForgetOptions, KeepRules, PruneOptions, PruneReport,
    Silent, SnapshotState, Which,
};

fn forget_all_but(world: &mut World, last: u32) {
    let options = ForgetOptions {
        which: Forget::Unkept(KeepRules { last, ..KeepRules::default() }),
        device: None,
        source: None,
        accept_deletions: Deletions::All,
        dry_run: false,
        utc_offset_minutes: 0,
    };
    ops::forget(&world.own(), &options, &Silent).unwrap();
    let from = world.kept.len().saturating_sub(last as usize);
    world.kept.drain(..from);
}

fn try_prune(world: &World, max_upload: Option<u64>) -> Result<PruneReport, Error> {
    let options = PruneOptions { max_upload, ..PruneOptions::default() };
    ops::prune(&world.own(), &options, &Silent)
}

fn prune(world: &World, max_upload: Option<u64>) -> PruneReport {
    try_prune(world, max_upload).unwrap()
}

fn here(world: &World) -> u64 {
    world.sim.disk.files().iter().map(|(_, bytes)| bytes.len() as u64).sum()
}

/// A device whose source changes a little each day, and a lot on one.
fn days(seed: u64, count: u32) -> World {
    let mut world = World::new(seed);
    let source = world.source();
    fs::create_dir_all(source.join("letters")).unwrap();
    for number in 0..40 {
        fs::write(source.join(format!("letters/{number}")), format!("letter {number}\n")).unwrap();
    }
    fs::write(source.join("table"), noise(400_000)).unwrap();
    for day in 0..count {
        fs::write(source.join(format!("letters/{}", day % 40)), format!("of day {day}\n")).unwrap();
        let film = noise(400_000).iter().map(|byte| byte ^ (day as u8 + 1)).collect::<Vec<u8>>();
        fs::write(source.join("film"), film).unwrap();
        world.backup();
    }
    world
}

#[test]
fn a_lone_device_gets_its_space_back_at_once() {
    for seed in [3, 4] {
        let mut world = days(seed, 12);
        let before = here(&world);
        forget_all_but(&mut world, 1);
        let report = prune(&world, None);
        assert!(report.objects_deleted > 0 && report.objects_waiting == 0, "{report:?}");
        assert!(report.bytes_stored * 20 <= report.bytes_deleted, "{report:?}");
        let freed = before - here(&world);
        assert!(freed * 20 >= report.bytes_deleted * 19 - 20 * 8190, "{freed} of {report:?}");
        assert!(here(&world) * 2 < before, "{} of {before}", here(&world));
        world.verify(&world.own());
        world.verify(&world.stranger());
        world.all_complete(&world.stranger());
        full_check(&world);
        // There is no more to do, and the next backups go on.
        let again = prune(&world, None);
        assert_eq!((again.objects_deleted, again.objects_stored), (0, 0), "{again:?}");
        assert_eq!(world.backup().bytes_stored, 0);
        fs::write(world.source().join("more"), "more").unwrap();
        world.backup();
        world.verify(&world.stranger());
        full_check(&world);
    }
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let mut world = days(5, 8);
    forget_all_but(&mut world, 1);
    let before = world.sim.disk.files();
    let options = PruneOptions { dry_run: true, ..PruneOptions::default() };
    let planned = ops::prune(&world.own(), &options, &Silent).unwrap();
    assert_eq!(world.sim.disk.files(), before);
    let done = prune(&world, None);
    assert_eq!(planned.objects_deleted, done.objects_deleted);
    assert_eq!(planned.bytes_deleted, done.bytes_deleted);
}

#[test]
fn without_an_upload_only_unused_objects_go() {
    let mut world = days(7, 8);
    for day in 0..3 {
        let film: Vec<u8> = noise(400_000).iter().map(|byte| byte ^ (0x80 + day)).collect();
        fs::write(world.source().join("film"), film).unwrap();
        world.backup();
    }
    forget_all_but(&mut world, 1);
    let report = prune(&world, Some(0));
    let records = 2 * 4095;
    assert!(report.objects_deleted > 0 && report.bytes_stored <= records, "{report:?}");
    let more = prune(&world, Some(u64::MAX));
    assert!(more.objects_deleted > 0, "{more:?}");
    world.verify(&world.stranger());
    full_check(&world);
}

#[test]
fn everything_may_be_stored_again() {
    // All snapshots stay: whatever is copied, each gives back the same.
    let mut world = days(8, 6);
    for _ in 0..3 {
        forget_all_but(&mut world, 5);
        prune(&world, Some(u64::MAX));
        world.verify(&world.own());
        world.verify(&world.stranger());
        world.all_complete(&world.stranger());
        full_check(&world);
        fs::write(world.source().join("letters/1"), format!("{:?}", world.kept.len())).unwrap();
        world.backup();
    }
}

#[test]
fn a_backup_after_the_last_snapshot_was_forgotten_and_pruned_saves_all_again() {
    let mut world = days(10, 4);
    let ids: Vec<_> = world.kept.drain(..).map(|(id, _)| Which::Id(id)).collect();
    // By name and by another device, so that even the newest may go.
    let other = World::beside(11, Arc::clone(&world.sim.disk));
    for access in [other.own(), world.own()] {
        let options = ForgetOptions {
            which: Forget::Named(ids.clone()),
            device: Some("device-10".to_owned()),
            source: None,
            accept_deletions: Deletions::All,
            dry_run: false,
            utc_offset_minutes: 0,
        };
        ops::forget(&access, &options, &Silent).ok();
    }
    prune(&world, Some(u64::MAX));
    world.backup();
    world.verify(&world.stranger());
    full_check(&world);
}

#[test]
fn small_runs_are_folded() {
    let mut world = World::new(9);
    for day in 0..60 {
        fs::write(world.source().join("diary"), "dear diary\n".repeat(day + 1)).unwrap();
        world.backup();
    }
    forget_all_but(&mut world, 2);
    let before = world.sim.disk.files().len();
    prune(&world, Some(u64::MAX));
    let after = world.sim.disk.files().len();
    assert!(after + 40 < before, "{after} of {before}");
    world.verify(&world.stranger());
    world.all_complete(&world.stranger());
    full_check(&world);
    // The chain is whole: also a device without a catalogue goes on with it.
    fs::remove_file(world.catalogue()).unwrap();
    fs::write(world.source().join("diary"), "the end\n").unwrap();
    world.backup();
    world.all_complete(&world.stranger());
    world.verify(&world.stranger());
}

#[test]
fn a_prune_that_is_cut_off_at_any_operation_is_gone_on_with() {
    let mut world = days(12, 5);
    forget_all_but(&mut world, 1);
    let catalogue = fs::read(world.catalogue()).unwrap();
    let disk = Arc::clone(&world.sim.disk);
    for fault in [Fault::Crash, Fault::Torn, Fault::Error, Fault::Full] {
        let mut operation = 0;
        loop {
            operation += 1;
            let fork = Arc::new(disk.fork());
            world.sim = Simulation::with_disk(1000 + operation, Arc::clone(&fork));
            fs::write(world.catalogue(), &catalogue).unwrap();
            for file in ["-wal", "-shm"] {
                let mut name = world.catalogue().into_os_string();
                name.push(file);
                fs::remove_file(name).ok();
            }
            fork.plan(fork.operations() + operation, fault);
            let cut = try_prune(&world, Some(100_000));
            if fork.has_crashed() {
                fork.restart(operation);
            }
            fork.heal();
            let told = || format!("{fault:?} at operation {operation}: {cut:?}");
            world.verify(&world.stranger());
            let report = try_prune(&world, Some(100_000)).unwrap_or_else(|error| {
                panic!("{}: {error}", told());
            });
            assert_eq!(report.objects_waiting, 0, "{}", told());
            world.verify(&world.stranger());
            world.all_complete(&world.stranger());
            full_check(&world);
            if cut.is_ok() && fork.operations() < disk.operations() + operation {
                break;
            }
            if cut.is_ok() && operation > 400 {
                break;
            }
        }
    }
}

/// The files of one copy of the folder that another one lacks, and the deletions.
fn sync(from: &World, to: &World, deletes: bool) {
    let theirs = from.sim.disk.files();
    for (path, bytes) in &theirs {
        if to.sim.disk.content(path).is_none() {
            to.sim.disk.add(path, bytes);
        }
    }
    if deletes {
        for (path, _) in to.sim.disk.files() {
            if from.sim.disk.content(&path).is_none() {
                to.sim.disk.take(&path);
            }
        }
    }
}

#[test]
fn objects_wait_for_the_other_device_and_stay_if_it_needs_them() {
    let mut one = days(13, 4);
    let mut other = World::new(14);
    sync(&one, &other, false);
    // The other device has the film of the last day as well.
    fs::copy(one.source().join("film"), other.source().join("film")).unwrap();
    other.backup();
    sync(&other, &one, false);
    fs::write(one.source().join("film"), "cut").unwrap();
    one.backup();
    forget_all_but(&mut one, 1);
    let report = prune(&one, None);
    assert!(report.objects_deleted == 0 && report.objects_waiting > 0, "{report:?}");
    assert_eq!(report.waiting_for, ["device-14"]);
    // Until the other one has read of it, nothing more happens.
    assert_eq!(prune(&one, None).objects_deleted, 0);
    sync(&one, &other, false);
    other.backup();
    // Its first run read the proposal; the next record says so.
    fs::write(other.source().join("note"), "1").unwrap();
    other.backup();
    sync(&other, &one, false);
    let report = prune(&one, None);
    assert!(report.objects_deleted > 0 && report.objects_waiting == 0, "{report:?}");
    sync(&one, &other, true);
    for world in [&one, &other] {
        world.all_complete(&world.stranger());
        world.verify(&world.stranger());
        full_check(world);
    }
    other.backup();
    sync(&other, &one, true);
    other.verify(&one.stranger());
}

/// The data of another device whose record has not arrived: perhaps that device never ends its run.
#[test]
fn nothing_is_given_up_for_what_no_record_lists() {
    for seed in 20..26 {
        let mut one = days(seed, 2);
        let mut other = World::new(seed + 100);
        let is_key = |bytes: &[u8]| bytes.len() == 4096;
        for (path, bytes) in one.sim.disk.files().iter().filter(|(_, bytes)| is_key(bytes)) {
            other.sim.disk.add(path, bytes);
        }
        for name in ["film", "table"] {
            fs::copy(one.source().join(name), other.source().join(name)).unwrap();
        }
        other.backup();
        let data: Vec<_> =
            other.sim.disk.files().into_iter().filter(|(_, bytes)| bytes.len() > 300_000).collect();
        assert!(!data.is_empty());
        data.iter().for_each(|(path, bytes)| one.sim.disk.add(path, bytes));
        fs::write(one.source().join("letters/1"), "new").unwrap();
        one.backup();
        forget_all_but(&mut one, 1);
        prune(&one, Some(u64::MAX));
        data.iter().for_each(|(path, _)| assert!(one.sim.disk.take(path)));
        one.verify(&one.stranger());
        full_check(&one);
    }
}

#[test]
fn a_snapshot_that_cannot_be_read_holds_everything_back() {
    let mut world = days(16, 4);
    forget_all_but(&mut world, 2);
    let before = world.sim.disk.files();
    let mut held = 0;
    for (path, bytes) in &before {
        // The trees lie in the objects that end a run.
        if bytes.len() > 300_000 {
            continue;
        }
        world.sim.disk.take(path);
        let states = ops::snapshots(&world.stranger(), &Silent).map(|report| {
            report.snapshots.iter().all(|line| line.state == SnapshotState::Complete)
        });
        let report = try_prune(&world, None);
        if matches!(states, Ok(false)) {
            held += 1;
            match report {
                Ok(report) => assert_eq!(report.objects_deleted, 0, "{report:?}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}"),
            }
        }
        let now = world.sim.disk.files();
        now.iter().for_each(|(path, _)| assert!(world.sim.disk.take(path)));
        before.iter().for_each(|(path, bytes)| world.sim.disk.add(path, bytes));
        fs::remove_file(world.catalogue()).unwrap();
    }
    assert!(held > 0);
}
