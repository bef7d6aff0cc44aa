//! One object being built, and what is known of it once it is sealed.

use crate::compress::{Codec, Compressor};
use crate::crypto::{SALT, SealBuffer, ciphertext_hash, sealed_length};
use crate::format::name::context;
use crate::format::object::FOOTER_LENGTH;
use crate::format::{
    Block, ObjectKind, ObjectName, PieceKind, Table, footer, padded_length, plain_for_sealed,
};
use crate::model::{ChunkId, DeviceId};
use crate::pipeline::Buffers;
use crate::seam::Random;

use super::error::RepositoryError;
use super::key_block::random_bytes;
use super::keys::Keys;

/// Data objects end when their blocks have come to this many stored bytes.
pub const OBJECT_TARGET: u64 = 16 * 1024 * 1024;
/// Room for such an object when it is sealed.
const OBJECT_ROOM: usize = 16 * 1024 * 1024 + 64 * 1024;
/// Room for the plain bytes of a block: those at which it is closed, and a chunk beyond them.
const BLOCK_ROOM: usize = 1024 * 1024 + 256 * 1024;
/// A run of at most this many stored bytes is one object.
pub const SMALL_RUN: u64 = 256 * 1024;

/// Objects also end when their table has come to this many bytes, so that an index that holds a
/// single table always fits a block.
pub(super) const TABLE_TARGET: usize = 1024 * 1024;
/// Blocks end at this many pieces: the rows of a full one take little more than half a table.
pub(super) const PIECES_PER_BLOCK: usize = 16 * 1024;

/// A block with its stored bytes.
pub(super) struct PackedBlock {
    /// What the table says of it.
    pub block: Block,
    /// Its stored bytes.
    pub bytes: Vec<u8>,
}

impl PackedBlock {
    /// What it adds to an object, its row of the table included.
    pub(super) fn weight(&self) -> u64 {
        Self::weight_of(self.bytes.len() as u64, self.block.pieces.len())
    }

    /// What a block with so many stored bytes and pieces adds to an object.
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
        let block = Block { kind, codec, stored: second, plain: second, pieces };
        (self, Self { block, bytes })
    }
}

/// At least as many bytes as the row of a block with so many pieces takes in the table.
fn row(pieces: usize) -> usize {
    Table::bound(1, pieces)
}

/// Blocks that will be one object.
#[derive(Default)]
pub(super) struct ObjectBuilder {
    blocks: Vec<Block>,
    bodies: Bodies,
    weight: u64,
    rows: usize,
}

/// The stored bytes of blocks: a few apart, so that a small run can still become one object, many
/// where they will be sealed.
enum Bodies {
    Apart(Vec<Vec<u8>>),
    InPlace(SealBuffer),
}

impl Default for Bodies {
    fn default() -> Self {
        Self::Apart(Vec::new())
    }
}

/// Who writes an object, and which it is.
#[derive(Clone, Copy)]
pub(super) struct ObjectPlace {
    /// What kind of object.
    pub kind: ObjectKind,
    /// The device that writes it.
    pub device: DeviceId,
    /// The run.
    pub run: u32,
    /// Its number in the run.
    pub number: u32,
}

/// A sealed object, ready to be stored.
pub(super) struct SealedObject {
    /// What its name says.
    pub name: ObjectName,
    /// The name as a file name.
    pub file_name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its table.
    pub table: Table,
}

impl ObjectBuilder {
    /// Stored bytes so far, table rows included.
    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// How many pieces are in it.
    #[cfg(test)]
    pub(super) fn pieces(&self) -> usize {
        self.blocks.iter().map(|block| block.pieces.len()).sum()
    }

    /// Whether a block still fits; the first one always does.
    pub(super) fn has_room_for(&self, block: &PackedBlock) -> bool {
        self.blocks.is_empty() || self.has_room_of(block.weight(), block.block.pieces.len())
    }

    /// Whether a block of this weight with so many pieces fits beside others.
    pub(super) fn has_room_of(&self, weight: u64, pieces: usize) -> bool {
        let fixed = sealed_length(self.weight + weight + FOOTER_LENGTH as u64);
        fixed <= OBJECT_TARGET && self.rows + row(pieces) <= TABLE_TARGET
    }

    /// Adds a block.
    pub(super) fn push(&mut self, block: PackedBlock, spare: &Spare) {
        self.weight += block.weight();
        self.rows += row(block.block.pieces.len());
        match &mut self.bodies {
            Bodies::Apart(bodies) => bodies.push(block.bytes),
            Bodies::InPlace(buffer) => {
                buffer.push(&block.bytes);
                spare.give_packed(&block.block, block.bytes);
            }
        }
        self.blocks.push(block.block);
        if self.weight > SMALL_RUN {
            self.put_in_place(spare);
        }
    }

    /// Takes over all blocks of another, which is small.
    pub(super) fn append(&mut self, other: Self, spare: &Spare) {
        self.weight += other.weight;
        self.rows += other.rows;
        self.blocks.extend(other.blocks);
        match (&mut self.bodies, other.bodies) {
            (Bodies::Apart(all), Bodies::Apart(bodies)) => all.extend(bodies),
            (Bodies::InPlace(buffer), Bodies::Apart(bodies)) => {
                bodies.iter().for_each(|body| buffer.push(body));
            }
            (_, Bodies::InPlace(_)) => unreachable!("only small runs are appended"),
        }
        if self.weight > SMALL_RUN {
            self.put_in_place(spare);
        }
    }

    fn put_in_place(&mut self, spare: &Spare) {
        if let Bodies::Apart(bodies) = &mut self.bodies {
            // Only data fills an object, and then the next and the next.
            let data = self.blocks.first().is_some_and(|block| block.kind == PieceKind::Chunk);
            let memory = if data { spare.object() } else { Vec::new() };
            let mut buffer = SealBuffer::reuse(memory);
            for (block, body) in self.blocks.iter().zip(std::mem::take(bodies)) {
                buffer.push(&body);
                spare.give_packed(block, body);
            }
            self.bodies = Bodies::InPlace(buffer);
        }
    }

    /// Pads and seals.
    pub(super) fn seal(
        self,
        place: ObjectPlace,
        keys: &Keys,
        random: &dyn Random,
    ) -> Result<SealedObject, RepositoryError> {
        let mut buffer = match self.bodies {
            Bodies::InPlace(buffer) => buffer,
            Bodies::Apart(bodies) => {
                let mut buffer = SealBuffer::with_capacity(0);
                bodies.iter().for_each(|body| buffer.push(body));
                buffer
            }
        };
        let table = Table { blocks: self.blocks };
        let encoded = table.encode();
        let least = (buffer.plain_len() + encoded.len() + FOOTER_LENGTH) as u64;
        let plain = plain_for_sealed(padded_length(sealed_length(least))).unwrap_or(least);
        let padding = usize::try_from(plain.saturating_sub(least)).unwrap_or(0);
        buffer.pad_zeros(padding);
        buffer.push(&encoded);
        let table_length = u32::try_from(encoded.len())
            .map_err(|_| RepositoryError::Unwritable(crate::format::FormatError::Truncated))?;
        buffer.push(&footer(table_length));
        let writing = keys.writing();
        let (epoch, key) = writing.writing_epoch();
        let context = context(epoch, place.kind, place.device, place.run, place.number);
        let salt = random_bytes::<SALT>(random)?;
        let bytes = buffer.seal(key, *salt, &context);
        let name = ObjectName {
            epoch,
            kind: place.kind,
            device: place.device,
            run: place.run,
            number: place.number,
            length: bytes.len() as u64,
            hash: ciphertext_hash(&bytes),
        };
        Ok(SealedObject { file_name: writing.seal_name(&name), name, bytes, table })
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
    pub(super) fn pack(self, compressor: &mut Compressor, spare: &Spare) -> PackedBlock {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("blocks are at most 4 MiB");
        let plain = length(&self.bytes);
        let (codec, bytes) = match compressor.frame(&self.bytes) {
            Some(frame) => {
                let mut bytes = spare.frames.take();
                bytes.clear();
                bytes.extend_from_slice(frame);
                spare.blocks.give(self.bytes);
                (Codec::Zstd, bytes)
            }
            None if self.bytes.len() < self.bytes.capacity() / 4 => {
                // A small block does not keep the room of a large one.
                let bytes = self.bytes.as_slice().to_vec();
                spare.blocks.give(self.bytes);
                (Codec::Stored, bytes)
            }
            None => (Codec::Stored, self.bytes),
        };
        let stored = length(&bytes);
        let (kind, codec, pieces) = (self.kind, codec.to_u8(), self.pieces);
        PackedBlock { block: Block { kind, codec, stored, plain, pieces }, bytes }
    }
}

/// The memory of writers. It outlives each of them, because a long run has one for each of its
/// checkpoints.
pub struct Spare {
    blocks: Buffers,
    frames: Buffers,
    objects: Buffers,
}

impl Default for Spare {
    fn default() -> Self {
        Self { blocks: Buffers::new(8), frames: Buffers::new(8), objects: Buffers::new(2) }
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

    /// Memory for an object, empty.
    fn object(&self) -> Vec<u8> {
        let mut memory = self.objects.take();
        memory.clear();
        memory.reserve_exact(OBJECT_ROOM);
        memory
    }

    /// Memory of an object that was stored.
    pub(super) fn give_object(&self, bytes: Vec<u8>) {
        if bytes.capacity() >= OBJECT_ROOM {
            self.objects.give(bytes);
        }
    }

    /// Memory of a block that was placed in its object.
    fn give_packed(&self, block: &Block, bytes: Vec<u8>) {
        if block.codec == Codec::Stored.to_u8() {
            self.blocks.give(bytes);
        } else {
            self.frames.give(bytes);
        }
    }
}
