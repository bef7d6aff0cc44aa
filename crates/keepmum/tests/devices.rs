//! Two runs at once, two devices at one destination, and a device that was cloned.

mod support;

use std::fs;
use std::sync::Arc;

use keepmum::ops::{self, ErrorKind, Event, Observer, Phase, Silent};
use support::{Dice, World, bytes, cases, changes, full_check, grow, options};

/// Tries a second run while the first one is at work.
struct Meanwhile<'a>(&'a World, std::sync::Mutex<Option<ErrorKind>>);

impl Observer for Meanwhile<'_> {
    fn event(&self, event: Event) {
        if let Event::Phase(Phase::Working) = event {
            let world = self.0;
            let second = ops::backup(&world.own(), &options(&world.source()), &Silent);
            *self.1.lock().unwrap() = second.err().map(|error| error.kind());
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
    let observer = Meanwhile(&world, std::sync::Mutex::new(None));
    ops::backup(&world.own(), &options(&world.source()), &observer).unwrap();
    assert_eq!(observer.1.into_inner().unwrap(), Some(ErrorKind::Refused));
    full_check(&world);
}

#[test]
fn devices_take_turns() {
    cases("devices", "devices_take_turns", 4, |seed| {
        let mut dice = Dice::new(seed);
        let mut one = World::new(seed);
        let mut other = World::beside(seed + 1000, Arc::clone(&one.sim.disk));
        grow(&mut dice, &one.source(), 15);
        // Much of what the other has is the same.
        grow(&mut Dice::new(seed), &other.source(), 12);
        for _ in 0..4 {
            one.backup();
            other.backup();
            changes(&mut dice, &one.source(), 3);
            changes(&mut dice, &other.source(), 3);
        }
        one.verify(&other.stranger_for(&one));
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
            scope.spawn(|| one.backup());
            scope.spawn(|| other.backup());
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
        fs::copy(one.source().join("first"), clone.source().join("first")).unwrap();
        for world in [&mut one, &mut clone] {
            fs::write(world.source().join(&world.name), world.name.as_bytes()).unwrap();
            world.backup();
        }
        for (path, content) in clone.sim.disk.files() {
            if one.sim.disk.content(&path).is_none() {
                one.sim.disk.add(&path, &content);
            }
        }
        if fork {
            for (path, content) in one.sim.disk.files() {
                clone.sim.disk.add(&path, &content);
            }
        }
        for world in [&mut one, &mut clone] {
            fs::write(world.source().join("later"), world.name.as_bytes()).unwrap();
            world.backup();
        }
        one.verify(&one.own());
        one.verify(&one.stranger());
        clone.verify(&clone.own());
        full_check(&one);
    }
}
