//! Reading single pieces by id, from whichever object holds them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::compress::Decompressor;
use crate::model::{ChunkId, Locate, Location};

use super::error::RepositoryError;
use super::keys::Keys;
use super::reader::{BlockPlace, ObjectReader};

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
            match self.piece_of_any_copy(id, &location) {
                Ok(bytes) => return Ok(bytes),
                Err(error) if !error.is_of_one_object() => return Err(error),
                // What is still to arrive may be whole.
                Err(_) if matches!(last, RepositoryError::Arriving { .. }) => {}
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The keys that it reads with.
    pub fn keys(&self) -> &'a Keys {
        self.objects.keys()
    }

    /// What opens and does not prove itself may be the bytes of another object: then another copy
    /// is tried.
    fn piece_of_any_copy(
        &mut self,
        id: &ChunkId,
        at: &Location,
    ) -> Result<Vec<u8>, RepositoryError> {
        match self.piece_at(id, at) {
            Err(RepositoryError::Damaged { .. }) if self.objects.finds_exchanged(&at.object) => {
                self.kept.retain(|(place, _)| place.object != at.object);
                self.piece_at(id, at)
            }
            other => other,
        }
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
