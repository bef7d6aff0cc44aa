//! Deltas: which blocks one needs, how it is made again, and when it is worth making.
//!
//! A chain of deltas ends after a few blocks: the claimed reach of a block bounds the data read for
//! it, whatever an attacker has written.

use std::sync::{Arc, PoisonError};

use crate::compress::{Codec, Compressor, Decompressor, Effort, delta, undelta};
use crate::format::object::CODEC_DELTA;
use crate::format::{Block, PieceKind};
use crate::model::{BASES_LENGTH_MAX, Bases, ChunkId, Locate, Location, ObjectKey};

use super::error::RepositoryError;
use super::object::{PackedBlock, Spare};
use super::reader::{BlockPlace, ObjectReader};

/// A block with all that is needed to decode it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Where it lies.
    pub place: BlockPlace,
    /// The base pieces of a delta, in order.
    pub bases: Arc<[BasePlace]>,
}

/// A base piece in its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePlace {
    id: ChunkId,
    /// Kind of the piece, as the format numbers it.
    kind: u8,
    /// Where it begins in the plain block.
    offset: u32,
    length: u32,
    block: Recipe,
}

impl Recipe {
    /// How to decode the block of a place; an error if a base has no place that fits.
    pub fn of(index: &dyn Locate, at: &Location) -> Result<Self, RepositoryError> {
        let place = BlockPlace::from(at);
        if at.codec != CODEC_DELTA {
            return Ok(Self { place, bases: Arc::default() });
        }
        let mut left = at.bases.reach.saturating_sub(1);
        let mut room = BASES_LENGTH_MAX;
        let mut bases = Vec::with_capacity(at.bases.ids.len());
        for id in at.bases.ids.iter() {
            let missing = RepositoryError::Missing(*id);
            let places = index.locate(id)?.into_iter().filter(|base| base.kind == at.kind);
            let Some(base) = places.min_by_key(|base| base.bases.reach) else {
                return Err(missing);
            };
            left = left.checked_sub(base.bases.reach).ok_or(missing)?;
            room = room.checked_sub(base.length.into()).ok_or_else(|| too_long(at))?;
            // Its reach is smaller, so this ends.
            let block = Self::of(index, &base)?;
            let (kind, offset, length) = (base.kind, base.offset, base.length);
            bases.push(BasePlace { id: *id, kind, offset, length, block });
        }
        Ok(Self { place, bases: bases.into() })
    }
}

impl Recipe {
    /// The objects of all its bases.
    pub fn base_objects(&self) -> Vec<ObjectKey> {
        let mut objects = Vec::new();
        for base in self.bases.iter() {
            objects.push(base.block.place.object);
            objects.extend(base.block.base_objects());
        }
        objects
    }
}

/// The bases of one delta are longer than a block.
pub(super) fn too_long(at: &Location) -> RepositoryError {
    RepositoryError::Damaged {
        object: format!("{}/{}/{}", at.object.device, at.object.run, at.object.number),
        what: "the bases of a block are too long".to_owned(),
    }
}

impl ObjectReader<'_> {
    /// The plain bytes of a block, on any bases; its pieces are not yet verified, its bases are.
    pub fn plain(
        &self,
        recipe: &Recipe,
        decompressor: &mut Decompressor,
    ) -> Result<Vec<u8>, RepositoryError> {
        if recipe.place.codec != CODEC_DELTA {
            return self.block(&recipe.place, decompressor);
        }
        let prefix = self.prefix(recipe, decompressor)?;
        self.on_prefix(&recipe.place, &prefix)
    }

    /// The bases of a delta, end to end.
    pub fn prefix(
        &self,
        recipe: &Recipe,
        decompressor: &mut Decompressor,
    ) -> Result<Vec<u8>, RepositoryError> {
        let mut prefix = Vec::new();
        for base in recipe.bases.iter() {
            let known = self.bases.lock().unwrap_or_else(PoisonError::into_inner).get(&base.id);
            if let Some(bytes) = known {
                prefix.extend_from_slice(&bytes);
                continue;
            }
            let block = self.plain(&base.block, decompressor)?;
            let start = base.offset as usize;
            let bytes = block.get(start..start.saturating_add(base.length as usize));
            let kind = PieceKind::from_u8(base.kind);
            let is_base =
                |bytes: &&[u8]| kind.is_some_and(|k| self.keys().proves(k, &base.id, bytes));
            let Some(bytes) = bytes.filter(is_base) else {
                let object = self.object(&base.block.place.object)?;
                return Err(self.damaged(object, "a piece is not what its id says"));
            };
            prefix.extend_from_slice(bytes);
            let bytes = Arc::new(bytes.to_vec());
            self.bases.lock().unwrap_or_else(PoisonError::into_inner).keep(base.id, bytes);
        }
        Ok(prefix)
    }

    /// The plain bytes of a delta on the plain bytes of its bases.
    pub fn on_prefix(&self, place: &BlockPlace, prefix: &[u8]) -> Result<Vec<u8>, RepositoryError> {
        let stored = self.stored(place)?;
        let object = self.object(&place.object)?;
        undelta(prefix, &stored, place.plain as usize)
            .map_err(|error| self.damaged(object, &error.to_string()))
    }
}

/// Possible bases of a new piece: pieces that have places here, and their plain bytes.
pub struct DeltaBases {
    /// The pieces, and the reach of a block on them.
    pub bases: Bases,
    /// Their plain bytes end to end.
    pub bytes: Vec<u8>,
}

/// A piece that is to be a block of its own.
pub(super) struct NewDelta {
    pub(super) kind: PieceKind,
    pub(super) id: ChunkId,
    pub(super) bytes: Vec<u8>,
    pub(super) on: DeltaBases,
}

impl NewDelta {
    /// The block, or the piece again if it is better stored in full.
    pub(super) fn pack(
        self,
        compressor: &mut Compressor,
        spare: &Spare,
    ) -> Result<PackedBlock, Self> {
        let Some(bytes) = self.frame(compressor) else { return Err(self) };
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("blocks are at most 4 MiB");
        let (stored, plain) = (length(&bytes), length(&self.bytes));
        spare.give(self.bytes);
        let (kind, codec, bases) = (self.kind, Codec::Delta.to_u8(), self.on.bases);
        let pieces = vec![(self.id, plain)];
        Ok(PackedBlock { block: Block { kind, codec, stored, plain, pieces, bases }, bytes })
    }

    /// The frame, if it is clearly smaller than the piece is in full.
    fn frame(&self, compressor: &mut Compressor) -> Option<Vec<u8>> {
        /// Of a row in the table, its base's id apart.
        const ROW: usize = 24;
        let frame = delta(&self.on.bytes, &self.bytes, self.bytes.len() / 2)?;
        let cost = frame.len() + ROW + self.on.bases.ids.len() * ChunkId::LENGTH;
        let full = compressor.frame(&self.bytes, Effort::More);
        let full = full.map_or(self.bytes.len(), <[u8]>::len);
        (cost < full / 4 * 3).then_some(frame)
    }
}
