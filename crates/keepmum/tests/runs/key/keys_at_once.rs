//! Key changes that two devices make without knowing of each other.

use std::sync::Arc;

use keepmum::inside::crypto::Passphrase;
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{self, Silent};

use crate::scene::{PASSWORD, Scene};

fn text(password: &str) -> Passphrase {
    Passphrase::new(password.to_owned())
}

/// Copies the files of one destination to another, as a sync client does; files deleted on one side
/// are gone.
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

#[test]
fn two_passwords_that_are_added_at_once_both_hold() {
    let scene = Scene::new();
    let (a, b) = (Arc::new(scene.disk.fork()), Arc::new(scene.disk.fork()));
    for (disk, new) in [(&a, "a"), (&b, "b")] {
        ops::key_add(&scene.access_to(disk, PASSWORD), &text(new), "", &Silent).unwrap();
    }
    sync(&b, &a, &scene.disk);
    let all = ["a", "b", PASSWORD, &scene.recovery];
    assert!(all.iter().all(|opens| scene.opens_at(&a, opens)));
    assert_eq!(ops::key_list(&scene.access_to(&a, PASSWORD), &Silent).unwrap().slots.len(), 4);
    ops::key_add(&scene.access_to(&a, PASSWORD), &text("c"), "", &Silent).unwrap();
    assert!(all.iter().all(|opens| scene.opens_at(&a, opens)) && scene.opens_at(&a, "c"));
    assert_eq!(a.files().len(), 3, "the blocks of both are superseded");
}

#[test]
fn two_passwords_that_are_changed_at_once_both_hold_for_who_opens_both() {
    let scene = Scene::new();
    let (a, b) = (Arc::new(scene.disk.fork()), Arc::new(scene.disk.fork()));
    for (disk, new) in [(&a, "a"), (&b, "b")] {
        ops::key_passwd(&scene.access_to(disk, PASSWORD), &text(new), &Silent).unwrap();
    }
    sync(&b, &a, &scene.disk);
    assert!(scene.opens_at(&a, "a") && scene.opens_at(&a, "b") && !scene.opens_at(&a, PASSWORD));
    ops::key_add(&scene.access_to(&a, &scene.recovery), &text("c"), "", &Silent).unwrap();
    assert!(["a", "b", "c", &scene.recovery].iter().all(|opens| scene.opens_at(&a, opens)));
    assert!(!scene.opens_at(&a, PASSWORD));
    assert_eq!(a.files().len(), 3);
}

/// A password that is added with one that is removed at the same time cannot be distinguished from
/// one that the removed holder adds later. It is shown, and dropped.
#[test]
fn a_slot_added_with_a_removed_password_is_shown_and_dropped() {
    let scene = Scene::new();
    let (a, b) = (Arc::new(scene.disk.fork()), Arc::new(scene.disk.fork()));
    ops::key_passwd(&scene.access_to(&a, PASSWORD), &text("a"), &Silent).unwrap();
    ops::key_add(&scene.access_to(&b, PASSWORD), &text("b"), "bea", &Silent).unwrap();
    sync(&b, &a, &scene.disk);
    let slots = ops::key_list(&scene.access_to(&a, &scene.recovery), &Silent).unwrap().slots;
    let unlisted: Vec<_> = slots.iter().filter(|slot| !slot.listed).map(|it| &*it.label).collect();
    assert_eq!((slots.len(), unlisted), (4, vec!["laptop", "bea"]), "the old password and bea's");
    ops::key_add(&scene.access_to(&a, &scene.recovery), &text("c"), "", &Silent).unwrap();
    assert!(["a", "c", &scene.recovery].iter().all(|opens| scene.opens_at(&a, opens)));
    assert!(!scene.opens_at(&a, "b") && !scene.opens_at(&a, PASSWORD));
    assert_eq!(a.files().len(), 3);
    ops::key_add(&scene.access_to(&a, "a"), &text("b"), "bea", &Silent).unwrap();
    assert!(scene.opens_at(&a, "b"));
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
    ops::key_add(&scene.access_to(&fast, PASSWORD), &text("last"), "", &Silent).unwrap();
    assert_eq!(fast.files().len(), 3);
    assert!(scene.opens_at(&fast, "last"));
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
    // One slot is enough, and each recovery code opens both repositories: their keyring is one.
    let slots = ops::key_list(&one.access("new"), &Silent).unwrap().slots;
    assert_eq!((slots.len(), slots.iter().filter(|slot| slot.own).count()), (3, 1));
    let generation = |code: &str| ops::key_list(&one.access(code), &Silent).unwrap().generation;
    assert_eq!((generation(&one.recovery), generation(&other.recovery)), (2, 2));
}
