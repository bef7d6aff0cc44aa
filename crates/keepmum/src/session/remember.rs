//! The catalogue's memory of the source, rebuilt from this device's last snapshot, and doubted if
//! stored objects are gone.

use crate::catalogue::{Catalogue, DirectoryId, Remembered, state};
use crate::format::{Backup, ObjectKind, decode_entry, encode_entry};
use crate::model::{DeviceId, Entry, Kind, Locate, TreePath};
use crate::repository::{PieceReader, RepositoryError, SeenLists, SnapshotTree};

use super::error::Error;
use super::event::{Event, Observer};
use super::open::Repository;
use super::walk::{SnapshotWalk, Visit};
use super::walk_error::WalkError;

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
        match tree(repository, snapshot.backup, observer) {
            Ok(()) => return Ok(()),
            // An older one may be readable.
            Err(WalkError::Snapshot(
                error @ (RepositoryError::Damaged { .. }
                | RepositoryError::Arriving { .. }
                | RepositoryError::NotUnderstood { .. }
                | RepositoryError::Missing(_)),
            )) => observer.event(Event::Notice(format!(
                "A snapshot could not be used to rebuild the catalogue: {error}"
            ))),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(repository.catalogue.clear_tree()?)
}

fn tree(
    repository: &Repository,
    backup: &Backup,
    observer: &dyn Observer,
) -> Result<(), WalkError> {
    let catalogue = &repository.catalogue;
    catalogue.clear_tree()?;
    let objects = repository.objects();
    let side = SnapshotTree::new(PieceReader::new(&objects, catalogue), backup.root);
    catalogue.set_node(Catalogue::ROOT, Some(&backup.root))?;
    let mut rows = vec![Catalogue::ROOT];
    let begin = (TreePath::root(), backup.root);
    for visit in SnapshotWalk::new(side, begin, (observer, "remembered")) {
        let entry = match visit? {
            Visit::Entry(_, entry) => entry,
            Visit::Unread(_, WalkError::Refused(_)) => continue,
            Visit::Unread(_, error) => return Err(error),
            Visit::Leave => {
                rows.pop();
                continue;
            }
        };
        let row = rows.last().copied().unwrap_or(Catalogue::ROOT);
        let mut bytes = Vec::new();
        encode_entry(&entry, &mut bytes);
        let (name, number) = (&entry.name, entry.kind.number());
        match entry.kind {
            Kind::Directory(node) => {
                rows.push(catalogue.put_directory(row, name, None, &bytes, 0, 0, Some(&node))?);
            }
            _ => catalogue.put_entry(row, name, None, &bytes, number)?,
        }
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

/// Removes the stamps of entries whose content, a file's own or that of an attribute, is in no
/// object here, so that this run reads and stores it again. Returns whether tree nodes may be lost
/// too.
pub(crate) fn doubt_lost(repository: &Repository) -> Result<bool, Error> {
    let catalogue = &repository.catalogue;
    let objects = repository.objects();
    let mut pieces = PieceReader::new(&objects, catalogue);
    let mut lists = SeenLists::default();
    let mut waiting = vec![Catalogue::ROOT];
    while let Some(row) = waiting.pop() {
        for child in catalogue.children(row) {
            let child = child?;
            waiting.extend(child.directory);
            if !is_stored(catalogue, &mut pieces, &mut lists, &child)? {
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
    let Ok(Entry { kind, metadata, .. }) = decode_entry(&child.entry) else { return Ok(false) };
    let content = match &kind {
        Kind::File(content) => Some(content),
        _ => None,
    };
    let held = metadata.stored().chain(content).try_for_each(|content| {
        lists.each_chunk(pieces, content, |_, id, _| match Locate::holds(catalogue, id)? {
            true => Ok(()),
            false => Err(RepositoryError::Missing(*id)),
        })
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
