//! Everything before the walk: lock, source, repository, device, and leftovers of earlier runs.

use std::collections::{BTreeSet, HashSet};

use crate::catalogue::{Catalogue, RunLock, state};
use crate::chunk::{Chunker, Parameters};
use crate::model::{DeviceId, ObjectKey, SnapshotId};
use crate::repository::{Keys, RawListing, RepositoryError};
use crate::source::{RootProblem, Source};

use super::guard::refuse_missing_disks;
use super::orphans::find_orphans;
use super::run::{ForeignRuns, Start};
use super::setting::Setting;
use crate::life::{self, Identity, identify};
use crate::session::access::{Access, CatalogueAt};
use crate::session::claims::{self, Claims};
use crate::session::doubt;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer};
use crate::session::healing;
use crate::session::kept_blocks;
use crate::session::new_repository::{imagine, make};
use crate::session::open::{self, Repository};
use crate::session::options::{BackupOptions, Deletions};
use crate::session::remember;
use crate::session::report::BackupReport;
use crate::session::roots;
use crate::session::shown_code;

/// A backup that may begin.
pub(super) struct Begun {
    pub(super) lock: Option<RunLock>,
    pub(super) repository: Repository,
    pub(super) source: Source,
    pub(super) identity: Identity,
    pub(super) claims: Claims,
    /// Objects on which this run must not lean, though they are here.
    pub(super) set_aside: HashSet<ObjectKey>,
    /// Bytes and objects that records took which were stored again.
    pub(super) put_back: (u64, u64),
    pub(super) report: BackupReport,
}

/// The state that earlier runs left for this one.
pub(super) struct Prepared {
    pub(super) start: Start,
    /// Objects that are gone and need no second look once this run is through.
    pub(super) gone: BTreeSet<ObjectKey>,
    pub(super) remembered_entries: u64,
    pub(super) full_tree: bool,
    /// Only a snapshot remembers the source, so all of it is read.
    pub(super) is_first: bool,
}

/// Removes half-written files of killed runs that have a name, if the listing has such names:
/// looking for them costs as much as the listing.
fn sweep(access: &Access, destination: &mut open::Destination) -> Result<(), Error> {
    if destination.raw.has_staging() {
        // A folder that cannot be swept is reported by the next caller that needs it.
        let swept = access.seam.disk.sweep_staging(access.seam.clock.now()).unwrap_or(0);
        if swept > 0 {
            let left = RawListing::read(&*destination.store);
            destination.raw = left.map_err(RepositoryError::from)?;
        }
    }
    Ok(())
}

/// Opens source and repository, or makes the repository where that is asked and safe.
pub(super) fn begin(
    access: &Access,
    options: &BackupOptions,
    observer: &dyn Observer,
) -> Result<Begun, Error> {
    let lock = match &access.catalogue {
        CatalogueAt::File(file) => Some(Catalogue::lock_for_run(file)?),
        CatalogueAt::Temporary => None,
    };
    let source = source(access, options)?;
    let mut destination = open::destination(access, lock.as_ref(), observer)?;
    if !options.dry_run {
        sweep(access, &mut destination)?;
    }
    roots::refuse_another(&destination.catalogue, &options.roots)?;
    let mut report =
        BackupReport { foreign_files: destination.raw.foreign(), ..BackupReport::default() };
    let is_first =
        destination.raw.key_block_names().is_empty() && !destination.locked().keeps_key_blocks()?;
    if is_first {
        let fresh = options.create && !destination.raw.has_object_shapes();
        if !fresh || destination.locked().is_known()? {
            return Err(destination.locked().no_keys()?);
        }
        // Before anything is made: a refused run leaves no repository behind.
        refuse_missing_disks(&source, options, &destination.catalogue)?;
        if !options.dry_run {
            report.recovery_code = make(access, &destination, observer)?;
            let made = RawListing::read(&*destination.store);
            destination.raw = made.map_err(RepositoryError::from)?;
        }
    }
    let is_imagined = is_first && options.dry_run;
    let mut repository = match is_imagined {
        true => imagine(access, destination, observer)?,
        false => destination.open(access, observer)?,
    };
    if !options.dry_run {
        // Where this device has never been, missing copies are on their way rather than lost.
        // Without an object beside them, the run that made the repository was interrupted: nothing
        // else will come.
        let is_new_here = repository.catalogue.get(&state::DEVICE)?.is_none()
            && !repository.listing.objects.is_empty();
        let is_missing_usual = is_new_here || options.destination_is_partial;
        let at = (&*repository.store, &repository.catalogue);
        kept_blocks::mend(&repository.key_blocks, at, is_missing_usual, observer)?;
    }
    if !is_first {
        shown_code::say(&repository.catalogue, observer)?;
    }
    report.foreign_files = repository.listing.foreign;
    if !is_imagined {
        open::remember_repositories(&repository)?;
    }
    let identity = identify(&repository, access, observer)?;
    if !options.dry_run {
        identity.keep(&repository.catalogue)?;
    }
    let (catalogue, listing) = (&repository.catalogue, &mut repository.listing);
    let claims = claims::set_aside(catalogue, listing, identity.device)?;
    let put_back = match options.dry_run || options.destination_is_partial {
        true => (0, 0),
        false => life::put_back_records(&mut repository, access, identity.device, observer)?,
    };
    let set_aside = life::set_aside(&mut repository, identity.device)?;
    refuse_missing_disks(&source, options, &repository.catalogue)?;
    tell_useless_patterns(&source, observer);
    Ok(Begun { lock, repository, source, identity, claims, set_aside, put_back, report })
}

/// Opens the source. A root that is not there is refused, unless it is known to be gone for good.
fn source(access: &Access, options: &BackupOptions) -> Result<Source, Error> {
    let mut roots = options.roots.clone();
    loop {
        let (gate, clock) = (access.seam.gate.clone(), access.seam.clock.clone());
        match Source::open(&roots, options.rules.clone(), gate, clock) {
            Err(RootProblem::Missing { path, .. })
                if options.accept_deletions != Deletions::Refuse
                    && roots.iter().any(|root| *root != path) =>
            {
                roots.retain(|root| *root != path);
            }
            other => return other.map_err(root_problem),
        }
    }
}

fn root_problem(problem: RootProblem) -> Error {
    let kind = match &problem {
        RootProblem::Missing { .. } | RootProblem::Unreadable { .. } => ErrorKind::SourceGone,
        _ => ErrorKind::Unusable,
    };
    Error::new(kind, problem.to_string())
}

/// A pattern that can match nothing is a slip that would show only when space runs out, or a secret
/// turns up.
fn tell_useless_patterns(source: &Source, observer: &dyn Observer) {
    for (pattern, reason) in source.useless_patterns() {
        let sentence = format!("The pattern \"{pattern}\" can match nothing: {reason}.");
        observer.event(Event::Notice(sentence));
    }
}

/// The chunker that there is.
const PRF: u8 = 0;

/// The chunker that the repository's parameters ask for.
pub(super) fn chunker(keys: &Keys) -> Result<Chunker, Error> {
    let repository = keys.writing();
    let asked = &repository.parameters;
    if asked.chunker != PRF || !asked.has_known_size() {
        let sentence = "the repository asks for a chunker, or a size of objects, that is unknown";
        return Err(Error::new(ErrorKind::Unusable, sentence));
    }
    let parameters = Parameters::new(asked.average)
        .map_err(|error| Error::new(ErrorKind::Unusable, error.to_string()))?;
    Ok(Chunker::new(parameters, repository.chunker_key()))
}

/// Sorts out the state left by earlier runs: lost objects, interrupted runs, a lost catalogue.
pub(super) fn prepare(repository: &Repository, set: &Setting<'_>) -> Result<Prepared, Error> {
    let catalogue = &repository.catalogue;
    catalogue.begin()?;
    let prepared = prepare_inside(repository, set);
    if prepared.is_ok() {
        catalogue.commit()?
    } else {
        catalogue.rollback()?
    }
    let prepared = prepared?;
    if !set.options.dry_run {
        make_names_durable(repository, set, &prepared)?;
    }
    Ok(prepared)
}

/// This run is about to rely on objects of a run that was interrupted before its directory sync:
/// their names must be durable first. If that fails they are in doubt.
fn make_names_durable(
    repository: &Repository,
    set: &Setting<'_>,
    prepared: &Prepared,
) -> Result<(), Error> {
    let left = prepared.start.orphans.runs.iter().map(|objects| objects.run);
    let last = prepared.start.head.map(|(_, hash)| hash);
    let known = repository.catalogue.get(&state::DURABLE_RECORD)?;
    // Which run was cut off may have been learnt by a command that only looked.
    if !repository.imported.changed && prepared.start.orphans.runs.is_empty() && known == last {
        return Ok(());
    }
    repository.store.rely_on_found();
    let Err(error) = repository.store.sync() else {
        match last {
            Some(last) => repository.catalogue.set(&state::DURABLE_RECORD, &last)?,
            None => repository.catalogue.forget(&state::DURABLE_RECORD)?,
        }
        return Ok(());
    };
    if repository.store.names_are_doubtful() {
        // Of runs with a record only the last can have been cut off.
        let last = Some(prepared.start.last_listed_run).filter(|run| *run > 0);
        for run in left.chain(last) {
            doubt::note(&repository.catalogue, set.device, run)?;
        }
    }
    Err(RepositoryError::from(error).into())
}

fn prepare_inside(repository: &Repository, set: &Setting<'_>) -> Result<Prepared, Error> {
    let catalogue = &repository.catalogue;
    let heads = catalogue.heads()?;
    let own = heads.iter().filter(|at| at.device == set.device).max_by_key(|at| at.run);
    let head = own.map(|at| (at.run, at.hash));
    let others = repository.listing.objects.keys().any(|key| key.device != set.device);
    let orphans = find_orphans(repository, set)?;
    let is_first = catalogue.get(&state::ROOT)?.is_none();
    let has_no_snapshot = is_first && has_no_snapshot(repository, set.device)?;
    let is_unfinished = has_no_snapshot
        && head.is_some_and(|(_, hash)| {
            catalogue.get(&state::UNFINISHED).ok().flatten() == Some(hash)
        });
    if is_unfinished {
        // The stamp of a file stays only if all that it holds is here.
        remember::doubt_lost(repository)?;
    } else if is_first && head.is_some() {
        remember::latest(repository, set.device, set.observer)?;
        roots::refuse_another(catalogue, &set.options.roots)?;
        keep_foreign_runs(repository, set.device)?;
    }
    let mut full_tree = match catalogue.get(&state::ROOT)? {
        Some(root) => !catalogue.holds(&root)?,
        None => true,
    };
    let healed = healing::healed(catalogue)?;
    let gone = repository.imported.gone.iter().map(|(key, _)| *key);
    let gone = gone.chain(set.set_aside.iter().copied()).collect();
    let count = repository.imported.gone.iter().filter(|(key, _)| !healed.contains(key)).count();
    if count > 0 && !set.options.destination_is_partial {
        let gone = match count {
            1 => "1 stored object is".to_owned(),
            count => format!("{count} stored objects are"),
        };
        set.observer.event(Event::Notice(format!(
            "{gone} gone from the destination or damaged; what the source still holds of that is stored again."
        )));
        full_tree |= remember::doubt_lost(repository)?;
    }
    let heals = count > 0 && !set.options.destination_is_partial;
    full_tree |= leaves_objects(repository, set, &healed)?;
    if last_is_forgotten(repository, set.device)? {
        // What it needed may be gone, and nothing else here tells.
        full_tree = true;
        remember::doubt_lost(repository)?;
    }
    let runs = catalogue.get(&state::FOREIGN_RUNS)?.unwrap_or_default();
    let mut foreign_runs = ForeignRuns { runs, others };
    foreign_runs.end_at_records(&catalogue.record_refs()?);
    Ok(Prepared {
        start: Start {
            head,
            last_listed_run: repository.last_listed_run(set.device),
            orphans,
            foreign_runs,
            heals,
            has_no_snapshot,
        },
        gone: if set.options.destination_is_partial { healed } else { gone },
        remembered_entries: catalogue.get(&state::ENTRIES)?.unwrap_or(0),
        full_tree,
        is_first,
    })
}

/// Whether objects have come to be deleted, or are, that this device did not know of: entries whose
/// content was there are read again. Where that was seen to before, nothing is looked at.
fn leaves_objects(
    repository: &Repository,
    set: &Setting<'_>,
    known: &BTreeSet<ObjectKey>,
) -> Result<bool, Error> {
    let catalogue = &repository.catalogue;
    let swept = repository.standing.swept().len() as u64;
    let is_known = catalogue.get(&state::SWEPT)?.unwrap_or(0) == swept;
    if is_known && set.set_aside.iter().all(|key| known.contains(key)) {
        return Ok(false);
    }
    remember::doubt_lost(repository)?;
    catalogue.set(&state::SWEPT, &swept)?;
    Ok(true)
}

/// Whether the last snapshot of this device is forgotten: it needs a new one.
fn last_is_forgotten(repository: &Repository, device: DeviceId) -> Result<bool, Error> {
    let standing = &repository.standing;
    if standing.forgotten().next().is_none() {
        return Ok(false);
    }
    let chains = repository.chains()?;
    let last = chains.device(device).and_then(|chain| chain.snapshots().last());
    Ok(last.is_some_and(|last| standing.is_forgotten(SnapshotId::from(last.at.hash))))
}

/// Whether this device never made a snapshot.
fn has_no_snapshot(repository: &Repository, device: DeviceId) -> Result<bool, Error> {
    let chains = repository.chains()?;
    Ok(chains.device(device).is_none_or(|chain| chain.snapshots().next().is_none()))
}

/// After the catalogue was lost: this device still relies on everything that earlier snapshots
/// relied on, though it will not ask for the nodes of unchanged folders again.
fn keep_foreign_runs(repository: &Repository, device: DeviceId) -> Result<(), Error> {
    let catalogue = &repository.catalogue;
    let mut runs = catalogue.get(&state::FOREIGN_RUNS)?.unwrap_or_default();
    let chains = repository.chains()?;
    let snapshots = chains.device(device).into_iter().flat_map(|chain| chain.snapshots());
    for needs in snapshots.flat_map(|snapshot| &snapshot.backup.needs) {
        if needs.device != device {
            let range = runs.entry(needs.device).or_insert((needs.first, needs.last));
            *range = (range.0.min(needs.first), range.1.max(needs.last));
        }
    }
    Ok(catalogue.set(&state::FOREIGN_RUNS, &runs)?)
}
