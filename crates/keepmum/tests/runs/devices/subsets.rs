//! A history of two devices that depend on each other, seen with every subset of its objects: the
//! program's answers are written to a folder, where the reader in Python is asked the same
//! (`reader/test_subsets.py`).

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::support::{Dice, Tree, What, World, differences};
use keepmum::inside::crypto::Passphrase;
use keepmum::inside::pipeline::Mode;
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{
    self, Access, Event, Observer, Outcome, ProblemKind, RecoveryCode, Silent, SnapshotState,
};

/// Hears the recovery code of a new repository: the reader derives no key of a test's password.
#[derive(Default)]
struct Told(Mutex<String>);

impl Observer for Told {
    fn event(&self, _: Event) {}

    fn show_recovery_code(&self, code: &RecoveryCode) -> bool {
        *self.0.lock().unwrap() = code.expose().to_owned();
        true
    }

    fn stopping(&self) -> bool {
        false
    }
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..length / 8).flat_map(|_| dice.word().to_le_bytes()).collect()
}

/// The files of a history, its recovery code, and the trees of its snapshots.
struct History {
    files: Vec<(String, Vec<u8>)>,
    code: String,
    kept: Vec<(String, Tree)>,
    worlds: [World; 2],
}

/// Two devices in turn. Each has the other's earlier objects, in runs of one object and of more.
fn history() -> History {
    let mut one = World::new(91);
    let mut other = World::beside(1091, Arc::clone(&one.sim.disk));
    for world in [&mut one, &mut other] {
        world.mode = Mode::Replay { seed: 91 };
    }
    let told = Told::default();
    ops::init(&one.own(), &told).unwrap();
    let code = told.0.into_inner().unwrap();
    let write = |world: &World, name: &str, content: &[u8]| {
        fs::write(world.source().join(name), content).unwrap();
    };
    write(&one, "large", &noise(1, 300_000));
    write(&one, "note", b"a note");
    one.backup();
    write(&other, "the same", &noise(1, 300_000));
    other.backup();
    write(&one, "thesis", &noise(2, 20_000));
    one.backup();
    write(&other, "thesis", &noise(2, 20_000));
    fs::remove_file(other.source().join("the same")).unwrap();
    other.backup();
    write(&other, "own", &noise(3, 280_000));
    other.backup();
    write(&one, "theirs", &noise(3, 280_000));
    fs::remove_file(one.source().join("large")).unwrap();
    one.backup();
    let mut kept = one.kept.clone();
    kept.extend(other.kept.iter().cloned());
    let files = one.sim.disk.files();
    History { files, code, kept, worlds: [one, other] }
}

/// The program's answers about one snapshot: its state, the exit code of a restore, the restored
/// files.
fn line(history: &History, access: &Access, id: &str, state: &SnapshotState) -> String {
    let (_, tree) = history.kept.iter().find(|(known, _)| known == id).unwrap();
    let world = history.worlds.iter().find(|world| world.kept.iter().any(|(known, _)| known == id));
    let (report, found) = world.unwrap().restored(access, id);
    let state = match state {
        SnapshotState::Complete => "complete".to_owned(),
        SnapshotState::Pending { here, of } => format!("pending {here} of {of}"),
        SnapshotState::Lost { .. } | SnapshotState::Unknown { .. } | SnapshotState::Damaged => {
            panic!("nothing is lost or unknown to a stranger: {state:?}")
        }
    };
    let outcome = report.outcome();
    // All of a complete one comes back, and nothing of a pending one is damaged or wrong.
    assert_eq!(state == "complete", outcome == Outcome::Complete, "{state}: {report:#?}");
    assert!(report.problems.iter().all(|problem| problem.kind == ProblemKind::Pending));
    for (path, node) in &found {
        assert!(tree.get(path).is_some_and(|whole| whole.what == node.what), "{path:?}: {node:?}");
    }
    if outcome == Outcome::Complete {
        assert!(differences(tree, &found).is_empty());
    }
    let files = found.iter().filter(|(_, node)| matches!(node.what, What::File(..)));
    let names: Vec<_> = files.map(|(path, _)| String::from_utf8_lossy(path)).collect();
    let code = if outcome == Outcome::Complete { 0 } else { 3 };
    format!("{id}\t{state}\t{code}\t{}\n", names.join(","))
}

#[test]
fn every_subset_of_the_objects_is_reported_right() {
    let history = history();
    let (keys, objects): (Vec<_>, Vec<_>) =
        history.files.iter().partition(|(_, bytes)| bytes.len() == 4096);
    assert!((8..=10).contains(&objects.len()), "{} objects", objects.len());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("subsets");
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(folder.join("all")).unwrap();
    for (path, bytes) in &history.files {
        fs::write(folder.join("all").join(path), bytes).unwrap();
    }
    fs::write(folder.join("recovery-code"), &history.code).unwrap();
    let mut said = String::new();
    for subset in 0..1_u32 << objects.len() {
        let disk = SimulatedDisk::new();
        let chosen = objects.iter().enumerate().filter(|(at, _)| subset >> at & 1 == 1);
        let chosen: Vec<_> = chosen.map(|(_, file)| *file).collect();
        keys.iter().chain(&chosen).for_each(|(path, bytes)| disk.add(path, bytes));
        let here: Vec<&str> = chosen.iter().map(|(path, _)| path.as_str()).collect();
        writeln!(said, "with {}", here.join(",")).unwrap();
        let place = World::beside(u64::from(subset) + 5000, Arc::new(disk));
        let access = || {
            let passphrase = Passphrase::new(history.code.clone());
            Access { passphrase, mode: Mode::Replay { seed: 1 }, ..place.stranger() }
        };
        for snapshot in ops::snapshots(&access(), &Silent).unwrap().snapshots {
            said.push_str(&line(&history, &access(), &snapshot.id, &snapshot.state));
        }
    }
    fs::write(folder.join("expected"), said).unwrap();
}
