//! Reading: from an id to verified bytes. No byte leaves here that was not authenticated, and no
//! piece whose bytes do not prove its id.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::compress::{Codec, Decompressor};
use crate::crypto::{HEADER, Opener};
use crate::format::object::FOOTER_LENGTH;
use crate::format::{Block, Table, parse_footer};
use crate::model::{ChunkId, Location, ObjectKey};
use crate::store::Store;

use super::error::RepositoryError;
use super::kept_bases::KeptBases;
use super::keys::Keys;
use super::listed::ListedObject;
use super::listing::Listing;

/// A block by where it lies. Lengths and offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockPlace {
    /// The object.
    pub object: ObjectKey,
    /// Where the block begins in its plaintext.
    pub offset: u32,
    /// Stored length.
    pub stored: u32,
    /// Plain length.
    pub plain: u32,
    /// Codec, as the format numbers it.
    pub codec: u8,
}

impl From<&Location> for BlockPlace {
    fn from(at: &Location) -> Self {
        Self {
            object: at.object,
            offset: at.block_offset,
            stored: at.stored,
            plain: at.plain,
            codec: at.codec,
        }
    }
}

/// How many openers are kept; each is a key schedule of a few hundred bytes.
const OPENERS: usize = 512;

/// The problem of a file whose bytes do not have the hash in its name.
const EXCHANGED: &str = "its bytes are not those that its name says";

/// Reads parts of objects. Usable from several threads at once.
pub struct ObjectReader<'a> {
    pub(super) store: &'a dyn Store,
    keys: &'a Keys,
    listing: &'a Listing,
    openers: Mutex<HashMap<(ObjectKey, usize), Arc<Opener>>>,
    /// The plaintext of the object that was read at once.
    pub(super) whole: Mutex<Option<(ObjectKey, Vec<u8>)>>,
    /// Files, by their place among those of the object, whose bytes are not those that their name
    /// says: they are those of another object.
    pub(super) exchanged: Mutex<HashSet<(ObjectKey, usize)>>,
    /// Bases of deltas.
    pub(super) bases: Mutex<KeptBases>,
}

impl<'a> ObjectReader<'a> {
    /// A reader of the listed objects.
    pub fn new(store: &'a dyn Store, keys: &'a Keys, listing: &'a Listing) -> Self {
        let (openers, whole, exchanged, bases) = Default::default();
        Self { store, keys, listing, openers, whole, exchanged, bases }
    }

    /// The keys that it reads with.
    pub fn keys(&self) -> &'a Keys {
        self.keys
    }

    /// A range of the object that was read at once; nothing if it reaches beyond its end.
    fn range_of_whole(&self, key: &ObjectKey, offset: u64, length: u64) -> Option<Vec<u8>> {
        let whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, plain) = whole.as_ref().filter(|(known, _)| known == key)?;
        let begin = usize::try_from(offset).ok()?;
        let end = begin.checked_add(usize::try_from(length).ok()?)?;
        plain.get(begin..end).map(<[u8]>::to_vec)
    }

    /// A range of an object's plaintext. A conflict copy is tried before damage is reported.
    pub fn range(
        &self,
        key: &ObjectKey,
        offset: u64,
        length: u64,
    ) -> Result<Vec<u8>, RepositoryError> {
        let object = self.object(key)?;
        if let Some(bytes) = self.range_of_whole(key, offset, length) {
            return Ok(bytes);
        }
        if object.is_placeholder() {
            let what = "its bytes are with the sync service, and only a placeholder is here";
            let object = self.path(object, 0);
            return Err(RepositoryError::Arriving { object, what: what.to_owned() });
        }
        let mut first = None;
        for copy in 0..object.files() {
            if self.is_exchanged(key, copy) {
                first.get_or_insert_with(|| self.damaged(object, EXCHANGED));
                continue;
            }
            match self.range_of_copy(key, object, copy, offset, length) {
                Ok(bytes) => return Ok(bytes),
                // No other file of it opens either.
                Err(error @ RepositoryError::NotUnderstood { .. }) => return Err(error),
                Err(error) if error.is_of_one_object() => drop(first.get_or_insert(error)),
                Err(error) => return Err(error),
            }
        }
        let error = first.unwrap_or_else(|| self.damaged(object, "it is not here"));
        Err(self.arriving_or(object, error))
    }

    /// A copy that does not open says nothing of an object whose original is not here: a sync
    /// client may just be writing it. This device's own objects are not on their way.
    fn arriving_or(&self, object: &ListedObject, error: RepositoryError) -> RepositoryError {
        let own = self.listing.own == Some(object.name.device);
        match error {
            RepositoryError::Damaged { object: file, .. } if !own && !object.has_original() => {
                let what = "there is only a copy of it, and that does not open".to_owned();
                RepositoryError::Arriving { object: file, what }
            }
            RepositoryError::Arriving { object, what } if own => {
                RepositoryError::Damaged { object, what }
            }
            error => error,
        }
    }

    /// Where a file of an object lies.
    pub(super) fn path(&self, object: &ListedObject, copy: usize) -> String {
        object.path(copy, self.keys).unwrap_or_default()
    }

    pub(super) fn damaged(&self, object: &ListedObject, what: &str) -> RepositoryError {
        RepositoryError::Damaged { object: self.path(object, 0), what: what.to_owned() }
    }

    fn is_exchanged(&self, key: &ObjectKey, copy: usize) -> bool {
        let exchanged = self.exchanged.lock().unwrap_or_else(PoisonError::into_inner);
        exchanged.contains(&(*key, copy))
    }

    pub(super) fn object(&self, key: &ObjectKey) -> Result<&'a ListedObject, RepositoryError> {
        self.listing.here(key).ok_or_else(|| RepositoryError::Damaged {
            object: format!("{}/{}/{}", key.device, key.run, key.number),
            what: "it is not here".to_owned(),
        })
    }

    pub(super) fn range_of_copy(
        &self,
        key: &ObjectKey,
        object: &ListedObject,
        copy: usize,
        offset: u64,
        length: u64,
    ) -> Result<Vec<u8>, RepositoryError> {
        let opener = self.opener(key, object, copy)?;
        let span = opener
            .segments_for(offset..offset.saturating_add(length))
            .ok_or_else(|| self.damaged(object, "it is shorter than its table says"))?;
        let count = usize::try_from(span.sealed.end - span.sealed.start)
            .map_err(|_| self.damaged(object, "a range is too long"))?;
        let mut bytes = self.store.get_range(&self.path(object, copy), span.sealed.start, count)?;
        opener
            .open_segments(span.first, &mut bytes)
            .map_err(|error| self.damaged(object, &error.to_string()))?;
        let skip = usize::try_from(span.skip).unwrap_or(usize::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if bytes.len() < skip.saturating_add(length) {
            return Err(self.damaged(object, "it is shorter than its table says"));
        }
        bytes.truncate(skip + length);
        bytes.drain(..skip);
        Ok(bytes)
    }

    fn opener(
        &self,
        key: &ObjectKey,
        object: &ListedObject,
        copy: usize,
    ) -> Result<Arc<Opener>, RepositoryError> {
        let known = self.openers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opener) = known.get(&(*key, copy)) {
            return Ok(Arc::clone(opener));
        }
        drop(known);
        let header = self.store.get_range(&self.path(object, copy), 0, HEADER)?;
        let opener = Arc::new(self.opener_with(object, &header)?);
        let mut known = self.openers.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= OPENERS {
            known.clear();
        }
        known.insert((*key, copy), Arc::clone(&opener));
        Ok(opener)
    }

    pub(super) fn opener_with(
        &self,
        object: &ListedObject,
        header: &[u8],
    ) -> Result<Opener, RepositoryError> {
        // No object begins so: the first bytes of each are random.
        if header.len() >= HEADER && header[..HEADER].iter().all(|byte| *byte == 0) {
            let object = self.path(object, 0);
            let what = "it begins with zeros".to_owned();
            return Err(RepositoryError::Arriving { object, what });
        }
        let repository = self.keys.repository(object.repository);
        let inputs = repository.into_iter().flat_map(|keys| keys.object_keys(object.name.epoch));
        let (context, length) = (object.name.context(), object.name.length);
        let mut opened = Err(self.without_epoch(object));
        // If two epochs have one number, the commitment decides.
        for input in inputs {
            opened = Opener::new(input, header, length, &context)
                .map_err(|error| self.damaged(object, &error.to_string()));
            if opened.is_ok() {
                break;
            }
        }
        opened
    }

    /// No key block here holds its key. The key block may still be on its way; this device's own
    /// objects are here, and closed all the same.
    fn without_epoch(&self, object: &ListedObject) -> RepositoryError {
        let what = "no key block that is here holds the key of its epoch".to_owned();
        let own = self.listing.own == Some(object.name.device);
        let object = self.path(object, 0);
        match own {
            true => RepositoryError::NotUnderstood { object, what },
            false => RepositoryError::Arriving { object, what },
        }
    }

    /// The table at an object's end.
    pub fn table(&self, key: &ObjectKey) -> Result<Table, RepositoryError> {
        let object = self.object(key)?;
        let refused = |error| RepositoryError::refused(self.path(object, 0), error);
        if !object.name.is_understood() {
            let what = "its name says what this version does not know".to_owned();
            return Err(RepositoryError::NotUnderstood { object: self.path(object, 0), what });
        }
        let plain = crate::format::plain_for_sealed(object.name.length)
            .filter(|plain| *plain >= FOOTER_LENGTH as u64)
            .ok_or_else(|| self.damaged(object, "its length is impossible"))?;
        // The footer and a likely table in one read.
        let tail = plain.min(16 * 1024);
        let bytes = self.range(key, plain - tail, tail)?;
        let (rest, footer) =
            bytes.split_last_chunk().ok_or_else(|| self.damaged(object, "it has no footer"))?;
        let length = u64::from(parse_footer(footer).map_err(refused)?);
        let end = plain - FOOTER_LENGTH as u64;
        if length > end {
            return Err(self.damaged(object, "its table is longer than it"));
        }
        let table = match usize::try_from(length).ok().and_then(|l| rest.len().checked_sub(l)) {
            Some(start) => Table::decode(&rest[start..]),
            None => Table::decode(&self.range(key, end - length, length)?),
        };
        let table = table.map_err(refused)?;
        let stored: u64 = table.blocks.iter().map(|block| u64::from(block.stored)).sum();
        if stored > end - length {
            return Err(self.damaged(object, "its blocks are longer than it"));
        }
        Ok(table)
    }

    /// Reads the bytes behind the blocks of an object, padding included, and so verifies it.
    pub fn behind_blocks(&self, key: &ObjectKey, table: &Table) -> Result<u64, RepositoryError> {
        const STEP: u64 = 1024 * 1024;
        let object = self.object(key)?;
        let plain = crate::format::plain_for_sealed(object.name.length)
            .ok_or_else(|| self.damaged(object, "its length is impossible"))?;
        let begin: u64 = table.blocks.iter().map(|block| u64::from(block.stored)).sum();
        let mut at = begin;
        while at < plain {
            let length = STEP.min(plain - at);
            self.range(key, at, length)?;
            at += length;
        }
        Ok(plain.saturating_sub(begin))
    }

    /// Whether an object can be read without being fetched from elsewhere.
    pub fn is_at_hand(&self, key: &ObjectKey) -> bool {
        let object = self.listing.here(key);
        object.is_some_and(|object| self.store.is_at_hand(&self.path(object, 0)))
    }

    /// The bytes of a block as they are stored.
    pub(super) fn stored(&self, place: &BlockPlace) -> Result<Vec<u8>, RepositoryError> {
        self.range(&place.object, u64::from(place.offset), u64::from(place.stored))
    }

    /// The plain bytes of a block that is no delta; its pieces are not yet verified.
    pub fn block(
        &self,
        place: &BlockPlace,
        decompressor: &mut Decompressor,
    ) -> Result<Vec<u8>, RepositoryError> {
        let stored = self.stored(place)?;
        let object = self.object(&place.object)?;
        let codec = Codec::from_u8(place.codec)
            .ok_or_else(|| self.damaged(object, "its codec is unknown"))?;
        decompressor
            .plain(codec, stored, place.plain as usize)
            .map_err(|error| self.damaged(object, &error.to_string()))
    }

    /// The pieces of one block of an object, verified.
    pub fn pieces(
        &self,
        key: &ObjectKey,
        offset: u32,
        block: &Block,
        decompressor: &mut Decompressor,
    ) -> Result<Vec<Vec<u8>>, RepositoryError> {
        let plain = self.block(&block_place(*key, offset, block), decompressor)?;
        let mut pieces = Vec::with_capacity(block.pieces.len());
        for (id, bytes) in split(block, &plain) {
            if !self.keys.proves(block.kind, &id, bytes) {
                return Err(self.damaged(self.object(key)?, "a piece is not what its id says"));
            }
            pieces.push(bytes.to_vec());
        }
        Ok(pieces)
    }

    /// The file name of an object; its number where it is not here.
    pub fn path_of(&self, key: &ObjectKey) -> String {
        match self.listing.here(key) {
            Some(object) => self.path(object, 0),
            None => format!("{}/{}/{}", key.device, key.run, key.number),
        }
    }
}

/// Where a block of a table lies.
pub fn block_place(object: ObjectKey, offset: u32, block: &Block) -> BlockPlace {
    BlockPlace { object, offset, stored: block.stored, plain: block.plain, codec: block.codec }
}

/// The pieces of a plain block; the table's sums were checked when it was decoded.
pub fn split<'b>(
    block: &'b Block,
    plain: &'b [u8],
) -> impl Iterator<Item = (ChunkId, &'b [u8])> + 'b {
    let mut rest = plain;
    block.pieces.iter().map_while(move |(id, length)| {
        let (piece, after) = rest.split_at_checked(*length as usize)?;
        rest = after;
        Some((*id, piece))
    })
}
