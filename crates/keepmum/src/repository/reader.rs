//! Reading: from an id to verified bytes. No byte leaves here that was not authenticated, and no
//! piece whose bytes do not prove its id.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use crate::compress::{Codec, Decompressor};
use crate::crypto::{HEADER, Opener};
use crate::format::object::FOOTER_LENGTH;
use crate::format::{Block, ObjectKind, Table, parse_footer};
use crate::model::{ChunkId, Locate, Location, ObjectKey};
use crate::store::Store;

use super::error::RepositoryError;
use super::keys::Keys;
use super::listing::{ListedObject, Listing};

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

/// Objects of at most so many bytes may be read at once.
const WHOLE: u64 = 64 * 1024;

/// Reads parts of objects. Usable from several threads at once.
pub struct ObjectReader<'a> {
    store: &'a dyn Store,
    keys: &'a Keys,
    listing: &'a Listing,
    openers: Mutex<HashMap<(ObjectKey, usize), Arc<Opener>>>,
    /// The plaintext of the object that was read at once.
    whole: Mutex<Option<(ObjectKey, Vec<u8>)>>,
}

impl<'a> ObjectReader<'a> {
    /// A reader of what the listing found.
    pub fn new(store: &'a dyn Store, keys: &'a Keys, listing: &'a Listing) -> Self {
        let (openers, whole) = (Mutex::default(), Mutex::default());
        Self { store, keys, listing, openers, whole }
    }

    /// The keys that it reads with.
    pub fn keys(&self) -> &'a Keys {
        self.keys
    }

    /// Reads an object at once if it is small, so that nothing more is read for its ranges until
    /// another one is read so. One that cannot be had in this way is had range by range, and then
    /// it turns out what is wrong with it.
    pub fn read_at_once(&self, key: &ObjectKey) {
        let object = self.listing.here(key).filter(|object| object.name.length <= WHOLE);
        let plain = object.and_then(|object| {
            object.paths.iter().find_map(|path| {
                let bytes = self.store.get(path, object.name.length).ok()?;
                let opener = self.opener_with(object, &bytes).ok()?;
                let mut segments = bytes.get(HEADER..)?.to_vec();
                opener.open_segments(0, &mut segments).ok()?;
                Some((*key, segments))
            })
        });
        *self.whole.lock().unwrap_or_else(PoisonError::into_inner) = plain;
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
        let mut last = None;
        for copy in 0..object.paths.len() {
            match self.range_of_copy(key, object, copy, offset, length) {
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.is_of_one_object() => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| damaged(object, "it is not here")))
    }

    fn object(&self, key: &ObjectKey) -> Result<&'a ListedObject, RepositoryError> {
        self.listing.here(key).ok_or_else(|| RepositoryError::Damaged {
            object: format!("{}/{}/{}", key.device, key.run, key.number),
            what: "it is not here".to_owned(),
        })
    }

    fn range_of_copy(
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
            .ok_or_else(|| damaged(object, "it is shorter than its table says"))?;
        let count = usize::try_from(span.sealed.end - span.sealed.start)
            .map_err(|_| damaged(object, "a range is too long"))?;
        let mut bytes = self.store.get_range(&object.paths[copy], span.sealed.start, count)?;
        opener
            .open_segments(span.first, &mut bytes)
            .map_err(|error| damaged(object, &error.to_string()))?;
        let skip = usize::try_from(span.skip).unwrap_or(usize::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if bytes.len() < skip.saturating_add(length) {
            return Err(damaged(object, "it is shorter than its table says"));
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
        let header = self.store.get_range(&object.paths[copy], 0, HEADER)?;
        let opener = Arc::new(self.opener_with(object, &header)?);
        let mut known = self.openers.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= OPENERS {
            known.clear();
        }
        known.insert((*key, copy), Arc::clone(&opener));
        Ok(opener)
    }

    fn opener_with(&self, object: &ListedObject, header: &[u8]) -> Result<Opener, RepositoryError> {
        let repository = self.keys.repository(object.repository);
        let inputs = repository.into_iter().flat_map(|keys| keys.object_keys(object.name.epoch));
        let (context, length) = (object.name.context(), object.name.length);
        let mut opened = Err(damaged(object, "its key epoch is not known"));
        // Where two epochs have one number, the commitment tells whose object it is.
        for input in inputs {
            opened = Opener::new(input, header, length, &context)
                .map_err(|error| damaged(object, &error.to_string()));
            if opened.is_ok() {
                break;
            }
        }
        opened
    }

    /// The table at an object's end.
    pub fn table(&self, key: &ObjectKey) -> Result<Table, RepositoryError> {
        let object = self.object(key)?;
        let plain = crate::format::plain_for_sealed(object.name.length)
            .filter(|plain| *plain >= FOOTER_LENGTH as u64)
            .ok_or_else(|| damaged(object, "its length is impossible"))?;
        // The footer and a likely table in one read.
        let tail = plain.min(16 * 1024);
        let bytes = self.range(key, plain - tail, tail)?;
        let (rest, footer) =
            bytes.split_last_chunk().ok_or_else(|| damaged(object, "it has no footer"))?;
        let length = parse_footer(footer).map_err(|error| damaged(object, &error.to_string()))?;
        let length = u64::from(length);
        let end = plain - FOOTER_LENGTH as u64;
        if length > end {
            return Err(damaged(object, "its table is longer than it"));
        }
        let table = match usize::try_from(length).ok().and_then(|l| rest.len().checked_sub(l)) {
            Some(start) => Table::decode(&rest[start..]),
            None => Table::decode(&self.range(key, end - length, length)?),
        };
        let table = table.map_err(|error| damaged(object, &error.to_string()))?;
        let stored: u64 = table.blocks.iter().map(|block| u64::from(block.stored)).sum();
        if stored > end - length {
            return Err(damaged(object, "its blocks are longer than it"));
        }
        Ok(table)
    }

    /// Reads what lies behind the blocks of an object, padding included, and so proves it.
    pub fn behind_blocks(&self, key: &ObjectKey, table: &Table) -> Result<u64, RepositoryError> {
        const STEP: u64 = 1024 * 1024;
        let object = self.object(key)?;
        let plain = crate::format::plain_for_sealed(object.name.length)
            .ok_or_else(|| damaged(object, "its length is impossible"))?;
        let begin: u64 = table.blocks.iter().map(|block| u64::from(block.stored)).sum();
        let mut at = begin;
        while at < plain {
            let length = STEP.min(plain - at);
            self.range(key, at, length)?;
            at += length;
        }
        Ok(plain.saturating_sub(begin))
    }

    /// The plain bytes of a block; its pieces are not yet verified.
    pub fn block(
        &self,
        place: &BlockPlace,
        decompressor: &mut Decompressor,
    ) -> Result<Vec<u8>, RepositoryError> {
        let stored = self.range(&place.object, u64::from(place.offset), u64::from(place.stored))?;
        let object = self.object(&place.object)?;
        let codec =
            Codec::from_u8(place.codec).ok_or_else(|| damaged(object, "its codec is unknown"))?;
        decompressor
            .plain(codec, stored, place.plain as usize)
            .map_err(|error| damaged(object, &error.to_string()))
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
            if !self.keys.proves(&id, bytes) {
                return Err(damaged(self.object(key)?, "a piece is not what its id says"));
            }
            pieces.push(bytes.to_vec());
        }
        Ok(pieces)
    }

    /// The file name of an object; its number where it is not here.
    pub fn path_of(&self, key: &ObjectKey) -> String {
        match self.listing.here(key).and_then(|object| object.paths.first()) {
            Some(path) => path.clone(),
            None => format!("{}/{}/{}", key.device, key.run, key.number),
        }
    }

    /// Whether an object is of a kind that holds metadata.
    pub fn holds_metadata(object: &ListedObject) -> bool {
        matches!(object.name.kind, ObjectKind::Meta | ObjectKind::Record)
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

fn damaged(object: &ListedObject, what: &str) -> RepositoryError {
    let object = object.paths.first().cloned().unwrap_or_default();
    RepositoryError::Damaged { object, what: what.to_owned() }
}

/// Blocks kept by a [`PieceReader`].
const BLOCKS_KEPT: usize = 6;

/// Reads single pieces by id, as trees need them: neighbours lie in one block, so the last few
/// blocks are kept.
pub struct PieceReader<'a> {
    objects: &'a ObjectReader<'a>,
    index: &'a dyn Locate,
    decompressor: Decompressor,
    kept: VecDeque<(BlockPlace, Arc<Vec<u8>>)>,
}

impl<'a> PieceReader<'a> {
    /// A reader that asks `index` where pieces are.
    pub fn new(objects: &'a ObjectReader<'a>, index: &'a dyn Locate) -> Self {
        Self { objects, index, decompressor: Decompressor::new(), kept: VecDeque::new() }
    }

    /// The verified bytes of a piece.
    pub fn piece(&mut self, id: &ChunkId) -> Result<Vec<u8>, RepositoryError> {
        let mut last = RepositoryError::Missing(*id);
        for location in self.index.locate(id)? {
            match self.piece_at(id, &location) {
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.is_of_one_object() => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// The keys that it reads with.
    pub fn keys(&self) -> &'a Keys {
        self.objects.keys()
    }

    fn piece_at(&mut self, id: &ChunkId, at: &Location) -> Result<Vec<u8>, RepositoryError> {
        let place = BlockPlace::from(at);
        let block = match self.kept.iter().find(|(kept, _)| *kept == place) {
            Some((_, block)) => Arc::clone(block),
            None => {
                let block = Arc::new(self.objects.block(&place, &mut self.decompressor)?);
                if self.kept.len() >= BLOCKS_KEPT {
                    self.kept.pop_front();
                }
                self.kept.push_back((place, Arc::clone(&block)));
                block
            }
        };
        let start = at.offset as usize;
        let piece = block.get(start..start.saturating_add(at.length as usize));
        match piece {
            Some(bytes) if self.objects.keys().proves(id, bytes) => Ok(bytes.to_vec()),
            _ => Err(RepositoryError::Damaged {
                object: format!("{}/{}/{}", at.object.device, at.object.run, at.object.number),
                what: "a piece is not what its id says".to_owned(),
            }),
        }
    }
}
