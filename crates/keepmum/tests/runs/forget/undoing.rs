//! The return of forgotten snapshots, and what is forgotten because it is damaged.

use std::fs;

use keepmum::ops::{
    self, CheckOptions, Decision, ErrorKind, Forget, Outcome, ReadData, Silent, SnapshotState,
};

use super::given::{forget, forget_with, ids, listed, listed_ids, named, options, with_history};
use crate::support::{Dice, World, bytes, full_check};

fn undo(ids: &[&str]) -> Forget {
    Forget::Undo(ids.iter().map(|id| (*id).to_owned()).collect())
}

#[test]
fn what_was_forgotten_comes_back() {
    let mut world = with_history(1, 6);
    let (made, kept) = (ids(&world), world.kept.clone());
    forget(&mut world, named(&[&made[0]])).unwrap();
    forget(&mut world, named(&[&made[1], &made[2]])).unwrap();
    let dry = ops::ForgetOptions { dry_run: true, ..options(undo(&[])) };
    assert_eq!(forget_with(&mut world, &dry).unwrap().brought_back, 2);
    assert_eq!(listed_ids(&world).len(), 3);
    // Without a name: those of the last forget.
    let report = forget(&mut world, undo(&[])).unwrap();
    assert_eq!(report.brought_back, 2);
    assert!(report.snapshots.iter().all(|line| line.decision == Decision::BroughtBack));
    assert_eq!(listed_ids(&world), made[1..]);
    // Then those of the one before; and by name.
    assert_eq!(forget(&mut world, undo(&[])).unwrap().brought_back, 1);
    forget(&mut world, named(&[&made[1], &made[2]])).unwrap();
    assert_eq!(forget(&mut world, undo(&[&made[2][..8]])).unwrap().brought_back, 1);
    assert_eq!(
        listed_ids(&world),
        [&made[0], &made[2], &made[3], &made[4], &made[5]].map(Clone::clone)
    );
    forget(&mut world, undo(&[&made[1]])).unwrap();
    world.kept = kept;
    world.verify(&world.stranger());
    full_check(&world);
    for (which, said) in [
        (undo(&[&made[1]]), "is not forgotten"),
        (undo(&["00000000"]), "no forgotten snapshot"),
        (undo(&[]), "has forgotten no snapshot"),
    ] {
        let error = forget(&mut world, which).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains(said), "{error}");
    }
}

/// Forgotten twice, by two commands that had not met: both are undone.
#[test]
fn marks_stay_on_what_comes_back() {
    let mut world = with_history(1, 4);
    let made = ids(&world);
    ops::tag(&world.own(), &super::given::on(&made[0], false), "first", &Silent).unwrap();
    forget(&mut world, named(&[&made[0]])).unwrap();
    forget(&mut world, undo(&[])).unwrap();
    assert_eq!(listed(&world)[0].tags, ["first"]);
    // It can be forgotten again, and brought back again.
    forget(&mut world, named(&[&made[0]])).unwrap();
    forget(&mut world, undo(&[&made[0]])).unwrap();
    assert_eq!(listed_ids(&world), made);
}

#[test]
fn what_is_not_here_any_more_is_not_brought_back() {
    let mut world = with_history(2, 4);
    fs::write(world.source().join("large"), bytes(&mut Dice::new(1), 400_000)).unwrap();
    world.backup();
    fs::remove_file(world.source().join("large")).unwrap();
    super::given::history(&mut world, 2);
    let id = ids(&world)[4].clone();
    forget(&mut world, named(&[&id])).unwrap();
    // Nobody pruned: the file is lost all the same.
    let files = world.sim.disk.files();
    let (largest, _) = files.iter().max_by_key(|(_, content)| content.len()).unwrap();
    world.sim.disk.take(largest);
    let error = forget(&mut world, undo(&[&id])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ForgetRefused, "{error}");
    assert!(error.to_string().contains("not all of its data is here"), "{error}");
}

/// A device with a snapshot whose data is lost or damaged, and not in the source any more.
fn damaged(seed: u64, harm: impl Fn(&World, &str)) -> (World, String) {
    let mut world = with_history(seed, 3);
    fs::write(world.source().join("large"), bytes(&mut Dice::new(1), 400_000)).unwrap();
    world.backup();
    fs::remove_file(world.source().join("large")).unwrap();
    super::given::history(&mut world, 3);
    let id = ids(&world)[3].clone();
    let files = world.sim.disk.files();
    let (largest, _) = files.iter().max_by_key(|(_, content)| content.len()).unwrap();
    harm(&world, largest);
    (world, id)
}

fn check(world: &World, read_data: ReadData) -> Outcome {
    ops::check(&world.own(), &CheckOptions { read_data }, &Silent).unwrap().outcome()
}

#[test]
fn damaged_snapshots_are_forgotten_and_checks_are_clean_again() {
    let (mut world, id) = damaged(1, |world, path| {
        let middle = world.sim.disk.content(path).unwrap().len() / 2;
        assert!(world.sim.disk.flip(path, middle, 1));
    });
    assert_eq!(check(&world, ReadData::Everything), Outcome::Damaged);
    let state =
        |world: &World| listed(world).into_iter().find(|line| line.id == id).map(|line| line.state);
    assert_eq!(state(&world), Some(SnapshotState::Damaged));
    ops::pin(&world.own(), &super::given::on(&id, false), &Silent).unwrap();
    let report = forget(&mut world, Forget::Damaged).unwrap();
    assert_eq!((report.forgotten, report.kept), (0, 1), "a pinned one stays: {report:#?}");
    ops::pin(&world.own(), &super::given::on(&id, true), &Silent).unwrap();
    let report = forget(&mut world, Forget::Damaged).unwrap();
    assert_eq!((report.forgotten, report.kept), (1, 0), "{report:#?}");
    assert_eq!(report.snapshots[0].snapshot.id, id);
    assert_eq!(state(&world), None);
    for read in [ReadData::Nothing, ReadData::Everything] {
        assert_eq!(check(&world, read), Outcome::Complete, "{read:?}");
    }
    assert_eq!(forget(&mut world, Forget::Damaged).unwrap().bytes_stored, 0);
    super::given::history(&mut world, 1);
    world.verify(&world.own());
    assert_eq!(check(&world, ReadData::Everything), Outcome::Complete);
}

#[test]
fn lost_snapshots_are_forgotten_and_checks_are_clean_again() {
    let (mut world, id) = damaged(2, |world, path| assert!(world.sim.disk.take(path)));
    assert_eq!(check(&world, ReadData::Nothing), Outcome::Damaged);
    let report = forget(&mut world, Forget::Damaged).unwrap();
    assert_eq!(report.snapshots[0].snapshot.id, id);
    assert_eq!(report.forgotten, 1);
    for read in [ReadData::Nothing, ReadData::Everything] {
        assert_eq!(check(&world, read), Outcome::Complete, "{read:?}");
    }
    world.verify(&world.own());
}

/// What the source still has must be stored again, though checks are clean before that.
#[test]
fn the_newest_damaged_one_is_forgotten_and_the_next_run_stores_all_again() {
    for seed in 1..4 {
        let mut world = with_history(seed, 3);
        fs::write(world.source().join("large"), bytes(&mut Dice::new(1), 400_000)).unwrap();
        world.backup();
        let files = world.sim.disk.files();
        let (largest, _) = files.iter().max_by_key(|(_, content)| content.len()).unwrap();
        let middle = world.sim.disk.content(largest).unwrap().len() / 2;
        assert!(world.sim.disk.flip(largest, middle, 1));
        assert_eq!(check(&world, ReadData::Everything), Outcome::Damaged);
        assert_eq!(forget(&mut world, Forget::Damaged).unwrap().forgotten, 1);
        assert_eq!(check(&world, ReadData::Everything), Outcome::Complete);
        assert!(world.backup().snapshot.is_some(), "its last snapshot is forgotten");
        world.verify(&world.own());
        world.verify(&world.stranger());
        assert_eq!(check(&world, ReadData::Everything), Outcome::Complete);
        assert_eq!(world.backup().snapshot, None);
    }
}
