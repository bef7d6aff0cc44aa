//! Picks the real cuts of one extent from its candidates.
//!
//! It sees no bytes, only offsets, so the scanning may have been done anywhere in any order.
//! All offsets are in bytes from the extent's start; cuts are appended as the ends of chunks.

use super::parameters::Parameters;

/// The state after some candidates of one extent.
#[derive(Clone, Debug)]
pub struct Cutter {
    minimum: u64,
    maximum: u64,
    last_cut: u64,
}

impl Cutter {
    /// At the start of an extent.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        Self {
            minimum: parameters.minimum() as u64,
            maximum: parameters.maximum() as u64,
            last_cut: 0,
        }
    }

    /// Where the last cut was made; the extent's start at first.
    #[must_use]
    pub fn last_cut(&self) -> u64 {
        self.last_cut
    }

    /// Takes the next candidate. Candidates come in ascending order and none is left out.
    pub fn candidate(&mut self, offset: u64, cuts: &mut Vec<u64>) {
        self.no_candidate_until(offset, cuts);
        if offset.saturating_sub(self.last_cut) >= self.minimum {
            self.last_cut = offset;
            cuts.push(offset);
        }
    }

    /// Makes the cuts that are certain once it is known that no candidate up to `offset` is still
    /// to come: those that the maximum size forces.
    pub fn no_candidate_until(&mut self, offset: u64, cuts: &mut Vec<u64>) {
        while offset.saturating_sub(self.last_cut) >= self.maximum {
            self.last_cut += self.maximum;
            cuts.push(self.last_cut);
        }
    }

    /// Ends the extent at its `length`, which is always a cut unless the extent is empty.
    pub fn finish(mut self, length: u64, cuts: &mut Vec<u64>) {
        self.no_candidate_until(length, cuts);
        if length > self.last_cut {
            cuts.push(length);
        }
    }
}
