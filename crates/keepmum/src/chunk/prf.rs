//! The chunker's function: two universal hashes of 64 bytes under secret tables, then AES-128.
//!
//! Each hash of a window is `Σ T[b[t-i]]·xⁱ` for i from 0 to 63 in GF(2⁶⁴) = GF(2)[x] / (x⁶⁴ + x⁴ +
//! x³ + x + 1): the hash GENERAL of Lemire and Kaser, "Recursive n-gram hashing is pairwise
//! independent, at best" (2010). Where two windows differ, the difference of their hashes is a
//! polynomial of degree below 64 that is not 0, times an entry of the table that is uniform and
//! independent of the others, so one hash is the same for 2⁻⁶⁴ of the tables, and both are for 2⁻¹²⁸.
//! AES therefore sees a fresh input for every new window, up to some 2⁶⁰ of them, and its output
//! decides. AES runs at *every* position: a cheaper test before it would put every cut on that test's
//! candidates, and its key would leak as those of rolling hashes leak.

use super::lanes::{GROUP, LANES, Lanes, STEPS, WindowFunction};
use super::parameters::WINDOW;
use aes::cipher::consts::U16;
use aes::cipher::inout::InOutBuf;
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
use aes::{Aes128Enc, Block};
use zeroize::Zeroize;

/// Two hashes of one window, under tables of their own.
type Digest = [u64; 2];

/// The value of x⁶⁴ in the field.
const REDUCED: u64 = 0x1b;

/// The keyed function.
pub(super) struct Prf {
    aes: Aes128Enc,
    /// The term that a byte adds when it enters the window.
    enter: [Digest; 256],
    /// The term that a byte adds when it leaves, which removes it: `T[b]·x⁶⁴`.
    leave: [Digest; 256],
    threshold: u64,
}

impl Prf {
    /// AES key (16 bytes), then the tables: for each byte value two little-endian words.
    pub(super) fn new(key: &[u8; 32], threshold: u64) -> Self {
        let mut output =
            blake3::Hasher::new_derive_key("keepmum v0 prf chunker").update(key).finalize_xof();
        let mut aes_key = [0; 16];
        output.fill(&mut aes_key);
        let aes = Aes128Enc::new(&aes_key.into());
        aes_key.zeroize();
        let mut word = || {
            let mut word = [0; 8];
            output.fill(&mut word);
            u64::from_le_bytes(word)
        };
        let enter = std::array::from_fn(|_| [word(), word()]);
        let leave = enter
            .map(|entry: Digest| entry.map(|word| (0..WINDOW).fold(word, |word, _| times_x(word))));
        Self { aes, enter, leave, threshold }
    }

    fn is_hit(&self, block: &Block) -> bool {
        let word = block.first_chunk().expect("a block has 16 bytes");
        u64::from_le_bytes(*word) < self.threshold
    }
}

/// The product of a hash with x.
#[inline(always)]
fn times_x(hash: u64) -> u64 {
    // All ones where the highest bit is set: no branch that could be guessed wrong.
    let carry = (hash.cast_signed() >> 63).cast_unsigned();
    (hash << 1) ^ (carry & REDUCED)
}

/// The digest of the next window.
#[inline(always)]
fn step(digest: Digest, change: Digest) -> Digest {
    [times_x(digest[0]) ^ change[0], times_x(digest[1]) ^ change[1]]
}

/// The input of AES.
#[inline(always)]
fn block(digest: Digest) -> Block {
    let mut block = Block::default();
    block[..8].copy_from_slice(&digest[0].to_le_bytes());
    block[8..].copy_from_slice(&digest[1].to_le_bytes());
    block
}

/// Inputs of AES and its outputs. Wide loads and stores of
/// them must not cross cache lines.
#[repr(align(64))]
pub(super) struct Scratch {
    inputs: [[Block; GROUP]; 2],
    outputs: [Block; GROUP],
}

impl WindowFunction for Prf {
    type Scratch = Scratch;
    type State = Digest;

    fn scratch() -> Scratch {
        Scratch { inputs: [[Block::default(); GROUP]; 2], outputs: [Block::default(); GROUP] }
    }

    fn start(&self, windows: [&[u8; WINDOW]; LANES]) -> [Digest; LANES] {
        let mut states = [Digest::default(); LANES];
        for place in 0..WINDOW {
            for (state, window) in states.iter_mut().zip(windows) {
                *state = step(*state, self.enter[usize::from(window[place])]);
            }
        }
        states
    }

    fn roll(
        &self,
        states: [Digest; LANES],
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
                    state = step(state, change);
                }
                *input = block(state);
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
    /// The change of the hash in one step: a byte enters the window and another leaves it.
    #[inline(always)]
    fn change(&self, enter: u8, leave: u8) -> Digest {
        let (enter, leave) = (self.enter[usize::from(enter)], self.leave[usize::from(leave)]);
        [enter[0] ^ leave[0], enter[1] ^ leave[1]]
    }

    /// Rolls all lanes by [`STEPS`] and leaves their hashes as inputs of AES, lane by lane for
    /// each step.
    #[inline(always)]
    fn fill(
        &self,
        states: &mut [Digest; LANES],
        bytes: &[&[u8; STEPS + WINDOW]; LANES],
        inputs: &mut [Block; GROUP],
    ) {
        // The words of all lanes lie side by side, so that wide registers take them at once.
        let mut rolling: [u64; 2 * LANES] = std::array::from_fn(|at| states[at / 2][at % 2]);
        for step in 0..STEPS {
            let mut changes = [0; 2 * LANES];
            for lane in 0..LANES {
                let change = self.change(bytes[lane][step + WINDOW], bytes[lane][step]);
                [changes[2 * lane], changes[2 * lane + 1]] = change;
            }
            rolling = std::array::from_fn(|at| times_x(rolling[at]) ^ changes[at]);
            for lane in 0..LANES {
                inputs[step * LANES + lane] = block([rolling[2 * lane], rolling[2 * lane + 1]]);
            }
        }
        *states = std::array::from_fn(|lane| [rolling[2 * lane], rolling[2 * lane + 1]]);
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
    states: [Digest; LANES],
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
        self.enter.iter_mut().for_each(Zeroize::zeroize);
        self.leave.iter_mut().for_each(Zeroize::zeroize);
    }
}
