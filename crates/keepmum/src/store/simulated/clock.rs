//! A clock that a test moves.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::seam::{Clock, Timestamp};

const NANOS: u32 = 1_000_000_000;

struct Times {
    now: Timestamp,
    elapsed: Duration,
}

/// Starts at a given time and moves on by one step at every reading.
pub struct SimulatedClock {
    times: Mutex<Times>,
    step: Duration,
}

impl SimulatedClock {
    /// A clock at `start`, moving by `step` each time it is read.
    #[must_use]
    pub fn new(start: Timestamp, step: Duration) -> Self {
        let times = Mutex::new(Times { now: start, elapsed: Duration::ZERO });
        Self { times, step }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.change(|times| times.pass(by));
    }

    /// Sets the wall clock, forwards or backwards; elapsed time does not notice.
    pub fn set(&self, now: Timestamp) {
        self.change(|times| times.now = now);
    }

    fn change<T>(&self, change: impl FnOnce(&mut Times) -> T) -> T {
        change(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Times {
    fn pass(&mut self, by: Duration) {
        let nanos = self.now.nanos + by.subsec_nanos();
        let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        self.now.seconds =
            self.now.seconds.saturating_add(seconds).saturating_add(i64::from(nanos / NANOS));
        self.now.nanos = nanos % NANOS;
        self.elapsed = self.elapsed.saturating_add(by);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.change(|times| {
            let now = times.now;
            times.pass(self.step);
            now
        })
    }

    fn elapsed(&self) -> Duration {
        self.change(|times| {
            let elapsed = times.elapsed;
            times.pass(self.step);
            elapsed
        })
    }

    fn wait(&self, time: Duration) {
        self.advance(time);
    }
}
