//! The cuts of a file into chunks: by content, so that an insertion moves only the cuts near it,
//! and by a key, so that chunk sizes do not reveal a known file.
//!
//! Everything here is a pure function of key, parameters and bytes. A cut point is part of the
//! format: changing one silently would make every file upload again.

mod cutter;
mod lanes;
mod parameters;
mod prf;
#[cfg(test)]
mod tests;

pub use cutter::Cutter;
pub use parameters::{Parameters, WINDOW};

use prf::Prf;
use std::sync::Arc;

/// Finds chunk boundaries. Cheap to clone, and shared by threads without locks.
#[derive(Clone)]
pub struct Chunker {
    parameters: Parameters,
    prf: Arc<Prf>,
}

impl Chunker {
    /// A chunker for these parameters under the repository's chunker key.
    #[must_use]
    pub fn new(parameters: Parameters, key: &[u8; 32]) -> Self {
        Self { parameters, prf: Arc::new(Prf::new(key, parameters.threshold())) }
    }

    /// The parameters that this chunker was made with.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Appends to `out`, in ascending order, offsets `1..=data.len()` before which a cut may be
    /// made. After each one it skips offsets nearer to it than the least size, as if a cut were
    /// made there. So most of a file is examined no more than needed, although nobody knows yet
    /// where the cut before `data` will be. [`Cutter::marked`] corrects wrong skips.
    ///
    /// `before` are the bytes that precede `data` in the extent: the last [`WINDOW`] − 1 of them
    /// matter, and fewer only at the extent's start. So a long extent may be scanned in pieces by
    /// several threads.
    ///
    /// # Panics
    /// If `data` is 4 GiB or longer.
    pub fn marks(&self, before: &[u8], data: &[u8], out: &mut Vec<u32>) {
        let mut found = self.first_candidate(before, data);
        while let Some(mark) = found {
            out.push(u32::try_from(mark).expect("a piece is shorter than 4 GiB"));
            let skipped = mark + self.parameters.minimum() - WINDOW;
            let Some(rest) = data.get(skipped..) else { break };
            found = self.first_candidate(&[], rest).map(|end| skipped + end);
        }
    }

    /// The first offset in `data` before which a cut may be made; `before` as for
    /// [`Self::marks`].
    fn first_candidate(&self, before: &[u8], data: &[u8]) -> Option<usize> {
        let mut first = None;
        self.scan_after(before, data, &mut |end| {
            first = Some(end);
            false
        });
        first
    }

    /// Calls `found` with each offset in `data` before which a cut may be made, in ascending order,
    /// until it returns `false`; `before` as for [`Self::marks`].
    fn scan_after(&self, before: &[u8], data: &[u8], found: &mut dyn FnMut(usize) -> bool) {
        let before = &before[before.len().saturating_sub(WINDOW - 1)..];
        // Windows that reach back into `before` are scanned in a small copy that joins the two.
        let mut seam = [0; 2 * (WINDOW - 1)];
        let head = data.len().min(WINDOW - 1);
        let joined = &mut seam[..before.len() + head];
        joined[..before.len()].copy_from_slice(before);
        joined[before.len()..].copy_from_slice(&data[..head]);
        let mut more = true;
        self.scan(joined, &mut |end| {
            more = found(end - before.len());
            more
        });
        if more {
            self.scan(data, found);
        }
    }

    /// The length of the first chunk of `data`, which begins at a chunk's start and holds at least
    /// the maximum size or everything to the extent's end.
    #[must_use]
    pub fn next_cut(&self, data: &[u8]) -> usize {
        let minimum = self.parameters.minimum();
        let data = &data[..data.len().min(self.parameters.maximum())];
        if data.len() <= minimum {
            return data.len();
        }
        // The first candidate that counts leaves exactly the minimum behind it.
        let skipped = minimum - WINDOW;
        let mut cut = data.len();
        self.scan(&data[skipped..], &mut |end| {
            cut = skipped + end;
            false
        });
        cut
    }

    /// Calls `found` with the end of each window in `data` that makes a candidate, in ascending
    /// order, until it returns `false`.
    fn scan(&self, data: &[u8], found: &mut dyn FnMut(usize) -> bool) {
        lanes::scan(&*self.prf, data, found);
    }
}
