//! What the catalogue remembers of the source, learnt again from this device's last snapshot, and
//! doubted where stored objects are gone.

use crate::catalogue::{Catalogue, DirectoryId, Remembered, state};
use crate::format::{Backup, ObjectKind, decode_entry, encode_entry};
use crate::model::{DeviceId, Entry, Kind, Locate, Merge, Nothing, Pair, Step, TreePath};
use crate::repository::{ObjectReader, PieceReader, RepositoryError, SeenLists, SnapshotTree};

use super::error::Error;
use super::event::{Event, Observer};
use super::open::Repository;

/// Rebuilds the remembered tree from the newest snapshot of a device that can be read. Files come
/// without stamps, so the next run reads them once and uploads nothing that is here.
pub(crate) fn latest(
    repository: &Repository,
    device: DeviceId,
    observer: &dyn Observer,
) -> Result<(), Error> {
    let chains = repository.chains()?;
    let Some(chain) = chains.device(device) else { return Ok(()) };
    for snapshot in chain.snapshots().rev() {
        match tree(repository, snapshot.backup) {
            Ok(()) => return Ok(()),
            Err(Failure::Snapshot(error)) => observer.event(Event::Notice(format!(
                "A snapshot could not be used to rebuild the catalogue: {error}"
            ))),
            Err(Failure::Run(error)) => return Err(error),
        }
    }
    Ok(repository.catalogue.clear_tree()?)
}

enum Failure {
    /// This snapshot cannot be read; an older one may.
    Snapshot(RepositoryError),
    /// The run cannot go on.
    Run(Error),
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Damaged { .. }
            | RepositoryError::Arriving { .. }
            | RepositoryError::NotUnderstood { .. }
            | RepositoryError::Missing(_) => Self::Snapshot(error),
            other => Self::Run(other.into()),
        }
    }
}

impl From<crate::catalogue::CatalogueError> for Failure {
    fn from(error: crate::catalogue::CatalogueError) -> Self {
        Self::Run(error.into())
    }
}

fn tree(repository: &Repository, backup: &Backup) -> Result<(), Failure> {
    let catalogue = &repository.catalogue;
    catalogue.clear_tree()?;
    let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
    let mut pieces = PieceReader::new(&objects, catalogue);
    let side = SnapshotTree::new(&mut pieces, backup.root);
    let mut merge = Merge::new(Nothing, side);
    let root = TreePath::root();
    catalogue.set_node(Catalogue::ROOT, Some(&backup.root))?;
    merge.enter::<RepositoryError>(root, None, Some(&backup.root))?;
    let mut rows = vec![Catalogue::ROOT];
    while let Some(step) = merge.step::<RepositoryError>() {
        let (path, entry) = match step {
            Step::Pair(path, Pair { new: Some(entry), .. }) => (path, entry),
            Step::Pair(..) => continue,
            Step::Cut(_, error) => return Err(error.into()),
            Step::Leave(_) => {
                rows.pop();
                continue;
            }
        };
        let row = rows.last().copied().unwrap_or(Catalogue::ROOT);
        let mut bytes = Vec::new();
        encode_entry(&entry, &mut bytes);
        let Kind::Directory(child) = entry.kind else {
            let number = entry.kind.number();
            catalogue.put_entry(row, &entry.name, None, &bytes, number)?;
            continue;
        };
        let id = catalogue.put_directory(row, &entry.name, None, &bytes, 0, 0, Some(&child))?;
        merge.enter::<RepositoryError>(path, None, Some(&child))?;
        rows.push(id);
    }
    let summary = &backup.summary;
    let entries = summary.files.saturating_add(summary.directories).saturating_add(summary.others);
    catalogue.set(&state::ENTRIES, &entries)?;
    catalogue.set(&state::ROOT, &backup.root)?;
    catalogue.set(&state::ROOTS, &backup.source.roots)?;
    Ok(())
}

/// The row of a directory by its path.
pub(crate) fn directory_at(
    catalogue: &Catalogue,
    path: &TreePath,
) -> Result<Option<DirectoryId>, Error> {
    let mut row = Catalogue::ROOT;
    for name in path.names() {
        match catalogue.child(row, &name)?.and_then(|child| child.directory) {
            Some(next) => row = next,
            None => return Ok(None),
        }
    }
    Ok(Some(row))
}

/// Takes away the stamps of files whose content is in no object that is here, so that this run
/// reads and stores them again. Answers whether tree nodes may be lost too.
pub(crate) fn doubt_lost(repository: &Repository) -> Result<bool, Error> {
    let catalogue = &repository.catalogue;
    let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
    let mut pieces = PieceReader::new(&objects, catalogue);
    let mut lists = SeenLists::default();
    let mut waiting = vec![Catalogue::ROOT];
    while let Some(row) = waiting.pop() {
        for child in catalogue.children(row) {
            let child = child?;
            waiting.extend(child.directory);
            if child.kind == 0 && !is_stored(catalogue, &mut pieces, &mut lists, &child)? {
                catalogue.set_stamp(row, &child.name, None)?;
            }
        }
    }
    let metadata = |kind: &u8| *kind != ObjectKind::DATA;
    Ok(repository.imported.gone.iter().any(|(_, kind)| metadata(kind)))
}

fn is_stored(
    catalogue: &Catalogue,
    pieces: &mut PieceReader<'_>,
    lists: &mut SeenLists,
    child: &Remembered,
) -> Result<bool, Error> {
    let Ok(Entry { kind: Kind::File(content), .. }) = decode_entry(&child.entry) else {
        return Ok(false);
    };
    let held = lists.each_chunk(pieces, &content, |_, id, _| match Locate::holds(catalogue, id)? {
        true => Ok(()),
        false => Err(RepositoryError::Missing(*id)),
    });
    match held {
        Ok(()) => Ok(true),
        Err(
            RepositoryError::Missing(_)
            | RepositoryError::Damaged { .. }
            | RepositoryError::Arriving { .. }
            | RepositoryError::NotUnderstood { .. },
        ) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
