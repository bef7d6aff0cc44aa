//! Scans all windows of a piece of data, several lanes at a time.
//!
//! A rolling hash is one long chain of dependent steps. Lanes that each start from a window of
//! their own are independent chains, and the processor works on all of them at once. Which
//! windows are found does not depend on how the data was split.

use super::parameters::WINDOW;

/// Lanes side by side. More than four did not make it faster: the registers run out.
pub(super) const LANES: usize = 4;
/// Steps of all lanes between two looks at the results.
pub(super) const STEPS: usize = 32;
/// Windows that are looked at together.
pub(super) const GROUP: usize = LANES * STEPS;
/// Lanes are at least this long, because each costs 64 steps to start.
const SHORTEST_LANE: usize = 128;
/// The longest lane. A scan that stops at its first hit has looked at half of four such lanes in
/// vain, and every lane costs 64 steps to start: this length balances the two.
const LONGEST_LANE: usize = 1024;

/// Bytes under lanes of one length, a multiple of [`STEPS`].
pub(super) struct Lanes<'a> {
    /// The windows of all lanes, and the one before them.
    piece: &'a [u8],
    length: usize,
}

impl<'a> Lanes<'a> {
    /// Windows in each lane.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// For each lane the bytes from the one on that leaves its window next after `done` steps;
    /// those that enter it lie 64 further.
    #[inline(always)]
    pub(super) fn at<const LENGTH: usize>(&self, done: usize) -> [&'a [u8; LENGTH]; LANES] {
        std::array::from_fn(|lane| {
            self.piece[lane * self.length + done..]
                .first_chunk()
                .expect("a lane is a whole number of groups")
        })
    }
}

/// A keyed function of 64 bytes that can be rolled along and picks some windows.
pub(super) trait WindowFunction {
    /// Memory for the work, made once per scan.
    type Scratch;
    /// The value rolled along.
    type State: Copy;

    /// Makes that memory.
    fn scratch() -> Self::Scratch;

    /// The rolling states for one window of each lane, worked out side by side.
    fn start(&self, windows: [&[u8; WINDOW]; LANES]) -> [Self::State; LANES];

    /// Rolls the lanes from the states before their first windows to their ends; calls
    /// `hit(lane, step)` for windows that are picked, in any order.
    fn roll(
        &self,
        states: [Self::State; LANES],
        lanes: &Lanes<'_>,
        scratch: &mut Self::Scratch,
        hit: &mut impl FnMut(usize, usize),
    );

    /// Looks at all windows of `data`, which has at least one, one after the other. Calls `hit`
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
        let lane = (left / GROUP * STEPS).min(LONGEST_LANE);
        if lane < SHORTEST_LANE {
            let rest = &data[next - WINDOW..];
            function.walk(rest, &mut scratch, &mut |window| hits.push(next + window));
            next = data.len() + 1;
        } else {
            let piece = &data[next - 1 - WINDOW..next - 1 + LANES * lane];
            let lanes = Lanes { piece, length: lane };
            function.roll(function.start(lanes.at(0)), &lanes, &mut scratch, &mut |at, step| {
                hits.push(next + at * lane + step);
            });
            // Lanes run side by side, so their hits are mixed.
            hits.sort_unstable();
            next += LANES * lane;
        }
    }
}
