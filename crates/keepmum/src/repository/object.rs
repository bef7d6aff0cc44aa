//! One object being built, and what is known of it once it is sealed.

use crate::crypto::{SALT, SealBuffer, ciphertext_hash, sealed_length};
use crate::format::name::context;
use crate::format::object::FOOTER_LENGTH;
use crate::format::{
    Block, ObjectKind, ObjectName, PieceKind, Table, footer, padded_length, plain_for_sealed,
};
use crate::model::{ChunkId, DeviceId};
use crate::seam::Random;

use super::error::RepositoryError;
use super::key_block::random_bytes;
use super::keys::Keys;

/// Data objects end when their blocks have come to this many stored bytes.
pub const OBJECT_TARGET: u64 = 16 * 1024 * 1024;
/// A run of at most this many stored bytes is one object.
pub const SMALL_RUN: u64 = 256 * 1024;

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
        self.bytes.len() as u64 + Table::bound(1, self.block.pieces.len()) as u64
    }
}

/// Blocks that will be one object.
#[derive(Default)]
pub(super) struct ObjectBuilder {
    blocks: Vec<PackedBlock>,
    weight: u64,
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

    /// Whether a block still fits; the first one always does.
    pub(super) fn has_room_for(&self, block: &PackedBlock) -> bool {
        let fixed = sealed_length(self.weight + block.weight() + FOOTER_LENGTH as u64);
        self.blocks.is_empty() || fixed <= OBJECT_TARGET
    }

    /// Adds a block.
    pub(super) fn push(&mut self, block: PackedBlock) {
        self.weight += block.weight();
        self.blocks.push(block);
    }

    /// Takes over all blocks of another.
    pub(super) fn append(&mut self, other: Self) {
        self.weight += other.weight;
        self.blocks.extend(other.blocks);
    }

    /// Pads and seals.
    pub(super) fn seal(
        self,
        place: ObjectPlace,
        keys: &Keys,
        random: &dyn Random,
    ) -> Result<SealedObject, RepositoryError> {
        let stored: usize = self.blocks.iter().map(|packed| packed.bytes.len()).sum();
        let (blocks, bodies): (Vec<Block>, Vec<Vec<u8>>) =
            self.blocks.into_iter().map(|packed| (packed.block, packed.bytes)).unzip();
        let table = Table { blocks };
        let encoded = table.encode();
        let least = (stored + encoded.len() + FOOTER_LENGTH) as u64;
        let length = padded_length(sealed_length(least));
        let plain = plain_for_sealed(length).unwrap_or(least);
        let padding = usize::try_from(plain.saturating_sub(least)).unwrap_or(0);
        let mut buffer =
            SealBuffer::with_capacity(stored + encoded.len() + FOOTER_LENGTH + padding);
        // Each body is freed as it is copied, so that an object never takes twice its room.
        bodies.into_iter().for_each(|body| buffer.push(&body));
        buffer.pad_zeros(padding);
        buffer.push(&encoded);
        let table_length = u32::try_from(encoded.len())
            .map_err(|_| RepositoryError::Unwritable(crate::format::FormatError::Truncated))?;
        buffer.push(&footer(table_length));
        let writing = keys.writing();
        let epoch = writing.epoch();
        let context = context(epoch, place.kind, place.device, place.run, place.number);
        let salt = random_bytes::<SALT>(random)?;
        let key = writing.object_key(epoch).expect("the epoch is one of its own");
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
    /// An empty block for pieces of a kind.
    pub(super) fn new(kind: PieceKind) -> Self {
        Self { kind, pieces: Vec::new(), bytes: Vec::new() }
    }

    /// Plain bytes so far.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Adds a piece; its length is bounded by the format.
    pub(super) fn push(&mut self, id: ChunkId, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("pieces are at most 4 MiB");
        self.pieces.push((id, length));
        self.bytes.extend_from_slice(bytes);
    }

    /// Compresses it.
    pub(super) fn pack(self, compressor: &mut crate::compress::Compressor) -> PackedBlock {
        let mut stored = Vec::new();
        let codec = compressor.compress(&self.bytes, &mut stored);
        stored.shrink_to_fit();
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("blocks are at most 4 MiB");
        PackedBlock {
            block: Block {
                kind: self.kind,
                codec: codec as u8,
                stored: length(&stored),
                plain: length(&self.bytes),
                pieces: self.pieces,
            },
            bytes: stored,
        }
    }
}
