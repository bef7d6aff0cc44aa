//! Restores that are larger than what waits at once, and restores of which a part cannot be had.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stderr, reason = "a failure says how to repeat it")]

mod support;

use std::fs;

use keepmum::ops::{Outcome, SnapshotChoice, Which};
use support::World;

fn the_one(id: &str) -> SnapshotChoice {
    SnapshotChoice { which: Which::Id(id.to_owned()), device: None, source: None, own: false }
}

/// More folders than wait at once: those that the walk is still in keep their times and modes.
#[test]
fn folders_above_very_many_others_come_back_with_their_times() {
    let mut world = World::new(71);
    let top = world.source().join("top");
    for number in 0..16_500 {
        fs::create_dir_all(top.join(format!("{number:05}"))).unwrap();
    }
    fs::write(top.join("zz last"), "after all folders").unwrap();
    world.backup();
    world.verify(&world.own());
}

/// The second name of a file is never linked to what an earlier restore left under the first.
#[test]
fn a_hard_link_is_never_made_to_a_name_that_could_not_be_written() {
    let mut world = World::new(72);
    let mut state = 72_u64;
    let noise: Vec<u8> = (0..600_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    fs::write(world.source().join("a"), &noise).unwrap();
    fs::hard_link(world.source().join("a"), world.source().join("b")).unwrap();
    world.backup();
    let id = world.kept[0].0.clone();
    let files = world.sim.disk.files();
    let largest = files.iter().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    assert!(largest.1.len() > 500_000, "the file has no object of its own");
    assert!(world.sim.disk.take(&largest.0));
    let target = world.fresh_target();
    let inside = world.inside(&target);
    fs::create_dir_all(&inside).unwrap();
    fs::write(inside.join("a"), "what an earlier restore left").unwrap();
    let report = world.try_restore(&world.own(), the_one(&id), &target).unwrap();
    assert_ne!(report.outcome(), Outcome::Complete);
    assert!(!inside.join("b").exists(), "b was linked to old bytes");
    let paths: Vec<&str> = report.problems.iter().map(|problem| problem.path.as_str()).collect();
    assert!(paths.iter().any(|path| path.ends_with("/a")), "{paths:?}");
    assert!(paths.iter().any(|path| path.ends_with("/b")), "{paths:?}");
    // What could not be written is not counted as written.
    assert_eq!((report.files_written, report.bytes_written), (0, 0));
}
