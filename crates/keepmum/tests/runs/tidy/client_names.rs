//! Files as sync clients leave them: copies under every name that is known, in another case, in
//! folders that a client made, in its trash, half-written, emptied, and as placeholders.

use std::fs;
use std::sync::Arc;

use crate::support::{Dice, World, full_check};
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{self, Access, ErrorKind, Outcome, ProblemKind, Silent, StatusReport};

/// Names of copies; `{}` is the name of the original.
pub(crate) const COPIES: [&str; 57] = [
    // Dropbox, its localised text, and Maestral.
    "{} (Michal's conflicted copy 2026-11-02)",
    "{} (conflicted copy)",
    "{} (Copia en conflicto de Ana 2026-11-02)",
    "{} (In Konflikt stehende Kopie von Jürgen 2026-11-02)",
    "{} (копия пользователя Ольга 2026-11-02)",
    "{}（张伟 的冲突副本 2026-11-02）",
    "{} (Case Conflict)",
    "{} (Case Conflict 1)",
    "{} (Unicode Encoding Conflict)",
    "{} (Selective Sync Conflict)",
    "{} (white space conflict)",
    "{} (shared folder conflict)",
    "{} (conflicting copy 2026-11-02)",
    "{} (normalization conflict)",
    // OneDrive, of Microsoft and for Linux.
    "{}-DESKTOP-4KJ9P2A",
    "{}-laptop",
    "{} 1",
    "{} (2)",
    "{}-laptop-safeBackup-0001",
    // Google Drive, iCloud, Box.
    "{} (1)",
    "{}(1)",
    "{} 2",
    "{} 3",
    "copy of {}",
    "Copy of {}",
    "Kopie von {}",
    "Copie de {} (1)",
    // Syncthing, also a copy of a copy.
    "{}.sync-conflict-20261102-101010-ABCDEFG",
    "{}.sync-conflict-20261102-101010-ABCDEFG.sync-conflict-20261103-101010-HIJKLMN",
    // Nextcloud, ownCloud, OpenCloud.
    "{} (conflicted copy 2026-11-02 101010)",
    "{} (conflicted copy michal 2026-11-02 101010)",
    "{} (case clash from michal)",
    "{}_conflict-20261102-101010",
    "{}_conflict_michal-20261102-101010",
    // Resilio, pCloud, rclone.
    "{}.Conflict",
    "{}.Conflict1",
    "{}.Conflict.Conflict",
    "{} (conflicted)",
    "{} (conflicted 2)",
    "{}(conflicted)",
    "{}.conflict1",
    "{}..path1",
    // File managers.
    "{} - Copy",
    "{} copy",
    "{} copy 2",
    "{} - Kopie (3)",
    // Before and after an extension that is not there.
    "{} (1).",
    "{}. (1)",
    "{}.conflict1.",
    // Bytes that are no text.
    "{}\u{fffd}ff\u{fffd}fe",
    // In folders that a client made.
    "dir (1)/{}",
    "a/b (conflicted copy 2026-11-02)/c/{}",
    "dir (1)/{} (1)",
    "keepmum.Conflict/{}.Conflict",
    "Backup 2/Copy of {}",
    "ab/{}",
    "deep/er/and/deeper (1)/still/{}-HOST",
];

/// Another name for every file.
type Renamed = fn(&str) -> String;
/// What becomes of a file's bytes.
type Spoilt = fn(&mut Vec<u8>);

/// The name of a copy.
pub(crate) fn copy(pattern: &str, name: &str) -> String {
    pattern.replace("{}", name)
}

/// Two snapshots, the first in a data object and others, the second in one object.
pub(crate) fn repository(seed: u64) -> World {
    let mut world = World::new(seed);
    let noise = |seed| crate::support::bytes(&mut Dice::new(seed), 40_000);
    for number in 0..8 {
        fs::write(world.source().join(format!("noise{number}")), noise(number)).unwrap();
    }
    world.backup();
    fs::write(world.source().join("text"), "the second text\n").unwrap();
    world.backup();
    world
}

/// The same devices before another destination.
pub(crate) fn before(world: &mut World, disk: SimulatedDisk) {
    let disk = Arc::new(disk);
    world.sim.seam.disk = disk.clone();
    world.sim.disk = disk;
}

pub(crate) fn key_blocks(disk: &SimulatedDisk) -> Vec<String> {
    let blocks = disk.files().into_iter().filter(|(_, bytes)| bytes.len() == 4096);
    blocks.map(|(path, _)| path).collect()
}

pub(crate) fn objects(disk: &SimulatedDisk) -> Vec<String> {
    let objects = disk.files().into_iter().filter(|(_, bytes)| bytes.len() != 4096);
    objects.map(|(path, _)| path).collect()
}

fn status(access: &Access) -> StatusReport {
    ops::status(access, &Silent).unwrap()
}

/// Every command finds all that there is, and a run has nothing to do.
fn all_is_well(world: &mut World, what: &str) {
    for access in [world.own(), world.stranger()] {
        world.verify(&access);
        world.all_complete(&access);
        let status = status(&access);
        assert_eq!(status.foreign_files, 0, "{what}: {status:#?}");
        assert_eq!(status.objects_lost + status.objects_pending, 0, "{what}: {status:#?}");
        assert_eq!(status.key_copies_missing, 0, "{what}: {status:#?}");
    }
    full_check(world);
    assert_eq!(world.backup().objects_stored, 0, "{what}");
}

/// Another device with the same files joins; nothing that is here is stored again.
fn joins(world: &World, what: &str) {
    let disk = Arc::new(world.sim.disk.fork());
    let mut other = World::beside(50, disk.clone());
    fs::copy(world.source().join("noise1"), other.source().join("mine")).unwrap();
    other.backup();
    assert_eq!(key_blocks(&disk), key_blocks(&world.sim.disk), "{what}: a second repository");
    let report = ops::snapshots(&other.stranger(), &Silent).unwrap();
    assert_eq!(report.snapshots.len(), 3, "{what}");
    let stored: usize = disk.files().iter().map(|(_, bytes)| bytes.len()).sum();
    let before: usize = world.sim.disk.files().iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(stored - before < 20_000, "{what}: {} bytes", stored - before);
}

fn damage(disk: &SimulatedDisk, path: &str) {
    let length = disk.content(path).unwrap().len();
    (0..length).step_by(900).for_each(|at| assert!(disk.flip(path, at, 4)));
}

#[test]
fn copies_under_every_known_name_serve_and_do_no_harm() {
    let mut world = repository(1);
    let disk = world.sim.disk.fork();
    let (objects, blocks) = (objects(&disk), key_blocks(&disk));
    assert!(objects.len() >= 2 && blocks.len() == 3);
    for (number, pattern) in COPIES.iter().enumerate() {
        let names = [&objects[number % objects.len()], &blocks[number % 3]];
        for original in ["whole", "missing", "damaged"] {
            let what = format!("{pattern}, and the original is {original}");
            before(&mut world, disk.fork());
            for name in names {
                let bytes = disk.content(name).unwrap();
                world.sim.disk.add(&copy(pattern, name), &bytes);
                match original {
                    "missing" => assert!(world.sim.disk.take(name)),
                    "damaged" => damage(&world.sim.disk, name),
                    _ => {}
                }
            }
            all_is_well(&mut world, &what);
            if original == "missing" {
                joins(&world, &what);
            } else {
                let status = status(&world.stranger());
                let found = status.copy_names.iter().any(|name| *name == copy(pattern, names[0]));
                assert!(found && status.conflict_copies >= 1, "{what}: {status:#?}");
            }
        }
    }
}

#[test]
fn a_folder_in_which_all_names_changed_is_the_same_repository() {
    let mut world = repository(2);
    let disk = world.sim.disk.fork();
    let changes: [(&str, Renamed); 5] = [
        ("upper case", |name| name.to_uppercase()),
        ("mixed case", |name| format!("{}{}", name[..1].to_uppercase(), &name[1..])),
        ("upper case and a mark", |name| format!("dir/{} (1)", name.to_uppercase())),
        ("a folder", |name| format!("keepmum (1)/{name}")),
        ("every second in a folder", |name| match name.as_bytes()[5] % 2 {
            0 => name.to_owned(),
            _ => format!("dir (1)/{name}"),
        }),
    ];
    for (what, change) in changes {
        let there = SimulatedDisk::new();
        disk.files().iter().for_each(|(path, bytes)| there.add(&change(path), bytes));
        before(&mut world, there);
        all_is_well(&mut world, what);
        joins(&world, what);
    }
}

#[test]
fn wrong_copies_do_no_harm() {
    let mut world = repository(4);
    let disk = world.sim.disk.fork();
    let names = [&objects(&disk)[0], &objects(&disk)[1], &key_blocks(&disk)[0]];
    let ways: [(&str, Spoilt); 4] = [
        ("cut", |bytes| bytes.truncate(bytes.len() / 2)),
        ("empty", Vec::clear),
        ("zeros", |bytes| bytes.fill(0)),
        ("damaged", |bytes| bytes.iter_mut().step_by(900).for_each(|byte| *byte ^= 4)),
    ];
    for (what, way) in ways {
        for pattern in ["{} (1)", "dir (1)/{}", "Copy of {}", "a/b/{}.sync-conflict-1"] {
            before(&mut world, disk.fork());
            for name in names {
                let mut bytes = disk.content(name).unwrap();
                way(&mut bytes);
                world.sim.disk.add(&copy(pattern, name), &bytes);
            }
            all_is_well(&mut world, &format!("{what} {pattern}"));
        }
    }
}

/// The names that a client gives to a file while it downloads it, and stubs of files that are
/// elsewhere.
const ON_THEIR_WAY: [&str; 9] = [
    ".syncthing.{}.tmp",
    "~syncthing~{}.tmp",
    ".{}.~3f2a",
    "{}.partial",
    "{}.!Sync",
    "{}.part",
    ".{}.icloud",
    "{}.nextcloud",
    "{}.owncloud",
];

#[test]
fn where_files_are_only_on_their_way_no_second_repository_is_made() {
    let world = repository(5);
    let disk = world.sim.disk.fork();
    for pattern in ON_THEIR_WAY {
        let there = SimulatedDisk::new();
        for (name, bytes) in disk.files() {
            there.add(&copy(pattern, &name), &bytes[..bytes.len() / 3]);
        }
        let files = there.files();
        let mut other = World::beside(51, Arc::new(there));
        fs::write(other.source().join("mine"), "mine").unwrap();
        let error = other.try_backup().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Pending, "{pattern}: {error}");
        let error = ops::init(&other.own(), &Silent).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exists, "{pattern}: {error}");
        assert!(other.sim.disk.files() == files, "{pattern}: something was written");
    }
}

#[test]
fn a_file_on_its_way_is_never_read_and_never_called_lost_elsewhere() {
    let mut world = repository(7);
    let disk = world.sim.disk.fork();
    let names = objects(&disk);
    for pattern in [".syncthing.{}.tmp", ".{}.~3f2a", "{}.partial"] {
        for name in &names {
            before(&mut world, disk.fork());
            world.sim.disk.take(name);
            // The whole length is there already, and not all of the bytes.
            let mut bytes = disk.content(name).unwrap();
            let half = bytes.len() / 2;
            bytes[half..].fill(0);
            world.sim.disk.add(&copy(pattern, name), &bytes);
            let mut elsewhere = world.stranger();
            elsewhere.installation.machine = b"somewhere else".to_vec();
            let check = world.check(&elsewhere);
            assert_eq!(check.outcome(), Outcome::Partial, "{pattern}: {check:#?}");
            let listed = ops::check(&elsewhere, &ops::CheckOptions::default(), &Silent).unwrap();
            assert_eq!(listed.outcome(), Outcome::Partial, "{pattern}: {listed:#?}");
        }
    }
}

#[test]
fn what_the_sync_service_keeps_is_neither_lost_nor_uploaded_again() {
    for pattern in [".{}.icloud", "{}.nextcloud", "{}.owncloud"] {
        let mut world = repository(8);
        let disk = world.sim.disk.fork();
        let gone = SimulatedDisk::new();
        for (name, bytes) in disk.files() {
            match bytes.len() {
                // Clients keep a few files here, and a run needs a key block.
                4096 => gone.add(&name, &bytes),
                _ => gone.add(&copy(pattern, &name), b"bplist00"),
            }
        }
        before(&mut world, gone);
        for access in [world.own(), world.stranger()] {
            let check = world.check(&access);
            assert_eq!(check.outcome(), Outcome::Partial, "{pattern}: {check:#?}");
            let bad = check.problems.iter().find(|one| one.kind != ProblemKind::Pending);
            assert!(bad.is_none(), "{pattern}: {bad:#?}");
            let status = status(&access);
            assert_eq!(status.objects_lost, 0, "{pattern}: {status:#?}");
            assert_eq!(status.foreign_files + status.conflict_copies, 0, "{pattern}: {status:#?}");
        }
        assert_eq!(world.backup().objects_stored, 0, "{pattern}");
        fs::write(world.source().join("new"), "new\n").unwrap();
        let report = world.backup();
        assert_eq!((report.objects_stored, report.healed), (1, 0), "{pattern}: {report:#?}");
        assert!(report.bytes_stored < 8192, "{pattern}: {report:#?}");
        // The service brings them back.
        for (name, bytes) in disk.files() {
            world.sim.disk.take(&copy(pattern, &name));
            world.sim.disk.add(&name, &bytes);
        }
        all_is_well(&mut world, pattern);
    }
}

#[test]
fn a_trash_holds_nothing_that_a_backup_counts_on() {
    for folder in [
        ".stversions",
        ".debris/2026-11-02",
        "Rubbish",
        "$RECYCLE.BIN/S-1-5-21",
        ".Trash-1000/files",
        "#recycle",
        ".sync/Archive",
        "lost_and_found",
    ] {
        let mut world = repository(10);
        let disk = world.sim.disk.fork();
        let objects = objects(&disk);
        for name in disk.files().iter().map(|(name, _)| name) {
            let bytes = disk.content(name).unwrap();
            world.sim.disk.take(name);
            world.sim.disk.add(&format!("{folder}/{name}~20261102-101010"), &bytes);
        }
        // Everything can still be read from there, ...
        world.verify(&world.own());
        // ... and a backup stores it again.
        let report = world.try_backup().unwrap();
        assert!(report.objects_stored > 0, "{folder}: {report:#?}");
        for name in &objects {
            world.sim.disk.take(&format!("{folder}/{name}~20261102-101010"));
        }
        let trash: Vec<_> =
            world.sim.disk.paths().into_iter().filter(|p| p.contains('/')).collect();
        trash.iter().for_each(|path| assert!(world.sim.disk.take(path)));
        assert_eq!(key_blocks(&world.sim.disk).len(), 3, "{folder}");
        world.kept.drain(..world.kept.len() - 1);
        let (report, found) = world.restored(&world.stranger(), &world.kept[0].0);
        assert_eq!(report.outcome(), Outcome::Complete, "{folder}: {report:#?}");
        assert!(found == world.kept[0].1, "{folder}");
    }
}

#[test]
fn a_file_of_zeros_is_on_its_way_elsewhere_and_damaged_at_home() {
    for number in 0..2 {
        let mut world = repository(11);
        let disk = world.sim.disk.fork();
        let name = objects(&disk).swap_remove(number);
        let length = disk.content(&name).unwrap().len();
        world.sim.disk.add(&name, &vec![0; length]);
        let mut elsewhere = world.stranger();
        elsewhere.installation.machine = b"somewhere else".to_vec();
        assert_eq!(world.check(&elsewhere).outcome(), Outcome::Partial);
        assert_eq!(world.check(&world.own()).outcome(), Outcome::Damaged);
        assert!(world.try_backup().unwrap().objects_stored > 0);
        // Another copy serves.
        world.sim.disk.add(&format!("dir (1)/{name}"), &disk.content(&name).unwrap());
        assert_eq!(world.check(&world.stranger()).outcome(), Outcome::Complete);
    }
}
