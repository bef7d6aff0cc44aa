//! Whole runs: the power goes while a restore is under way, and the restore is simply run again.
//!
//! The target loses data that was not durable, in any way that POSIX permits. `KEEPMUM_CASES=2000
//! cargo test --release -p keepmum --test power_cuts` takes longer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stderr, reason = "a failure says how to repeat it")]

#[path = "runs/support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Once};

use keepmum::inside::model::TreePath;
use keepmum::inside::pipeline::Mode;
use keepmum::ops::{
    self, Error, Overwrite, Problem, RestoreOptions, RestoreReport, Silent, SnapshotChoice, Which,
};
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
    target: Option<&Path>,
    (path, overwrite): (TreePath, Overwrite),
    gate: &Arc<PowerGate>,
) -> Result<RestoreReport, Error> {
    let mut access = world.own();
    access.seam.gate = gate.clone();
    let options = RestoreOptions {
        snapshot: snapshot(id),
        paths: path.into(),
        target: target.map(Path::to_owned),
        dry_run: false,
        overwrite,
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

/// Gives each changed file a time that no other has: a restore distinguishes files only by size and
/// time. With `all`, unchanged files and folders too: then nothing of an earlier snapshot is newer
/// than the later version in its place.
fn set_apart(source: &Path, given: &mut Vec<What>, all: bool) {
    // A folder's time changes no more once everything in it has its own; the deepest come last.
    for (path, node) in scan(source) {
        let known = usize::try_from(node.mtime.0 - FIRST).ok().and_then(|at| given.get(at));
        if !all && (known == Some(&node.what) || node.what == What::Directory) {
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
fn assert_right(place: &Place<'_>, report: &RestoreReport, last: &(String, Tree), earlier: bool) {
    let in_the_way = |path: &Vec<u8>| {
        let path = format!("{}/{}", place.world.source().display(), String::from_utf8_lossy(path));
        let problems = &mut report.problems.iter();
        problems.any(|problem| Path::new(&path).starts_with(&problem.path))
    };
    let told = |problem: &Problem| earlier && problem.sentence.contains("in the way");
    assert!(report.problems.iter().all(told), "{:#?}", report.problems);
    let target = place.target.clone().unwrap_or(place.world.source());
    let mut left = leftovers(&target);
    if place.target.is_none() {
        // In place they lie in the folder that they are for, which this snapshot may not have.
        let above =
            |path: &String| Path::new(path).parent().map(|p| p.as_os_str().as_bytes().to_owned());
        left.retain(|path| above(path).is_some_and(|above| last.1.contains_key(&above)));
    }
    assert!(left.is_empty(), "{left:?}");
    let found = scan(&place.inside());
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

/// The contents of the place where the snapshot is restored.
struct Place<'w> {
    world: &'w World,
    /// None for where things came from.
    target: Option<std::path::PathBuf>,
    overwrite: Overwrite,
    only_named: bool,
}

impl Place<'_> {
    fn gate(&self, cut: Option<u64>) -> Arc<PowerGate> {
        Arc::new(match &self.target {
            Some(target) => PowerGate::new(target, cut, self.only_named),
            None => PowerGate::in_place(&self.world.source(), cut, self.only_named),
        })
    }

    fn restore(&self, id: &str, gate: &Arc<PowerGate>) -> Result<RestoreReport, Error> {
        let how = (TreePath::root(), self.overwrite);
        restore(self.world, id, self.target.as_deref(), how, gate)
    }

    fn inside(&self) -> std::path::PathBuf {
        self.target.as_ref().map_or(self.world.source(), |target| self.world.inside(target))
    }

    fn empty(&self) {
        let folder = self.target.clone().unwrap_or(self.world.source());
        fs::remove_dir_all(&folder).ok();
        if self.target.is_none() {
            fs::create_dir(folder).unwrap();
        }
    }
}

fn lose_power_and_restore_again(seed: u64, overwrite: Overwrite, in_place: bool) {
    let mut dice = Dice::new(seed);
    let mut world = World::new(seed);
    world.mode = Mode::Replay { seed };
    let mut given = Vec::new();
    let all = overwrite == Overwrite::IfOlder;
    grow(&mut dice, &world.source(), 25);
    set_apart(&world.source(), &mut given, all);
    world.backup();
    changes(&mut dice, &world.source(), 12);
    set_apart(&world.source(), &mut given, all);
    world.backup();
    let (first, second) = (world.kept[0].clone(), world.kept.last().unwrap().clone());
    let only_named = dice.one_in(3);
    let target = || (!in_place).then(|| world.fresh_target());
    let place = || Place { world: &world, target: target(), overwrite, only_named };
    let one = place();
    one.empty();
    let gate = one.gate(None);
    one.restore(&second.0, &gate).unwrap();
    let count = usize::try_from(gate.count()).unwrap();
    for _ in 0..4 {
        let one = place();
        one.empty();
        let mut earlier = dice.one_in(2);
        if earlier {
            one.restore(&first.0, &one.gate(None)).unwrap();
        }
        // The power may go more than once.
        for _ in 0..=dice.below(3) {
            let cut = dice.below(count + 2) as u64;
            let gate = one.gate(Some(cut));
            let cut_off = one.restore(&second.0, &gate);
            assert_eq!(cut_off.is_err(), gate.lose(&mut dice), "a cut at {cut} is not told");
        }
        // Whatever is restored then, leftovers are gone. The second snapshot's files are newer.
        let last = if dice.one_in(4) && !all { &first } else { &second };
        earlier |= last.0 == first.0;
        let report = one.restore(&last.0, &one.gate(None)).unwrap();
        assert_right(&one, &report, last, earlier);
        let found = scan(&one.inside());
        // Everything reported as restored outlives a power cut at once.
        let gate = one.gate(Some(0));
        assert!(one.restore(&last.0, &gate).is_err());
        gate.lose(&mut dice);
        let (mut found, mut left) = (found, scan(&one.inside()));
        // In place, the folder itself is not lost.
        [&mut found, &mut left].into_iter().for_each(|tree| drop(tree.remove(&b""[..])));
        let wrong = differences(&found, &left);
        assert!(wrong.is_empty(), "{wrong:#?}");
        one.empty();
    }
}

#[test]
fn a_restore_that_lost_its_power_is_run_again_and_is_right() {
    small_batches();
    cases("a_restore_that_lost_its_power", 12, |seed| {
        lose_power_and_restore_again(seed, Overwrite::IfChanged, false);
    });
}

#[test]
fn after_a_power_cut_nothing_of_a_restore_counts_as_newer_work() {
    small_batches();
    cases("after_a_power_cut_nothing", 12, |seed| {
        lose_power_and_restore_again(seed, Overwrite::IfOlder, false);
    });
}

#[test]
fn a_restore_in_place_that_lost_its_power_is_run_again_and_is_right() {
    small_batches();
    cases("a_restore_in_place", 12, |seed| {
        let overwrite = [Overwrite::IfOlder, Overwrite::IfChanged][(seed % 2) as usize];
        lose_power_and_restore_again(seed, overwrite, true);
    });
}

/// One that is there keeps its mode, so none may be left that was only begun.
#[test]
fn a_folder_above_what_is_restored_is_whole_or_not_there() {
    let mut world = World::new(91);
    world.mode = Mode::Replay { seed: 91 };
    let above = world.source().join("a/b");
    fs::create_dir_all(&above).unwrap();
    fs::write(above.join("file"), "text").unwrap();
    for (folder, mode) in [("a", 0o755), ("a/b", 0o2775)] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(world.source().join(folder), mode).unwrap();
    }
    world.backup();
    let (id, tree) = world.kept[0].clone();
    let what = above.join("file");
    let path = TreePath::new(what.as_os_str().as_bytes().strip_prefix(b"/").unwrap()).unwrap();
    let mut dice = Dice::new(91);
    for only_named in [false, true] {
        for cut in 0.. {
            fs::remove_dir_all(world.source().join("a")).unwrap();
            let how = || (path.clone(), Overwrite::IfOlder);
            let gate = Arc::new(PowerGate::in_place(&world.source(), Some(cut), only_named));
            let cut_off = restore(&world, &id, None, how(), &gate).is_err();
            assert_eq!(cut_off, gate.lose(&mut dice));
            let gate = Arc::new(PowerGate::in_place(&world.source(), None, only_named));
            let report = restore(&world, &id, None, how(), &gate).unwrap();
            assert!(report.problems.is_empty(), "{:#?}", report.problems);
            let modes = |tree: &Tree| -> Vec<_> {
                tree.iter().map(|(path, node)| (path.clone(), node.mode)).collect()
            };
            assert_eq!(modes(&scan(&world.source())), modes(&tree), "a cut at {cut}");
            if !cut_off {
                assert!(cut > 5, "nothing was cut off");
                break;
            }
        }
    }
}
