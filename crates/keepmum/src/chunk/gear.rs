//! The fast chunker: a gear hash with a secret table.
//!
//! `h = 2·h + table[b]` over 64 bits, so a byte has left the hash after 64 steps. The hash itself
//! is compared with the threshold. Its table can be worked out from cuts in known data; it is
//! there for those who choose speed and say so when the repository is made.

use super::lanes::{LANES, Lanes, STEPS, WindowFunction};
use super::parameters::WINDOW;
use zeroize::Zeroize;

/// The keyed function.
pub(super) struct Gear {
    table: [u64; 256],
    threshold: u64,
}

impl Gear {
    /// The table is 256 little-endian words of BLAKE3's extendable output.
    pub(super) fn new(key: &[u8; 32], threshold: u64) -> Self {
        let mut output =
            blake3::Hasher::new_derive_key("keepmum v0 gear chunker").update(key).finalize_xof();
        let table = std::array::from_fn(|_| {
            let mut word = [0; 8];
            output.fill(&mut word);
            u64::from_le_bytes(word)
        });
        Self { table, threshold }
    }

    #[inline(always)]
    fn next(&self, state: u64, byte: u8) -> u64 {
        (state << 1).wrapping_add(self.table[usize::from(byte)])
    }
}

impl WindowFunction for Gear {
    type Scratch = ();

    fn scratch() {}

    fn start(&self, windows: [&[u8; WINDOW]; LANES]) -> [u64; LANES] {
        windows.map(|window| window.iter().fold(0, |state, byte| self.next(state, *byte)))
    }

    fn roll(
        &self,
        mut states: [u64; LANES],
        lanes: &Lanes<'_>,
        (): &mut (),
        hit: &mut impl FnMut(usize, usize),
    ) {
        for done in (0..lanes.length()).step_by(STEPS) {
            let bytes: [&[u8; STEPS + WINDOW]; LANES] = lanes.at(done);
            for step in 0..STEPS {
                for (lane, state) in states.iter_mut().enumerate() {
                    *state = self.next(*state, bytes[lane][step + WINDOW]);
                    if *state < self.threshold {
                        hit(lane, done + step);
                    }
                }
            }
        }
    }

    fn walk(&self, data: &[u8], (): &mut (), hit: &mut impl FnMut(usize)) {
        let mut state = data[..WINDOW - 1].iter().fold(0, |state, byte| self.next(state, *byte));
        for (window, byte) in data[WINDOW - 1..].iter().enumerate() {
            state = self.next(state, *byte);
            if state < self.threshold {
                hit(window);
            }
        }
    }
}

impl Drop for Gear {
    fn drop(&mut self) {
        self.table.zeroize();
    }
}
