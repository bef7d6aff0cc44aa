//! What deltas are made with.

use crate::catalogue::Catalogue;
use crate::repository::{ObjectReader, PieceReader};

/// So many bytes of pieces are tried as deltas in a run.
const MOST: usize = 64 << 20;

/// What deltas are made with.
pub(super) struct Deltas<'a> {
    /// Bytes of pieces that may still be tried.
    pub(super) left: usize,
    /// Reads what is at hand of the destination.
    pub(super) former: PieceReader<'a>,
}

impl<'a> Deltas<'a> {
    pub(super) fn new(objects: &'a ObjectReader<'a>, catalogue: &'a Catalogue) -> Self {
        Self { left: MOST, former: PieceReader::of_what_is_at_hand(objects, catalogue) }
    }
}
