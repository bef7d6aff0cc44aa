//! Restore: the merge of what the target holds with what the snapshot has; what differs is
//! written, in the order in which the objects hold it.
//!
//! A byte is only written after it was authenticated and its chunk proved. What is right already
//! is left alone, so that an interrupted restore is simply run again.

mod delete;
mod files;
mod looked;
mod make;
mod others;
mod part;
mod plan;
mod policy;
mod removing;
mod report;
mod settle;
mod ways;
mod work;
mod write;

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use crate::compress::Decompressor;
use crate::repository::{ObjectReader, PieceReader, RepositoryError, SnapshotTree};
use crate::target::{Options, Staying, Target, TargetError};

use crate::session::access::Access;
use crate::session::choose::{Chosen, Snapshots, display};
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer, Phase};
use crate::session::open;
use crate::session::options::RestoreOptions;
use crate::session::report::SnapshotState;
pub use report::RestoreReport;

/// What each worker owns.
pub(super) struct Worker {
    decompressor: Decompressor,
}

/// Why a directory could not be entered.
enum Closed {
    Target(TargetError),
    Snapshot(RepositoryError),
}

impl From<TargetError> for Closed {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<Infallible> for Closed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<RepositoryError> for Closed {
    fn from(error: RepositoryError) -> Self {
        Self::Snapshot(error)
    }
}

/// Restores a snapshot or a part of it.
///
/// # Errors
/// Whatever keeps the repository from being opened, no such snapshot or path, a target that fails
/// as a whole, a destination that fails, a deletion that is refused.
pub fn restore(
    access: &Access,
    options: &RestoreOptions,
    observer: &dyn Observer,
) -> Result<RestoreReport, Error> {
    let started = access.seam.clock.elapsed();
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    let chosen = known.choose(&repository, &options.snapshot, observer)?;
    observer.event(Event::Phase(Phase::Working));
    let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
    let mut pieces = PieceReader::new(&objects, &repository.catalogue);
    let mut tree = SnapshotTree::new(&mut pieces, chosen.backup.root);
    let (root, single) = part::part(&mut tree, &options.path, &chosen.line.state)?;
    let single = single.is_some();
    drop(tree);
    let staying = Staying::new(&options.staying);
    let home = options.target.clone().unwrap_or_else(|| PathBuf::from("/"));
    if options.delete {
        may_delete(&chosen, single, &home, &staying)?;
    }
    let target_options =
        Options { special: options.special, owner: options.owner, dry_run: options.dry_run };
    let target = match options.dry_run && !home.exists() {
        true => None,
        false => Some(
            Target::open(&home, target_options, access.seam.gate.clone(), draw(access)?)
                .map_err(|error| target_failed(&error, options))?,
        ),
    };
    let work = work::Work {
        access,
        options,
        observer,
        objects: &objects,
        catalogue: &repository.catalogue,
        chosen: &chosen,
        target: target.as_ref(),
        staying: &staying,
        whole: options.target.is_none(),
        root,
        single,
    };
    let report = work.run(&home)?;
    let problems = chosen.older.into_iter().chain(report.problems).collect();
    Ok(RestoreReport {
        problems,
        snapshot: chosen.line.id,
        dry_run: options.dry_run,
        seconds: (access.seam.clock.elapsed() - started).as_secs_f64(),
        ..report
    })
}

/// A number drawn at random.
fn draw(access: &Access) -> Result<u64, Error> {
    let mut bytes = [0; 8];
    access.seam.random.fill(&mut bytes).map_err(RepositoryError::Random)?;
    Ok(u64::from_le_bytes(bytes))
}

/// What refuses a deletion before the target is touched.
fn may_delete(chosen: &Chosen, single: bool, home: &Path, staying: &Staying) -> Result<(), Error> {
    let refused = |kind, sentence: &str| Err(Error::new(kind, sentence));
    if single {
        return refused(ErrorKind::Usage, "--delete needs a folder, and the path is none");
    }
    if chosen.line.state != SnapshotState::Complete {
        let sentence = "--delete is refused: not all of this snapshot is here";
        return refused(ErrorKind::DeletionRefused, sentence);
    }
    if chosen.older.is_some() {
        let sentence = "--delete is refused: this is an older snapshot than was asked for";
        return refused(ErrorKind::DeletionRefused, sentence);
    }
    match staying.holding(home) {
        Some(stay) => Err(removing::reaches(stay)),
        None => Ok(()),
    }
}

/// The target as a whole cannot be used.
fn target_failed(error: &TargetError, options: &RestoreOptions) -> Error {
    use std::os::unix::ffi::OsStrExt;
    let target = options.target.as_deref().unwrap_or(Path::new("/"));
    let path = display(target.as_os_str().as_bytes());
    Error::new(ErrorKind::Target, format!("the target {}: {}", error.kind, error.source)).at(path)
}
