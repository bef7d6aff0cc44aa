//! Check: everything that is referred to is here and, when asked, whole.
//!
//! It reads; it mends nothing and deletes nothing.

mod examine;
mod last;
mod subset;

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::catalogue::{Catalogue, CheckKind, state};
use crate::format::ObjectKind;
use crate::model::{DeviceId, ObjectKey, SnapshotId};
use crate::pipeline;

use crate::session::access::Access;
use crate::session::choose::Snapshots;
use crate::session::error::Error;
use crate::session::event::{Event, Observer, Phase};
use crate::session::healing;
use crate::session::key_copies::KeyFiles;
use crate::session::loss_scan::{Fault, FaultKind, LossScan};
use crate::session::open::{self, Repository};
use crate::session::options::{CheckOptions, ReadData};
use crate::session::report::{CheckReport, Problem, ProblemKind, note};
use examine::{Examined, Examiner, Reading};
use last::{Checked, Went};
use subset::Subset;

/// Ids of the newest snapshots, one for each device and source.
fn latest(known: &Snapshots<'_>) -> Vec<String> {
    let mut newest = HashMap::new();
    for one in known.candidates() {
        newest.insert((one.device, one.snapshot.backup.source.name.as_str()), one.id());
    }
    let mut ids: Vec<_> = newest.into_values().collect();
    ids.sort_unstable();
    ids
}

/// Checks the repository.
///
/// # Errors
/// Whatever keeps the repository from being opened, or a destination that fails.
pub fn check(
    access: &Access,
    options: &CheckOptions,
    observer: &dyn Observer,
) -> Result<CheckReport, Error> {
    let started = access.seam.clock.elapsed();
    let time = access.seam.clock.now().seconds;
    let key_files = KeyFiles::read(access)?;
    let repository = open::open_to_read(access, key_files.trust(), observer)?;
    let known = Snapshots::read(&repository, access)?;
    let checked = Checked::open(access, observer);
    let mut again = checked.again();
    again.extend(healing::damaged(&repository.catalogue)?);
    let ring = (&repository.catalogue, &*access.seam.random);
    let subset = Subset::choose(&repository.listing, options.read_data, &again, ring)?;
    observer.event(Event::Phase(Phase::Working));
    let mut check = Check {
        repository: &repository,
        known: &known,
        observer,
        losses: LossScan::new(&repository, &known, observer),
        healed: healing::healed(&repository.catalogue)?,
        lost: 0,
        pending: 0,
        bad: Vec::new(),
        report: CheckReport {
            objects_read: subset.keys.len() as u64,
            bytes_covered: subset.bytes,
            bytes_here: subset.bytes_here,
            foreign_files: repository.listing.foreign,
            unopened_files: repository.listing.unopened,
            conflict_copies: repository.listing.copies,
            latest_snapshots: latest(&known),
            ..CheckReport::default()
        },
    };
    check.objects();
    check.not_understood();
    let kind = match options.read_data {
        ReadData::Nothing => CheckKind::Listing,
        _ if subset.is_all => CheckKind::AllData,
        _ => CheckKind::Subset,
    };
    let is_well = match options.read_data {
        ReadData::Nothing => false,
        _ => check.read_data(access, &subset)?,
    };
    check.imported();
    if !is_well {
        check.losses.find()?;
    }
    for problem in key_files.problems(&repository)? {
        check.problem(problem);
        // Where that cannot be noted, the next check finds it again.
        repository.catalogue.set(&state::KEY_COPIES_ARE_ILL, &true).ok();
    }
    let Check { losses, lost, pending, bad, mut report, .. } = check;
    if losses.misses {
        report.objects_lost += lost;
        report.objects_pending += pending;
    }
    (report.snapshots, report.chunks) = (losses.snapshots, losses.chunks);
    note_damaged(&repository.catalogue, kind, losses.damaged)?;
    losses.problems.into_iter().for_each(|problem| problem.note_in(&mut report.problems));
    report.seconds = (access.seam.clock.elapsed() - started).as_secs_f64();
    checked.keep(&report, &Went { kind, bad, time });
    Ok(report)
}

/// Keeps which snapshots are damaged. Where a run holds the catalogue, the next check finds them again.
fn note_damaged(
    catalogue: &Catalogue,
    kind: CheckKind,
    mut found: BTreeSet<SnapshotId>,
) -> Result<(), Error> {
    if kind == CheckKind::Listing && !healing::damaged(catalogue)?.is_empty() {
        // Reading has found more than a listing can show.
        found.extend(healing::damaged_snapshots(catalogue)?);
    }
    healing::note_snapshots(catalogue, &found).ok();
    Ok(())
}

struct Check<'a> {
    repository: &'a Repository,
    known: &'a Snapshots<'a>,
    observer: &'a dyn Observer,
    losses: LossScan<'a>,
    /// Objects that are gone or damaged, and whose content this device has stored again as far as
    /// it could.
    healed: BTreeSet<ObjectKey>,
    /// Listed objects that are lost, and those that are pending. They count if any snapshot misses
    /// anything; otherwise their contents are stored elsewhere.
    lost: u64,
    pending: u64,
    /// Objects whose data was read and is damaged.
    bad: Vec<ObjectKey>,
    report: CheckReport,
}

impl Check<'_> {
    fn problem(&mut self, problem: Problem) {
        self.observer.event(Event::Problem(problem.clone()));
        note(&mut self.report.problems, problem);
    }

    fn damaged_object(&mut self, object: &str, what: &str) {
        self.report.objects_damaged += 1;
        self.problem(Problem {
            kind: ProblemKind::Damaged,
            path: object.to_owned(),
            sentence: format!("this stored object is damaged: {what}"),
        });
    }

    /// Metadata that could not be imported, unless it has been reported or was stored again.
    fn imported(&mut self) {
        let (repository, healed) = (self.repository, &self.healed);
        let healed = |path: &str| healed.iter().any(|key| repository.name_of(key) == path);
        let damaged = repository.imported.damaged.iter().filter(|(path, _)| !healed(path));
        for (object, what) in damaged.collect::<Vec<_>>() {
            if !self.report.problems.iter().any(|problem| problem.path == *object) {
                self.damaged_object(object, what);
            }
        }
    }

    /// The lists of the records compared with the objects here.
    fn objects(&mut self) {
        let listed = self.known.listed_objects();
        let records: HashSet<ObjectKey> =
            self.known.chains.iter().flat_map(|(_, chain)| &chain.records).map(|r| r.2).collect();
        for (key, object) in self.repository.listing.objects.iter() {
            if !object.is_here() {
                continue;
            }
            self.report.objects += 1;
            if !object.name.is_understood() {
                self.unknown_object(&key, "its name says what this version does not know");
            } else if !listed.contains_key(&key) && !records.contains(&key) {
                self.report.objects_unclaimed += 1;
            }
        }
        for key in listed.keys() {
            if self.repository.listing.here(key).is_some() {
                continue;
            }
            if self.known.is_lost(key.device, key) {
                self.lost += 1;
            } else {
                self.pending += 1;
            }
        }
        self.records();
        for (key, object) in self.repository.listing.objects.iter() {
            if !object.is_here() && !listed.contains_key(&key) {
                self.report.objects_pending += 1;
            }
        }
    }

    /// Objects that only a newer version understands: in one of them may be a snapshot.
    fn not_understood(&mut self) {
        for (key, what) in &self.repository.imported.not_understood {
            self.unknown_object(key, what);
        }
    }

    fn unknown_object(&mut self, key: &ObjectKey, what: &str) {
        let path = self.repository.name_of(key);
        if self.report.problems.iter().any(|known| known.path == path) {
            return;
        }
        self.report.objects_unknown += 1;
        self.problem(Problem {
            kind: ProblemKind::Unknown,
            path,
            sentence: format!(
                "this stored object is not understood by this version (device {}, run {}): {what}",
                key.device, key.run
            ),
        });
    }

    /// Records that were here or that others name: without them there is no snapshot.
    fn records(&mut self) {
        let repository = self.repository;
        let mut gone: HashMap<DeviceId, u64> = HashMap::new();
        for (key, kind) in &repository.imported.gone {
            let chain = self.known.chains.device(key.device);
            let runs = chain.map_or(&[][..], |chain| &chain.records);
            let is_elsewhere = runs.iter().any(|(at, ..)| at.run == key.run);
            if *kind == ObjectKind::RECORD && !is_elsewhere {
                *gone.entry(key.device).or_default() += 1;
                self.lost_record(key.device, &format!("the record of run {}", key.run));
            }
        }
        for (device, chain) in self.known.chains.iter() {
            let known = gone.get(device).copied().unwrap_or(0);
            for _ in known..chain.missing_runs.len() as u64 {
                if self.known.own == Some(*device) {
                    self.lost_record(*device, "a record that a later one names");
                } else {
                    self.report.objects_pending += 1;
                }
            }
        }
    }

    fn lost_record(&mut self, device: DeviceId, what: &str) {
        self.report.objects_lost += 1;
        self.problem(Problem {
            kind: ProblemKind::Damaged,
            path: format!("device {device}"),
            sentence: format!("{what} is gone from the destination, and with it its snapshot"),
        });
    }

    /// Reads stored data and proves every piece. Meanwhile the trees are walked on trial, because
    /// nearly always all is well; answers whether that is known now.
    fn read_data(&mut self, access: &Access, subset: &Subset) -> Result<bool, Error> {
        let (repository, observer) = (self.repository, self.observer);
        let mut trial = LossScan::new(repository, self.known, observer);
        let (store, keys, listing) = (&*repository.store, &repository.keys, &repository.listing);
        let examiner = || Examiner::new(store, keys, listing);
        let (examined, finds_nothing) = pipeline::run(access.mode, examiner, |pool| {
            let mut reading = Reading::begin(repository, observer, pool, subset.keys.clone());
            let finds_nothing = trial.finds_nothing(&mut || reading.turn())?;
            let examined = repository.catalogue.reading(|| reading.end())?;
            Ok::<_, Error>((examined, finds_nothing))
        })?;
        // Where a run holds the catalogue, the next check will note it.
        let found = examined.iter().map(|one| (one.key, one.is_proved));
        healing::note(&repository.catalogue, found).ok();
        subset.remember(&repository.catalogue);
        self.damaged_objects(examined);
        let is_well = finds_nothing && self.losses.is_without_faults();
        if is_well {
            self.losses = trial;
        }
        Ok(is_well)
    }

    /// Where a run holds the catalogue, the next check will find them again.
    fn remember_unknown(&self, mut unknown: BTreeSet<ObjectKey>) {
        unknown.extend(self.repository.imported.not_understood.keys());
        self.repository.catalogue.set(&state::NOT_UNDERSTOOD, &unknown).ok();
    }

    /// Reports which of the objects read are damaged, and keeps the facts that the walk needs.
    fn damaged_objects(&mut self, examined: Vec<Examined>) {
        let mut healed = 0;
        let mut unknown = BTreeSet::new();
        for one in examined {
            self.report.bytes_read += one.bytes;
            self.losses.on_bad.extend(one.on_bad);
            let Some(what) = one.damage else { continue };
            let kind = if one.is_proved { FaultKind::Damaged } else { one.kind };
            if kind == FaultKind::Arriving {
                self.report.objects_pending += 1;
            } else if kind == FaultKind::Unknown {
                self.unknown_object(&one.key, &what);
                unknown.insert(one.key);
            } else if self.healed.contains(&one.key) {
                healed += 1;
            } else {
                self.bad.push(one.key);
                self.damaged_object(&self.repository.name_of(&one.key), &what);
            }
            let fault = Fault { what, kind };
            if one.is_closed {
                self.losses.unreadable.insert(one.key, fault.clone());
            }
            self.losses.bad.extend(one.bad.into_iter().map(|id| (id, fault.clone())));
        }
        self.remember_unknown(unknown);
        if healed > 0 {
            self.observer.event(Event::Notice(format!(
                "{healed} of the stored objects are damaged and of no more use: what the source had \
                 of them is stored again."
            )));
        }
    }
}
