//! Random trees, random changes, several runs; every snapshot must give its tree back.
//!
//! `KEEPMUM_CASES=1000 cargo test --release -p keepmum --test runs properties` runs more.

use std::fs;

use crate::support::{Dice, World, bytes, cases, changes, full_check, grow};

/// A run without changes writes nothing; the second one reads nothing either.
fn quiet(world: &mut World) {
    let before = world.sim.disk.files();
    let first = world.backup();
    assert_eq!((first.snapshot, first.bytes_stored, first.objects_stored), (None, 0, 0));
    assert!(world.sim.disk.files() == before, "a run without changes wrote something");
    let second = world.backup();
    assert_eq!((second.bytes_read, second.new, second.changed, second.gone), (0, 0, 0, 0));
}

fn forget_catalogue(world: &World) {
    for entry in fs::read_dir(world.catalogue().parent().unwrap()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

fn copy_catalogue(world: &World, to: &str) {
    let to = world.folder().join(to);
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(world.catalogue().parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn bring_back_catalogue(world: &World, from: &str) {
    forget_catalogue(world);
    for entry in fs::read_dir(world.folder().join(from)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), world.catalogue().with_file_name(entry.file_name())).unwrap();
    }
}

fn history(seed: u64) {
    let mut dice = Dice::new(seed);
    let mut world = World::new(seed);
    let count = 5 + dice.below(40);
    grow(&mut dice, &world.source(), count);
    world.backup();
    copy_catalogue(&world, "older");
    if dice.one_in(2) {
        quiet(&mut world);
    }
    for _ in 0..2 + dice.below(4) {
        let count = 1 + dice.below(6);
        let done = changes(&mut dice, &world.source(), count);
        match dice.below(8) {
            0 => forget_catalogue(&world),
            1 => bring_back_catalogue(&world, "older"),
            2 => copy_catalogue(&world, "older"),
            // A file written a moment ago may hide another change behind its time.
            3 => world.ahead = -5,
            4 => world.ahead = 1000,
            _ => {}
        }
        if std::env::var_os("KEEPMUM_SEED").is_some() {
            eprintln!("{done:#?}");
        }
        world.backup();
    }
    world.ahead = 1000;
    world.backup();
    quiet(&mut world);
    world.verify(&world.own());
    world.verify(&world.stranger());
    world.all_complete(&world.stranger());
    full_check(&world);
}

#[test]
fn any_history_comes_back() {
    cases("any_history_comes_back", 24, history);
}

#[test]
fn a_lost_catalogue_stores_nothing_new() {
    cases("a_lost_catalogue_stores_nothing_new", 6, |seed| {
        let mut dice = Dice::new(seed);
        let mut world = World::new(seed);
        grow(&mut dice, &world.source(), 40);
        world.backup();
        changes(&mut dice, &world.source(), 3);
        world.backup();
        forget_catalogue(&world);
        let before = world.sim.disk.files().len();
        let report = world.backup();
        assert_eq!((report.bytes_stored, report.objects_stored), (0, 0), "{report:#?}");
        assert_eq!(world.sim.disk.files().len(), before);
        let report = world.backup();
        assert_eq!((report.bytes_read, report.bytes_stored), (0, 0));
        changes(&mut dice, &world.source(), 3);
        world.backup();
        world.verify(&world.own());
    });
}

#[test]
fn moves_and_copies_store_no_content_again() {
    let mut dice = Dice::new(1);
    let mut world = World::new(1);
    let source = world.source();
    for folder in ["a/deep/er", "b", "c"] {
        fs::create_dir_all(source.join(folder)).unwrap();
        for number in 0..8 {
            let content = bytes(&mut dice, 90_000 + number);
            fs::write(source.join(folder).join(format!("f{number}")), content).unwrap();
        }
    }
    let mut more = Dice::new(77);
    let large: Vec<u8> = (0..300_000).flat_map(|_| more.word().to_le_bytes()).collect();
    fs::write(source.join("large"), &large).unwrap();
    world.backup();
    let moves: [&dyn Fn(); 6] = [
        &|| fs::rename(source.join("a"), source.join("z")).unwrap(),
        &|| fs::rename(source.join("z"), source.join("b/z")).unwrap(),
        &|| {
            fs::rename(source.join("b"), source.join("t")).unwrap();
            fs::rename(source.join("c"), source.join("b")).unwrap();
            fs::rename(source.join("t"), source.join("c")).unwrap();
        },
        &|| fs::rename(source.join("large"), source.join("c/other")).unwrap(),
        &|| assert!(fs::copy(source.join("c/other"), source.join("copy")).unwrap() > 0),
        &|| fs::hard_link(source.join("copy"), source.join("b/link")).unwrap(),
    ];
    for (number, act) in moves.iter().enumerate() {
        act();
        let report = world.backup();
        assert!(report.bytes_stored < 4096, "move {number}: {report:#?}");
        assert_eq!(report.objects_stored, 1);
    }
    world.verify(&world.stranger());
}

#[test]
fn many_small_edits_stay_small() {
    let mut world = World::new(5);
    let source = world.source();
    for number in 0..700 {
        let folder = source.join(format!("folder{}/{}", number % 20, number % 7));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("file number {number}")), number.to_string()).unwrap();
    }
    world.backup();
    let mut largest = 0;
    for round in 0..14 {
        for number in (round * 50)..(round * 50 + 50) {
            let folder = source.join(format!("folder{}/{}", number % 20, number % 7));
            let path = folder.join(format!("file number {number}"));
            fs::write(path, format!("changed to {number}")).unwrap();
        }
        let report = world.backup();
        assert_eq!(report.changed, 50, "{report:#?}");
        largest = largest.max(report.bytes_stored);
    }
    assert!(largest < 256 * 1024);
    fs::rename(source.join("folder3"), source.join("folder4/moved")).unwrap();
    world.backup();
    forget_catalogue(&world);
    fs::write(source.join("last"), "word").unwrap();
    world.backup();
    quiet(&mut world);
    world.verify(&world.stranger());
    full_check(&world);
}
