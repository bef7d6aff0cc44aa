//! Where an object ends, so that little padding is stored.
//!
//! Sealed lengths are padded to classes that lie 256 KiB apart just below 16 MiB (`doc/format.md`,
//! §4.3). An object that ends anywhere is padded by half of that on average; one that ends where
//! its content happens to come up to a class, by a small part of it. This only decides where an
//! object ends, never how long a class is: that would reveal something about its contents.

use crate::compress::Codec;
use crate::crypto::sealed_length;
use crate::format::object::FOOTER_LENGTH;
use crate::format::padded_length;

use super::object::{ObjectBuilder, PackedBlock, Spare};

/// From this weight on an object of a size may end.
fn full_from(size: u64) -> u64 {
    size / 4 * 3
}

/// With no more padding than this part of its size an object ends where a block ends: one in eight
/// does.
const LITTLE: u64 = 512;
/// The same where a piece ends, of which there are ten times as many.
const VERY_LITTLE: u64 = 6 * LITTLE;

/// The result of placing a block.
pub(super) enum Filled {
    /// It is in the object, and more may come.
    Open,
    /// The object ends here, without the rest of the block.
    Full(Option<PackedBlock>),
}

impl ObjectBuilder {
    /// Takes a block, or that part of it with which the object ends best.
    pub(super) fn fill(&mut self, block: PackedBlock, spare: &Spare) -> Filled {
        let fits = self.has_room_for(&block);
        let weight = self.weight() + block.weight();
        if fits && weight < full_from(self.size) {
            self.push(block);
            return Filled::Open;
        }
        // Only data stored unchanged can be divided.
        let divisible = block.block.codec == Codec::Stored.to_u8();
        let count = block.block.pieces.len();
        let (end, padding) = match divisible {
            true => self.best_end(&block),
            false => (count, padding(weight)),
        };
        if fits {
            let enough = self.size / if divisible { VERY_LITTLE } else { LITTLE };
            if padding > enough || end == 0 {
                self.push(block);
                return Filled::Open;
            }
        } else if !divisible || end == 0 {
            return Filled::Full(Some(block));
        }
        if end == count {
            self.push(block);
            return Filled::Full(None);
        }
        let (part, rest) = block.split(end, spare);
        self.push(part);
        Filled::Full(Some(rest))
    }

    /// With how many pieces of a block the object would end with the least padding, and that.
    fn best_end(&self, block: &PackedBlock) -> (usize, u64) {
        let (mut end, mut least, mut bytes) = (0, u64::MAX, 0);
        if !self.is_empty() {
            least = padding(self.weight());
        }
        for (count, (_, length)) in (1..).zip(&block.block.pieces) {
            bytes += u64::from(*length);
            let weight = PackedBlock::weight_of(bytes, count);
            if !self.has_room_of(weight, count) {
                break;
            }
            let padding = padding(self.weight() + weight);
            if self.weight() + weight >= full_from(self.size) && padding < least {
                (end, least) = (count, padding);
            }
        }
        (end, least)
    }
}

/// The padding of an object that ends with this weight.
fn padding(weight: u64) -> u64 {
    let sealed = sealed_length(weight + FOOTER_LENGTH as u64);
    padded_length(sealed).saturating_sub(sealed)
}

#[cfg(test)]
mod tests {
    use super::{Filled, full_from, padding};
    use crate::compress::Codec;
    use crate::format::{Block, PieceKind};
    use crate::model::{Bases, ChunkId};
    use crate::repository::object::{OBJECT_TARGET, ObjectBuilder, PackedBlock, Spare};

    fn block(codec: Codec, lengths: &[u32]) -> PackedBlock {
        let length = lengths.iter().sum();
        let pieces = lengths.iter().map(|length| (ChunkId([7; 32]), *length)).collect();
        let (kind, codec) = (PieceKind::Chunk, codec.to_u8());
        let bases = Bases::default();
        let block = Block { kind, codec, stored: length, plain: length, pieces, bases };
        PackedBlock { block, bytes: vec![0; length as usize] }
    }

    /// Fills objects with blocks until 24 have ended; returns their weight and padding, and checks
    /// that no piece is lost.
    fn fill(mut next: impl FnMut(u32) -> PackedBlock) -> (u64, u64) {
        let spare = Spare::default();
        let (mut weight, mut padded, mut ended) = (0, 0, 0);
        let (mut given, mut placed) = (0, 0);
        let mut object = ObjectBuilder::of(OBJECT_TARGET);
        let mut random = 1u32;
        while ended < 24 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let mut rest = Some(next(random >> 8));
            given += rest.as_ref().map_or(0, |block| block.block.pieces.len());
            while let Some(block) = rest.take() {
                if let Filled::Full(left) = object.fill(block, &spare) {
                    let full = object.take();
                    assert!((full_from(OBJECT_TARGET)..=OBJECT_TARGET).contains(&full.weight()));
                    (weight, padded) = (weight + full.weight(), padded + padding(full.weight()));
                    (ended, placed) = (ended + 1, placed + full.pieces());
                    rest = left;
                }
            }
        }
        assert_eq!(given, placed + object.pieces());
        (weight, padded)
    }

    #[test]
    fn objects_of_compressed_blocks_are_padded_little() {
        let (weight, padded) = fill(|random| block(Codec::Zstd, &[150_000 + random % 300_000]));
        assert!(padded < weight / 250, "{padded} of {weight}");
    }

    #[test]
    fn objects_of_noise_are_padded_less() {
        let (weight, padded) = fill(|random| {
            let lengths: Vec<u32> = (0..16).map(|at| 20_000 + (random >> at) % 90_000).collect();
            block(Codec::Stored, &lengths)
        });
        assert!(padded < weight / 1000, "{padded} of {weight}");
    }
}
