//! One run at a time on one machine. Readers take no lock.
//!
//! The lock is on a file of its own, so that it holds while the catalogue is set aside. The kernel
//! lets go of it when the process ends, however it ends; the file itself is never deleted, since
//! two processes could then hold two files of one name.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::set_aside::beside;
use super::{Catalogue, CatalogueError};

/// Held by the one run; dropping it lets the next one begin.
#[derive(Debug)]
pub struct RunLock(pub(super) File);

impl Catalogue {
    /// Takes the lock of runs over the catalogue in this file, at `FILE.lock`. If another process
    /// has it, the error is [`CatalogueError::Busy`] with that process.
    pub fn lock_for_run(file: &Path) -> Result<RunLock, CatalogueError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut lock = options.open(beside(file, ".lock"))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                // Whose lock it is only goes into a message.
                return Err(CatalogueError::Busy { pid: holder(&lock) });
            }
            Err(error) => return Err(std::io::Error::from(error).into()),
        }
        lock.set_len(0)?;
        lock.seek(SeekFrom::Start(0))?;
        lock.write_all(format!("{}\n", std::process::id()).as_bytes())?;
        Ok(RunLock(lock))
    }
}

impl Catalogue {
    /// Whether a run over the catalogue in this file is at work now.
    pub fn is_run_at_work(file: &Path) -> bool {
        let Ok(lock) = File::open(beside(file, ".lock")) else { return false };
        // A run that ends in order takes its number out. The lock itself is tried only where a
        // number was left: a run that begins at the same instant would find it taken.
        let Some(pid) = holder(&lock) else { return false };
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        if pid.is_some_and(|pid| !matches!(test_kill_process(pid), Err(Errno::SRCH))) {
            return true;
        }
        match flock(&lock, FlockOperation::NonBlockingLockShared) {
            Ok(()) => flock(&lock, FlockOperation::Unlock).is_err(),
            Err(error) => error == Errno::WOULDBLOCK,
        }
    }
}

/// The process that wrote its number into the lock.
fn holder(lock: &File) -> Option<u32> {
    let mut text = String::new();
    lock.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // An old number would only name an unrelated process.
        drop(self.0.set_len(0));
        // A process that another thread has just forked holds the file for a moment longer.
        flock(&self.0, FlockOperation::Unlock).ok();
    }
}
