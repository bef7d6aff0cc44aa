//! Slots of the key block, one change after another.

use std::collections::HashSet;

use keepmum::inside::crypto::Passphrase;
use keepmum::ops::{self, Access, ErrorKind, KeyCacheAt, KeySlotKind, Silent};

use crate::scene::{PASSWORD, Scene, Told};

fn text(password: &str) -> Passphrase {
    Passphrase::new(password.to_owned())
}

/// A slot is 88 bytes; the first 32 follow from its key and nonce. No two of all blocks that ever
/// were may have them in common, whatever they seal.
#[derive(Default)]
struct SealedOnce {
    blocks: HashSet<String>,
    slots: HashSet<Vec<u8>>,
}

impl SealedOnce {
    fn see(&mut self, blocks: &[(String, Vec<u8>)]) {
        for (name, bytes) in blocks.iter().filter(|(name, _)| self.blocks.insert(name.clone())) {
            for slot in bytes[64..1472].chunks(88) {
                assert!(self.slots.insert(slot[..32].to_vec()), "one slot key came twice: {name}");
            }
        }
    }
}

#[test]
fn a_new_repository_has_two_slots() {
    let scene = Scene::new();
    let list = ops::key_list(&scene.access(PASSWORD), &Silent).unwrap();
    let kinds: Vec<_> = list.slots.iter().map(|slot| (slot.kind, slot.own)).collect();
    assert_eq!(kinds, [(KeySlotKind::Password, true), (KeySlotKind::RecoveryCode, false)]);
    assert!(list.slots.iter().all(|slot| slot.id.len() == 16 && slot.created > 1_700_000_000));
    let list = ops::key_list(&scene.access(&scene.recovery), &Silent).unwrap();
    assert_eq!(list.slots.iter().map(|slot| slot.own).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_changed_password_opens_and_the_old_one_does_not() {
    let scene = Scene::new();
    let before = scene.blocks();
    let report = ops::key_passwd(&scene.access(PASSWORD), &text("new"), &Silent).unwrap();
    assert_eq!((report.generation, report.blocks_written, report.blocks_left), (2, 3, 0));
    assert_eq!(report.removed.len(), 1);
    assert!(scene.opens("new") && !scene.opens(PASSWORD) && scene.opens(&scene.recovery));
    let after = scene.blocks();
    assert_eq!(after.len(), 3);
    assert!(after.iter().all(|(name, _)| before.iter().all(|(old, _)| old != name)));
    // The three copies, and the two generations, have nothing in common that can be seen.
    let parts = |block: &[u8]| -> Vec<Vec<u8>> { block.chunks(8).map(<[u8]>::to_vec).collect() };
    let mut seen = HashSet::new();
    for (name, block) in before.iter().chain(&after) {
        assert!(parts(block).into_iter().all(|part| seen.insert(part)), "{name}");
    }
}

#[test]
fn an_old_block_that_comes_back_opens_nothing_removed() {
    let scene = Scene::new();
    let old = scene.blocks();
    ops::key_passwd(&scene.access(PASSWORD), &text("new"), &Silent).unwrap();
    for (name, bytes) in &old {
        scene.disk.add(name, bytes);
        scene.disk.add(&format!("sub/{name}"), bytes);
        scene.disk.add(&format!("{name} (1)"), bytes);
    }
    assert!(!scene.opens(PASSWORD) && scene.opens("new") && scene.opens(&scene.recovery));
    // One readable block of the newer generation is enough.
    let new: Vec<_> = scene.blocks().into_iter().filter(|block| !is_among(block, &old)).collect();
    for (name, _) in &new[1..] {
        scene.disk.take(name);
    }
    assert!(!scene.opens(PASSWORD) && scene.opens("new"));
    // The next change clears all of them away, and the old password may come back as a new one.
    ops::key_passwd(&scene.access("new"), &text(PASSWORD), &Silent).unwrap();
    assert_eq!(scene.blocks().len(), 3);
    assert!(scene.opens(PASSWORD) && !scene.opens("new"));
    for (name, bytes) in &old {
        scene.disk.add(name, bytes);
    }
    assert!(scene.opens(PASSWORD) && !scene.opens("new") && scene.opens(&scene.recovery));
}

fn is_among(block: &(String, Vec<u8>), others: &[(String, Vec<u8>)]) -> bool {
    others.iter().any(|other| other.1 == block.1)
}

#[test]
fn no_slot_key_ever_seals_two_contents() {
    let scene = Scene::new();
    let mut seen = SealedOnce::default();
    seen.see(&scene.blocks());
    let mut now = PASSWORD.to_owned();
    for round in 0..26 {
        let next = ["a", "b", PASSWORD][round % 3];
        ops::key_passwd(&scene.access(&now), &text(next), &Silent).unwrap();
        next.clone_into(&mut now);
        seen.see(&scene.blocks());
    }
    let told = Told::default();
    ops::key_recovery(&scene.access(&now), &told).unwrap();
    seen.see(&scene.blocks());
    assert!(!scene.opens(&scene.recovery) && scene.opens(&told.0.into_inner().unwrap()));
}

#[test]
fn two_devices_that_choose_the_same_password_seal_the_same() {
    let scene = Scene::new();
    let mut seen = SealedOnce::default();
    // So many that some take the same number.
    for _ in 0..40 {
        let fork = std::sync::Arc::new(scene.disk.fork());
        let access = scene.access_to(&fork, PASSWORD);
        ops::key_add(&access, &text("shared"), "", &Silent).unwrap();
        let blocks: Vec<_> = fork.files().into_iter().filter(|f| f.1.len() == 4096).collect();
        seen.see(&blocks);
    }
}

#[test]
fn a_password_may_be_removed_and_come_back_any_number_of_times() {
    let scene = Scene::new();
    for _ in 0..20 {
        let added = ops::key_add(&scene.access(PASSWORD), &text("again"), "", &Silent).unwrap();
        assert!(scene.opens("again"));
        let id = added.added.unwrap();
        ops::key_remove(&scene.access(PASSWORD), &id, &Silent).unwrap();
        assert!(!scene.opens("again") && scene.opens(PASSWORD));
    }
}

#[test]
fn slots_are_added_and_removed_until_there_is_no_room() {
    let scene = Scene::new();
    for number in 0..14 {
        let password = format!("p{number}");
        let label = "a label of exactly thirty byte";
        let report = ops::key_add(&scene.access(PASSWORD), &text(&password), label, &Silent);
        assert!(report.unwrap().added.is_some());
    }
    let full = ops::key_add(&scene.access(PASSWORD), &text("one more"), "", &Silent).unwrap_err();
    assert!(full.to_string().contains("all 16 are in use"), "{full}");
    assert!((0..14).all(|number| scene.opens(&format!("p{number}"))));
    let list = ops::key_list(&scene.access("p3"), &Silent).unwrap();
    assert_eq!((list.slots.len(), list.generation), (16, 15));
    assert_eq!(list.slots[5].label, "a label of exactly thirty byte");
    let own = list.slots.iter().find(|slot| slot.own).unwrap();
    let report = ops::key_remove(&scene.access(PASSWORD), &own.id[..8], &Silent).unwrap();
    assert_eq!(report.removed, std::slice::from_ref(&own.id));
    assert!(!scene.opens("p3") && scene.opens("p4") && scene.opens(PASSWORD));
}

#[test]
fn a_change_that_would_lock_out_is_refused() {
    let scene = Scene::new();
    let blocks = scene.blocks();
    let kind = |result: Result<ops::KeyChangeReport, ops::Error>| result.unwrap_err().kind();
    let list = ops::key_list(&scene.access(PASSWORD), &Silent).unwrap();
    let (own, recovery) = (list.slots[0].id.as_str(), list.slots[1].id.as_str());
    let remove = |access: Access, id: &str| kind(ops::key_remove(&access, id, &Silent));
    assert_eq!(remove(scene.access(PASSWORD), own), ErrorKind::KeySlots);
    assert_eq!(remove(scene.access(&scene.recovery), recovery), ErrorKind::KeySlots);
    assert_eq!(remove(scene.access(PASSWORD), &own[..3]), ErrorKind::Unusable);
    assert_eq!(remove(scene.access(PASSWORD), "zzzz"), ErrorKind::Unusable);
    assert_eq!(remove(scene.access("wrong"), own), ErrorKind::WrongPassword);
    let passwd = |from: &str, to| kind(ops::key_passwd(&scene.access(from), &text(to), &Silent));
    assert_eq!(passwd(PASSWORD, ""), ErrorKind::Unusable);
    assert_eq!(passwd(PASSWORD, PASSWORD), ErrorKind::KeySlots);
    let code = kind(ops::key_recovery(&scene.access(&scene.recovery), &Silent));
    assert_eq!(code, ErrorKind::KeySlots);
    assert_eq!(scene.blocks(), blocks, "nothing was written");
}

#[test]
fn the_recovery_code_sets_a_forgotten_password_where_there_is_one() {
    let scene = Scene::new();
    ops::key_passwd(&scene.access(&scene.recovery), &text("remembered"), &Silent).unwrap();
    assert!(scene.opens("remembered") && !scene.opens(PASSWORD) && scene.opens(&scene.recovery));
    ops::key_add(&scene.access("remembered"), &text("second"), "", &Silent).unwrap();
    let refused = ops::key_passwd(&scene.access(&scene.recovery), &text("x"), &Silent).unwrap_err();
    assert!(refused.to_string().contains("there are several passwords"), "{refused}");
}

#[test]
fn a_password_opens_however_its_accents_are_typed() {
    let scene = Scene::new();
    let (composed, decomposed) = ("Zürich \u{e9}", "Zu\u{308}rich e\u{301}");
    assert_ne!(composed, decomposed);
    ops::key_passwd(&scene.access(PASSWORD), &text(composed), &Silent).unwrap();
    assert!(scene.opens(composed) && scene.opens(decomposed));
    let own = |password| ops::key_list(&scene.access(password), &Silent).unwrap().slots;
    let ids = |password| own(password).into_iter().find(|slot| slot.own).unwrap().id;
    assert_eq!(ids(composed), ids(decomposed));
    let same = ops::key_add(&scene.access(composed), &text(decomposed), "", &Silent).unwrap_err();
    assert!(same.to_string().contains("opens the repository already"), "{same}");
}

#[test]
fn the_key_cache_does_not_outlive_a_change() {
    let scene = Scene::new();
    let cache = scene.folder.path().join("keys");
    let at = KeyCacheAt { file: cache.clone(), secret: scene.folder.path().join("secret") };
    let with_cache = |password: &str| {
        let access = Access { key_cache: Some(at.clone()), ..scene.access(password) };
        ops::snapshots(&access, &Silent).map(drop)
    };
    with_cache(PASSWORD).unwrap();
    let kept = std::fs::read(&cache).unwrap();
    with_cache(PASSWORD).unwrap();
    assert_eq!(std::fs::read(&cache).unwrap(), kept, "the cache was used");
    // The change is made elsewhere: the cache stays, and is no longer believed.
    ops::key_passwd(&scene.access(PASSWORD), &text("new"), &Silent).unwrap();
    assert_eq!(with_cache(PASSWORD).unwrap_err().kind(), ErrorKind::WrongPassword);
    with_cache("new").unwrap();
    assert_ne!(std::fs::read(&cache).unwrap(), kept);
    // A change that is made here removes it.
    let access = Access { key_cache: Some(at.clone()), ..scene.access("new") };
    ops::key_passwd(&access, &text("newer"), &Silent).unwrap();
    assert!(!cache.exists());
    assert_eq!(with_cache("new").unwrap_err().kind(), ErrorKind::WrongPassword);
    // A block less than it knows, and it is not believed either.
    with_cache("newer").unwrap();
    let kept = std::fs::read(&cache).unwrap();
    scene.disk.take(&scene.blocks()[0].0);
    with_cache("newer").unwrap();
    assert_eq!(std::fs::read(&cache).unwrap(), kept, "not kept while a copy is missing");
}
