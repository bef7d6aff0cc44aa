//! The default chunker: a polynomial hash of 64 bytes at a secret point, then AES-128.
//!
//! The hash of a window is `Σ b[t-i]·aⁱ mod p` for i from 0 to 63, p = 2⁶¹ − 1. Two different
//! windows collide for at most 63 of the points, so AES sees a fresh input for every new window,
//! and its output decides. AES runs at *every* position: a cheaper test before it would put every
//! cut on that test's candidates, and its key would leak as rolling hashes leak theirs.

use super::WINDOW;
use super::lanes::{BATCH, Batch, LANES, WINDOWS, WindowFunction};
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128Enc, Block};
use zeroize::Zeroize;

/// The prime 2⁶¹ − 1.
const P: u64 = (1 << 61) - 1;

/// The keyed function.
pub(super) struct Prf {
    aes: Aes128Enc,
    /// The secret point times 8: then the upper half of a product is its quotient by 2⁶¹, and no
    /// shift across two words is needed.
    point_times_8: u64,
    /// `-b·a⁶⁴ mod p`: what takes the byte b out of the window.
    leaving: [u64; 256],
    threshold: u64,
}

impl Prf {
    /// AES key (16 bytes), then the point: the first little-endian word of the output after it
    /// which, reduced to 61 bits, lies in 2³² ≤ a < p − 1.
    pub(super) fn new(key: &[u8; 32], threshold: u64) -> Self {
        let mut output =
            blake3::Hasher::new_derive_key("keepmum v0 prf chunker").update(key).finalize_xof();
        let mut aes_key = [0; 16];
        output.fill(&mut aes_key);
        let aes = Aes128Enc::new(&aes_key.into());
        aes_key.zeroize();
        let point = loop {
            let mut word = [0; 8];
            output.fill(&mut word);
            let point = u64::from_le_bytes(word) & P;
            if (1 << 32..P - 1).contains(&point) {
                break point;
            }
        };
        let mut power = 1;
        for _ in 0..WINDOW {
            power = canonical(next(power, point << 3, 0));
        }
        let leaving = std::array::from_fn(|byte| {
            let product = canonical(next(power, (byte as u64) << 3, 0));
            (P - product) % P
        });
        Self { aes, point_times_8: point << 3, leaving, threshold }
    }

    fn is_hit(&self, block: &Block) -> bool {
        let word = block.first_chunk().expect("a block has 16 bytes");
        u64::from_le_bytes(*word) < self.threshold
    }
}

/// `state · point + addend mod p`, for state ≤ p + 2, point < p and addend < 2⁶¹ + 256. The
/// result is at most p + 2 and not yet the least residue, because only the output needs that.
#[inline(always)]
fn next(state: u64, point_times_8: u64, addend: u64) -> u64 {
    let product = u128::from(state) * u128::from(point_times_8);
    let sum = (product as u64 >> 3) + (product >> 64) as u64 + addend;
    (sum & P) + (sum >> 61)
}

/// The least residue of a state.
#[inline(always)]
fn canonical(state: u64) -> u64 {
    // Where nothing is to be subtracted the difference wraps and is the larger one.
    state.min(state.wrapping_sub(P))
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
        window.iter().fold(0, |state, byte| next(state, self.point_times_8, u64::from(*byte)))
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
                let leave = self.leaving[usize::from(batch.leave[lane][step])];
                let addend = leave + u64::from(batch.enter[lane][step]);
                rolling[lane] = next(rolling[lane], self.point_times_8, addend);
                scratch.inputs[lane * BATCH + step][..8]
                    .copy_from_slice(&canonical(rolling[lane]).to_le_bytes());
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
                let leave = self.leaving[usize::from(data[window - 1])];
                let addend = leave + u64::from(data[window + WINDOW - 1]);
                state = next(state, self.point_times_8, addend);
            }
            scratch.inputs[window][..8].copy_from_slice(&canonical(state).to_le_bytes());
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
        self.point_times_8.zeroize();
        self.leaving.zeroize();
    }
}
