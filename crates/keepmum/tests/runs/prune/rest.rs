//! Pruning comes to rest: a device that prunes every day writes nothing when nothing is to be freed.

use std::fs;
use std::sync::Arc;

use crate::devices::identities::{clone_of, image, put_image, sync};
use crate::support::{World, full_check, options};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{self, PruneOptions, PruneReport, Silent, SnapshotState};

fn prune(world: &World, max_upload: Option<u64>) -> PruneReport {
    let options = PruneOptions { max_upload, ..PruneOptions::default() };
    ops::prune(&world.own(), &options, &Silent).unwrap()
}

/// Records are copied before the objects that hold them go, and the copy counts.
#[test]
fn records_that_are_copied_are_not_kept_and_copied_again() {
    for is_lost in [false, true] {
        let mut world = World::new(31);
        world.mode = Mode::Replay { seed: 31 };
        for number in 0..8 {
            fs::write(world.source().join("file"), format!("text {number}")).unwrap();
            world.backup();
        }
        let before = world.sim.disk.files().len();
        let report = prune(&world, Some(1 << 30));
        assert!(report.objects_deleted > 0, "{report:?}");
        assert_eq!(report.objects_kept, 0, "{report:?}");
        if is_lost {
            for entry in fs::read_dir(world.catalogue().parent().unwrap()).unwrap() {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
            world.backup();
        }
        for _ in 0..3 {
            prune(&world, None);
        }
        let rest = prune(&world, None);
        assert_eq!((rest.objects_stored, rest.objects_deleted, rest.objects_kept), (0, 0, 0));
        assert!(world.sim.disk.files().len() < before, "nothing was folded");
        world.verify(&world.own());
        world.verify(&world.stranger());
        full_check(&world);
    }
}

/// A record lies in two objects while one of them is to go. Whichever is here counts.
#[test]
fn a_folder_that_was_set_back_before_a_prune_and_forward_again_is_as_it_was() {
    let mut world = World::new(32);
    world.mode = Mode::Replay { seed: 32 };
    for number in 0..6 {
        fs::write(world.source().join("file"), format!("text {number}")).unwrap();
        world.backup();
    }
    let before = world.sim.disk.fork();
    prune(&world, Some(1 << 30));
    let after = world.sim.disk.fork();
    let set = |world: &mut World, disk: &SimulatedDisk| {
        let disk = Arc::new(disk.fork());
        world.sim.seam.disk = disk.clone();
        world.sim.disk = disk;
    };
    for _ in 0..2 {
        set(&mut world, &before);
        ops::snapshots(&world.own(), &Silent).unwrap();
        set(&mut world, &after);
        for place in [world.own(), world.stranger()] {
            let devices = ops::status(&place, &Silent).unwrap().devices;
            assert_eq!(devices[0].name, world.name);
        }
        world.verify(&world.own());
    }
    fs::write(world.source().join("file"), "the last text").unwrap();
    world.backup();
    assert_eq!(world.backup().objects_stored, 0);
    world.verify(&world.stranger());
    full_check(&world);
}

/// After a prune a snapshot needs objects of a later run than its own. If one of them is not here, no
/// snapshot that it serves is listed as complete.
#[test]
fn copies_that_are_not_here_are_missed() {
    let mut world = World::new(33);
    world.mode = Mode::Replay { seed: 33 };
    let noise: Vec<u8> = {
        let mut dice = crate::support::Dice::new(5);
        (0..50_000).flat_map(|_| dice.word().to_le_bytes()).collect()
    };
    fs::write(world.source().join("large"), noise).unwrap();
    world.backup();
    fs::write(world.source().join("small"), "small").unwrap();
    world.backup();
    let report = prune(&world, Some(1 << 30));
    assert!(report.objects_deleted > 0, "{report:?}");
    let all = world.sim.disk.fork();
    let objects = all.files().into_iter().filter(|(_, bytes)| bytes.len() != 4096);
    let mut incomplete = 0;
    for (path, _) in objects {
        let disk = Arc::new(all.fork());
        disk.take(&path);
        let place = World::beside(1033, disk);
        let lines = ops::snapshots(&place.stranger(), &Silent).unwrap().snapshots;
        for (id, tree) in &world.kept {
            let line = lines.iter().find(|line| line.id == *id);
            if line.is_none_or(|line| line.state != SnapshotState::Complete) {
                incomplete += 1;
                continue;
            }
            let (report, found) = world.restored(&place.stranger(), id);
            assert!(report.problems.is_empty(), "{:#?}", report.problems);
            assert!(found == *tree);
        }
    }
    assert!(incomplete > 0, "no object mattered");
}

/// Two copies of a device part its chain, and the branch that ends first has an intent. Whoever
/// answers it has to name both branches: else each run would answer once more, for ever.
#[test]
fn an_intent_on_the_shorter_branch_of_a_parted_chain_is_answered_once() {
    let mut one = World::new(35);
    for number in 0..6 {
        fs::write(one.source().join("file"), format!("text {number}")).unwrap();
        one.backup();
    }
    let copy = clone_of(&one, 1035, Arc::new(one.sim.disk.fork()));
    // Its catalogue does not know of the run, as after a kill: nobody has seen that branch alone.
    let before = image(&one);
    assert!(prune(&one, Some(1 << 30)).objects_deleted > 0);
    put_image(&before, one.catalogue().parent().unwrap());
    for number in 0..4 {
        fs::write(copy.source().join("file"), format!("of the copy {number}")).unwrap();
        ops::backup(&copy.own(), &options(&copy.source()), &Silent).unwrap();
    }
    sync(&one.sim.disk, &copy.sim.disk);
    let mut stored = Vec::new();
    for _ in 0..5 {
        stored.clear();
        for world in [&one, &copy] {
            let done = ops::backup(&world.own(), &options(&world.source()), &Silent).unwrap();
            stored.push(done.objects_stored);
            sync(&one.sim.disk, &copy.sim.disk);
        }
    }
    assert_eq!(stored, [0, 0]);
}
