//! A device with a history, and calls with few words.

use std::fs;
use std::sync::Arc;

use keepmum::ops::{
    self, Deletions, Error, Forget, ForgetOptions, ForgetReport, KeepRules, MarkOptions, Silent,
    SnapshotLine, Which,
};

use crate::support::World;

pub(crate) const DAY: i64 = 86_400;

/// Options of a forget that stores something.
pub(crate) fn options(which: Forget) -> ForgetOptions {
    ForgetOptions {
        which,
        device: None,
        source: None,
        accept_deletions: Deletions::Refuse,
        dry_run: false,
        utc_offset_minutes: 0,
    }
}

/// As many snapshots as this, a day after each other; the file `f` holds the number of each.
pub(crate) fn history(world: &mut World, count: usize) {
    for _ in 0..count {
        world.ahead += DAY;
        fs::write(world.source().join("f"), format!("{}", world.kept.len())).unwrap();
        world.backup();
    }
}

/// A device with so many snapshots.
pub(crate) fn with_history(seed: u64, count: usize) -> World {
    let mut world = World::new(seed);
    history(&mut world, count);
    world
}

/// Forgets, and expects no more that what was forgotten comes back.
pub(crate) fn forget_with(
    world: &mut World,
    options: &ForgetOptions,
) -> Result<ForgetReport, Error> {
    let report = ops::forget(&world.own(), options, &Silent)?;
    if !options.dry_run {
        let is_gone = |id: &String| {
            report
                .snapshots
                .iter()
                .any(|line| line.snapshot.id == *id && line.decision == ops::Decision::Forgotten)
        };
        world.kept.retain(|(id, _)| !is_gone(id));
    }
    Ok(report)
}

pub(crate) fn forget(world: &mut World, which: Forget) -> Result<ForgetReport, Error> {
    forget_with(world, &options(which))
}

/// By ids.
pub(crate) fn named(ids: &[&str]) -> Forget {
    Forget::Named(ids.iter().map(|id| Which::Id((*id).to_owned())).collect())
}

/// The newest, and so many days.
pub(crate) fn last(count: u32) -> Forget {
    Forget::Unkept(KeepRules { last: count, ..KeepRules::default() })
}

/// The ids of the snapshots that were made, oldest first.
pub(crate) fn ids(world: &World) -> Vec<String> {
    world.kept.iter().map(|(id, _)| id.clone()).collect()
}

/// The snapshots that are listed.
pub(crate) fn listed(world: &World) -> Vec<SnapshotLine> {
    ops::snapshots(&world.own(), &Silent).unwrap().snapshots
}

pub(crate) fn listed_ids(world: &World) -> Vec<String> {
    listed(world).into_iter().map(|line| line.id).collect()
}

/// The options of a mark on one snapshot.
pub(crate) fn on(id: &str, remove: bool) -> MarkOptions {
    MarkOptions { snapshots: vec![Which::Id(id.to_owned())], remove, ..MarkOptions::default() }
}

/// Another device at a copy of the destination, which is not kept the same.
pub(crate) fn apart(world: &World, seed: u64) -> World {
    World::beside(seed, Arc::new(world.sim.disk.fork()))
}

/// Each destination gets the files that only the other has.
pub(crate) fn meet(one: &World, other: &World) {
    for (from, to) in [(one, other), (other, one)] {
        arrive(from, to);
    }
}

/// The destination of the second gets what the first has.
pub(crate) fn arrive(from: &World, to: &World) {
    for (path, content) in from.sim.disk.files() {
        if to.sim.disk.content(&path).is_none() {
            to.sim.disk.add(&path, &content);
        }
    }
}
