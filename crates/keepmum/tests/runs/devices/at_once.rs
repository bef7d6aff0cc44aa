//! Two runs at once, two devices at one destination, and a device that was cloned.

use std::fs;
use std::sync::{Arc, Mutex};

use crate::support::{Dice, Tree, World, bytes, cases, changes, full_check, grow, options};
use keepmum::inside::catalogue::{Catalogue, state};
use keepmum::ops::{self, Access, BackupOptions, ErrorKind, Event, Observer, Phase, Silent};

/// Tries a second run while the first one is at work.
struct Meanwhile<'a> {
    access: &'a Access,
    options: &'a BackupOptions,
    outcome: Mutex<Option<ErrorKind>>,
}

impl Observer for Meanwhile<'_> {
    fn event(&self, event: Event) {
        if let Event::Phase(Phase::Working) = event {
            let second = ops::backup(self.access, self.options, &Silent);
            *self.outcome.lock().unwrap() = second.err().map(|error| error.kind());
        }
    }

    fn stopping(&self) -> bool {
        false
    }
}

#[test]
fn of_two_runs_on_one_catalogue_one_is_refused() {
    let world = World::new(1);
    fs::write(world.source().join("file"), "text").unwrap();
    let (access, options) = (world.own(), options(&world.source()));
    let observer = Meanwhile { access: &access, options: &options, outcome: Mutex::new(None) };
    ops::backup(&access, &options, &observer).unwrap();
    assert_eq!(observer.outcome.into_inner().unwrap(), Some(ErrorKind::Busy));
    full_check(&world);
}

#[test]
fn devices_take_turns() {
    cases("devices_take_turns", 4, |seed| {
        let mut dice = Dice::new(seed);
        let mut one = World::new(seed);
        let mut other = World::beside(seed + 1000, Arc::clone(&one.sim.disk));
        grow(&mut dice, &one.source(), 15);
        // Much of the other's content is the same.
        grow(&mut Dice::new(seed), &other.source(), 12);
        for _ in 0..4 {
            one.backup();
            other.backup();
            changes(&mut dice, &one.source(), 3);
            changes(&mut dice, &other.source(), 3);
        }
        one.verify(&other.own());
        one.verify(&one.own());
        other.verify(&other.own());
        full_check(&one);
        full_check(&other);
    });
}

#[test]
fn devices_run_at_once() {
    let mut one = World::new(31);
    let mut other = World::beside(1031, Arc::clone(&one.sim.disk));
    fs::write(one.source().join("first"), "text").unwrap();
    fs::write(other.source().join("first"), "text").unwrap();
    one.backup();
    other.backup();
    for round in 0..4 {
        for world in [&one, &other] {
            let mut dice = Dice::new(round);
            for number in 0..4 {
                let content = bytes(&mut dice, 120_000);
                fs::write(world.source().join(format!("f{round}-{number}")), content).unwrap();
            }
        }
        std::thread::scope(|scope| {
            let (one, other) = (&mut one, &mut other);
            scope.spawn(move || one.backup());
            scope.spawn(move || other.backup());
        });
    }
    one.verify(&one.stranger());
    other.verify(&other.stranger());
    full_check(&one);
}

/// The catalogue's folder was copied, and both go on. While they see each other's objects their
/// records form one chain; where they do not, there is a fork.
#[test]
fn a_cloned_catalogue_loses_nothing() {
    for fork in [false, true] {
        let mut one = World::new(41);
        fs::write(one.source().join("first"), "text").unwrap();
        one.backup();
        let disk = if fork { Arc::new(one.sim.disk.fork()) } else { Arc::clone(&one.sim.disk) };
        let mut clone = World::beside(1041, disk);
        clone.identity.clone_from(&one.identity);
        fs::copy(one.catalogue(), clone.catalogue()).unwrap();
        // On another machine the source has the same path; here both are on one.
        Catalogue::open(&clone.catalogue()).unwrap().forget(&state::ROOTS).unwrap();
        fs::copy(one.source().join("first"), clone.source().join("first")).unwrap();
        for world in [&mut one, &mut clone] {
            fs::write(world.source().join(&world.name), world.name.as_bytes()).unwrap();
            world.backup();
        }
        sync(&one, &clone);
        for world in [&mut one, &mut clone] {
            fs::write(world.source().join("later"), world.name.as_bytes()).unwrap();
            world.backup();
        }
        sync(&one, &clone);
        if !fork {
            one.verify(&one.own());
            clone.verify(&one.stranger());
        }
        all_there(&one, &[&one, &clone]);
        full_check(&one);
    }
}

/// Each destination gets the files that only the other has.
fn sync(one: &World, other: &World) {
    for (from, to) in [(one, other), (other, one)] {
        let missing = from.sim.disk.files().into_iter();
        for (path, content) in missing.filter(|(path, _)| to.sim.disk.content(path).is_none()) {
            to.sim.disk.add(&path, &content);
        }
    }
}

/// Whatever its id is: each tree that was backed up comes back from some snapshot.
fn all_there(at: &World, worlds: &[&World]) {
    let stranger = at.stranger();
    let lines = ops::snapshots(&stranger, &Silent).unwrap().snapshots;
    let trees: Vec<Tree> = worlds
        .iter()
        .flat_map(|world| lines.iter().map(|line| world.restored(&stranger, &line.id).1))
        .collect();
    for world in worlds {
        for (id, tree) in &world.kept {
            assert!(trees.iter().any(|found| found == tree), "{}: {id} is not there", world.name);
        }
    }
}

/// Accesses to the destination.
fn accesses(world: &mut World, work: impl FnOnce(&mut World)) -> u64 {
    let before = world.sim.disk.operations();
    work(world);
    world.sim.disk.operations() - before
}

#[test]
fn of_many_snapshots_a_new_device_reads_each_record_once_and_the_old_one_none() {
    let mut world = World::new(5);
    let mut counts = Vec::new();
    for runs in [3, 20] {
        for _ in 0..runs {
            fs::write(world.source().join("file"), format!("{}", world.kept.len())).unwrap();
            world.backup();
        }
        let listed = accesses(&mut world, |world| {
            let report = ops::snapshots(&world.stranger(), &Silent).unwrap();
            assert_eq!(report.snapshots.len(), world.kept.len());
        });
        let idle = accesses(&mut world, |world| assert_eq!(world.backup().snapshot, None));
        counts.push((listed, idle));
    }
    // Opening it and reading it.
    assert_eq!(counts[1].0 - counts[0].0, 20 * 2);
    assert_eq!(counts[1].1, counts[0].1);
}
