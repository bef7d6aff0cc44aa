//! Bringing new metadata objects into the catalogue.
//!
//! Nothing is fetched without need: data objects are never read here, and of metadata objects
//! only those that are new, and of them only tables, indexes and records.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use crate::catalogue::{
    Catalogue, CatalogueError, ImportedBlock, ListedObject as CatalogueObject, state,
};
use crate::format::{ObjectKind, Table};
use crate::model::{DeviceId, ObjectKey};
use crate::pipeline::{self, Mode, Pool, Stage};
use crate::repository::{Chains, Keys, Listing, ObjectReader, RepositoryError};
use crate::store::Store;

use super::claims::listed_by_records;
use super::error::{Error, ErrorKind};
use super::event::Observer;
use super::metadata::{Metadata, Metadatas};

/// Reading metadata objects.
const READING: Stage = Stage(1);
/// Metadata objects of so many bytes are read ahead: their decoded form waits in memory.
const AHEAD: u64 = 4 * 1024 * 1024;

/// The findings while the catalogue was brought up to date.
#[derive(Default)]
pub(crate) struct Imported {
    /// Metadata objects that do not open or hold something malformed: file name and problem.
    pub(crate) damaged: Vec<(String, String)>,
    /// The first of them that the destination did not give, whether or not it is damaged.
    pub(crate) unread: Option<RepositoryError>,
    /// Metadata objects that have their length and not yet their bytes.
    pub(crate) arriving: Vec<ObjectKey>,
    /// Objects here that are not understood in whole or in part, with the unknown item.
    pub(crate) not_understood: BTreeMap<ObjectKey, String>,
    /// Objects that the catalogue had seen whole and that are not here now.
    pub(crate) gone: Vec<(ObjectKey, u8)>,
    /// Whether anything new was read.
    pub(crate) changed: bool,
    /// Another run held the catalogue all the while, so that nothing new could be brought in.
    pub(crate) held_up: bool,
}

/// Reconciles the catalogue with the listing and imports new objects.
pub(crate) fn bring_up(
    catalogue: &mut Catalogue,
    store: &dyn Store,
    keys: &Keys,
    listing: &Listing,
    mode: Mode,
    observer: &dyn Observer,
) -> Result<Imported, Error> {
    let here = listing.objects.iter().filter(|(_, object)| object.is_here());
    let here = here.map(|(key, object)| CatalogueObject {
        key,
        kind: object.name.kind.number(),
        length: object.name.length,
    });
    let mut reconciled = catalogue.reconcile(here.collect())?;
    reconciled.gone.retain(|(key, _)| !listing.is_placeholder(key));
    let mut imported = Imported { gone: reconciled.gone, ..Imported::default() };
    let mut data = Vec::new();
    let mut unknown = Vec::new();
    let is_understood =
        |key: &ObjectKey| listing.here(key).is_some_and(|one| one.name.is_understood());
    for object in reconciled.unknown.into_iter().filter(|object| is_understood(&object.key)) {
        if object.kind == ObjectKind::DATA {
            data.push(object.key);
        } else if object.kind == ObjectKind::META || object.kind == ObjectKind::RECORD {
            unknown.push(object.key);
        }
    }
    let known = catalogue.get(&state::NOT_UNDERSTOOD)?.unwrap_or_default();
    let still = known.iter().filter(|key| listing.here(key).is_some());
    let what = "a newer version wrote what this one does not understand";
    imported.not_understood = still.map(|key| (*key, what.to_owned())).collect();
    let half_read = catalogue.get(&state::HALF_READ)?.unwrap_or_default();
    unknown.extend(half_read.into_iter().filter(|key| listing.here(key).is_some()));
    if unknown.is_empty() && data.is_empty() && known.len() == imported.not_understood.len() {
        return Ok(imported);
    }
    imported.changed = !unknown.is_empty();
    unknown.sort_unstable();
    unknown.dedup();
    let reader = ObjectReader::new(store, keys, listing);
    // Without anything to bring in, nothing is written: a reader need not wait for a run then.
    if imported.changed {
        written(catalogue, &mut imported, |imported| {
            pipeline::run(
                mode,
                || Metadatas::new(store, keys, listing),
                |pool| import_all(catalogue, listing, &unknown, imported, observer, pool),
            )
        })?;
    }
    let unindexed = unindexed(catalogue, data)?;
    if !unindexed.is_empty() && !imported.held_up {
        written(catalogue, &mut imported, |imported| {
            import_unindexed(catalogue, &reader, listing, &unindexed, imported)
        })?;
    }
    if imported.not_understood.keys().ne(known.iter()) && !imported.held_up {
        written(catalogue, &mut imported, |imported| {
            let now = imported.not_understood.keys().copied().collect();
            Ok(catalogue.set(&state::NOT_UNDERSTOOD, &now)?)
        })?;
    }
    Ok(imported)
}

/// Does something in a transaction, unless another run holds the catalogue.
fn written(
    catalogue: &Catalogue,
    imported: &mut Imported,
    work: impl FnOnce(&mut Imported) -> Result<(), Error>,
) -> Result<(), Error> {
    match catalogue.begin() {
        Err(CatalogueError::Busy { .. }) => {
            imported.held_up = true;
            return Ok(());
        }
        other => other?,
    }
    match work(imported) {
        Ok(()) => Ok(catalogue.commit()?),
        Err(error) => {
            catalogue.rollback()?;
            Err(error)
        }
    }
}

/// Data objects that a record lists and no index names: their index is damaged, lost or still on
/// its way. An object that no record lists belongs to a run that is not over.
fn unindexed(catalogue: &Catalogue, data: Vec<ObjectKey>) -> Result<Vec<ObjectKey>, Error> {
    let mut missing = Vec::new();
    for key in data {
        if !catalogue.is_imported(&key)? {
            missing.push(key);
        }
    }
    if missing.is_empty() {
        return Ok(missing);
    }
    let listed = listed_by_records(catalogue, |_| true)?;
    missing.retain(|key| listed.contains(key));
    missing.sort_unstable();
    Ok(missing)
}

/// Reads the tables inside data objects of runs whose record is not here, if a record of the device
/// is missing: the data that a snapshot waits for may be here already. For a backup none of this
/// counts.
pub(crate) fn unclaimed(
    catalogue: &Catalogue,
    store: &dyn Store,
    keys: &Keys,
    listing: &Listing,
    chains: &Chains,
) -> Result<(), Error> {
    let mut missing: HashMap<DeviceId, HashSet<u32>> = HashMap::new();
    for (device, chain) in chains.iter().filter(|(_, chain)| !chain.missing_runs.is_empty()) {
        missing.insert(*device, chain.records.iter().map(|(at, ..)| at.run).collect());
    }
    let mut unread = Vec::new();
    for (key, object) in listing.objects.iter() {
        let runs = missing.get(&key.device).filter(|runs| !runs.contains(&key.run));
        let is_data = object.name.kind == ObjectKind::Data && object.is_here();
        if runs.is_some() && is_data && !catalogue.is_imported(&key)? {
            unread.push(key);
        }
    }
    if unread.is_empty() {
        return Ok(());
    }
    let reader = ObjectReader::new(store, keys, listing);
    // An unreadable object here belongs to no record, so there is nobody to tell.
    let mut ignored = Imported::default();
    written(catalogue, &mut ignored, |ignored| {
        import_unindexed(catalogue, &reader, listing, &unread, ignored)
    })
}

/// Reads the own tables of data objects that no index names.
fn import_unindexed(
    catalogue: &Catalogue,
    reader: &ObjectReader<'_>,
    listing: &Listing,
    unindexed: &[ObjectKey],
    imported: &mut Imported,
) -> Result<(), Error> {
    for key in unindexed {
        let Some(object) = listing.here(key) else { continue };
        let (kind, length) = (object.name.kind.number(), object.name.length);
        match reader.table(key) {
            Ok(table) => {
                imported.not_understood.remove(key);
                import_table(catalogue, key, kind, length, &table, true)?;
            }
            Err(error) => imported.refuse(key, error)?,
        }
    }
    Ok(())
}

/// Metadata objects are read and decoded side by side, a few before they are asked for, and go
/// into the catalogue one after the other.
fn import_all<'env>(
    catalogue: &Catalogue,
    listing: &Listing,
    unknown: &[ObjectKey],
    imported: &mut Imported,
    observer: &dyn Observer,
    pool: &Pool<'env, Metadatas<'env>>,
) -> Result<(), Error> {
    let mut half_read = BTreeSet::new();
    let mut under_way = VecDeque::new();
    let mut rest = unknown.iter().peekable();
    let mut weight = 0;
    loop {
        while let Some(key) = rest.next_if(|_| under_way.is_empty() || weight < AHEAD) {
            let (key, length) = (*key, listing.here(key).map_or(0, |object| object.name.length));
            weight += length;
            let ticket = pool.submit(READING, move |state| state.read(&key));
            under_way.push_back((key, length, ticket));
        }
        let Some((key, length, ticket)) = under_way.pop_front() else { break };
        if observer.stopping() {
            return Err(Error::new(
                ErrorKind::Interrupted,
                "stopped before the repository was open",
            ));
        }
        match ticket.wait() {
            Ok(Metadata { damage: Some(error @ RepositoryError::Arriving { .. }), .. }) => {
                imported.refuse(&key, error)?;
            }
            Ok(metadata) => {
                imported.not_understood.remove(&key);
                import_metadata(catalogue, listing, &key, &metadata)?;
                if let Some(what) = metadata.unknown {
                    half_read.insert(key);
                    imported.not_understood.insert(key, what);
                }
                if let Some(error) = metadata.damage {
                    half_read.insert(key);
                    imported.refuse(&key, error)?;
                }
            }
            Err(error) => imported.refuse(&key, error)?,
        }
        weight -= length;
    }
    Ok(catalogue.set(&state::HALF_READ, &half_read)?)
}

impl Imported {
    /// An unreadable object costs its contents and nothing else; a destination that fails ends the
    /// run.
    fn refuse(&mut self, key: &ObjectKey, error: RepositoryError) -> Result<(), Error> {
        match error {
            RepositoryError::Damaged { object, what } => self.damaged.push((object, what)),
            RepositoryError::Arriving { .. } => self.arriving.push(*key),
            RepositoryError::NotUnderstood { what, .. } => {
                self.not_understood.insert(*key, what);
            }
            error if error.is_of_one_object() => {
                let object = match &error {
                    RepositoryError::Destination(store) => store.path.clone(),
                    _ => None,
                };
                self.damaged.push((object.unwrap_or_default(), error.to_string()));
                self.unread.get_or_insert(error);
            }
            error => return Err(error.into()),
        }
        Ok(())
    }
}

fn import_metadata(
    catalogue: &Catalogue,
    listing: &Listing,
    key: &ObjectKey,
    metadata: &Metadata,
) -> Result<(), Error> {
    let Some(object) = listing.here(key) else { return Ok(()) };
    let (kind, length) = (object.name.kind.number(), object.name.length);
    import_table(catalogue, key, kind, length, &metadata.table, true)?;
    for entry in &metadata.indexes {
        let data = ObjectKey {
            device: entry.device,
            run: entry.run,
            number: entry.number,
            hash: entry.hash,
        };
        let kind = ObjectKind::DATA;
        import_table(catalogue, &data, kind, entry.length, &entry.table, false)?;
    }
    for (at, previous, bytes) in &metadata.records {
        catalogue.put_record(*at, *previous, bytes, key)?;
    }
    Ok(())
}

/// Writes the blocks and pieces of one object into the catalogue; `present` if it is known to be
/// here though the listing may not show it.
pub(crate) fn import_table(
    catalogue: &Catalogue,
    key: &ObjectKey,
    kind: u8,
    length: u64,
    table: &Table,
    present: bool,
) -> Result<(), Error> {
    let blocks = imported_blocks(table);
    Ok(catalogue.import_object(key, kind, length, &blocks, present)?)
}

/// A table in the catalogue's form.
pub(crate) fn imported_blocks(table: &Table) -> Vec<ImportedBlock<'_>> {
    table
        .offsets()
        .map(|(offset, block)| ImportedBlock {
            kind: block.kind as u8,
            codec: block.codec,
            offset,
            stored: block.stored,
            plain: block.plain,
            pieces: &block.pieces,
            bases: block.bases.clone(),
        })
        .collect()
}
