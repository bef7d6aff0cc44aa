//! A small filter in front of the chunk table: most chunks of a first run are new, and asking a
//! tree on the disk for each would cost more than hashing it.
//!
//! It may say "perhaps" wrongly, never "no" for what was put in. Chunk ids are already random, so
//! their bits are used as they are.

use crate::model::ChunkId;

/// Words of 64 bits: 8 MiB, touched only where something is put in. Good for four million chunks
/// (a quarter TiB); beyond that it lets more and more look-ups through and stays right.
const WORDS: usize = 1 << 20;

pub(super) struct Filter(Vec<u64>);

impl Filter {
    pub(super) fn new() -> Self {
        Self(vec![0; WORDS])
    }

    /// The word of an id, and its five bits in it.
    fn place(id: &ChunkId) -> (usize, u64) {
        let [a0, a1, a2, b0, b1, b2, b3, b4, ..] = id.0;
        let word = usize::from(a0) | usize::from(a1) << 8 | usize::from(a2) << 16;
        let bits = [b0, b1, b2, b3, b4].map(|b| 1_u64 << (b & 63));
        (word % WORDS, bits.into_iter().fold(0, |all, bit| all | bit))
    }

    pub(super) fn insert(&mut self, id: &ChunkId) {
        let (word, bits) = Self::place(id);
        self.0[word] |= bits;
    }

    pub(super) fn may_hold(&self, id: &ChunkId) -> bool {
        let (word, bits) = Self::place(id);
        self.0[word] & bits == bits
    }
}
