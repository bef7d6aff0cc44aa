//! Restore: the merge of what the target holds with what the snapshot has; what differs is
//! written, in the order in which the objects hold it.
//!
//! A byte is only written after it was authenticated and its chunk proved. What is right already
//! is left alone, so that an interrupted restore is simply run again.

mod files;
mod make;
mod others;
mod plan;
mod settle;
mod write;

use std::convert::Infallible;

use crate::compress::Decompressor;
use crate::model::{ChunkId, Entry, Kind, Page, PageOf, Side, TreePath};
use crate::pipeline;
use crate::repository::{ObjectReader, Parts, PieceReader, RepositoryError, SnapshotTree};
use crate::target::{Options, Owner, Target, TargetError, TargetTree};

use super::access::Access;
use super::choose::{Snapshots, display};
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer, Phase};
use super::open;
use super::options::RestoreOptions;
use super::part::{Refusing, no_such_path, unreachable};
use super::report::{RestoreReport, SnapshotState};

/// What each worker owns.
pub(super) struct Worker {
    decompressor: Decompressor,
}

/// A snapshot, or a part of it, as it will lie in the target.
struct Part<'a, 'r> {
    tree: SnapshotTree<'a, 'r>,
    /// Where the part lies in the snapshot.
    prefix: TreePath,
    /// The one entry, if the part is not a directory.
    single: Option<Entry>,
}

impl Refusing for Part<'_, '_> {
    fn take_refused(&mut self) -> u64 {
        self.tree.take_refused()
    }
}

impl Refusing for TargetTree {}

impl Side for Part<'_, '_> {
    type Item = Entry;
    type Place = ChunkId;
    type Rest = Parts;
    type Error = RepositoryError;

    fn place(&self, item: &Entry) -> Option<ChunkId> {
        self.tree.place(item)
    }

    fn list(&mut self, place: &ChunkId, path: &TreePath) -> Result<PageOf<Self>, RepositoryError> {
        match self.single.take() {
            Some(entry) => Ok(Page::whole(vec![entry])),
            None => self.tree.list(place, &path.under(&self.prefix)),
        }
    }

    fn more(&mut self, rest: Parts, path: &TreePath) -> Result<PageOf<Self>, RepositoryError> {
        self.tree.more(rest, &path.under(&self.prefix))
    }
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
/// as a whole, a destination that fails.
pub fn restore(
    access: &Access,
    options: &RestoreOptions,
    observer: &dyn Observer,
) -> Result<RestoreReport, Error> {
    let started = access.seam.clock.elapsed();
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    let chosen = known.choose(&repository, &options.snapshot, observer)?;
    if options.delete && chosen.line.state != SnapshotState::Complete {
        return Err(Error::new(
            ErrorKind::Refused,
            "--delete is refused: not all of this snapshot is here",
        ));
    }
    observer.event(Event::Phase(Phase::Working));
    let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
    let mut pieces = PieceReader::new(&objects, &repository.catalogue);
    let mut contents = PieceReader::new(&objects, &repository.catalogue);
    let mut tree = SnapshotTree::new(&mut pieces, chosen.backup.root, chosen.backup.overlay);
    let (root, single) = part(&mut tree, &options.path, &chosen.line.state)?;
    let prefix = if single.is_some() { TreePath::root() } else { options.path.clone() };
    let target_options =
        Options { special: options.special, owner: Owner::Names, dry_run: options.dry_run };
    let target = match options.dry_run && !options.target.exists() {
        true => None,
        false => Some(
            Target::open(&options.target, target_options, access.seam.gate.clone(), draw(access)?)
                .map_err(|error| target_failed(&error, options))?,
        ),
    };
    let make_worker = || Worker { decompressor: Decompressor::new() };
    let state = &chosen.line.state;
    let report = pipeline::run(access.mode, make_worker, |pool| {
        let set = plan::Setting { options, observer, state, objects: &objects, pool };
        let part = Part { tree, prefix, single };
        let totals = &chosen.backup.summary;
        let mut plan =
            plan::Plan::new(set, target.as_ref(), &mut contents, &repository.catalogue, totals);
        plan.walk(part, root)?;
        plan.finish()
    })?;
    if let Some(target) = target.filter(|_| !options.dry_run) {
        target.sync().map_err(|error| target_failed(&error, options))?;
    }
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

/// The node of the part to be restored, or the one entry that it is.
fn part(
    tree: &mut SnapshotTree<'_, '_>,
    path: &TreePath,
    state: &SnapshotState,
) -> Result<(ChunkId, Option<Entry>), Error> {
    if path.is_root() {
        return Ok((tree.root(), None));
    }
    let found = tree.find(path).map_err(|error| unreachable(path, error, state))?;
    let entry = found.ok_or_else(|| no_such_path(path))?;
    Ok(match entry.kind {
        Kind::Directory(node) => (node, None),
        _ => (tree.root(), Some(entry)),
    })
}

/// The target as a whole cannot be used.
fn target_failed(error: &TargetError, options: &RestoreOptions) -> Error {
    use std::os::unix::ffi::OsStrExt;
    let path = display(options.target.as_os_str().as_bytes());
    Error::new(ErrorKind::Target, format!("the target {}: {}", error.kind, error.source)).at(path)
}
