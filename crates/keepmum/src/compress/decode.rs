//! Decompression of one block at a time, from bytes that may be hostile.

use super::{Codec, MAX_BLOCK};
use thiserror::Error;
use zstd::zstd_safe::{DCtx, find_frame_compressed_size, get_frame_content_size};

/// A block did not decode.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CompressError {
    /// The plain length is beyond [`MAX_BLOCK`].
    #[error("a block claims {0} bytes, more than any block has")]
    TooLong(usize),
    /// The bytes do not match the codec and the plain length.
    #[error("a block does not decompress to its length")]
    Malformed,
}

/// Decompresses blocks, with a context that it keeps between them.
pub struct Decompressor {
    context: DCtx<'static>,
}

impl Decompressor {
    /// A decompressor.
    ///
    /// # Panics
    /// If there is no memory for the context.
    #[must_use]
    pub fn new() -> Self {
        Self { context: DCtx::create() }
    }

    /// Replaces the content of `out` with the block's `plain_len` plain bytes. Never more than
    /// that is written, and on failure `out` is empty. Recycling `out` saves clearing it.
    ///
    /// # Errors
    /// See [`CompressError`].
    pub fn decompress(
        &mut self,
        codec: Codec,
        stored: &[u8],
        plain_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CompressError> {
        let outcome = self.decode(codec, stored, plain_len, out);
        if outcome.is_err() {
            out.clear();
        }
        outcome
    }

    /// The same, giving the plain bytes; those of a block that is stored as it is are not copied.
    ///
    /// # Errors
    /// See [`CompressError`].
    pub fn plain(
        &mut self,
        codec: Codec,
        stored: Vec<u8>,
        plain_len: usize,
    ) -> Result<Vec<u8>, CompressError> {
        if codec == Codec::Stored && stored.len() == plain_len && plain_len <= MAX_BLOCK {
            return Ok(stored);
        }
        let mut out = Vec::new();
        self.decode(codec, &stored, plain_len, &mut out)?;
        Ok(out)
    }

    fn decode(
        &mut self,
        codec: Codec,
        stored: &[u8],
        plain_len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), CompressError> {
        if plain_len > MAX_BLOCK {
            return Err(CompressError::TooLong(plain_len));
        }
        match codec {
            Codec::Stored if stored.len() == plain_len => {
                out.clear();
                out.extend_from_slice(stored);
                Ok(())
            }
            // A delta is decoded on its prefix, and nothing but that.
            Codec::Zstd if is_one_frame_of(stored, plain_len) => {
                // The frame claims just this length. Room is not cleared before it is filled.
                out.clear();
                out.reserve_exact(plain_len);
                match self.context.decompress(out, stored) {
                    Ok(written) if written == plain_len => Ok(()),
                    _ => Err(CompressError::Malformed),
                }
            }
            _ => Err(CompressError::Malformed),
        }
    }
}

impl Default for Decompressor {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether `stored` is a single frame, nothing after it, that claims `plain_len` bytes. Asked
/// before room is made for the output.
pub(super) fn is_one_frame_of(stored: &[u8], plain_len: usize) -> bool {
    matches!(get_frame_content_size(stored), Ok(Some(claimed)) if claimed == plain_len as u64)
        && find_frame_compressed_size(stored) == Ok(stored.len())
}
