//! Whole runs: the power goes while a restore is under way, and the restore is simply run again.
//!
//! The target loses what was not durable, in any way that POSIX permits. `KEEPMUM_CASES=2000 cargo
//! test --release -p keepmum --test power_cuts` takes longer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stderr, reason = "a failure says how to repeat it")]

mod support;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Once};

use keepmum::model::TreePath;
use keepmum::ops::{
    self, Error, Overwrite, Problem, RestoreOptions, RestoreReport, Silent, SnapshotChoice, Which,
};
use keepmum::pipeline::Mode;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{Dice, Node, PowerGate, Tree, What, World, cases, changes, differences, grow, scan};

/// So few files may be open that a restore of a small tree goes in many batches.
fn small_batches() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: Some(300), maximum }).unwrap();
    });
}

fn snapshot(id: &str) -> SnapshotChoice {
    SnapshotChoice { which: Which::Id(id.to_owned()), device: None, source: None, own: false }
}

fn restore(
    world: &World,
    id: &str,
    target: &Path,
    gate: &Arc<PowerGate>,
) -> Result<RestoreReport, Error> {
    let mut access = world.own();
    access.seam.gate = gate.clone();
    let options = RestoreOptions {
        snapshot: snapshot(id),
        path: TreePath::root(),
        target: Some(target.to_owned()),
        dry_run: false,
        overwrite: Overwrite::IfChanged,
        delete: false,
        deletions: ops::Deletions::All,
        staying: Vec::new(),
        owner: ops::Owner::Names,
        special: true,
        list_changes: false,
    };
    ops::restore(&access, &options, &Silent)
}

/// The first of the times that are given.
const FIRST: i64 = 1_700_000_000;

/// Gives each file that has changed a time that no other has: size and time are all by which a
/// restore tells one file from another.
fn set_apart(source: &Path, given: &mut Vec<What>) {
    for (path, node) in scan(source) {
        let known = usize::try_from(node.mtime.0 - FIRST).ok().and_then(|at| given.get(at));
        if known == Some(&node.what) || node.what == What::Directory {
            continue;
        }
        let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
        let seconds = FIRST + i64::try_from(given.len()).unwrap();
        let times =
            Timestamps { last_access: time(0, UTIME_OMIT), last_modification: time(seconds, 7) };
        let at = source.join(std::ffi::OsStr::from_bytes(&path));
        utimensat(CWD, &at, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
        given.push(node.what);
    }
}

/// Leftovers of a restore, wherever they lie.
fn leftovers(target: &Path) -> Vec<String> {
    let names = scan(target).into_keys().map(|path| String::from_utf8_lossy(&path).into_owned());
    names.filter(|name| name.contains(".keepmum-")).collect()
}

/// The target holds the snapshot. Where it held another one `earlier`, that one's names are still
/// there and may be in the way.
fn assert_right(
    world: &World,
    report: &RestoreReport,
    target: &Path,
    last: &(String, Tree),
    earlier: bool,
) {
    let in_the_way = |path: &Vec<u8>| {
        let path = format!("{}/{}", world.source().display(), String::from_utf8_lossy(path));
        let problems = &mut report.problems.iter();
        problems.any(|problem| Path::new(&path).starts_with(&problem.path))
    };
    let told = |problem: &Problem| earlier && problem.sentence.contains("in the way");
    assert!(report.problems.iter().all(told), "{:#?}", report.problems);
    assert!(leftovers(target).is_empty(), "{:?}", leftovers(target));
    let found = scan(&world.inside(target));
    let (mut wanted, mut there) = (last.1.clone(), found.clone());
    wanted.retain(|path, _| !in_the_way(path));
    there.retain(|path, _| wanted.contains_key(path));
    let apart = |tree: &Tree| -> Tree {
        let apart =
            tree.iter().map(|(path, node)| (path.clone(), Node { link: None, ..node.clone() }));
        apart.collect()
    };
    let wrong = match earlier {
        false => differences(&wanted, &there),
        true => differences(&apart(&wanted), &apart(&there)),
    };
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_restore_that_lost_its_power_is_run_again_and_is_right() {
    small_batches();
    cases("power_cuts", "a_restore_that_lost_its_power", 15, |seed| {
        let mut dice = Dice::new(seed);
        let mut world = World::new(seed);
        world.mode = Mode::Replay { seed };
        let mut given = Vec::new();
        grow(&mut dice, &world.source(), 25);
        set_apart(&world.source(), &mut given);
        world.backup();
        changes(&mut dice, &world.source(), 12);
        set_apart(&world.source(), &mut given);
        world.backup();
        let (first, second) = (world.kept[0].clone(), world.kept.last().unwrap().clone());
        let only_named = dice.one_in(3);
        let target = world.fresh_target();
        let gate = Arc::new(PowerGate::new(&target, None, only_named));
        restore(&world, &second.0, &target, &gate).unwrap();
        let count = usize::try_from(gate.count()).unwrap();
        for _ in 0..4 {
            let target = world.fresh_target();
            let mut earlier = dice.one_in(2);
            if earlier {
                let gate = Arc::new(PowerGate::new(&target, None, only_named));
                restore(&world, &first.0, &target, &gate).unwrap();
            }
            // The power may go more than once.
            for _ in 0..=dice.below(3) {
                let cut = dice.below(count + 2) as u64;
                let gate = Arc::new(PowerGate::new(&target, Some(cut), only_named));
                let cut_off = restore(&world, &second.0, &target, &gate);
                assert_eq!(cut_off.is_err(), gate.lose(&mut dice), "a cut at {cut} is not told");
            }
            // Whatever is restored then, leftovers are gone.
            let last = if dice.one_in(4) { &first } else { &second };
            earlier |= last.0 == first.0;
            let gate = Arc::new(PowerGate::new(&target, None, only_named));
            let report = restore(&world, &last.0, &target, &gate).unwrap();
            assert_right(&world, &report, &target, last, earlier);
            let found = scan(&world.inside(&target));
            // What is said to be restored outlives a power cut at once.
            let gate = Arc::new(PowerGate::new(&target, Some(0), only_named));
            assert!(restore(&world, &last.0, &target, &gate).is_err());
            gate.lose(&mut dice);
            assert!(differences(&found, &scan(&world.inside(&target))).is_empty());
            fs::remove_dir_all(&target).unwrap();
        }
    });
}
