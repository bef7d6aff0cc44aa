//! The one door through which the library meets the world: the destination's file system,
//! the clock, randomness, and a gate before every access to source and restore target.
//!
//! It cannot be added later: every fault test and the simulator depend on it. Only `real.rs` and
//! the files below `real/` may touch the operating system; nothing else in the library reads a
//! clock, draws randomness or opens a file of the destination.

mod disk;
mod gate;
mod pace;
mod real;
mod spelling;
mod staging;
#[cfg(test)]
mod tests;
mod time;

use std::io;
use std::sync::Arc;

pub use disk::{Disk, Found, Identity, NewFile, ReadAt};
pub use gate::{Gate, OpenGate, Operation};
pub use real::{RealClock, RealDisk, SystemRandom};
pub use spelling::{path_from_bytes, path_to_bytes};
pub use staging::{STAGING_AGE_SECONDS, is_staging_name, staging_name};
pub use time::{Clock, Timestamp};

/// A source of unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// The operating system has no randomness to give; nothing may be sealed then.
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()>;

    /// Values that differ from one call to the next even if the randomness does not, as on a
    /// machine that is resumed twice from one image: clocks, the process, a count. They are mixed
    /// into salts, and are zero under replay.
    fn circumstances(&self) -> [u8; 32] {
        [0; 32]
    }
}

/// Everything outside the library, as one value that is handed down.
#[derive(Clone)]
pub struct Seam {
    /// The destination's file system.
    pub disk: Arc<dyn Disk>,
    /// Wall clock and monotonic time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for salts, keys, ids and staging names.
    pub random: Arc<dyn Random>,
    /// Asked before every access to the source and to a restore target.
    pub gate: Arc<dyn Gate>,
}
