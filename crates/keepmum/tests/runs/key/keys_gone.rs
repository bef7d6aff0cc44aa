//! Key blocks that are gone or damaged, and those that somebody adds.

use keepmum::inside::crypto::Passphrase;
use keepmum::ops::{self, Access, ErrorKind, Event, KeyCacheAt, Observer, RecoveryCode, Silent};

use crate::scene::{PASSWORD, Scene};

/// Hears notices.
#[derive(Default)]
struct Notices(std::sync::Mutex<Vec<String>>);

impl Notices {
    fn heard(&self, words: &str) -> bool {
        self.0.lock().unwrap().iter().any(|notice| notice.contains(words))
    }
}

impl Observer for Notices {
    fn event(&self, event: Event) {
        if let Event::Notice(sentence) = event {
            self.0.lock().unwrap().push(sentence);
        }
    }

    fn stopping(&self) -> bool {
        false
    }

    fn show_recovery_code(&self, _: &RecoveryCode) -> bool {
        true
    }
}

/// A repository with one snapshot, of which this machine has a catalogue.
fn known() -> Scene {
    let scene = Scene::new();
    scene.write("a", "a");
    scene.backup().unwrap();
    scene
}

fn take_all(scene: &Scene) -> Vec<(String, Vec<u8>)> {
    let blocks = scene.blocks();
    for (name, _) in &blocks {
        scene.disk.take(name);
    }
    blocks
}

fn kept_beside(scene: &Scene) -> KeyCacheAt {
    KeyCacheAt {
        file: scene.folder.path().join("keys"),
        secret: scene.folder.path().join("secret"),
    }
}

#[test]
fn blocks_that_are_all_gone_are_put_back_by_the_next_run() {
    for with_cache in [false, true] {
        let scene = Scene::new();
        let access = || Access {
            key_cache: with_cache.then(|| kept_beside(&scene)),
            ..scene.with_catalogue(PASSWORD)
        };
        let run = |observer: &Notices| ops::backup(&access(), &scene.backup_options(), observer);
        scene.write("a", "a");
        run(&Notices::default()).unwrap();
        let blocks = take_all(&scene);
        // A reading command opens, says so, and writes nothing.
        let notices = Notices::default();
        ops::snapshots(&access(), &notices).unwrap();
        assert!(notices.heard("the next backup puts them back"), "{with_cache}");
        assert!(scene.blocks().is_empty());
        let notices = Notices::default();
        let mut dry = scene.backup_options();
        dry.dry_run = true;
        ops::backup(&access(), &dry, &notices).unwrap();
        assert!(scene.blocks().is_empty());
        // A wrong password does not open for all that.
        let wrong = Access { passphrase: Passphrase::new("wrong".to_owned()), ..access() };
        let error = ops::snapshots(&wrong, &Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongPassword);
        let notices = Notices::default();
        run(&notices).unwrap();
        assert!(notices.heard("All key blocks were gone"), "{with_cache}");
        assert_eq!(scene.blocks(), blocks, "the same bytes under the same names");
        assert!(scene.opens(PASSWORD) && scene.opens(&scene.recovery));
        let notices = Notices::default();
        run(&notices).unwrap();
        assert!(!notices.heard("key block"), "once");
    }
}

#[test]
fn a_machine_that_never_kept_blocks_does_not_say_that_they_are_on_their_way() {
    let scene = known();
    take_all(&scene);
    // A machine that knows nothing may believe so.
    let error = ops::snapshots(&scene.access(PASSWORD), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pending);
    let catalogue = scene.folder.path().join("catalogue.sqlite");
    let catalogue = keepmum::inside::catalogue::Catalogue::open(&catalogue).unwrap();
    catalogue.set(&keepmum::inside::catalogue::state::KEY_BLOCKS, &Vec::new()).unwrap();
    drop(catalogue);
    for error in [
        ops::snapshots(&scene.with_catalogue(PASSWORD), &Silent).map(drop),
        scene.backup().map(drop),
        ops::key_list(&scene.with_catalogue(PASSWORD), &Silent).map(drop),
    ] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeysGone);
        assert!(error.to_string().contains("were here, and are gone"), "{error}");
    }
}

#[test]
fn an_emptied_destination_is_not_taken_for_one_without_key_blocks() {
    let scene = known();
    for path in scene.disk.paths() {
        scene.disk.take(&path);
    }
    assert_eq!(scene.backup().unwrap_err().kind(), ErrorKind::Refused);
    assert!(scene.blocks().is_empty());
    // Nor one that holds something else of the right shape.
    scene.disk.add(&"a".repeat(90), b"not ours");
    assert_eq!(scene.backup().unwrap_err().kind(), ErrorKind::KeysGone);
    assert!(scene.blocks().is_empty());
}

#[test]
fn blocks_that_are_all_damaged_are_replaced() {
    let scene = known();
    let blocks = scene.blocks();
    for (number, (name, _)) in blocks.iter().enumerate() {
        // In the salt, in the slots, in the keyring.
        assert!(scene.disk.flip(name, [3, 40, 3000][number], 1));
    }
    let notices = Notices::default();
    let access = scene.with_catalogue(PASSWORD);
    ops::backup(&access, &scene.backup_options(), &notices).unwrap();
    assert!(notices.heard("3 copies of the key block were missing or damaged"));
    // The damaged files have the names; the same bytes come under other copy numbers.
    let whole =
        |(name, bytes): &(String, Vec<u8>)| blocks.iter().any(|b| b.1 == *bytes && b.0 != *name);
    assert_eq!(scene.blocks().iter().filter(|one| whole(one)).count(), 3);
    assert!(scene.opens(PASSWORD) && scene.opens(&scene.recovery));
    let notices = Notices::default();
    ops::backup(&scene.with_catalogue(PASSWORD), &scene.backup_options(), &notices).unwrap();
    assert!(!notices.heard("key block"), "once");
}

#[test]
fn a_kept_key_does_not_hide_that_all_blocks_are_damaged() {
    let scene = Scene::new();
    let access =
        || Access { key_cache: Some(kept_beside(&scene)), ..scene.with_catalogue(PASSWORD) };
    let run = |observer: &Notices| ops::backup(&access(), &scene.backup_options(), observer);
    scene.write("a", "a");
    for _ in 0..2 {
        run(&Notices::default()).unwrap();
    }
    for (name, _) in scene.blocks() {
        assert!(scene.disk.flip(&name, 40, 1));
    }
    let notices = Notices::default();
    run(&notices).unwrap();
    assert!(notices.heard("key blocks were gone") || notices.heard("copies of the key block were"));
    assert!(scene.opens(PASSWORD) && scene.opens(&scene.recovery));
    // The damaged files stay beside the copies; they cost no further derivation of the key.
    run(&Notices::default()).unwrap();
    let kept = std::fs::read(kept_beside(&scene).file).unwrap();
    let notices = Notices::default();
    run(&notices).unwrap();
    assert!(!notices.heard("key block"));
    assert_eq!(std::fs::read(kept_beside(&scene).file).unwrap(), kept);
}

#[test]
fn a_block_that_was_cut_short_keeps_its_name_and_is_replaced_under_another() {
    let scene = known();
    let blocks = scene.blocks();
    for (name, _) in &blocks {
        assert!(scene.disk.truncate(name, 100));
    }
    scene.backup().unwrap();
    assert_eq!(scene.blocks().len(), 3);
    assert!(scene.opens(PASSWORD) && scene.opens(&scene.recovery));
}

#[test]
fn copies_kept_here_do_not_bring_a_removed_password_back() {
    let scene = known();
    ops::key_passwd(&scene.access(PASSWORD), &Passphrase::new("new".to_owned()), &Silent).unwrap();
    let error = ops::snapshots(&scene.with_catalogue(PASSWORD), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongPassword);
    ops::snapshots(&scene.with_catalogue("new"), &Silent).unwrap();
    // Now this machine keeps the new ones, and knows the password as removed also without them.
    let old = Scene::new().blocks();
    take_all(&scene);
    let error = ops::snapshots(&scene.with_catalogue(PASSWORD), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongPassword, "{}", old.len());
    ops::snapshots(&scene.with_catalogue("new"), &Silent).unwrap();
}

/// Files that are whole key blocks by their names, and noise.
fn forged(scene: &Scene, count: usize) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut seed = 5000;
    while all.len() < count {
        seed += 1;
        all.extend(Scene::new_with_seed(seed).blocks());
    }
    all.truncate(count);
    assert!(all.iter().all(|one| !scene.blocks().contains(one)));
    all
}

#[test]
fn files_that_somebody_adds_lock_nobody_out() {
    // Under a password of their own they are as good as any.
    let scene = known();
    let genuine = scene.blocks();
    for (name, bytes) in forged(&scene, 201) {
        let other = name.as_bytes().iter().fold(7_u8, |sum, byte| sum.wrapping_mul(31) ^ byte);
        let mut bytes = bytes;
        // Not the password of the test: another salt, so nothing opens; then under a true name.
        bytes[..32].iter_mut().for_each(|byte| *byte = byte.wrapping_add(other | 1));
        let hash = keepmum::inside::crypto::key_block_name(0, &bytes);
        scene.disk.add(&keepmum::inside::format::base32::encode(&hash), &bytes);
    }
    assert!(scene.blocks().len() >= genuine.len() + 200);
    // The machine with the catalogue tries the blocks that it knows, and few more.
    let access = scene.with_catalogue(PASSWORD);
    let before = std::time::Instant::now();
    ops::backup(&access, &scene.backup_options(), &Silent).unwrap();
    let known = before.elapsed();
    // A fresh one tries all if need be: by password and by code, whatever the order of names is.
    for _ in 0..3 {
        assert!(scene.opens(PASSWORD) && scene.opens(&scene.recovery));
    }
    let error = ops::snapshots(&scene.access("wrong"), &Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongPassword);
    assert!(!error.to_string().contains("tried"), "{error}");
    assert!(known.as_secs() < 60, "{known:?}");
}

#[test]
fn where_nobody_waits_the_trials_end_and_that_is_said() {
    struct Alone;
    impl Observer for Alone {
        fn event(&self, _: Event) {}
        fn stopping(&self) -> bool {
            false
        }
        fn is_attended(&self) -> bool {
            false
        }
    }
    let scene = Scene::new();
    for number in 0_u32..1100 {
        let mut bytes = vec![1; 4096];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        let hash = keepmum::inside::crypto::key_block_name(0, &bytes);
        scene.disk.add(&keepmum::inside::format::base32::encode(&hash), &bytes);
    }
    let error = ops::snapshots(&scene.access("wrong"), &Alone).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongPassword);
    // The three that are none of these have one salt.
    let said = error.to_string();
    assert!(
        said.contains("(tried 102") && said.contains(" of 1103 files that may be one"),
        "{said}"
    );
}

#[test]
fn the_key_that_is_kept_opens_only_with_the_secret_beside_the_config() {
    let scene = known();
    let at = kept_beside(&scene);
    let access =
        |at: &KeyCacheAt| Access { key_cache: Some(at.clone()), ..scene.with_catalogue(PASSWORD) };
    ops::snapshots(&access(&at), &Silent).unwrap();
    let kept = std::fs::read(&at.file).unwrap();
    let secret = std::fs::read(&at.secret).unwrap();
    assert_eq!(secret.len(), 32);
    // With another secret it does not open: it is made again, for that one.
    std::fs::write(&at.secret, [9; 32]).unwrap();
    ops::snapshots(&access(&at), &Silent).unwrap();
    assert_ne!(std::fs::read(&at.file).unwrap(), kept);
    // If no secret can be kept, no key is cached either, and an older cache goes.
    let nowhere = KeyCacheAt { secret: "/proc/nowhere/secret".into(), ..at.clone() };
    ops::snapshots(&access(&nowhere), &Silent).unwrap();
    assert!(!at.file.exists());
    // A secret that others can read is not used.
    use std::os::unix::fs::PermissionsExt;
    ops::snapshots(&access(&at), &Silent).unwrap();
    std::fs::set_permissions(&at.secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    ops::snapshots(&access(&at), &Silent).unwrap();
    assert_eq!(std::fs::metadata(&at.secret).unwrap().permissions().mode() & 0o777, 0o600);
}
