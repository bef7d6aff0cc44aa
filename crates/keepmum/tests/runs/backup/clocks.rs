//! Clocks that are wrong by decades: no order is taken from them, so nothing is lost, mixed up or
//! overlooked; at worst a file is read once more.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{Dice, World, changes, full_check, grow};
use keepmum::ops::{self, Silent};

/// The first second of 2099.
const Y2099: i64 = 4_070_908_800;

/// Sets the device's clock to about so many seconds after 1970.
fn set(world: &mut World, seconds: i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    world.ahead = seconds - i64::try_from(now.as_secs()).unwrap();
}

#[test]
fn the_order_of_snapshots_is_that_of_the_chain_under_any_clock() {
    let mut world = World::new(91);
    let mut dice = Dice::new(91);
    grow(&mut dice, &world.source(), 30);
    for (number, seconds) in [5, Y2099, 0, Y2099 + 7, -40].into_iter().enumerate() {
        set(&mut world, seconds);
        fs::write(world.source().join(format!("of run {number}")), "x").unwrap();
        changes(&mut dice, &world.source(), 8);
        world.backup();
    }
    let lines = ops::snapshots(&world.own(), &Silent).unwrap().snapshots;
    let ids: Vec<_> = lines.iter().map(|line| &line.id).collect();
    let kept: Vec<_> = world.kept.iter().map(|(id, _)| id).collect();
    assert_eq!(ids, kept, "not in the order in which they were made");
    assert!(lines[1].time >= Y2099 && (-60..0).contains(&lines[4].time), "{lines:#?}");
    world.verify(&world.own());
    world.verify(&world.stranger());
    full_check(&world);
}

#[test]
fn a_clock_that_was_put_right_is_said_once_and_then_nothing_is_written() {
    let mut world = World::new(92);
    fs::write(world.source().join("file"), "x").unwrap();
    set(&mut world, Y2099);
    world.backup();
    world.ahead = 10;
    // Else this device would look silent until 2099.
    assert!(world.backup().objects_stored > 0);
    assert_eq!(world.backup().objects_stored, 0);
    world.verify(&world.own());
}
