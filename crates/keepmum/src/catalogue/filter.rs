//! A small filter in front of the chunk table: most chunks of a first run are new, and asking a
//! tree on the disk for each would cost more than hashing it.
//!
//! It may say "perhaps" wrongly, but never "no" for a chunk that was put in. Chunk ids are already
//! random, so their bits are used as they are.

use crate::model::ChunkId;

/// Words of 64 bits in the first layer: half a MiB. Each further layer has twice as many.
const LEAST_WORDS: usize = 1 << 16;
/// The largest layer: 8 MiB, for four million chunks. Beyond that it lets more and more look-ups
/// through and stays right.
const MOST_WORDS: usize = 1 << 20;
/// Chunks for each word of a layer until the next one is begun.
const PER_WORD: usize = 4;

/// Layers, each with its number of chunks: memory grows with the number of entries.
pub(super) struct Filter {
    layers: Vec<Vec<u64>>,
    /// How many more fit the last layer.
    room: usize,
}

impl Filter {
    pub(super) fn new() -> Self {
        Self { layers: Vec::new(), room: 0 }
    }

    /// The word of an id in a layer, and its five bits in it.
    fn place(id: &ChunkId, words: usize) -> (usize, u64) {
        let [a0, a1, a2, b0, b1, b2, b3, b4, ..] = id.0;
        let word = usize::from(a0) | usize::from(a1) << 8 | usize::from(a2) << 16;
        let bits = [b0, b1, b2, b3, b4].map(|b| 1_u64 << (b & 63));
        (word % words, bits.into_iter().fold(0, |all, bit| all | bit))
    }

    pub(super) fn insert(&mut self, id: &ChunkId) {
        if self.room == 0 {
            let words = self.layers.last().map_or(LEAST_WORDS, |last| last.len() * 2);
            if words <= MOST_WORDS {
                self.layers.push(vec![0; words]);
                self.room = words * PER_WORD;
            }
        }
        self.room = self.room.saturating_sub(1);
        if let Some(last) = self.layers.last_mut() {
            let (word, bits) = Self::place(id, last.len());
            last[word] |= bits;
        }
    }

    pub(super) fn may_hold(&self, id: &ChunkId) -> bool {
        self.layers.iter().any(|layer| {
            let (word, bits) = Self::place(id, layer.len());
            layer[word] & bits == bits
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ChunkId {
        ChunkId(*blake3::hash(&number.to_le_bytes()).as_bytes())
    }

    #[test]
    fn members_are_never_denied_and_most_others_are() {
        let mut filter = Filter::new();
        assert!(!filter.may_hold(&id(0)));
        // Into a third layer.
        let many = (LEAST_WORDS * PER_WORD * 4) as u64;
        (0..many).for_each(|number| filter.insert(&id(number)));
        assert_eq!(filter.layers.len(), 3);
        assert!((0..many).all(|number| filter.may_hold(&id(number))));
        let wrongly = (many..many + 100_000).filter(|number| filter.may_hold(&id(*number))).count();
        assert!(wrongly < 5_000, "{wrongly} of 100,000");
    }
}
