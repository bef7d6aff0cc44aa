//! Key changes that are cut off at any operation, and copies that are put back.

use std::sync::Arc;

use keepmum::inside::crypto::Passphrase;
use keepmum::inside::store::simulated::{Fault, SimulatedDisk};
use keepmum::ops::{self, Access, ErrorKind, Silent};

use crate::scene::{PASSWORD, Scene, Told};

type Verb<'a> = &'a dyn Fn(&Access) -> Result<(), ops::Error>;

/// Runs a verb with a fault at each of its operations; `look` sees the state afterwards.
fn at_every_operation(
    scene: &Scene,
    verb: Verb<'_>,
    look: &dyn Fn(&Arc<SimulatedDisk>, bool, &str),
) {
    let plain = Arc::new(scene.disk.fork());
    verb(&scene.access_to(&plain, PASSWORD)).unwrap();
    let operations = plain.operations();
    assert!(operations > 15, "{operations}");
    for number in 0..operations {
        for fault in Fault::ALL {
            let disk = Arc::new(scene.disk.fork());
            disk.plan(number, fault);
            let done = verb(&scene.access_to(&disk, PASSWORD)).is_ok();
            let what = format!("{fault:?} at {number} of {operations}, done: {done}");
            if !disk.has_crashed() {
                // The state that the next command sees, before any power is cut.
                let seen = Arc::new(disk.fork());
                seen.heal();
                look(&seen, done, &format!("{what}, seen"));
            }
            for seed in 0..3 {
                let left = Arc::new(disk.fork());
                left.crash();
                left.restart(seed);
                left.heal();
                look(&left, done, &format!("{what}, seed {seed}"));
            }
        }
    }
}

#[test]
fn a_password_change_cut_anywhere_leaves_a_way_in() {
    let scene = Scene::new();
    let new = || Passphrase::new("new".to_owned());
    let verb = |access: &Access| ops::key_passwd(access, &new(), &Silent).map(drop);
    at_every_operation(&scene, &verb, &|disk, done, what| {
        let (old, new) = (scene.opens_at(disk, PASSWORD), scene.opens_at(disk, "new"));
        assert!(old != new, "{what}: old {old}, new {new}");
        assert!(!done || new, "{what}");
        assert!(scene.opens_at(disk, &scene.recovery), "{what}");
    });
}

#[test]
fn the_recovery_code_of_a_repository_that_lasts_is_told_even_where_init_fails_later() {
    let scene = Scene::new();
    let init = |disk: &Arc<SimulatedDisk>| {
        let told = Told::default();
        let done = ops::init(&scene.access_to(disk, PASSWORD), &told).is_ok();
        (done, told.0.into_inner().unwrap())
    };
    let plain = Arc::new(SimulatedDisk::new());
    assert!(init(&plain).0);
    let mut failed_later = 0;
    for number in 0..plain.operations() {
        for fault in Fault::ALL {
            let disk = Arc::new(SimulatedDisk::new());
            disk.plan(number, fault);
            let (done, code) = init(&disk);
            let what = format!("{fault:?} at {number}, done: {done}");
            assert!(!done || !code.is_empty(), "{what}");
            failed_later += u32::from(!done && !code.is_empty());
            if code.is_empty() && !disk.has_crashed() {
                // Nobody may have the password of a repository that was not told of.
                assert!(disk.files().iter().all(|(_, bytes)| bytes.len() != 4096), "{what}");
            }
            disk.crash();
            disk.restart(1);
            disk.heal();
            assert!(code.is_empty() || scene.opens_at(&disk, &code), "{what}");
        }
    }
    assert!(failed_later > 0, "nothing failed after the key blocks were durable");
}

#[test]
fn a_change_after_a_cut_one_succeeds_and_clears_up() {
    let scene = Scene::new();
    let new = || Passphrase::new("new".to_owned());
    let verb = |access: &Access| ops::key_passwd(access, &new(), &Silent).map(drop);
    at_every_operation(&scene, &verb, &|disk, _, what| {
        let opens = if scene.opens_at(disk, "new") { "new" } else { PASSWORD };
        let access = scene.access_to(disk, opens);
        let next = ops::key_passwd(&access, &Passphrase::new("next".to_owned()), &Silent);
        let next = next.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(next.blocks_left, 0, "{what}");
        let blocks = disk.files().iter().filter(|(_, bytes)| bytes.len() == 4096).count();
        assert_eq!(blocks, 3, "{what}");
        assert!(scene.opens_at(disk, "next") && scene.opens_at(disk, &scene.recovery), "{what}");
        assert!(!scene.opens_at(disk, "new") && !scene.opens_at(disk, PASSWORD), "{what}");
    });
}

#[test]
fn a_new_recovery_code_cut_anywhere_leaves_the_password() {
    let scene = Scene::new();
    let verb = |access: &Access| ops::key_recovery(access, &Told::default()).map(drop);
    at_every_operation(&scene, &verb, &|disk, done, what| {
        assert!(scene.opens_at(disk, PASSWORD), "{what}");
        assert!(!done || !scene.opens_at(disk, &scene.recovery), "{what}");
    });
}

#[test]
fn a_failed_change_says_that_nobody_knows() {
    let scene = Scene::new();
    scene.disk.plan(scene.disk.operations() + 8, Fault::Full);
    let access = scene.access(PASSWORD);
    let error = ops::key_passwd(&access, &Passphrase::new("new".to_owned()), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Destination);
    assert!(error.to_string().contains("what opened it before"), "{error}");
}

#[test]
fn a_run_puts_missing_copies_back() {
    let scene = Scene::new();
    scene.write("a", "a");
    scene.backup().unwrap();
    let blocks = scene.blocks();
    scene.disk.take(&blocks[0].0);
    assert!(scene.disk.flip(&blocks[1].0, 3000, 1));
    scene.backup().unwrap();
    // The damaged file stays: no run deletes it. The missing one is there again as it was, and in the
    // place of the damaged one another copy under its number.
    let after = scene.blocks();
    assert_eq!(after.len(), 4);
    assert!(after.contains(&blocks[0]) && after.contains(&blocks[2]));
    let distinct: std::collections::HashSet<_> = after.iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(distinct.len(), 3);
    assert!(after.iter().all(|(name, _)| scene.disk.is_durable(name)));
    scene.disk.take(&blocks[2].0);
    assert!(scene.opens(PASSWORD) && scene.opens(&scene.recovery));
    // A change of the password continues from there.
    let new = Passphrase::new("new".to_owned());
    ops::key_passwd(&scene.access(PASSWORD), &new, &Silent).unwrap();
    assert!(scene.opens("new") && !scene.opens(PASSWORD) && scene.opens(&scene.recovery));
    let whole = scene.blocks().into_iter().filter(|(name, _)| *name != blocks[1].0).count();
    assert_eq!(whole, 3);
}

#[test]
fn copies_are_not_put_back_by_who_may_not_have_them_yet() {
    let scene = Scene::new();
    scene.write("a", "a");
    // Without any object beside them, the run that made them was interrupted: no other copy will
    // come.
    scene.disk.take(&scene.blocks()[0].0);
    ops::backup(&scene.access(PASSWORD), &scene.backup_options(), &Silent).unwrap();
    assert_eq!(scene.blocks().len(), 3);
    scene.disk.take(&scene.blocks()[0].0);
    // A first run, a dry one, and one at a destination that is never whole.
    scene.backup().unwrap();
    assert_eq!(scene.blocks().len(), 2);
    let mut options = scene.backup_options();
    options.dry_run = true;
    ops::backup(&scene.with_catalogue(PASSWORD), &options, &Silent).unwrap();
    (options.dry_run, options.destination_is_partial) = (false, true);
    ops::backup(&scene.with_catalogue(PASSWORD), &options, &Silent).unwrap();
    assert_eq!(scene.blocks().len(), 2);
    scene.backup().unwrap();
    assert_eq!(scene.blocks().len(), 3);
    scene.backup().unwrap();
    assert_eq!(scene.blocks().len(), 3);
}
