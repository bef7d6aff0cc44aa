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

use super::lanes::{GROUP, LANES, Lanes, STEPS, WindowFunction};
use super::parameters::WINDOW;
use aes::cipher::consts::U16;
use aes::cipher::inout::InOutBuf;
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
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

/// Inputs of AES, of which the upper halves stay zero, and its outputs. Wide loads and stores of
/// them must not cross cache lines.
#[repr(align(64))]
pub(super) struct Scratch {
    inputs: [[Block; GROUP]; 2],
    outputs: [Block; GROUP],
}

impl WindowFunction for Prf {
    type Scratch = Scratch;

    fn scratch() -> Scratch {
        Scratch { inputs: [[Block::default(); GROUP]; 2], outputs: [Block::default(); GROUP] }
    }

    fn start(&self, windows: [&[u8; WINDOW]; LANES]) -> [u64; LANES] {
        let mut states = [0; LANES];
        for place in 0..WINDOW {
            for (state, window) in states.iter_mut().zip(windows) {
                *state = times_x(*state) ^ self.enter[usize::from(window[place])];
            }
        }
        states
    }

    fn roll(
        &self,
        states: [u64; LANES],
        lanes: &Lanes<'_>,
        scratch: &mut Scratch,
        hit: &mut impl FnMut(usize, usize),
    ) {
        self.aes.encrypt_with_backend(Roll { prf: self, states, lanes, scratch, hit });
    }

    fn walk(&self, data: &[u8], scratch: &mut Scratch, hit: &mut impl FnMut(usize)) {
        let [mut state, ..] = self.start([data.first_chunk().expect("a window"); LANES]);
        let windows = data.len() - WINDOW + 1;
        for first in (0..windows).step_by(GROUP) {
            let count = GROUP.min(windows - first);
            for (window, input) in (first..first + count).zip(&mut scratch.inputs[0]) {
                if window > 0 {
                    let change = self.change(data[window + WINDOW - 1], data[window - 1]);
                    state = times_x(state) ^ change;
                }
                input[..8].copy_from_slice(&state.to_le_bytes());
            }
            let outputs = &mut scratch.outputs[..count];
            self.aes
                .encrypt_blocks_b2b(&scratch.inputs[0][..count], outputs)
                .expect("as many outputs as inputs");
            self.pick(outputs, &mut |place| hit(first + place));
        }
    }
}

impl Prf {
    /// What one step adds to the hash: a byte enters the window and another leaves it.
    #[inline(always)]
    fn change(&self, enter: u8, leave: u8) -> u64 {
        self.enter[usize::from(enter)] ^ self.leave[usize::from(leave)]
    }

    /// Rolls all lanes by [`STEPS`] and leaves their hashes as inputs of AES, lane by lane for
    /// each step.
    #[inline(always)]
    fn fill(
        &self,
        states: &mut [u64; LANES],
        bytes: &[&[u8; STEPS + WINDOW]; LANES],
        inputs: &mut [Block; GROUP],
    ) {
        let mut rolling = *states;
        let change =
            |lane: usize, step: usize| self.change(bytes[lane][step + WINDOW], bytes[lane][step]);
        // Looked up one step ahead, so that only the product and one sum are in each chain.
        let mut next: [u64; LANES] = std::array::from_fn(|lane| change(lane, 0));
        for step in 0..STEPS {
            for lane in 0..LANES {
                rolling[lane] = times_x(rolling[lane]) ^ next[lane];
                inputs[step * LANES + lane][..8].copy_from_slice(&rolling[lane].to_le_bytes());
                next[lane] = change(lane, (step + 1) % STEPS);
            }
        }
        *states = rolling;
    }

    /// Calls `hit` for the outputs below the threshold.
    #[inline(always)]
    fn pick(&self, outputs: &[Block], hit: &mut impl FnMut(usize)) {
        // Hits are rare: all blocks are looked at before anything is decided.
        if outputs.iter().fold(false, |any, block| any | self.is_hit(block)) {
            for (place, block) in outputs.iter().enumerate() {
                if self.is_hit(block) {
                    hit(place);
                }
            }
        }
    }
}

/// Rolls lanes to their end. As a closure of the cipher it is compiled once for each set of
/// instructions that the cipher knows, and the keys are set up once for all groups.
struct Roll<'a, H> {
    prf: &'a Prf,
    states: [u64; LANES],
    lanes: &'a Lanes<'a>,
    scratch: &'a mut Scratch,
    hit: &'a mut H,
}

impl<H> BlockSizeUser for Roll<'_, H> {
    type BlockSize = U16;
}

impl<H: FnMut(usize, usize)> BlockCipherEncClosure for Roll<'_, H> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self { prf, mut states, lanes, scratch, hit } = self;
        let Scratch { inputs, outputs } = scratch;
        let groups = lanes.length() / STEPS;
        // One group is encrypted while the next one is rolled, so that neither waits for the other.
        for group in 0..=groups {
            if group < groups {
                prf.fill(&mut states, &lanes.at(group * STEPS), &mut inputs[group % 2]);
            }
            if group > 0 {
                encrypt(backend, &inputs[(group - 1) % 2], outputs);
                let first = (group - 1) * STEPS;
                prf.pick(outputs, &mut |place| hit(place % LANES, first + place / LANES));
            }
        }
    }
}

#[inline(always)]
fn encrypt<B: BlockCipherEncBackend<BlockSize = U16>>(
    backend: &B,
    inputs: &[Block; GROUP],
    outputs: &mut [Block; GROUP],
) {
    let blocks = InOutBuf::new(&inputs[..], &mut outputs[..]).expect("as many outputs as inputs");
    let (parallel, rest) = blocks.into_chunks();
    for blocks in parallel {
        backend.encrypt_par_blocks(blocks);
    }
    backend.encrypt_tail_blocks(rest);
}

impl Drop for Prf {
    fn drop(&mut self) {
        self.enter.zeroize();
        self.leave.zeroize();
    }
}
