//! A folder that was set back behind a prune whose device goes on.

use std::fs;
use std::sync::Arc;

use crate::scene::noise;
use crate::support::{World, full_check};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{self, PruneOptions, Silent};

/// A prune has copied records and pieces, and deleted their first places. The folder comes back as
/// it was before: the first places are here, the copies are not.
#[test]
fn a_backup_in_a_folder_that_was_set_back_before_a_prune_loses_nothing() {
    for between in [false, true] {
        let mut world = World::new(33);
        world.mode = Mode::Replay { seed: 33 };
        for number in 0..6 {
            fs::write(world.source().join("file"), format!("text {number}")).unwrap();
            fs::write(world.source().join("big"), noise(20_000 + number)).unwrap();
            world.backup();
        }
        let before = world.sim.disk.fork();
        let options = PruneOptions { max_upload: Some(1 << 30), ..PruneOptions::default() };
        let report = ops::prune(&world.own(), &options, &Silent).unwrap();
        assert!(report.objects_deleted > 0, "{report:?}");
        let after = world.sim.disk.fork();
        let set = |world: &mut World, disk: &SimulatedDisk| {
            let disk = Arc::new(disk.fork());
            world.sim.seam.disk = disk.clone();
            world.sim.disk = disk;
        };
        set(&mut world, &before);
        if between {
            ops::prune(&world.own(), &PruneOptions::default(), &Silent).ok();
        }
        fs::write(world.source().join("file"), "the last text").unwrap();
        // They say that older snapshots are not all here, and delete nothing.
        let files = world.sim.disk.files();
        world.try_backup().unwrap();
        world.try_backup().unwrap();
        for (path, _) in files {
            assert!(world.sim.disk.content(&path).is_some(), "{path} was deleted");
        }
        // The service brings the rest.
        for (path, bytes) in after.files() {
            if world.sim.disk.content(&path).is_none() {
                world.sim.disk.add(&path, &bytes);
            }
        }
        world.backup();
        world.all_complete(&world.stranger());
        world.verify(&world.stranger());
        full_check(&world);
    }
}
