//! The real world: the only place that reads the clock, draws randomness or opens files of
//! the destination.

mod disk;
mod listing;
mod new_file;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Clock, OpenGate, Random, Seam, Timestamp};

pub use disk::RealDisk;

impl Seam {
    /// The real seam over an existing destination folder, which is never created here.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder, `NotADirectory` when it is something else.
    pub fn real(destination: &Path) -> io::Result<Self> {
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        Ok(Self {
            disk: Arc::new(RealDisk::open(destination, Arc::clone(&random))?),
            clock: Arc::new(RealClock::start()),
            random,
            gate: Arc::new(OpenGate),
        })
    }
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    /// A clock whose elapsed time begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => Timestamp {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanos: after.subsec_nanos(),
            },
            Err(before) => before_epoch(before.duration()),
        }
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn wait(&self, time: Duration) {
        if !time.is_zero() {
            std::thread::sleep(time);
        }
    }
}

/// The point in time that lies `distance` before the epoch, its seconds rounded down.
fn before_epoch(distance: Duration) -> Timestamp {
    let seconds = i64::try_from(distance.as_secs()).unwrap_or(i64::MAX);
    match distance.subsec_nanos() {
        0 => Timestamp { seconds: -seconds, nanos: 0 },
        nanos => Timestamp { seconds: (-seconds).saturating_sub(1), nanos: 1_000_000_000 - nanos },
    }
}

/// The operating system's randomness, asked again at each call.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
        getrandom::fill(buffer).map_err(|error| io::Error::other(error.to_string()))
    }

    fn circumstances(&self) -> [u8; 32] {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        static START: OnceLock<Instant> = OnceLock::new();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Its start is unknown and differs from one boot to the next; its distance is enough.
        let since = START.get_or_init(Instant::now).elapsed();
        let mut bytes = [0; 32];
        bytes[..12].copy_from_slice(&wall.as_nanos().to_le_bytes()[..12]);
        bytes[12..20].copy_from_slice(&since.as_nanos().to_le_bytes()[..8]);
        bytes[20..24].copy_from_slice(&std::process::id().to_le_bytes());
        bytes[24..].copy_from_slice(&CALLS.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, before_epoch};
    use std::time::Duration;

    #[test]
    fn times_before_the_epoch_round_down() {
        assert_eq!(before_epoch(Duration::from_secs(5)), Timestamp { seconds: -5, nanos: 0 });
        let half = Timestamp { seconds: -2, nanos: 500_000_000 };
        assert_eq!(before_epoch(Duration::from_millis(1500)), half);
    }
}
