//! Pieces become blocks, and blocks are compressed on the workers: in, out, in the same order.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::compress::{Codec, Compressor, Effort, MAX_BLOCK};
use crate::format::{Block, PieceKind};
use crate::model::{Bases, ChunkId};
use crate::pipeline::{Pool, Stage, Ticket};

use super::delta::NewDelta;
use super::object::{PackedBlock, Spare};

/// Stage of compressing; reading comes before it.
pub const COMPRESSING: Stage = Stage(5);
/// Blocks are closed at this many plain bytes.
pub(super) const BLOCK_TARGET: usize = 1024 * 1024;
/// Blocks end at this many pieces: the rows of a full one take little more than half a table.
pub(super) const PIECES_PER_BLOCK: usize = 16 * 1024;
/// So many plain bytes are compressed with more effort where that is asked for: half a second's
/// work of one core.
const HARDER: usize = 16 * 1024 * 1024;

/// A block, or a piece that is better stored in full than as a delta.
type Packed = Result<PackedBlock, NewDelta>;

/// Open blocks of all kinds, and those that are being compressed.
pub(super) struct Packing<'env> {
    spare: Arc<Spare>,
    open: [OpenBlock; 5],
    under_way: VecDeque<Ticket<'env, Packed>>,
    /// Plain bytes that are still compressed with more effort.
    harder: usize,
}

impl<'env> Packing<'env> {
    /// Nothing yet.
    pub(super) fn new(spare: Arc<Spare>) -> Self {
        let [chunk, node, list] = [PieceKind::Chunk, PieceKind::Node, PieceKind::List];
        let kinds = [chunk, node, list, PieceKind::Index, PieceKind::Record];
        let open = kinds.map(|kind| OpenBlock::new(kind, Vec::new()));
        Self { spare, open, under_way: VecDeque::new(), harder: 0 }
    }

    /// Compresses the first blocks with more effort: all of a small run.
    pub(super) fn pack_first_harder(&mut self) {
        self.harder = HARDER;
    }

    /// Takes a piece of at most [`MAX_BLOCK`] bytes.
    pub(super) fn add<S: AsMut<Compressor> + Send + 'env>(
        &mut self,
        pool: &Pool<'env, S>,
        kind: PieceKind,
        (id, bytes): (ChunkId, &[u8]),
    ) {
        if self.open[kind as usize].length() + bytes.len() > MAX_BLOCK {
            self.pack(pool, kind);
        }
        let open = &mut self.open[kind as usize];
        open.push(id, bytes);
        if open.length() >= BLOCK_TARGET || open.has_all_pieces() {
            self.pack(pool, kind);
        }
    }

    /// Closes the block of this kind, if there is anything in it.
    pub(super) fn pack<S: AsMut<Compressor> + Send + 'env>(
        &mut self,
        pool: &Pool<'env, S>,
        kind: PieceKind,
    ) {
        if !self.open[kind as usize].is_empty() {
            let fresh = OpenBlock::new(kind, self.spare.block());
            let open = std::mem::replace(&mut self.open[kind as usize], fresh);
            let ticket = self.submit(pool, open, Ok);
            self.under_way.push_back(ticket);
        }
    }

    /// Takes a piece that may become a block of its own, on others.
    pub(super) fn add_delta<S: AsMut<Compressor> + Send + 'env>(
        &mut self,
        pool: &Pool<'env, S>,
        new: NewDelta,
    ) {
        let spare = Arc::clone(&self.spare);
        let pack = move |state: &mut S| new.pack(state.as_mut(), &spare);
        self.under_way.push_back(pool.submit(COMPRESSING, pack));
    }

    /// Whether no block but one of indexes is open or under way.
    pub(super) fn is_closed(&self) -> bool {
        let indexes = |open: &&OpenBlock| open.kind == PieceKind::Index;
        self.under_way.is_empty() && self.open.iter().all(|open| indexes(&open) || open.is_empty())
    }

    /// A block of one piece, compressed at once.
    pub(super) fn pack_alone<S: AsMut<Compressor> + Send + 'env>(
        &mut self,
        pool: &Pool<'env, S>,
        kind: PieceKind,
        (id, bytes): (ChunkId, &[u8]),
    ) -> PackedBlock {
        let mut block = OpenBlock::new(kind, Vec::new());
        block.push(id, bytes);
        self.submit(pool, block, |block| block).wait()
    }

    fn submit<S: AsMut<Compressor> + Send + 'env, T: Send + 'env>(
        &mut self,
        pool: &Pool<'env, S>,
        block: OpenBlock,
        done: fn(PackedBlock) -> T,
    ) -> Ticket<'env, T> {
        let left = self.harder.checked_sub(block.length());
        let effort = if left.is_some() { Effort::More } else { Effort::Usual };
        self.harder = left.unwrap_or(0);
        let spare = Arc::clone(&self.spare);
        let pack = move |state: &mut S| done(block.pack(state.as_mut(), effort, &spare));
        pool.submit(COMPRESSING, pack)
    }

    /// The next block in order, if it is done or more than `keep` are under way.
    pub(super) fn next(&mut self, keep: usize) -> Option<Packed> {
        let is_done = self.under_way.front().is_some_and(Ticket::is_done);
        if self.under_way.len() <= keep && !is_done {
            return None;
        }
        self.under_way.pop_front().map(Ticket::wait)
    }
}

/// Pieces that will be one block.
pub(super) struct OpenBlock {
    kind: PieceKind,
    pieces: Vec<(ChunkId, u32)>,
    bytes: Vec<u8>,
}

impl OpenBlock {
    /// An empty block for pieces of a kind, in memory that may have been used before.
    pub(super) fn new(kind: PieceKind, memory: Vec<u8>) -> Self {
        Self { kind, pieces: Vec::new(), bytes: memory }
    }

    /// Plain bytes so far.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether it has as many pieces as a block may.
    pub(super) fn has_all_pieces(&self) -> bool {
        self.pieces.len() >= PIECES_PER_BLOCK
    }

    /// Adds a piece; its length is bounded by the format.
    pub(super) fn push(&mut self, id: ChunkId, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("pieces are at most 4 MiB");
        self.pieces.push((id, length));
        self.bytes.extend_from_slice(bytes);
    }

    /// Compresses it. Its memory goes back to `spare` unless it is stored as it is.
    pub(super) fn pack(
        self,
        compressor: &mut Compressor,
        effort: Effort,
        spare: &Spare,
    ) -> PackedBlock {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("blocks are at most 4 MiB");
        let plain = length(&self.bytes);
        let (codec, bytes) = match compressor.frame(&self.bytes, effort) {
            Some(frame) => {
                let mut bytes = spare.frame();
                bytes.extend_from_slice(frame);
                spare.give(self.bytes);
                (Codec::Zstd, bytes)
            }
            None if self.bytes.len() < self.bytes.capacity() / 4 => {
                // A small block does not keep the room of a large one.
                let bytes = self.bytes.as_slice().to_vec();
                spare.give(self.bytes);
                (Codec::Stored, bytes)
            }
            None => (Codec::Stored, self.bytes),
        };
        let stored = length(&bytes);
        let (kind, codec, pieces) = (self.kind, codec.to_u8(), self.pieces);
        let bases = Bases::default();
        PackedBlock { block: Block { kind, codec, stored, plain, pieces, bases }, bytes }
    }
}
