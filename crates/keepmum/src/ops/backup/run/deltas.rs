//! The means for making deltas.

use crate::catalogue::Catalogue;
use crate::repository::{ObjectReader, PieceReader};

/// So many bytes of pieces are tried as deltas in a run.
const MOST: usize = 64 << 20;

/// The means for making deltas.
pub(super) struct Deltas<'a> {
    /// Bytes of pieces that may still be tried.
    pub(super) left: usize,
    /// Reads parts of the destination that are at hand.
    pub(super) former: PieceReader<'a>,
}

impl<'a> Deltas<'a> {
    pub(super) fn new(objects: &'a ObjectReader<'a>, catalogue: &'a Catalogue) -> Self {
        Self { left: MOST, former: PieceReader::of_what_is_at_hand(objects, catalogue) }
    }
}
