//! Reading single pieces by id, from whichever object holds them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::compress::Decompressor;
use crate::format::PieceKind;
use crate::format::object::CODEC_DELTA;
use crate::model::{BASES_LENGTH_MAX, ChunkId, Locate, Location};

use super::delta::too_long;
use super::error::RepositoryError;
use super::reader::{BlockPlace, ObjectReader};

/// Plain bytes of blocks kept by a [`PieceReader`], and how many at most.
const BYTES_KEPT: usize = 8 * 1024 * 1024;
const BLOCKS_KEPT: usize = 64;
/// Blocks decoded for one piece, all places of it and its bases tried.
const ATTEMPTS: u32 = 64;

/// Reads single pieces by id, as trees need them: neighbours lie in one block, so the last few
/// blocks are kept.
pub struct PieceReader<'a> {
    objects: &'a ObjectReader<'a>,
    index: &'a dyn Locate,
    decompressor: Decompressor,
    /// The last one used comes last.
    kept: VecDeque<(BlockPlace, Arc<Vec<u8>>)>,
    kept_bytes: usize,
    /// Blocks that may still be decoded for this piece.
    attempts: u32,
    /// Nothing is fetched.
    only_at_hand: bool,
}

impl<'a> PieceReader<'a> {
    /// A reader that asks `index` where pieces are.
    pub fn new(objects: &'a ObjectReader<'a>, index: &'a dyn Locate) -> Self {
        let (decompressor, kept) = (Decompressor::new(), VecDeque::new());
        let (kept_bytes, attempts, only_at_hand) = (0, 0, false);
        Self { objects, index, decompressor, kept, kept_bytes, attempts, only_at_hand }
    }

    /// The same of such objects only whose bytes need not be fetched from elsewhere.
    pub fn of_what_is_at_hand(objects: &'a ObjectReader<'a>, index: &'a dyn Locate) -> Self {
        Self { only_at_hand: true, ..Self::new(objects, index) }
    }

    /// The verified bytes of a piece of this kind.
    pub fn piece(&mut self, kind: PieceKind, id: &ChunkId) -> Result<Vec<u8>, RepositoryError> {
        self.attempts = ATTEMPTS;
        let mut places = self.index.locate(id)?;
        places.retain(|place| place.kind == kind as u8);
        self.first_that_reads(id, &places)
    }

    fn first_that_reads(
        &mut self,
        id: &ChunkId,
        places: &[Location],
    ) -> Result<Vec<u8>, RepositoryError> {
        let mut last = RepositoryError::Missing(*id);
        for location in places {
            match self.piece_of_any_copy(id, location) {
                Ok(bytes) => return Ok(bytes),
                Err(error) if !error.is_of_one_object() => return Err(error),
                // An object that is still arriving may be whole.
                Err(_) if may_be_whole(&last) => {}
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// A piece that opens and fails verification may be the bytes of another object: then another
    /// copy is tried.
    fn piece_of_any_copy(
        &mut self,
        id: &ChunkId,
        at: &Location,
    ) -> Result<Vec<u8>, RepositoryError> {
        match self.piece_at(id, at) {
            Err(RepositoryError::Damaged { .. }) if self.objects.finds_exchanged(&at.object) => {
                self.drop_blocks_of(at);
                self.piece_at(id, at)
            }
            other => other,
        }
    }

    fn piece_at(&mut self, id: &ChunkId, at: &Location) -> Result<Vec<u8>, RepositoryError> {
        let block = self.block_of(at)?;
        let start = at.offset as usize;
        let piece = block.get(start..start.saturating_add(at.length as usize));
        match piece {
            Some(bytes) if proves(self.objects, at, id, bytes) => Ok(bytes.to_vec()),
            _ => Err(RepositoryError::Damaged {
                object: format!("{}/{}/{}", at.object.device, at.object.run, at.object.number),
                what: "a piece is not what its id says".to_owned(),
            }),
        }
    }

    fn block_of(&mut self, at: &Location) -> Result<Arc<Vec<u8>>, RepositoryError> {
        let place = BlockPlace::from(at);
        if let Some(known) = self.kept.iter().position(|(kept, _)| *kept == place)
            && let Some(kept) = self.kept.remove(known)
        {
            let block = Arc::clone(&kept.1);
            self.kept.push_back(kept);
            return Ok(block);
        }
        let Some(left) = self.attempts.checked_sub(1) else {
            return Err(RepositoryError::Damaged {
                object: format!("{}/{}/{}", at.object.device, at.object.run, at.object.number),
                what: "too many of the blocks that it stands on do not open".to_owned(),
            });
        };
        self.attempts = left;
        if self.only_at_hand && !self.objects.is_at_hand(&at.object) {
            return Err(RepositoryError::Missing(ChunkId([0; 32])));
        }
        let block = Arc::new(match at.codec {
            CODEC_DELTA => {
                let prefix = self.prefix(at)?;
                self.objects.on_prefix(&place, &prefix)?
            }
            _ => self.objects.block(&place, &mut self.decompressor)?,
        });
        self.keep(place, &block);
        Ok(block)
    }

    /// The bases of a delta, end to end, each from any of its places that can be read. A base has a
    /// smaller reach than the block that depends on it, so this ends.
    fn prefix(&mut self, at: &Location) -> Result<Vec<u8>, RepositoryError> {
        let mut bases = Vec::with_capacity(at.bases.ids.len());
        let mut least = 1_u8;
        for id in at.bases.ids.iter() {
            let mut places = self.index.locate(id)?;
            places.retain(|base| base.kind == at.kind && base.bases.reach < at.bases.reach);
            places.sort_by_key(|base| base.bases.reach);
            let Some(first) = places.first() else { return Err(RepositoryError::Missing(*id)) };
            least = least.saturating_add(first.bases.reach);
            bases.push((*id, places));
        }
        let mut prefix = Vec::new();
        for (id, mut places) in bases {
            let spare = at.bases.reach.checked_sub(least).ok_or(RepositoryError::Missing(id))?;
            let most = places.first().map_or(0, |first| first.bases.reach).saturating_add(spare);
            places.retain(|base| base.bases.reach <= most);
            prefix.append(&mut self.first_that_reads(&id, &places)?);
            if prefix.len() as u64 > BASES_LENGTH_MAX {
                return Err(too_long(at));
            }
        }
        Ok(prefix)
    }

    fn keep(&mut self, place: BlockPlace, block: &Arc<Vec<u8>>) {
        self.kept_bytes += block.len();
        self.kept.push_back((place, Arc::clone(block)));
        while self.kept.len() > 1
            && (self.kept_bytes > BYTES_KEPT || self.kept.len() > BLOCKS_KEPT)
            && let Some((_, oldest)) = self.kept.pop_front()
        {
            self.kept_bytes -= oldest.len();
        }
    }

    fn drop_blocks_of(&mut self, at: &Location) {
        self.kept.retain(|(place, _)| place.object != at.object);
        self.kept_bytes = self.kept.iter().map(|(_, block)| block.len()).sum();
    }
}

fn proves(objects: &ObjectReader<'_>, at: &Location, id: &ChunkId, bytes: &[u8]) -> bool {
    PieceKind::from_u8(at.kind).is_some_and(|kind| objects.keys().proves(kind, id, bytes))
}

/// Whether a place is not known to be damaged.
fn may_be_whole(error: &RepositoryError) -> bool {
    matches!(error, RepositoryError::Arriving { .. } | RepositoryError::NotUnderstood { .. })
}
