//! A device that takes a new id continues its history: its join names the record that it continues,
//! and its needs of its former self are named as those of any other device.

use std::fs;
use std::sync::Arc;

use super::identities::{clone_of, run, sync};
use crate::support::{World, full_check, options};
use keepmum::inside::catalogue::{Catalogue, state};
use keepmum::inside::format::{Item, Record};
use keepmum::inside::model::RecordRef;
use keepmum::ops::{self, Silent};

/// All records that the catalogue knows.
fn records(world: &World) -> Vec<(RecordRef, Record)> {
    let catalogue = Catalogue::open(&world.catalogue()).unwrap();
    let records = catalogue.records().unwrap().into_iter();
    records.map(|(at, bytes, _)| (at, Record::decode(&bytes).unwrap())).collect()
}

#[test]
fn a_new_id_names_the_record_that_it_continues() {
    let world = World::new(4801);
    fs::write(world.source().join("first"), "first").unwrap();
    ops::backup(&world.own(), &options(&world.source()), &Silent).unwrap();
    let (former, _) = records(&world).pop().unwrap();
    let mut moved = world.own();
    moved.installation.machine = b"another machine".to_vec();
    fs::write(world.source().join("second"), "second").unwrap();
    ops::backup(&moved, &options(&world.source()), &Silent).unwrap();
    let all = records(&world);
    let (at, record) = all.iter().find(|(at, _)| at.device != former.device).unwrap();
    let joins: Vec<_> = record
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Join { continues, .. } => Some(*continues),
            _ => None,
        })
        .collect();
    assert_eq!(joins, [Some(former)]);
    for (at, record) in &all {
        for item in &record.items {
            let Item::Backup(backup) = item else { continue };
            assert!(backup.needs.iter().all(|needs| needs.device != at.device), "{at:?}");
        }
    }
    let backup = record.items.iter().find_map(|item| match item {
        Item::Backup(backup) => Some(backup),
        _ => None,
    });
    let needs = &backup.unwrap().needs;
    assert!(needs.iter().any(|needs| needs.device == former.device), "{at:?}: {needs:?}");
}

/// A device that takes a new id continues its own branch of a fork, also if the other is ahead.
#[test]
fn of_a_fork_each_continues_its_own_branch() {
    let mut one = World::new(67);
    fs::write(one.source().join("first"), "first").unwrap();
    one.backup();
    let clone = clone_of(&one, 1067, Arc::new(one.sim.disk.fork()));
    ["a", "b", "c"].iter().for_each(|file| drop(run(&clone, file)));
    assert_eq!(run(&one, "file"), Vec::<String>::new());
    let own = || Catalogue::open(&one.catalogue()).unwrap().get(&state::DURABLE_RECORD).unwrap();
    let before = own().unwrap();
    sync(&one.sim.disk, &clone.sim.disk);
    assert_eq!(run(&one, "another").len(), 1);
    let catalogue = Catalogue::open(&one.catalogue()).unwrap();
    assert_eq!(catalogue.get(&state::CONTINUES).unwrap().unwrap().hash, before);
    full_check(&one);
}
