//! Folders of so many entries that each side of a walk takes them in several pages.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{What, World, differences, full_check, latest, scan};
use keepmum::inside::model::PAGE;
use keepmum::inside::pipeline::Mode;
use keepmum::inside::seam::Operation;
use keepmum::inside::source::Rules;
use keepmum::inside::store::simulated::GateFault;
use keepmum::ops::{
    self, DiffAgainst, DiffOptions, Outcome, Overwrite, ProblemKind, RestoreOptions, Silent,
};

/// Entries of the folder: a few pages of the source and the catalogue, many nodes.
const MANY: usize = 3 * PAGE - 200;

fn name(number: usize) -> String {
    format!("{:05}", number * 10)
}

/// A folder in which each hundredth entry is a folder with a file.
fn crowd(folder: &Path) {
    fs::create_dir(folder).unwrap();
    for number in 0..MANY {
        let at = folder.join(name(number));
        if number % 100 == 50 {
            fs::create_dir(&at).unwrap();
            fs::write(at.join("inside"), name(number)).unwrap();
        } else {
            fs::write(at, name(number)).unwrap();
        }
    }
}

/// Changes of every kind, from one page to another and at the same place.
fn stir(folder: &Path) {
    let at = |number: usize| folder.join(name(number));
    let folders: Vec<usize> = (0..MANY).filter(|number| number % 100 == 50).collect();
    let last = folders.len() - 1;
    // Folders change places, go forward, go back, go beneath each other.
    fs::rename(at(folders[0]), folder.join("aside")).unwrap();
    fs::rename(at(folders[last]), at(folders[0])).unwrap();
    fs::rename(folder.join("aside"), at(folders[last])).unwrap();
    fs::rename(at(folders[1]), folder.join("99999")).unwrap();
    fs::rename(at(folders[last - 1]), folder.join("000001")).unwrap();
    fs::rename(at(folders[2]), at(folders[last]).join("beneath")).unwrap();
    fs::rename(at(folders[last - 2]), at(folders[3]).join("beneath")).unwrap();
    // A folder becomes a file, and the other way round.
    fs::remove_dir_all(at(folders[4])).unwrap();
    fs::write(at(folders[4]), "now a file").unwrap();
    for number in (7..MANY).step_by(211).filter(|number| number % 100 != 50) {
        fs::remove_file(at(number)).unwrap();
        fs::create_dir(at(number)).unwrap();
        fs::write(at(number).join("inside"), "now a folder").unwrap();
    }
    for number in (0..MANY).step_by(97).filter(|number| number % 100 != 50) {
        fs::remove_file(at(number)).ok();
        fs::write(folder.join(format!("{}-new", name(number))), "new").unwrap();
    }
    for number in (1..MANY).step_by(103).filter(|number| at(*number).is_file()) {
        fs::write(at(number), format!("changed {number}")).unwrap();
    }
}

#[test]
fn a_crowded_folder_comes_back_as_any_other_after_changes_of_every_kind() {
    for seed in [81, 82] {
        let mut world = World::new(seed);
        let folder = world.source().join("crowd");
        crowd(&folder);
        world.backup();
        stir(&folder);
        world.backup();
        assert_eq!(world.backup().snapshot, None, "nothing has changed");
        // All at once are gone, and another crowd is there.
        fs::rename(&folder, world.source().join("old crowd")).unwrap();
        crowd(&folder);
        world.backup();
        world.verify(&world.own());
        world.verify(&world.stranger());
        full_check(&world);
        // A new catalogue knows the same.
        fs::remove_file(world.catalogue()).unwrap();
        assert_eq!(world.backup().bytes_stored, 0);
    }
}

#[test]
fn what_lies_in_the_target_is_brought_to_the_state_of_a_snapshot() {
    let mut world = World::new(83);
    let folder = world.source().join("crowd");
    crowd(&folder);
    world.backup();
    stir(&folder);
    world.backup();
    let target = world.fresh_target();
    for (id, tree) in &world.kept {
        let which = ops::Which::Id(id.clone());
        let options = RestoreOptions {
            snapshot: ops::SnapshotChoice { which, ..latest() },
            paths: ops::Paths::default(),
            target: Some(target.clone()),
            dry_run: false,
            overwrite: Overwrite::IfChanged,
            delete: true,
            deletions: ops::Deletions::All,
            staying: Vec::new(),
            owner: ops::Owner::Names,
            special: true,
            list_changes: false,
        };
        for round in 0..2 {
            let report = ops::restore(&world.own(), &options, &Silent).unwrap();
            assert!(report.problems.is_empty(), "{:#?}", report.problems);
            let differs = differences(tree, &scan(&world.inside(&target)));
            assert!(differs.is_empty(), "{differs:#?}");
            assert!(round == 0 || (report.entries_written, report.entries_removed) == (0, 0));
        }
    }
    let rules = Rules::default();
    let new = DiffAgainst::Source { roots: vec![world.source()], rules };
    let old = latest();
    let report = ops::diff(&world.own(), &DiffOptions { old, new }, &mut |_| true, &Silent);
    let report = report.unwrap();
    assert_eq!((report.added, report.removed, report.content, report.metadata), (0, 0, 0, 0));
}

#[test]
fn what_cannot_be_listed_of_a_folder_stays_as_it_was() {
    let mut world = World::new(84);
    world.mode = Mode::Replay { seed: 84 };
    let folder = world.source().join("crowd");
    crowd(&folder);
    let at = |number: usize| folder.join(name(number));
    world.backup();
    let before = world.sim.gate.count(Operation::SourceList);
    world.backup();
    let listings = world.sim.gate.count(Operation::SourceList) - before;
    for (number, text) in [(1, "early"), (MANY - 1, "late")] {
        fs::write(at(number), text).unwrap();
    }
    // A gone file of the last page is not missed, because nobody has looked.
    fs::remove_file(at(MANY - 2)).unwrap();
    // The folders in the last page are listed behind it.
    let in_last = (2 * PAGE..MANY).filter(|number| number % 100 == 50).count() as u64;
    let fault = world.sim.gate.count(Operation::SourceList) + listings - in_last - 1;
    world.sim.gate.plan(Operation::SourceList, fault, GateFault::Error(5));
    let report = world.try_backup().unwrap();
    assert_eq!(report.outcome(), Outcome::Partial);
    assert_eq!(report.problems.len(), 1, "{:#?}", report.problems);
    assert_eq!(report.problems[0].kind, ProblemKind::Unreadable);
    assert_eq!(PathBuf::from(&report.problems[0].path), folder);
    // A file, and the folder itself.
    assert_eq!((report.changed, report.gone), (2, 0));
    let (id, _) = world.kept.pop().unwrap();
    let (_, found) = world.restored(&world.own(), &id);
    let is = |number: usize, text: &str| {
        let node = &found[format!("crowd/{}", name(number)).as_bytes()];
        node.what == What::File(text.len() as u64, blake3::hash(text.as_bytes()))
    };
    assert!(is(1, "early"));
    assert!(is(MANY - 1, &name(MANY - 1)) && is(MANY - 2, &name(MANY - 2)));
    assert_eq!(found.len(), 2 + MANY + (0..MANY).filter(|number| number % 100 == 50).count());
    world.backup();
    world.verify(&world.own());
    full_check(&world);
}
