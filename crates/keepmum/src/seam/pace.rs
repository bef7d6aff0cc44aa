//! Limits on how many bytes go by in a second, put before the real accesses.
//!
//! A limit delays and never refuses: the same work happens, later. Steps are small, and a limit can
//! be lifted, so that no access holds up a run that is to end.

use std::io;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Clock, Disk, Found, Gate, Identity, NewFile, Operation, ReadAt, Seam, Timestamp};

/// Most bytes of one step.
const STEP: u64 = 64 * 1024;
/// Steps of a second, at least.
const STEPS: u64 = 8;

/// A limit in bytes a second, shared by all that it holds for.
struct Pace {
    rate: NonZeroU64,
    clock: Arc<dyn Clock>,
    /// Nobody waits any more.
    lifted: Arc<AtomicBool>,
    /// When the next byte may pass, by the clock's elapsed time.
    free_at: Mutex<Duration>,
}

impl Pace {
    fn new(rate: NonZeroU64, clock: &Arc<dyn Clock>, lifted: &Arc<AtomicBool>) -> Arc<Self> {
        let (clock, lifted) = (Arc::clone(clock), Arc::clone(lifted));
        Arc::new(Self { rate, clock, lifted, free_at: Mutex::default() })
    }

    /// Waits for the turn of some of these bytes, and says of how many.
    fn pass(&self, bytes: usize) -> usize {
        if self.lifted.load(Ordering::Relaxed) {
            return bytes;
        }
        let step = STEP.min(self.rate.get() / STEPS).max(1);
        let step = bytes.min(usize::try_from(step).unwrap_or(usize::MAX));
        let time = Duration::from_secs_f64(step as f64 / self.rate.get() as f64);
        let now = self.clock.elapsed();
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        // Time that nobody used is gone: a burst later would be no limit.
        let begin = (*free_at).max(now);
        *free_at = begin + time;
        drop(free_at);
        self.clock.wait(begin - now);
        step
    }
}

impl Seam {
    /// At most so many bytes a second are written to the destination, until the limit is lifted:
    /// somebody who stops a run does not want to wait for unfinished writes.
    #[must_use]
    pub fn limit_upload(self, bytes_per_second: NonZeroU64, lifted: &Arc<AtomicBool>) -> Self {
        let write = Some(Pace::new(bytes_per_second, &self.clock, lifted));
        let disk = Arc::new(PacedDisk { disk: Arc::clone(&self.disk), write, read: None });
        Self { disk, ..self }
    }

    /// At most so many bytes a second are read, from source and destination together, until that
    /// is lifted.
    #[must_use]
    pub fn limit_read(self, bytes_per_second: NonZeroU64, lifted: &Arc<AtomicBool>) -> Self {
        let pace = Pace::new(bytes_per_second, &self.clock, lifted);
        let read = Some(Arc::clone(&pace));
        let disk = Arc::new(PacedDisk { disk: Arc::clone(&self.disk), write: None, read });
        let gate = Arc::new(PacedGate { gate: Arc::clone(&self.gate), pace });
        Self { disk, gate, ..self }
    }
}

struct PacedGate {
    gate: Arc<dyn Gate>,
    pace: Arc<Pace>,
}

impl Gate for PacedGate {
    fn pass(&self, operation: Operation, path: &[u8], bytes: usize) -> io::Result<usize> {
        let bytes = self.gate.pass(operation, path, bytes)?;
        Ok(if operation == Operation::SourceRead { self.pace.pass(bytes) } else { bytes })
    }
}

struct PacedDisk {
    disk: Arc<dyn Disk>,
    write: Option<Arc<Pace>>,
    read: Option<Arc<Pace>>,
}

impl Disk for PacedDisk {
    fn create(&self) -> io::Result<Box<dyn NewFile>> {
        let file = self.disk.create()?;
        Ok(match &self.write {
            Some(pace) => Box::new(PacedFile { file, pace: Arc::clone(pace) }),
            None => file,
        })
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.disk.sync_directory()
    }

    fn list(&self, visit: &mut dyn FnMut(Found) -> io::Result<()>) -> io::Result<()> {
        self.disk.list(visit)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadAt>> {
        let file = self.disk.open(path)?;
        Ok(match &self.read {
            Some(pace) => Box::new(PacedReader { file, pace: Arc::clone(pace) }),
            None => file,
        })
    }

    fn identity(&self, path: &str) -> io::Result<Identity> {
        self.disk.identity(path)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sweep_staging(&self, now: Timestamp) -> io::Result<u64> {
        self.disk.sweep_staging(now)
    }

    fn free_space(&self) -> io::Result<u64> {
        self.disk.free_space()
    }

    fn same_place(&self) -> io::Result<bool> {
        self.disk.same_place()
    }
}

struct PacedFile {
    file: Box<dyn NewFile>,
    pace: Arc<Pace>,
}

impl NewFile for PacedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let step = self.pace.pass(bytes.len());
        self.file.write(&bytes[..step])
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn publish(&mut self, name: &str) -> io::Result<()> {
        self.file.publish(name)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buffer)
    }
}

struct PacedReader {
    file: Box<dyn ReadAt>,
    pace: Arc<Pace>,
}

impl ReadAt for PacedReader {
    fn is_at_hand(&self) -> io::Result<bool> {
        self.file.is_at_hand()
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.pace.pass(buffer.len());
        self.file.read_at(offset, &mut buffer[..step])
    }
}
