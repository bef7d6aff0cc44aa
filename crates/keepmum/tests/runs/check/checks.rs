//! A check walks the trees while it reads the objects. In any order of events, each damaged object
//! is reported once, and so is every affected file of every snapshot.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Dice, World, cases, full_check};
use keepmum::inside::pipeline::Mode;
use keepmum::inside::store::simulated::SimulatedDisk;
use keepmum::ops::{
    self, Access, CheckOptions, CheckReport, ErrorKind, Event, Observer, Outcome, Problem, Silent,
};

const ALL: CheckOptions = CheckOptions { read_data: ops::ReadData::Everything };

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..length.div_ceil(8)).flat_map(|_| dice.word().to_le_bytes()).take(length).collect()
}

/// Four snapshots that share most of their contents, each in objects of its own, and a small one.
fn repository() -> World {
    let mut world = World::new(1);
    let source = world.source();
    for run in 0..4 {
        let folder = source.join(format!("folder{run}"));
        fs::create_dir_all(folder.join("below")).unwrap();
        for number in 0..4 {
            let bytes = noise(run * 10 + number, 90_000);
            fs::write(folder.join(format!("noise{number}")), bytes).unwrap();
            let text = format!("the text {number} of run {run}\n");
            fs::write(folder.join(format!("below/text{number}")), text).unwrap();
        }
        // The same content in two places.
        fs::write(folder.join("below/again"), noise(run * 10, 90_000)).unwrap();
        world.backup();
    }
    fs::write(source.join("folder1/noise1"), "no noise any more\n").unwrap();
    fs::remove_file(source.join("folder0/noise3")).unwrap();
    world.backup();
    full_check(&world);
    world
}

fn objects(disk: &SimulatedDisk) -> Vec<(String, usize)> {
    let files = disk.files().into_iter().map(|(path, bytes)| (path, bytes.len()));
    files.filter(|(_, length)| *length != 4096).collect()
}

/// Keeps every event; wants to stop when it was asked so often.
struct Ears {
    heard: Mutex<Vec<Event>>,
    patience: AtomicU64,
}

impl Ears {
    fn with_patience(patience: u64) -> Self {
        Self { heard: Mutex::default(), patience: AtomicU64::new(patience) }
    }
}

impl Observer for Ears {
    fn event(&self, event: Event) {
        self.heard.lock().unwrap().push(event);
    }

    fn stopping(&self) -> bool {
        let left = self.patience.load(Ordering::Relaxed);
        self.patience.store(left.saturating_sub(1), Ordering::Relaxed);
        left == 0
    }
}

/// Checks, and verifies that each problem of the report was reported once and after all progress.
fn heard(access: &Access) -> (CheckReport, String) {
    let ears = Ears::with_patience(u64::MAX);
    let report = ops::check(access, &ALL, &ears).unwrap();
    let events = ears.heard.into_inner().unwrap();
    let all = format!("{events:#?}");
    let (mut told, mut steps) = (Vec::<Problem>::new(), 0);
    for event in events {
        match event {
            Event::Problem(problem) => told.push(problem),
            // Of the keys that were tried.
            Event::Progress { entries_total: 0, .. } => {}
            Event::Progress { entries, entries_total, .. } => {
                // A lost record is known before anything is read.
                assert!(told.iter().all(|one| one.path.starts_with("device ")), "{all}");
                assert!(entries_total == report.objects && entries == steps + 1, "{all}");
                steps = entries;
            }
            _ => {}
        }
    }
    assert_eq!(steps, report.objects, "{all}");
    assert_eq!(format!("{told:#?}"), format!("{:#?}", report.problems), "told is what is reported");
    (report, all)
}

/// Files of which a restore gives nothing back, with the snapshot, as a check names them.
fn missing(world: &World, access: &Access) -> Vec<String> {
    let there = ops::snapshots(access, &Silent).unwrap().snapshots;
    let mut missing = Vec::new();
    for (id, tree) in world.kept.iter().filter(|(id, _)| there.iter().any(|l| l.id == *id)) {
        let (_, found) = world.restored(access, id);
        let gone = tree.keys().filter(|path| !found.contains_key(*path));
        let name = |path: std::borrow::Cow<str>| {
            format!("{}:{}/{path}", &id[..8], world.source().display())
        };
        missing.extend(gone.map(|path| name(String::from_utf8_lossy(path))));
    }
    missing
}

/// Each file that does not come back is named once, itself or by a folder above it, and nothing
/// else is named.
fn attributed_once(report: &CheckReport, missing: &[String]) {
    let named = report.problems.iter().filter(|problem| problem.path.contains(":/"));
    let mut named: BTreeMap<&str, u64> = named.map(|problem| (problem.path.as_str(), 0)).collect();
    let of_objects = report.problems.iter().filter(|problem| !problem.path.contains(":/")).count();
    assert_eq!(named.len() + of_objects, report.problems.len(), "told twice: {report:#?}");
    for path in missing {
        let covers = |name: &str| {
            let rest = path.strip_prefix(name.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let over: Vec<&mut u64> =
            named.iter_mut().filter(|(name, _)| covers(name)).map(|(_, count)| count).collect();
        assert_eq!(over.len(), 1, "{path} is not named once: {report:#?}");
        over.into_iter().for_each(|count| *count += 1);
    }
    assert!(named.values().all(|count| *count > 0), "{missing:#?} are missing: {report:#?}");
}

#[test]
fn damage_found_during_the_walk_is_reported_once_for_each_file_and_snapshot() {
    let world = repository();
    let (disk, world) = (world.sim.disk.fork(), Mutex::new(world));
    let objects = objects(&disk);
    let attributed = AtomicU64::new(0);
    cases("damage_found_while", 60, |seed| {
        let mut world = world.lock().unwrap();
        let mut dice = Dice::new(seed);
        let damaged = Arc::new(disk.fork());
        for _ in 0..=dice.below(2) {
            let (path, length) = dice.pick(&objects);
            // The table at the end stays whole, so that exactly the readable pieces are named.
            assert!(damaged.flip(path, 60 + dice.below(length / 2), 4));
        }
        world.sim.seam.disk = damaged.clone();
        world.sim.disk = damaged;
        world.mode = Mode::Replay { seed };
        for access in [world.own(), world.stranger()] {
            let missing = missing(&world, &access);
            let (report, events) = heard(&access);
            assert_eq!(report.outcome(), Outcome::Damaged, "{report:#?}");
            attributed_once(&report, &missing);
            attributed.fetch_add(missing.len() as u64, Ordering::Relaxed);
            assert_eq!(heard(&access).1, events, "the same seed tells another story");
        }
        // In whatever order threads come to it.
        world.mode = Mode::Threads(1 + dice.below(3));
        let access = world.stranger();
        attributed_once(&heard(&access).0, &missing(&world, &access));
    });
    assert!(attributed.into_inner() > 100, "hardly anything was hit");
}

#[test]
fn a_check_counts_the_same_whether_it_reads_or_not() {
    let mut world = repository();
    for seed in 1..20 {
        world.mode = Mode::Replay { seed };
        for percent in [0, 1, 40, 100] {
            let some = CheckOptions { read_data: ops::ReadData::Percent(percent) };
            let report = ops::check(&world.own(), &some, &Silent).unwrap();
            assert_eq!(report.outcome(), Outcome::Complete, "{report:#?}");
            assert_eq!(report.snapshots, 5);
            let chunks = ops::check(&world.own(), &ALL, &Silent).unwrap().chunks;
            assert_eq!(report.chunks, chunks, "with {percent} % read");
        }
    }
}

#[test]
fn whoever_asks_a_check_to_stop_is_heard_at_any_moment() {
    let mut world = repository();
    let whole = world.sim.disk.fork();
    let largest = objects(&whole).into_iter().max_by_key(|(_, length)| *length).unwrap();
    for damaged in [false, true] {
        if damaged {
            assert!(world.sim.disk.flip(&largest.0, largest.1 / 2, 4));
        }
        for mode in [Mode::Replay { seed: 3 }, Mode::Threads(2)] {
            world.mode = mode;
            let mut stopped = 0;
            let ended = (0..).step_by(7).find_map(|patience| {
                let ears = Ears::with_patience(patience);
                match ops::check(&world.own(), &ALL, &ears) {
                    Ok(report) => Some(report),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
                        stopped += 1;
                        None
                    }
                }
            });
            assert!(stopped > 5, "stopped {stopped} times only");
            let outcome = if damaged { Outcome::Damaged } else { Outcome::Complete };
            assert_eq!(ended.unwrap().outcome(), outcome);
        }
    }
}
