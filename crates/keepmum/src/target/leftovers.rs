//! Leftovers of an interrupted restore: found by their name, and removed unless a running restore
//! may be using them.
//!
//! A restore holds a shared lock on each folder that it has temporary names in. The lock ends with
//! the process, however that ends. Where a file system knows no locks, the name alone decides.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, openat, unlinkat};
use rustix::io::Errno;

use super::{Target, TargetError};
use crate::beneath::{NameList, Scratch, is_temporary, stamp, stat};
use crate::model::{Name, TreePath};
use crate::seam::Operation;

/// So many folders are locked at most.
const MOST: usize = 256;

/// The locks of a restore on folders in which it has temporary names, by device and number.
#[derive(Default)]
pub(super) struct Claims(Mutex<HashMap<(u64, u64), OwnedFd>>);

impl Claims {
    fn lock(&self) -> MutexGuard<'_, HashMap<(u64, u64), OwnedFd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock, unless it is held. Without it, another restore may take a file in use for a
    /// leftover; that costs one file, which is reported.
    pub(super) fn hold(&self, folder: BorrowedFd<'_>) {
        let mut held = self.lock();
        let (Ok(identity), Ok(own)) = (identity(folder), open(folder)) else { return };
        if held.len() < MOST && !held.contains_key(&identity) {
            flock(&own, FlockOperation::LockShared).ok();
            held.insert(identity, own);
        }
    }

    /// Does something in a folder while no other restore has a temporary name there; answers
    /// nothing where one has.
    fn alone<T>(
        &self,
        folder: BorrowedFd<'_>,
        act: impl FnOnce() -> T,
    ) -> Result<Option<T>, Errno> {
        use FlockOperation::{LockShared, NonBlockingLockExclusive, Unlock};
        let held = self.lock();
        let new;
        let (lock, after) = match held.get(&identity(folder)?) {
            Some(lock) => (lock, LockShared),
            None => {
                new = open(folder)?;
                (&new, Unlock)
            }
        };
        let done = match flock(lock, NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => None,
            // Some file systems have no locks.
            Ok(()) | Err(_) => Some(act()),
        };
        flock(lock, after).ok();
        Ok(done)
    }
}

fn identity(folder: BorrowedFd<'_>) -> Result<(u64, u64), Errno> {
    let stamp = stamp(&stat(folder)?);
    Ok((stamp.device, stamp.inode))
}

fn open(folder: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(folder, c".", flags, Mode::empty())
}

impl Target {
    /// Removes leftovers of interrupted restores in a folder. A folder that is not there, or that
    /// this user may not look into, holds none of them.
    ///
    /// # Errors
    /// Something is left and could not be removed.
    pub fn remove_leftovers(&self, folder: &TreePath) -> Result<(), TargetError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let Ok(held) = self.0.beneath.open_quietly(folder.as_bytes(), flags) else {
            return Ok(());
        };
        let Ok(names) = NameList::read(held.as_fd(), &mut Scratch::default()) else {
            return Ok(());
        };
        let names = names.iter().filter_map(|name| Name::new(name).ok());
        names
            .filter(is_temporary)
            .try_for_each(|name| self.remove_from(held.as_fd(), &folder.join(&name), &name))
    }

    /// Removes a leftover of an interrupted restore. A folder that holds something is not one; it
    /// stays, and so does anything that a running restore may be using.
    ///
    /// # Errors
    /// It could not be removed.
    pub fn remove_leftover(&self, path: &TreePath) -> Result<(), TargetError> {
        let Some((folder, name)) = path.split() else { return Ok(()) };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let held = self.0.beneath.open_quietly(folder.as_bytes(), flags);
        let held = held.map_err(|error| TargetError::new(path, error))?;
        self.remove_from(held.as_fd(), path, &name)
    }

    fn remove_from(
        &self,
        folder: BorrowedFd<'_>,
        path: &TreePath,
        name: &Name,
    ) -> Result<(), TargetError> {
        let problem = |error: Errno| TargetError::new(path, error);
        if self.0.has_drawn(name) {
            return Ok(());
        }
        self.0.ask(Operation::TargetRemove, path)?;
        let remove = || match unlinkat(folder, name.as_bytes(), AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => {
                unlinkat(folder, name.as_bytes(), AtFlags::REMOVEDIR)
            }
            other => other,
        };
        match self.0.claims.alone(folder, remove).map_err(problem)? {
            None | Some(Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST)) => Ok(()),
            // It is another user's, whose next restore removes it.
            Some(Err(Errno::PERM | Errno::ACCESS | Errno::ROFS)) => Ok(()),
            Some(Err(error)) => Err(problem(error)),
        }
    }
}
