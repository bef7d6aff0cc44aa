//! Picks the real cuts of one extent from its candidates.
//!
//! The scanning may have been done anywhere in any order. All offsets are in bytes from the
//! extent's start; cuts are appended as the ends of chunks.

use super::parameters::Parameters;
use super::{Chunker, WINDOW};

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

    /// Takes the next candidate. Candidates come in ascending order and none is left out.
    fn candidate(&mut self, offset: u64, cuts: &mut Vec<u64>) {
        self.no_candidate_until(offset, cuts);
        if offset.saturating_sub(self.last_cut) >= self.minimum {
            self.last_cut = offset;
            cuts.push(offset);
        }
    }

    /// Makes the cuts that are certain once it is known that no candidate up to `offset` is still
    /// to come: those that the maximum size forces.
    fn no_candidate_until(&mut self, offset: u64, cuts: &mut Vec<u64>) {
        while offset.saturating_sub(self.last_cut) >= self.maximum {
            self.last_cut += self.maximum;
            cuts.push(self.last_cut);
        }
    }

    /// Takes the next piece of the extent, with the [marks](Chunker::marks) in it. `bytes` ends
    /// with the piece, which has `length` bytes and begins at `start`; before it lie the last
    /// [`WINDOW`] − 1 bytes of the extent, or fewer where it has no more.
    pub fn marked(
        &mut self,
        chunker: &Chunker,
        (bytes, length): (&[u8], usize),
        start: u64,
        marks: &[u32],
        cuts: &mut Vec<u64>,
    ) {
        let (lead, end) = (bytes.len() - length, start + length as u64);
        for mark in marks {
            let mark = start + u64::from(*mark);
            self.candidate(mark, cuts);
            // No cut was made here, so the bytes skipped after it may hold one.
            let (from, to) = (self.last_cut + self.minimum, end.min(mark + self.minimum - 1));
            if self.last_cut < mark && from <= to {
                let at = |offset: u64| usize::try_from(offset - start).expect("within a piece");
                let window = lead + at(from) - WINDOW;
                if let Some(next) = chunker.first_candidate(&[], &bytes[window..lead + at(to)]) {
                    self.candidate(from - WINDOW as u64 + next as u64, cuts);
                }
            }
        }
        self.no_candidate_until(end, cuts);
    }

    /// Ends the extent at its `length`, which is always a cut unless the extent is empty.
    pub fn finish(mut self, length: u64, cuts: &mut Vec<u64>) {
        self.no_candidate_until(length, cuts);
        if length > self.last_cut {
            cuts.push(length);
        }
    }
}
