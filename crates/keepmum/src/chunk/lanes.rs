//! Scans all windows of a piece of data, several lanes at a time.
//!
//! A rolling hash is one long chain of dependent steps. Lanes that each start from a window of
//! their own are independent chains, and the processor works on all of them at once. Which
//! windows are found does not depend on how the data was split.

use super::WINDOW;

/// Lanes side by side. More than four did not make it faster: the registers run out.
pub(super) const LANES: usize = 4;
/// Steps of all lanes between two looks at the results.
pub(super) const BATCH: usize = 128;
/// Windows in a batch.
pub(super) const WINDOWS: usize = LANES * BATCH;
/// The longest lane. A scan that stops at its first hit has looked at half of four such lanes in
/// vain, and every lane costs 64 steps to start: this length balances the two.
const LONGEST_LANE: usize = 16 * BATCH;

/// The bytes that enter and leave the lanes' windows during one batch.
pub(super) struct Batch<'a> {
    pub(super) enter: [&'a [u8; BATCH]; LANES],
    pub(super) leave: [&'a [u8; BATCH]; LANES],
}

/// A keyed function of 64 bytes that can be rolled along and picks some windows.
pub(super) trait WindowFunction {
    /// Memory for the work, made once per scan.
    type Scratch;

    /// Makes that memory.
    fn scratch() -> Self::Scratch;

    /// The rolling state for one window.
    fn start(&self, window: &[u8]) -> u64;

    /// Rolls every lane on by [`BATCH`] steps; calls `hit(lane, step)` for windows that are picked.
    fn roll(
        &self,
        states: &mut [u64; LANES],
        batch: &Batch<'_>,
        scratch: &mut Self::Scratch,
        hit: &mut impl FnMut(usize, usize),
    );

    /// Looks at up to [`WINDOWS`] windows one after the other: all those in `data`. Calls `hit`
    /// with the number of each window that is picked.
    fn walk(&self, data: &[u8], scratch: &mut Self::Scratch, hit: &mut impl FnMut(usize));
}

/// Calls `found` with the end of each window of `data` that `function` picks, in ascending order,
/// until it returns `false`.
pub(super) fn scan<F: WindowFunction>(
    function: &F,
    data: &[u8],
    found: &mut dyn FnMut(usize) -> bool,
) {
    if data.len() < WINDOW {
        return;
    }
    let mut scratch = F::scratch();
    let mut hits = Vec::new();
    // A lane rolls on from the window before its first, which the very first window has not.
    function.walk(&data[..WINDOW], &mut scratch, &mut |_| hits.push(WINDOW));
    let mut next = WINDOW + 1;
    loop {
        if !hits.drain(..).all(&mut *found) || next > data.len() {
            return;
        }
        let left = data.len() + 1 - next;
        let lane = (left / WINDOWS * BATCH).min(LONGEST_LANE);
        if lane == 0 {
            let rest = &data[next - WINDOW..];
            function.walk(rest, &mut scratch, &mut |window| hits.push(next + window));
            next = data.len() + 1;
        } else {
            let piece = &data[next - 1 - WINDOW..next - 1 + LANES * lane];
            scan_lanes(function, piece, lane, &mut scratch, &mut |window| {
                hits.push(next + window);
            });
            // Lanes run side by side, so their hits are mixed.
            hits.sort_unstable();
            next += LANES * lane;
        }
    }
}

/// Scans the windows of `piece` after its first one, in lanes of `lane` windows, a multiple of
/// [`BATCH`]. Calls `hit` with the number of each window picked, counted from 0.
fn scan_lanes<F: WindowFunction>(
    function: &F,
    piece: &[u8],
    lane: usize,
    scratch: &mut F::Scratch,
    hit: &mut impl FnMut(usize),
) {
    let mut states = std::array::from_fn(|index| function.start(&piece[index * lane..][..WINDOW]));
    for done in (0..lane).step_by(BATCH) {
        let at = |offset| {
            std::array::from_fn(|index| {
                piece[index * lane + done + offset..]
                    .first_chunk()
                    .expect("a lane is a whole number of batches")
            })
        };
        let batch = Batch { enter: at(WINDOW), leave: at(0) };
        function.roll(&mut states, &batch, scratch, &mut |index, step| {
            hit(index * lane + done + step);
        });
    }
}
