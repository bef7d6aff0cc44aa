//! Keys that are changed again and again, labels, and codes that nobody saw.

use keepmum::inside::crypto::Passphrase;
use keepmum::ops::{self, ErrorKind, KeySlotKind, Silent};

use crate::scene::{PASSWORD, Scene, Told};

fn text(password: &str) -> Passphrase {
    Passphrase::new(password.to_owned())
}

#[test]
fn a_password_can_be_changed_any_number_of_times_and_each_old_one_stays_removed() {
    let scene = Scene::new();
    let label = "a label of exactly thirty byte";
    for number in 0..10 {
        let one_more = text(&format!("anna {number}"));
        ops::key_add(&scene.access(PASSWORD), &one_more, label, &Silent).unwrap();
    }
    let mut ever = scene.blocks();
    let mut now = PASSWORD.to_owned();
    for round in 0..400 {
        let next = format!("password {round}");
        let changed = ops::key_passwd(&scene.access(&now), &text(&next), &Silent);
        let report = changed.unwrap_or_else(|error| panic!("change {round}: {error}"));
        assert_eq!((report.removed.len(), report.blocks_left), (1, 0), "change {round}");
        now = next;
        ever.extend(scene.blocks());
    }
    assert_eq!(scene.blocks().len(), 3);
    assert!(scene.opens(&now) && scene.opens("anna 7") && scene.opens(&scene.recovery));
    // A sync client brings back every block that ever was.
    for (name, bytes) in &ever {
        scene.disk.add(name, bytes);
    }
    assert!(scene.opens(&now) && scene.opens("anna 7") && scene.opens(&scene.recovery));
    for round in [0, 1, 63, 200, 334, 335, 336, 337, 390, 398] {
        assert!(!scene.opens(&format!("password {round}")), "{round}");
    }
    assert!(!scene.opens(PASSWORD));
    // A run that opens all of them clears them all away, in one change.
    let add = ops::key_add(&scene.access(&scene.recovery), &text("last"), "", &Silent);
    assert_eq!(add.unwrap().blocks_left, 0);
    assert_eq!(scene.blocks().len(), 3);
    assert!(scene.opens("last") && scene.opens(&now) && !scene.opens("password 1"));
    // Each change of a password has brought an epoch, and the blocks have grown with them.
    assert!(scene.blocks().iter().all(|(_, bytes)| bytes.len() == 32_768));
}

#[test]
fn a_password_that_was_removed_long_ago_may_come_back_as_a_new_one() {
    let scene = Scene::new();
    let old = scene.blocks();
    let mut now = PASSWORD.to_owned();
    let mut middle = Vec::new();
    for round in 0..60 {
        let next = format!("password {round}");
        ops::key_passwd(&scene.access(&now), &text(&next), &Silent).unwrap();
        now = next;
        if round == 20 {
            middle = scene.blocks();
        }
    }
    ops::key_passwd(&scene.access(&now), &text(PASSWORD), &Silent).unwrap();
    assert!(scene.opens(PASSWORD));
    // Old blocks, of which some know it as it was, change nothing.
    for (name, bytes) in old.iter().chain(&middle) {
        scene.disk.add(name, bytes);
    }
    assert!(scene.opens(PASSWORD) && !scene.opens(&now) && !scene.opens("password 20"));
}

#[test]
fn a_label_that_is_too_long_is_refused() {
    let scene = Scene::new();
    let blocks = scene.blocks();
    for label in ["a label that is longer than thirty bytes", "sixteen umlauts äöüäöüäöüäöüäöüä"]
    {
        let refused = ops::key_add(&scene.access(PASSWORD), &text("new"), label, &Silent);
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unusable);
        assert!(error.to_string().contains("at most 30 bytes"), "{error}");
    }
    assert_eq!(scene.blocks(), blocks);
    ops::key_add(&scene.access(PASSWORD), &text("new"), &"ä".repeat(15), &Silent).unwrap();
}

#[test]
fn a_new_repository_gives_its_code_to_whoever_shows_it_or_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = folder.path().join("catalogue.sqlite");
    let scene = Scene::new();
    let disk = std::sync::Arc::new(keepmum::inside::store::simulated::SimulatedDisk::new());
    let access = || ops::Access {
        catalogue: ops::CatalogueAt::File(catalogue.clone()),
        ..scene.access_to(&disk, PASSWORD)
    };
    let report = ops::init(&access(), &Silent).unwrap();
    assert!(!report.recovery_code_shown);
    let code = report.recovery_code.unwrap();
    assert!(!format!("{code:?}").contains(&code.expose()[..4]), "it is not printed by accident");
    assert!(scene.opens_at(&disk, code.expose()));
    // Nobody saw it: that is known until there is a code that somebody saw.
    let never_shown = || {
        let slots = ops::key_list(&access(), &Silent).unwrap().slots;
        slots.iter().filter(|slot| slot.never_shown).map(|slot| slot.kind).collect::<Vec<_>>()
    };
    assert_eq!(never_shown(), [KeySlotKind::RecoveryCode]);
    let told = Told::default();
    let report = ops::key_recovery(&access(), &told).unwrap();
    assert!(report.recovery_code_shown && report.recovery_code.is_none());
    assert!(never_shown().is_empty());
    assert!(!scene.opens_at(&disk, code.expose()));
    assert!(scene.opens_at(&disk, &told.0.into_inner().unwrap()));
}

#[test]
fn the_old_recovery_code_opens_until_somebody_has_the_new_one() {
    let scene = Scene::new();
    let report = ops::key_recovery(&scene.access(PASSWORD), &Silent).unwrap();
    assert!(!report.recovery_code_shown && report.removed.is_empty());
    let new = report.recovery_code.unwrap();
    assert!(scene.opens(&scene.recovery) && scene.opens(new.expose()));
    // The next one replaces both.
    let told = Told::default();
    let report = ops::key_recovery(&scene.access(PASSWORD), &told).unwrap();
    assert_eq!(report.removed.len(), 2);
    assert!(!scene.opens(&scene.recovery) && !scene.opens(new.expose()));
    assert!(scene.opens(&told.0.into_inner().unwrap()) && scene.opens(PASSWORD));
    assert_eq!(scene.blocks().len(), 3);
}
