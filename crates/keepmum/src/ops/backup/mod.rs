//! Backup: the merge of the remembered source with the present one; differences are stored.
//!
//! A source error costs one file and is part of the report. A destination error ends the run, and
//! then nothing of it counts: the catalogue learns of the run only after its record is durable.

mod attributes;
mod begin;
mod commit;
mod deletions;
mod directory;
mod entry;
mod file_systems;
mod files;
mod former;
mod guard;
mod left_out;
mod mending;
mod moved;
mod orphans;
mod places;
mod progress;
mod recognise;
mod renamed;
mod run;
mod setting;
mod settle;
mod sides;
mod telling;
mod tree;
mod units;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalogue::{Catalogue, RunLock};
use crate::compress::{Compressor, Level};
use crate::life::{self, Opening, Writing};
use crate::model::{Merge, ObjectKey, Step, TreePath};
use crate::pipeline::{self, Pool};
use crate::source::Names;
use crate::store::Store;

use crate::session::access::Access;
use crate::session::doubt;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer, Phase};
use crate::session::options::BackupOptions;
use crate::session::report::BackupReport;
use crate::session::walk_error::WalkError;
use setting::{OpenDirectory, Setting, Worker};
use sides::Old;

/// One backup under way.
struct Backup<'a, 'p, 'env> {
    set: &'a Setting<'env>,
    pool: &'p Pool<'env, Worker>,
    catalogue: &'a Catalogue,
    /// The written data.
    run: run::Run<'a, 'p, 'env>,
    /// The data read.
    files: files::Files<'a, 'p, 'env>,
    /// The remembered tree.
    tree: tree::Tree<'a>,
    names: Names,
    open: Vec<Arc<OpenDirectory>>,
    /// Entries that left their place, and entries that arrived at another.
    places: places::Places,
    file_systems: file_systems::FileSystems,
    /// Paths that could not be looked at; their remembered entries stay.
    unseen: BTreeSet<TreePath>,
    /// Problems there were, however many are listed.
    problems: u64,
    /// The paths left out, for the record.
    left_out: left_out::Noted,
    /// Objects that are gone, to be remembered as healed.
    gone: BTreeSet<ObjectKey>,
    report: BackupReport,
}

/// Runs one backup.
///
/// # Errors
/// Whatever ends the run: a destination that fails, a refusal for safety, a wrong password.
pub fn backup(
    access: &Access,
    options: &BackupOptions,
    observer: &dyn Observer,
) -> Result<BackupReport, Error> {
    let started = access.seam.clock.elapsed();
    let mut begun = begin::begin(access, options, observer)?;
    let lock = begun.lock.take();
    let (mut report, has_work) = save(access, options, observer, begun)?;
    if has_work && !options.dry_run {
        end_intents(access, options, lock, observer);
    }
    report.seconds = (access.seam.clock.elapsed() - started).as_secs_f64();
    Ok(report)
}

/// Saves the source; says also whether there is something to delete.
fn save(
    access: &Access,
    options: &BackupOptions,
    observer: &dyn Observer,
    begun: begin::Begun,
) -> Result<(BackupReport, bool), Error> {
    let begin::Begun { mut repository, source, identity, claims, set_aside, .. } = begun;
    let begin::Begun { put_back, mut report, .. } = begun;
    observer.event(Event::Phase(Phase::Working));
    let chunker = begin::chunker(&repository.keys)?;
    let objects = repository.objects();
    let setting = Setting {
        access,
        options,
        observer,
        source: &source,
        keys: &repository.keys,
        chunker: &chunker,
        store: &*repository.store,
        objects: &objects,
        device: identity.device,
        claims,
        set_aside,
        owes: repository.standing.owes(identity.device),
        seen: &repository.seen,
        writing: Cell::new(None),
        progress: progress::Progress::new(observer),
    };
    let catalogue = &repository.catalogue;
    let prepared = begin::prepare(&repository, &setting)?;
    let heals = prepared.start.heals && !options.dry_run;
    if prepared.is_first && !options.dry_run {
        source.write_back();
    }
    catalogue.begin()?;
    let done = pipeline::run(
        access.mode,
        || worker(options.level),
        |pool| {
            let mut backup = Backup::new(&setting, pool, catalogue, prepared, &mut report)?;
            backup.walk().and_then(|()| backup.commit())?;
            Ok(backup.report)
        },
    );
    tell_unsynced(&*repository.store, observer);
    let mut report = match done {
        Ok(report) => report,
        Err(error) => {
            catalogue.rollback()?;
            if setting.store.names_are_doubtful()
                && let Some(run) = setting.writing.get()
            {
                doubt::note(catalogue, setting.device, run)?;
            }
            return Err(error);
        }
    };
    report.bytes_stored += put_back.0;
    report.objects_stored += put_back.1;
    match options.dry_run {
        true => catalogue.rollback()?,
        false => catalogue.commit()?,
    }
    let device = setting.device;
    let has_work = life::has_work(&repository, device);
    if heals {
        mending::tell_losses(&mut repository, access, device, observer, &mut report);
    }
    Ok((report, has_work))
}

/// Deletes what every device has agreed to. The backup is through: if this fails, the next run tries
/// it again.
fn end_intents(
    access: &Access,
    options: &BackupOptions,
    lock: Option<RunLock>,
    observer: &dyn Observer,
) {
    let how = Opening::to_write(options.utc_offset_minutes);
    let ended = Writing::within(access, lock, how, observer)
        .and_then(|mut writing| life::sweep_due(&mut writing, observer));
    if let Err(error) = ended {
        observer.event(Event::Notice(format!(
            "The backup is done, but stored files that nothing needs could not be deleted: {error}"
        )));
    }
}

/// Says that the destination cannot keep its names as well as others can.
fn tell_unsynced(store: &dyn Store, observer: &dyn Observer) {
    if store.cannot_sync_names() {
        let sentence = "The file system of the destination cannot sync a folder. All that it can do \
                        was done, but a power cut shortly after a run may lose that run; the next \
                        one stores it again.";
        observer.event(Event::Notice(sentence.to_owned()));
    }
}

fn worker(level: Level) -> Worker {
    Worker { compressor: Compressor::new(level) }
}

impl<'a, 'p, 'env> Backup<'a, 'p, 'env> {
    fn new(
        set: &'a Setting<'env>,
        pool: &'p Pool<'env, Worker>,
        catalogue: &'a Catalogue,
        mut prepared: begin::Prepared,
        report: &mut BackupReport,
    ) -> Result<Self, Error> {
        let mounts = guard::mounts(catalogue)?;
        let units = guard::units(set.source, &mounts);
        set.progress.expect(prepared.remembered_entries);
        let places = places::Places::new(units, mounts, prepared.remembered_entries > 0);
        Ok(Self {
            set,
            pool,
            catalogue,
            names: Names::default(),
            tree: tree::Tree::new(catalogue, prepared.full_tree)?,
            open: Vec::new(),
            places,
            file_systems: file_systems::FileSystems::after(catalogue.last_file_system()?),
            unseen: BTreeSet::new(),
            problems: 0,
            left_out: left_out::Noted::default(),
            gone: std::mem::take(&mut prepared.gone),
            report: std::mem::take(report),
            files: files::Files::new(set, pool),
            run: run::Run::new(set, pool, catalogue, prepared.start),
        })
    }

    /// Walks both sides and stores the differences.
    fn walk(&mut self) -> Result<(), Error> {
        let listers = match self.set.access.mode {
            pipeline::Mode::Threads(count) => count.min(2),
            pipeline::Mode::Replay { .. } => 0,
        };
        let (walk, listers) = self.set.source.walk(listers);
        listers.into_iter().for_each(|lister| self.pool.hasten(|| lister.run()));
        let mut merge = Merge::new(Old(self.catalogue), walk);
        let root = Catalogue::ROOT;
        match merge.enter::<WalkError>(TreePath::root(), Some(&root), Some(&())) {
            Ok(()) => {}
            Err(WalkError::Source(error)) => {
                return Err(Error::new(ErrorKind::SourceGone, error.to_string()));
            }
            Err(other) => return Err(other.into()),
        }
        self.open.push(Arc::new(OpenDirectory { id: root, unit: 0, device: None }));
        while let Some(step) = merge.step::<WalkError>() {
            match step {
                Step::Pair(path, pair) => self.pair(&mut merge, path, pair)?,
                Step::Cut(_, WalkError::Source(error)) => self.cut(&error),
                Step::Cut(_, other) => return Err(other.into()),
                Step::Leave(path) => {
                    self.take_notes(merge.new_side());
                    self.forget_unseen(&path);
                    self.leave()?;
                }
            }
        }
        self.take_notes(merge.new_side());
        self.finish_batches()
    }

    fn leave(&mut self) -> Result<(), Error> {
        if let Some(left) = self.open.pop() {
            self.files.leave(left);
        }
        self.go_on_reading()
    }

    fn parent(&self) -> Arc<OpenDirectory> {
        let root = || OpenDirectory { id: Catalogue::ROOT, unit: 0, device: None };
        self.open.last().map_or_else(|| Arc::new(root()), Arc::clone)
    }
}

#[cfg(test)]
mod tests;
