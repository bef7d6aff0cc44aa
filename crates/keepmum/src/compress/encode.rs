//! Compression of one block at a time.
//!
//! No probe estimates whether a block will compress, because zstd itself notices earlier: on noise
//! it runs at several GB/s, while compressing a few samples and looking for repetitions between
//! them ran at one GB/s, and samples miss everything between them.

use super::decode::Decompressor;
use super::{Codec, MAX_BLOCK};
use zstd::zstd_safe::{CCtx, CParameter, compress_bound};

/// How much time to spend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// zstd level 1.
    Fast,
    /// zstd level 3.
    #[default]
    Default,
    /// zstd level 12.
    High,
}

impl Level {
    const fn zstd(self) -> i32 {
        match self {
            Self::Fast => 1,
            Self::Default => 3,
            Self::High => 12,
        }
    }
}

/// How hard to try at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// As the level says.
    Usual,
    /// [`Level::Default`] as hard as [`Level::High`]: for a little that is uploaded while the user
    /// waits for nothing else.
    More,
}

/// Compresses blocks, with memory that it keeps between them.
pub struct Compressor {
    level: Level,
    context: CCtx<'static>,
    /// For more effort, as long as that is asked for: its tables are several times as large.
    harder: Option<CCtx<'static>>,
    check: Decompressor,
    compressed: Vec<u8>,
    plain_again: Vec<u8>,
}

impl Compressor {
    /// A compressor with contexts of its own; a few MiB.
    ///
    /// # Panics
    /// If there is no memory for the contexts.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self {
            level,
            context: context(level),
            harder: None,
            check: Decompressor::new(),
            compressed: Vec::new(),
            plain_again: Vec::new(),
        }
    }

    /// Appends `plain` to `out`, compressed if that saves at least a fiftieth, else as it is.
    ///
    /// # Panics
    /// If `plain` is longer than [`MAX_BLOCK`]: it could not be read again.
    #[cfg(test)]
    pub fn compress(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Codec {
        match self.frame(plain, Effort::Usual) {
            Some(frame) => {
                out.extend_from_slice(frame);
                Codec::Zstd
            }
            None => {
                out.extend_from_slice(plain);
                Codec::Stored
            }
        }
    }

    /// The compressed form of `plain` if it saves at least a fiftieth; it is to be stored as it is
    /// otherwise. It lies in memory of the compressor.
    ///
    /// # Panics
    /// If `plain` is longer than [`MAX_BLOCK`]: it could not be read again.
    pub fn frame(&mut self, plain: &[u8], effort: Effort) -> Option<&[u8]> {
        assert!(plain.len() <= MAX_BLOCK, "a block of {} bytes is too long", plain.len());
        if self.encode(plain, effort) { Some(&self.compressed) } else { None }
    }

    /// Whether `self.compressed` now holds a frame that is worth while and known to be right.
    fn encode(&mut self, plain: &[u8], effort: Effort) -> bool {
        if plain.is_empty() {
            return false;
        }
        self.compressed.clear();
        self.compressed.reserve(compress_bound(plain.len()));
        let context = match effort {
            Effort::More if self.level == Level::Default => {
                self.harder.get_or_insert_with(|| context(Level::High))
            }
            _ => {
                self.harder = None;
                &mut self.context
            }
        };
        context.compress2(&mut self.compressed, plain).is_ok()
            && is_worth_while(self.compressed.len(), plain.len())
            && self.comes_back(plain)
    }

    /// Decompresses the result with the code that will read it, and compares.
    fn comes_back(&mut self, plain: &[u8]) -> bool {
        let outcome = self.check.decompress(
            Codec::Zstd,
            &self.compressed,
            plain.len(),
            &mut self.plain_again,
        );
        outcome.is_ok() && self.plain_again == plain
    }
}

/// Less than a fiftieth saved does not pay for the time to decompress it at every read.
fn is_worth_while(compressed: usize, plain: usize) -> bool {
    compressed <= plain - plain / 50 && compressed < plain
}

/// A zstd context for frames with content size and without checksum: blocks are authenticated
/// as a part of their object. The window never exceeds the block, hence 2²² bytes.
fn context(level: Level) -> CCtx<'static> {
    let mut context = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(level.zstd()),
        CParameter::ContentSizeFlag(true),
        CParameter::ChecksumFlag(false),
        CParameter::DictIdFlag(false),
    ] {
        context.set_parameter(parameter).expect("levels and flags are within zstd's limits");
    }
    let tables: &[CParameter] = match level {
        Level::Fast => &[],
        // Tables that stay in a core's own cache: a tenth less time for a third of a hundredth.
        Level::Default => &[CParameter::HashLog(16), CParameter::ChainLog(16)],
        // In a block of a MiB larger ones find no more, in a third more time and more memory.
        Level::High => &[CParameter::HashLog(19), CParameter::ChainLog(19)],
    };
    for parameter in tables {
        context.set_parameter(*parameter).expect("table sizes are within zstd's limits");
    }
    context
}
