//! Reading a metadata object: its table, and its pieces that are indexes or records.

use crate::compress::Decompressor;
use crate::format::{FormatError, IndexEntry, ObjectKind, PieceKind, Record, Table, decode_index};
use crate::model::{ObjectKey, RecordHash, RecordRef};
use crate::repository::{Keys, Listing, ObjectReader, RepositoryError};
use crate::store::Store;

/// Objects of at most so many bytes are held in memory while they are read.
const AT_ONCE: u64 = 64 * 1024;

/// Each worker's reader of metadata objects.
pub(crate) struct Metadatas<'a> {
    reader: ObjectReader<'a>,
    listing: &'a Listing,
    decompressor: Decompressor,
}

impl<'a> Metadatas<'a> {
    pub(crate) fn new(store: &'a dyn Store, keys: &'a Keys, listing: &'a Listing) -> Self {
        let reader = ObjectReader::new(store, keys, listing);
        Self { reader, listing, decompressor: Decompressor::new() }
    }

    pub(crate) fn read(&mut self, key: &ObjectKey) -> Result<Metadata, RepositoryError> {
        self.reader.read_at_once(key, AT_ONCE);
        let mut metadata = read_metadata(&self.reader, key, &mut self.decompressor)?;
        let object = self.listing.here(key);
        let is_record = object.is_some_and(|object| object.name.kind == ObjectKind::Record);
        let ends = metadata.records.iter().any(|(at, ..)| at.run == key.run);
        if is_record && !ends && metadata.unknown.is_none() {
            let object = self.reader.path_of(key);
            let what = "it holds no record".to_owned();
            metadata.damage.get_or_insert(RepositoryError::Damaged { object, what });
        }
        Ok(metadata)
    }
}

/// The contents of an object, for the catalogue.
pub(crate) struct Metadata {
    pub(crate) table: Table,
    pub(crate) indexes: Vec<IndexEntry>,
    pub(crate) records: Vec<FoundRecord>,
    /// The first thing in it that could not be read; the rest counts all the same.
    pub(crate) damage: Option<RepositoryError>,
    /// The first thing in it that this version does not understand.
    pub(crate) unknown: Option<String>,
}

/// A record: which it is, which one it says came before it, its bytes.
type FoundRecord = (RecordRef, Option<(u32, RecordHash)>, Vec<u8>);

fn read_metadata(
    reader: &ObjectReader<'_>,
    key: &ObjectKey,
    decompressor: &mut Decompressor,
) -> Result<Metadata, RepositoryError> {
    let table = reader.table(key)?;
    let mut metadata = Metadata {
        indexes: Vec::new(),
        records: Vec::new(),
        damage: None,
        unknown: None,
        table: Table::default(),
    };
    for (offset, block) in table.offsets() {
        if !matches!(block.kind, PieceKind::Index | PieceKind::Record) {
            continue;
        }
        let pieces = match reader.pieces(key, offset, block, decompressor) {
            Ok(pieces) => pieces,
            Err(error) => {
                metadata.refuse(error);
                continue;
            }
        };
        for bytes in pieces {
            let refused = |error| RepositoryError::refused(reader.path_of(key), error);
            match block.kind {
                PieceKind::Index => match decode_index(&bytes) {
                    Ok(entries) => metadata.indexes.extend(entries),
                    Err(error) => metadata.refuse(refused(error)),
                },
                _ => match Record::decode(&bytes) {
                    Ok(record) => metadata.take_record(reader, key, &record, bytes),
                    Err(error @ FormatError::Unknown { .. }) => {
                        // It is a link of its chain all the same.
                        metadata.unknown.get_or_insert(error.to_string());
                        let hash = RecordHash(crate::crypto::record_hash(&bytes));
                        let place = Record::place(&bytes);
                        let place =
                            place.filter(|(device, run)| *device == key.device && *run <= key.run);
                        if let Some((device, run)) = place {
                            metadata.records.push((RecordRef { device, run, hash }, None, bytes));
                        }
                    }
                    Err(error) => metadata.refuse(refused(error)),
                },
            }
        }
    }
    metadata.table = table;
    Ok(metadata)
}

impl Metadata {
    /// Something in it cannot be read: an item that is not understood is not damage.
    fn refuse(&mut self, error: RepositoryError) {
        match error {
            RepositoryError::NotUnderstood { what, .. } => drop(self.unknown.get_or_insert(what)),
            error => drop(self.damage.get_or_insert(error)),
        }
    }

    fn take_record(
        &mut self,
        reader: &ObjectReader<'_>,
        key: &ObjectKey,
        record: &Record,
        bytes: Vec<u8>,
    ) {
        // A record itself says which one it is; the name of its object only bounds it.
        if record.device != key.device || record.run > key.run {
            let (object, what) = (reader.path_of(key), "its record is of another run".to_owned());
            return self.refuse(RepositoryError::Damaged { object, what });
        }
        if record.has_unknown_items() {
            let what = "its record says something that this version does not know";
            self.unknown.get_or_insert(what.to_owned());
        }
        let hash = RecordHash(crate::crypto::record_hash(&bytes));
        let at = RecordRef { device: record.device, run: record.run, hash };
        self.records.push((at, record.previous, bytes));
    }
}
