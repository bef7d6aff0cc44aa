//! Key changes that two devices make without knowing of each other.

use std::sync::Arc;

use keepmum::crypto::Passphrase;
use keepmum::ops::{self, ErrorKind, Silent};
use keepmum::store::simulated::SimulatedDisk;

use crate::scene::{PASSWORD, Scene};

fn text(password: &str) -> Passphrase {
    Passphrase::new(password.to_owned())
}

/// Brings the files of one destination to another, as a sync client does; what one side deleted
/// is gone.
fn sync(from: &SimulatedDisk, to: &SimulatedDisk, before: &SimulatedDisk) {
    for path in before.paths() {
        if from.content(&path).is_none() {
            to.take(&path);
        }
    }
    for (path, bytes) in from.files() {
        to.add(&path, &bytes);
    }
}

/// Two changes at once; tries until the new slots take different (or the same) numbers.
fn at_once(scene: &Scene, same_number: bool) -> Arc<SimulatedDisk> {
    for _ in 0..200 {
        let (a, b) = (Arc::new(scene.disk.fork()), Arc::new(scene.disk.fork()));
        ops::key_passwd(&scene.access_to(&a, PASSWORD), &text("a"), &Silent).unwrap();
        ops::key_add(&scene.access_to(&b, PASSWORD), &text("b"), "", &Silent).unwrap();
        sync(&b, &a, &scene.disk);
        let list = ops::key_list(&scene.access_to(&a, "a"), &Silent).unwrap();
        assert_eq!(list.slots.len(), 3);
        let again = ops::key_add(&scene.access_to(&a, "a"), &text("c"), "", &Silent);
        let a_clash = again.is_err();
        if a_clash == same_number {
            return a;
        }
    }
    panic!("chance did not do it in 200 rounds");
}

#[test]
fn two_changes_at_once_both_hold() {
    let scene = Scene::new();
    let disk = at_once(&scene, false);
    for opens in ["a", "b", "c", &scene.recovery] {
        assert!(scene.opens_at(&disk, opens), "{opens}");
    }
    assert!(!scene.opens_at(&disk, PASSWORD), "removed by one of the two");
    assert_eq!(disk.files().len(), 3, "the blocks of both are superseded");
}

#[test]
fn two_new_slots_in_one_place_are_told_and_can_be_mended() {
    let scene = Scene::new();
    let disk = at_once(&scene, true);
    assert!(["a", "b", &scene.recovery].iter().all(|opens| scene.opens_at(&disk, opens)));
    let error = ops::key_add(&scene.access_to(&disk, "a"), &text("c"), "", &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeySlots);
    assert!(error.to_string().contains("two devices made a new slot"), "{error}");
    let slots = ops::key_list(&scene.access_to(&disk, "b"), &Silent).unwrap().slots;
    let own = slots.iter().find(|slot| slot.own).unwrap();
    ops::key_remove(&scene.access_to(&disk, "a"), &own.id, &Silent).unwrap();
    assert!(scene.opens_at(&disk, "a") && scene.opens_at(&disk, &scene.recovery));
    assert!(!scene.opens_at(&disk, "b"));
    ops::key_add(&scene.access_to(&disk, "a"), &text("b"), "", &Silent).unwrap();
    assert!(scene.opens_at(&disk, "b"));
}

#[test]
fn a_slower_device_loses_no_slot_to_a_faster_one() {
    let scene = Scene::new();
    let (fast, slow) = (Arc::new(scene.disk.fork()), Arc::new(scene.disk.fork()));
    ops::key_add(&scene.access_to(&slow, PASSWORD), &text("slow"), "", &Silent).unwrap();
    // Three generations further, and then it sees the slower one's blocks.
    for number in 0..3 {
        let new = text(&format!("fast{number}"));
        ops::key_add(&scene.access_to(&fast, PASSWORD), &new, "", &Silent).unwrap();
    }
    sync(&slow, &fast, &scene.disk);
    let added = ops::key_add(&scene.access_to(&fast, PASSWORD), &text("last"), "", &Silent);
    if added.is_ok() {
        assert_eq!(fast.files().len(), 3);
        assert!(scene.opens_at(&fast, "last"));
    }
    assert!(scene.opens_at(&fast, "slow") && scene.opens_at(&fast, "fast2"));
}

#[test]
fn two_repositories_in_one_folder_become_one_keyring() {
    let (one, other) = (Scene::new(), Scene::new_with_seed(1000));
    for (name, bytes) in other.blocks() {
        one.disk.add(&name, &bytes);
    }
    assert_eq!(ops::key_list(&one.access(PASSWORD), &Silent).unwrap().slots.len(), 4);
    ops::key_passwd(&one.access(PASSWORD), &text("new"), &Silent).unwrap();
    assert!(one.opens("new") && !one.opens(PASSWORD));
    assert!(one.opens(&one.recovery) && one.opens(&other.recovery));
    assert_eq!(one.blocks().len(), 6);
    // Each recovery code opens both repositories now: their keyring is one.
    let slots = ops::key_list(&one.access("new"), &Silent).unwrap().slots;
    assert_eq!(slots.iter().filter(|slot| slot.own).count(), 2);
    let generation = |code: &str| ops::key_list(&one.access(code), &Silent).unwrap().generation;
    assert_eq!((generation(&one.recovery), generation(&other.recovery)), (2, 2));
}
