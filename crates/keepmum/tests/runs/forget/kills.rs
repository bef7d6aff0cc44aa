//! The power goes at any operation of a *forget*, an undo or a pin: the earlier state is there, or
//! the later one.

use keepmum::inside::pipeline::Mode;
use keepmum::inside::store::simulated::Fault;
use keepmum::ops::{self, Forget, Silent};

use super::given::{ids, listed, named, on, options, with_history};
use crate::support::{World, full_check};

/// What is done, to a device with these snapshots.
type Deed = fn(&World, &[String]) -> Result<(), ops::Error>;

fn forget(world: &World, which: Forget) -> Result<(), ops::Error> {
    ops::forget(&world.own(), &options(which), &Silent).map(drop)
}

const DEEDS: [Deed; 3] = [
    |world, made| forget(world, named(&[&made[0], &made[1]])),
    |world, _| forget(world, Forget::Undo(Vec::new())),
    |world, made| ops::pin(&world.own(), &on(&made[2], false), &Silent).map(drop),
];

/// A device before the deed of this number.
fn begin(number: usize) -> (World, Vec<String>) {
    let mut world = with_history(7, 5);
    world.mode = Mode::Replay { seed: 7 };
    let made = ids(&world);
    if number == 1 {
        DEEDS[0](&world, &made).unwrap();
    }
    (world, made)
}

/// The places of the listed snapshots in these, and whether each is pinned: ids differ from world
/// to world.
fn state(world: &World, made: &[String]) -> Vec<(usize, bool)> {
    let place = |id: &String| made.iter().position(|made| made == id).unwrap();
    listed(world).iter().map(|line| (place(&line.id), line.pinned)).collect()
}

#[test]
fn a_power_cut_leaves_the_earlier_or_the_later_state() {
    for (deed_number, deed) in DEEDS.iter().enumerate() {
        let (world, made) = begin(deed_number);
        let before = state(&world, &made);
        let first = world.sim.disk.operations();
        deed(&world, &made).unwrap();
        let count = world.sim.disk.operations() - first;
        let after = state(&world, &made);
        assert_ne!(before, after);
        let mut earlier = 0;
        for (number, fault) in (0..count).flat_map(|at| [(at, Fault::Crash), (at, Fault::Torn)]) {
            let (mut world, made) = begin(deed_number);
            world.sim.disk.plan(world.sim.disk.operations() + number, fault);
            let done = deed(&world, &made);
            world.sim.disk.crash();
            world.sim.disk.restart(number);
            world.sim.disk.heal();
            let found = state(&world, &made);
            assert!([&before, &after].contains(&&found), "{deed_number} {number}: {found:?}");
            if found == before {
                assert!(done.is_err(), "reported and not done: {deed_number} {number}");
                earlier += 1;
                deed(&world, &made).unwrap();
                assert_eq!(state(&world, &made), after, "{deed_number} {number}");
            }
            std::fs::write(world.source().join("g"), "new").unwrap();
            world.backup();
            let listed = super::given::listed_ids(&world);
            world.kept.retain(|(id, _)| listed.contains(id));
            world.verify(&world.own());
            full_check(&world);
        }
        assert!(earlier > 0, "no cut came before the end of deed {deed_number}");
    }
}
