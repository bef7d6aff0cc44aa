//! One object being built, and the facts known once it is sealed.

use crate::crypto::sealed_length;
use crate::format::object::FOOTER_LENGTH;
use crate::format::{
    Block, FormatError, ObjectKind, Table, footer, padded_length, plain_for_sealed,
};
use crate::model::{Bases, ChunkId, DeviceId};
use crate::pipeline::Buffers;

use super::error::RepositoryError;

/// Sealed bytes that are written at once, about.
pub(super) const PART: usize = 1024 * 1024;
/// Content that is sealed at once, with its tags: a part is at most this much longer.
pub(super) const PART_STEP: usize = 68 * 1024;

/// Data objects end when their blocks have come to this many stored bytes, unless the repository
/// says another size; metadata objects always do.
pub const OBJECT_TARGET: u64 = 16 * 1024 * 1024;
/// Room for the plain bytes of a block: those at which it is closed, and a chunk beyond them.
const BLOCK_ROOM: usize = 1024 * 1024 + 256 * 1024;
/// Larger memory is not kept.
const MAX_ROOM: usize = 2 * BLOCK_ROOM;
/// A run of at most this many stored bytes is one object.
pub const SMALL_RUN: u64 = 256 * 1024;

/// Objects also end when their table has come to this many bytes, so that an index that holds a
/// single table always fits a block.
pub(super) const TABLE_TARGET: usize = 1024 * 1024;

/// A block with its stored bytes.
pub(super) struct PackedBlock {
    /// Its row of the table.
    pub block: Block,
    /// Its stored bytes.
    pub bytes: Vec<u8>,
}

impl PackedBlock {
    /// The bytes it adds to an object, its row of the table included.
    pub(super) fn weight(&self) -> u64 {
        Self::weight_of(self.bytes.len() as u64, self.block.ids())
    }

    /// The bytes that a block with so many stored bytes and pieces adds to an object.
    pub(super) fn weight_of(bytes: u64, pieces: usize) -> u64 {
        bytes + row(pieces) as u64
    }

    /// Divides a block that is stored as it is before its piece number `count`.
    pub(super) fn split(mut self, count: usize, spare: &Spare) -> (Self, Self) {
        let length = |pieces: &[(ChunkId, u32)]| pieces.iter().map(|(_, length)| length).sum();
        let pieces = self.block.pieces.split_off(count);
        let (first, second): (u32, u32) = (length(&self.block.pieces), length(&pieces));
        let mut bytes = spare.block();
        bytes.extend_from_slice(&self.bytes[first as usize..]);
        self.bytes.truncate(first as usize);
        (self.block.stored, self.block.plain) = (first, first);
        let (kind, codec) = (self.block.kind, self.block.codec);
        let bases = Bases::default();
        let block = Block { kind, codec, stored: second, plain: second, pieces, bases };
        (self, Self { block, bytes })
    }
}

/// At least as many bytes as the row of a block with so many pieces takes in the table.
fn row(pieces: usize) -> usize {
    Table::bound(1, pieces)
}

/// Blocks that will be one object, and those stored bytes of them that have not left yet.
pub(super) struct ObjectBuilder {
    /// Most bytes of it.
    pub(super) size: u64,
    blocks: Vec<Block>,
    /// The stored bytes of all blocks but the last ones, which still lie in memory of their own.
    body: Vec<u8>,
    bodies: Vec<Vec<u8>>,
    weight: u64,
    rows: usize,
}

/// Who writes an object, and which it is.
#[derive(Clone, Copy)]
pub(super) struct ObjectPlace {
    /// The kind of object.
    pub kind: ObjectKind,
    /// The device that writes it.
    pub device: DeviceId,
    /// The run.
    pub run: u32,
    /// Its number in the run.
    pub number: u32,
}

impl ObjectBuilder {
    /// One of at most so many bytes.
    pub(super) fn of(size: u64) -> Self {
        let (blocks, body, bodies) = Default::default();
        Self { size, blocks, body, bodies, weight: 0, rows: 0 }
    }

    /// Takes the built object; the next one of the same size begins.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::of(self.size))
    }

    /// Stored bytes so far, table rows included.
    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The id of its first piece, or nothing.
    pub(super) fn first_id(&self) -> &[u8] {
        let piece = self.blocks.first().and_then(|block| block.pieces.first());
        piece.map_or(&[], |(id, _)| &id.0[..])
    }

    /// How many pieces are in it.
    #[cfg(test)]
    pub(super) fn pieces(&self) -> usize {
        self.blocks.iter().map(|block| block.pieces.len()).sum()
    }

    /// Whether a block still fits; the first one always does.
    pub(super) fn has_room_for(&self, block: &PackedBlock) -> bool {
        self.blocks.is_empty() || self.has_room_of(block.weight(), block.block.ids())
    }

    /// Whether a block of this weight with so many pieces fits beside others.
    pub(super) fn has_room_of(&self, weight: u64, pieces: usize) -> bool {
        let fixed = sealed_length(self.weight + weight + FOOTER_LENGTH as u64);
        fixed <= self.size && self.rows + row(pieces) <= TABLE_TARGET
    }

    /// Adds a block.
    pub(super) fn push(&mut self, block: PackedBlock) {
        self.weight += block.weight();
        self.rows += row(block.block.ids());
        self.blocks.push(block.block);
        self.bodies.push(block.bytes);
    }

    /// Takes over all blocks of another; nothing of either may have left.
    pub(super) fn append(&mut self, mut other: Self, spare: &Spare) {
        self.gather(spare);
        other.gather(spare);
        self.weight += other.weight;
        self.rows += other.rows;
        self.blocks.append(&mut other.blocks);
        self.body.append(&mut other.body);
    }

    /// Puts all stored bytes together, so that the memory of blocks can be used again.
    pub(super) fn gather(&mut self, spare: &Spare) {
        for body in self.bodies.drain(..) {
            self.body.extend_from_slice(&body);
            spare.give(body);
        }
    }

    /// Lets go of all stored bytes so far, in order.
    pub(super) fn leave(&mut self) -> impl Iterator<Item = Vec<u8>> + use<> {
        let body = std::mem::take(&mut self.body);
        std::iter::once(body).chain(std::mem::take(&mut self.bodies))
    }

    /// The table of the object, of which all stored bytes have left.
    pub(super) fn into_table(self) -> Table {
        Table { blocks: self.blocks }
    }
}

impl Table {
    /// The end after `plain` stored bytes: so many zeros, then the table and the footer.
    pub(super) fn ending(&self, plain: u64) -> Result<(u64, Vec<u8>), RepositoryError> {
        let mut ending = self.encode();
        let length = u32::try_from(ending.len())
            .map_err(|_| RepositoryError::Unwritable(FormatError::Truncated))?;
        ending.extend_from_slice(&footer(length));
        let least = plain + ending.len() as u64;
        let padded = plain_for_sealed(padded_length(sealed_length(least))).unwrap_or(least);
        Ok((padded.saturating_sub(least), ending))
    }
}

/// The memory of writers. It outlives each of them, because a long run has one for each of its
/// checkpoints.
pub struct Spare {
    blocks: Buffers,
    frames: Buffers,
    parts: Buffers,
}

impl Default for Spare {
    fn default() -> Self {
        Self { blocks: Buffers::new(8), frames: Buffers::new(8), parts: Buffers::new(8) }
    }
}

impl Spare {
    /// Memory for the plain bytes of a block.
    pub(super) fn block(&self) -> Vec<u8> {
        let mut memory = self.blocks.take();
        memory.clear();
        memory.reserve_exact(BLOCK_ROOM);
        memory
    }

    /// Memory for the stored bytes of a block that is compressed.
    pub(super) fn frame(&self) -> Vec<u8> {
        let mut memory = self.frames.take();
        memory.clear();
        memory
    }

    /// Memory for a part of an object that leaves.
    pub(super) fn part(&self) -> Vec<u8> {
        let mut memory = self.parts.take();
        memory.clear();
        memory.reserve_exact(PART + PART_STEP);
        memory
    }

    /// Memory of a part that has left.
    pub(super) fn give_part(&self, part: Vec<u8>) {
        self.parts.give(part);
    }

    /// Memory of a block, plain or compressed, whose bytes are elsewhere now.
    pub(super) fn give(&self, memory: Vec<u8>) {
        match memory.capacity() {
            0 | MAX_ROOM.. => {}
            BLOCK_ROOM.. => self.blocks.give(memory),
            _ => self.frames.give(memory),
        }
    }
}
