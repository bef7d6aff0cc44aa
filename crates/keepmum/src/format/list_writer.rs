//! Writes the lists of long files as their chunks become known.

use super::content::{INLINE_MAX, LIST_MAX, ListNode};
use crate::model::{ChunkId, Content, Piece, Pieces};

/// From so many items on a list node may end early.
const EARLY_FROM: usize = 16;
/// It ends after an item whose id ends in a byte below this one.
const EARLY_BELOW: u8 = 8;

/// Takes the pieces of one file in order and gives out list nodes as they are full, so that it
/// never holds more than 64 items of each level. Where a node ends depends only on the ids in
/// it: after a change in the middle of a file the nodes behind it are the same again.
#[derive(Default)]
pub struct ListWriter {
    size: u64,
    pieces: Vec<Piece>,
    /// Items of depth 1 and above, the lowest first.
    above: Vec<Vec<(u64, ChunkId)>>,
}

impl ListWriter {
    /// A writer for one file.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next piece of the file; one without length is passed over. `emit` stores an encoded
    /// list node and answers with its id.
    pub fn push<E>(
        &mut self,
        piece: Piece,
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        if piece.length() == 0 {
            return Ok(());
        }
        self.size = self.size.saturating_add(piece.length());
        self.pieces.push(piece);
        let id = match &piece {
            Piece::Chunk { id, .. } => Some(id),
            Piece::Hole { .. } => None,
        };
        if ends(self.pieces.len(), id) { self.end_pieces(emit) } else { Ok(()) }
    }

    /// The content for the entry of the file, after the last list nodes have been given out.
    pub fn finish<E>(
        mut self,
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<Content, E> {
        if self.above.is_empty() && self.pieces.len() <= INLINE_MAX {
            return Ok(Content { size: self.size, pieces: Pieces::Inline(self.pieces) });
        }
        self.end_pieces(emit)?;
        let mut level = 0;
        // The depth cannot reach its bound: that would take 16^8 nodes of the lowest level.
        while level + 1 < self.above.len() || self.above[level].len() > INLINE_MAX {
            self.end_level(level, emit)?;
            level += 1;
        }
        let nodes = std::mem::take(&mut self.above[level]);
        let pieces = Pieces::Lists { depth: level as u8 + 1, nodes };
        Ok(Content { size: self.size, pieces })
    }

    fn end_pieces<E>(
        &mut self,
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        if self.pieces.is_empty() {
            return Ok(());
        }
        let items = std::mem::take(&mut self.pieces);
        self.end(0, Pieces::Inline(items), emit)
    }

    fn end_level<E>(
        &mut self,
        level: usize,
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        let nodes = std::mem::take(&mut self.above[level]);
        if nodes.is_empty() {
            return Ok(());
        }
        let depth = level as u8 + 1;
        self.end(level + 1, Pieces::Lists { depth, nodes }, emit)
    }

    /// Gives out a node, which becomes an item of `level` in `above`.
    fn end<E>(
        &mut self,
        level: usize,
        items: Pieces,
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        let node = ListNode::new(items);
        // Its lengths are a part of `size`, and saturate where that does.
        let length = node.length().unwrap_or(u64::MAX);
        let id = emit(node.encode())?;
        if self.above.len() == level {
            self.above.push(Vec::new());
        }
        self.above[level].push((length, id));
        if ends(self.above[level].len(), Some(&id)) { self.end_level(level, emit) } else { Ok(()) }
    }
}

/// Whether a node ends after its item number `count`, which has this id or is a hole.
fn ends(count: usize, id: Option<&ChunkId>) -> bool {
    let early = id.is_some_and(|id| id.0[ChunkId::LENGTH - 1] < EARLY_BELOW);
    count >= LIST_MAX || (count >= EARLY_FROM && early)
}
