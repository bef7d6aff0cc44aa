//! A simulated world for tests: a disk that loses power, a clock, seeded randomness and a gate that
//! fails on demand.
//!
//! It is public so that every room's tests and the simulator can use it. No real run may use it.
//! Seeds and plans decide everything in it, so a failure can be replayed.

mod clock;
mod disk;
mod fault;
mod file;
mod gate;
mod inspect;
mod random;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use clock::SimulatedClock;
pub use disk::SimulatedDisk;
pub use fault::Fault;
pub use gate::{FaultyGate, GateFault};
pub use random::SeededRandom;

use crate::seam::{Seam, Timestamp};

/// 2026-01-01 00:00 UTC, where simulated time begins.
pub const START: Timestamp = Timestamp { seconds: 1_767_225_600, nanos: 0 };

/// A seam of simulated parts, with handles to each of them for the test.
#[derive(Clone)]
pub struct Simulation {
    /// The parts as the library sees them.
    pub seam: Seam,
    /// The destination.
    pub disk: Arc<SimulatedDisk>,
    /// The clock; it moves on by a millisecond at each reading.
    pub clock: Arc<SimulatedClock>,
    /// The gate before source and restore target.
    pub gate: Arc<FaultyGate>,
}

impl Simulation {
    /// A world with an empty destination, where nothing fails yet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_disk(seed, Arc::new(SimulatedDisk::new()))
    }

    /// A world around a given destination: a fork, one after a restart, or one that another
    /// machine uses as well. Two worlds need two seeds, else they draw the same salts and ids.
    #[must_use]
    pub fn with_disk(seed: u64, disk: Arc<SimulatedDisk>) -> Self {
        let clock = Arc::new(SimulatedClock::new(START, Duration::from_millis(1)));
        let gate = Arc::new(FaultyGate::new());
        let seam = Seam {
            disk: disk.clone(),
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(seed)),
            gate: gate.clone(),
        };
        Self { seam, disk, clock, gate }
    }
}
