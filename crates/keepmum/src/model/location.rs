//! Where a chunk lies in the storage.

use std::sync::Arc;

use super::id::{ChunkId, DeviceId};

/// The object, by the numbers in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The device that wrote it.
    pub device: DeviceId,
    /// The run that wrote it.
    pub run: u32,
    /// Its number in the run.
    pub number: u32,
    /// Truncated hash of its sealed bytes.
    pub hash: [u8; 16],
}

impl ObjectKey {
    /// Length of a key as bytes.
    pub const LENGTH: usize = 32;

    /// The key as bytes, in the order of keys: how the catalogue keeps it.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.device.0);
        bytes[8..12].copy_from_slice(&self.run.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.number.to_be_bytes());
        bytes[16..].copy_from_slice(&self.hash);
        bytes
    }

    /// The key in these bytes; nothing if they are not as many as a key has.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let (device, rest) = bytes.split_first_chunk::<8>()?;
        let (run, rest) = rest.split_first_chunk::<4>()?;
        let (number, hash) = rest.split_first_chunk::<4>()?;
        Some(Self {
            device: DeviceId(*device),
            run: u32::from_be_bytes(*run),
            number: u32::from_be_bytes(*number),
            hash: hash.try_into().ok()?,
        })
    }
}

/// Most blocks that are decoded for one piece, itself included.
pub const REACH_MAX: u8 = 9;

/// Most bytes of all base pieces of a block together.
pub const BASES_LENGTH_MAX: u64 = 4 << 20;

/// The bases of a delta block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bases {
    /// The number of blocks decoded for this one, itself included; 1 for one without bases.
    pub reach: u8,
    /// Its base pieces in order; none for a block that is no delta.
    pub ids: Arc<[ChunkId]>,
}

impl Default for Bases {
    /// Those of a block that is no delta.
    fn default() -> Self {
        Self { reach: 1, ids: Arc::default() }
    }
}

/// A piece inside a block inside an object. All lengths and offsets are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The object.
    pub object: ObjectKey,
    /// Kind of the block's pieces, as the format numbers it.
    pub kind: u8,
    /// Where the block begins in the object's plaintext.
    pub block_offset: u32,
    /// Stored length of the block.
    pub stored: u32,
    /// Plain length of the block.
    pub plain: u32,
    /// Codec of the block, as the format numbers it.
    pub codec: u8,
    /// Where the piece begins in the plain block.
    pub offset: u32,
    /// Length of the piece.
    pub length: u32,
    /// The bases of the delta block.
    pub bases: Bases,
}

/// The index could not be asked.
#[derive(Debug)]
pub struct IndexError(pub Box<dyn std::error::Error + Send + Sync>);

impl std::fmt::Display for IndexError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the catalogue cannot be read: {}", self.0)
    }
}

impl std::error::Error for IndexError {}

/// Finds the places of chunks. Only objects that are present count, and only deltas whose bases
/// have places themselves.
pub trait Locate {
    /// Every known place of a chunk in objects that are here, the best first; none if it is in
    /// no object that is here.
    fn locate(&self, id: &ChunkId) -> Result<Vec<Location>, IndexError>;

    /// Whether an object that is here holds a chunk.
    fn holds(&self, id: &ChunkId) -> Result<bool, IndexError>;
}
