//! Time as the library sees it. Wall-clock time is for people and for retention only; no
//! decision may compare the clocks of two machines.

use std::time::Duration;

/// A point in time since 1970-01-01 00:00 UTC; seconds are negative before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// Nanoseconds after `seconds`, 0 to 999,999,999.
    pub nanos: u32,
}

/// The library's only source of the current time.
pub trait Clock: Send + Sync {
    /// The wall clock. It may jump in either direction at any moment.
    fn now(&self) -> Timestamp;

    /// Time since some fixed start, never going back: for measuring how long work took.
    fn elapsed(&self) -> Duration;

    /// Comes back when so much time has gone by.
    fn wait(&self, time: Duration);
}
