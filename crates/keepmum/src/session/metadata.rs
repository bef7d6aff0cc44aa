//! Reading a metadata object: its table, and its pieces that are indexes or records.

use crate::compress::Decompressor;
use crate::format::{IndexEntry, ObjectKind, PieceKind, Record, Table, decode_index};
use crate::model::{ObjectKey, RecordHash, RecordRef};
use crate::repository::{Keys, Listing, ObjectReader, RepositoryError};
use crate::store::Store;

/// Objects of at most so many bytes are held in memory while they are read.
const AT_ONCE: u64 = 64 * 1024;

/// What each worker reads metadata objects with.
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
        if is_record && metadata.records.is_empty() {
            let object = self.reader.path_of(key);
            let what = "it holds no record".to_owned();
            metadata.damage.get_or_insert(RepositoryError::Damaged { object, what });
        }
        Ok(metadata)
    }
}

/// What an object holds that the catalogue is told.
pub(crate) struct Metadata {
    pub(crate) table: Table,
    pub(crate) indexes: Vec<IndexEntry>,
    pub(crate) records: Vec<FoundRecord>,
    /// The first thing in it that could not be read; the rest counts all the same.
    pub(crate) damage: Option<RepositoryError>,
}

/// A record: which it is, which one it says came before it, its bytes.
type FoundRecord = (RecordRef, Option<(u32, RecordHash)>, Vec<u8>);

fn read_metadata(
    reader: &ObjectReader<'_>,
    key: &ObjectKey,
    decompressor: &mut Decompressor,
) -> Result<Metadata, RepositoryError> {
    let mut metadata = Metadata {
        table: reader.table(key)?,
        indexes: Vec::new(),
        records: Vec::new(),
        damage: None,
    };
    let damaged = |what: String| RepositoryError::Damaged { object: reader.path_of(key), what };
    for (offset, block) in metadata.table.offsets() {
        if !matches!(block.kind, PieceKind::Index | PieceKind::Record) {
            continue;
        }
        let pieces = match reader.pieces(key, offset, block, decompressor) {
            Ok(pieces) => pieces,
            Err(error) => {
                metadata.damage.get_or_insert(error);
                continue;
            }
        };
        for bytes in pieces {
            let read = match block.kind {
                PieceKind::Index => decode_index(&bytes)
                    .map(|entries| metadata.indexes.extend(entries))
                    .map_err(|error| damaged(error.to_string())),
                _ => read_record(key, bytes)
                    .map(|found| metadata.records.push(found))
                    .map_err(damaged),
            };
            if let Err(error) = read {
                metadata.damage.get_or_insert(error);
            }
        }
    }
    Ok(metadata)
}

fn read_record(key: &ObjectKey, bytes: Vec<u8>) -> Result<FoundRecord, String> {
    let record = Record::decode(&bytes).map_err(|error| error.to_string())?;
    if record.device != key.device || record.run != key.run {
        return Err("its record is of another run".to_owned());
    }
    let hash = RecordHash(crate::crypto::record_hash(&bytes));
    let at = RecordRef { device: record.device, run: record.run, hash };
    Ok((at, record.previous, bytes))
}
