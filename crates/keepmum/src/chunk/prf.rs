//! The default chunker: a universal hash of 64 bytes under a secret table, then AES-128.
//!
//! The hash of a window is `Σ T[b[t-i]]·xⁱ` for i from 0 to 63 in GF(2⁶⁴) = GF(2)[x] / (x⁶⁴ + x⁴ +
//! x³ + x + 1): the hash GENERAL of Lemire and Kaser, "Recursive n-gram hashing is pairwise
//! independent, at best" (2010). Where two windows differ, the difference of their hashes is a
//! polynomial of degree below 64 that is not 0, times an entry of the table that is uniform and
//! independent of the others, so they collide for 2⁻⁶⁴ of the tables. AES therefore sees a fresh
//! input for every new window, and its output decides. AES runs at *every* position: a cheaper
//! test before it would put every cut on that test's candidates, and its key would leak as those
//! of rolling hashes leak.

use super::WINDOW;
use super::lanes::{BATCH, Batch, LANES, WINDOWS, WindowFunction};
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128Enc, Block};
use zeroize::Zeroize;

/// What x⁶⁴ is in the field.
const REDUCED: u64 = 0x1b;

/// The keyed function.
pub(super) struct Prf {
    aes: Aes128Enc,
    /// What a byte adds when it enters the window.
    enter: [u64; 256],
    /// What it adds when it leaves, which takes it out: `T[b]·x⁶⁴`.
    leave: [u64; 256],
    threshold: u64,
}

impl Prf {
    /// AES key (16 bytes), then the table: 256 little-endian words.
    pub(super) fn new(key: &[u8; 32], threshold: u64) -> Self {
        let mut output =
            blake3::Hasher::new_derive_key("keepmum v0 prf chunker").update(key).finalize_xof();
        let mut aes_key = [0; 16];
        output.fill(&mut aes_key);
        let aes = Aes128Enc::new(&aes_key.into());
        aes_key.zeroize();
        let enter = std::array::from_fn(|_| {
            let mut word = [0; 8];
            output.fill(&mut word);
            u64::from_le_bytes(word)
        });
        let leave = enter.map(|word| (0..WINDOW).fold(word, |word, _| times_x(word)));
        Self { aes, enter, leave, threshold }
    }

    fn is_hit(&self, block: &Block) -> bool {
        let word = block.first_chunk().expect("a block has 16 bytes");
        u64::from_le_bytes(*word) < self.threshold
    }
}

/// The product with x.
#[inline(always)]
fn times_x(state: u64) -> u64 {
    // All ones where the highest bit is set: no branch that could be guessed wrong.
    let carry = (state.cast_signed() >> 63).cast_unsigned();
    (state << 1) ^ (carry & REDUCED)
}

/// Inputs of AES, of which the upper halves stay zero, and its outputs.
pub(super) struct Scratch {
    inputs: [Block; WINDOWS],
    outputs: [Block; WINDOWS],
}

impl WindowFunction for Prf {
    type Scratch = Scratch;

    fn scratch() -> Scratch {
        Scratch { inputs: [Block::default(); WINDOWS], outputs: [Block::default(); WINDOWS] }
    }

    fn start(&self, window: &[u8]) -> u64 {
        let step = |state, byte: &u8| times_x(state) ^ self.enter[usize::from(*byte)];
        window.iter().fold(0, step)
    }

    #[expect(clippy::needless_range_loop, reason = "the lanes advance side by side")]
    fn roll(
        &self,
        states: &mut [u64; LANES],
        batch: &Batch<'_>,
        scratch: &mut Scratch,
        hit: &mut impl FnMut(usize, usize),
    ) {
        let mut rolling = *states;
        for step in 0..BATCH {
            for lane in 0..LANES {
                let enter = self.enter[usize::from(batch.enter[lane][step])];
                let leave = self.leave[usize::from(batch.leave[lane][step])];
                rolling[lane] = times_x(rolling[lane]) ^ (enter ^ leave);
                scratch.inputs[lane * BATCH + step][..8]
                    .copy_from_slice(&rolling[lane].to_le_bytes());
            }
        }
        *states = rolling;
        self.pick(scratch, WINDOWS, &mut |window| hit(window / BATCH, window % BATCH));
    }

    fn walk(&self, data: &[u8], scratch: &mut Scratch, hit: &mut impl FnMut(usize)) {
        let mut state = self.start(&data[..WINDOW]);
        let windows = data.len() - WINDOW + 1;
        for window in 0..windows {
            if window > 0 {
                let enter = self.enter[usize::from(data[window + WINDOW - 1])];
                let leave = self.leave[usize::from(data[window - 1])];
                state = times_x(state) ^ (enter ^ leave);
            }
            scratch.inputs[window][..8].copy_from_slice(&state.to_le_bytes());
        }
        self.pick(scratch, windows, hit);
    }
}

impl Prf {
    /// Encrypts the first `count` inputs and calls `hit` for those below the threshold.
    fn pick(&self, scratch: &mut Scratch, count: usize, hit: &mut impl FnMut(usize)) {
        let outputs = &mut scratch.outputs[..count];
        self.aes
            .encrypt_blocks_b2b(&scratch.inputs[..count], outputs)
            .expect("as many outputs as inputs");
        // Hits are rare: eight blocks are looked at before anything is decided.
        for (group, eight) in outputs.chunks(8).enumerate() {
            if eight.iter().fold(false, |any, block| any | self.is_hit(block)) {
                for (place, block) in eight.iter().enumerate() {
                    if self.is_hit(block) {
                        hit(group * 8 + place);
                    }
                }
            }
        }
    }
}

impl Drop for Prf {
    fn drop(&mut self) {
        self.enter.zeroize();
        self.leave.zeroize();
    }
}
