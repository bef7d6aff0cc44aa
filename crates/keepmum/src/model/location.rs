//! Where a chunk lies in the storage.

use super::id::{ChunkId, DeviceId};

/// Which object, by what its name says.
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

/// A piece inside a block inside an object. All lengths and offsets are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The object.
    pub object: ObjectKey,
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

/// Whoever knows where chunks are. Only objects that are present count.
pub trait Locate {
    /// Every known place of a chunk in objects that are here, the best first; none if it is in
    /// no object that is here.
    fn locate(&self, id: &ChunkId) -> Result<Vec<Location>, IndexError>;

    /// Whether an object that is here holds a chunk.
    fn holds(&self, id: &ChunkId) -> Result<bool, IndexError>;
}
