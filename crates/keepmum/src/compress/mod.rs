//! Blocks become smaller here and whole again: zstd, or the bytes as they are.
//!
//! One [`Compressor`] or [`Decompressor`] per thread. A compressed block is decompressed and
//! compared before it counts, so that a faulty encoder can cost space but never data. Decoding
//! trusts nothing: it writes exactly the length that was asked for, or fails.

mod decode;
mod delta;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::Decompressor;
pub use delta::{delta, undelta};
pub use encode::{Compressor, Effort, Level};

/// The most plain bytes in a block.
pub const MAX_BLOCK: usize = 4 * 1024 * 1024;

/// How a block is stored; the number stands in the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// The bytes as they are.
    Stored = 0,
    /// One zstd frame with its content size and without a checksum.
    Zstd = 1,
    /// One zstd frame, the same, made on other plain bytes as its prefix.
    Delta = 2,
}

impl Codec {
    /// The codec with this number; `None` for numbers that this version does not know.
    #[must_use]
    pub fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Stored),
            1 => Some(Self::Zstd),
            2 => Some(Self::Delta),
            _ => None,
        }
    }

    /// The codec's number.
    #[must_use]
    pub fn to_u8(self) -> u8 {
        self as u8
    }
}
