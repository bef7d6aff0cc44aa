//! The file systems that a target reaches: mostly one. What each can do is learnt once.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, fstatfs, makedev, openat, statx};

/// File systems that a program serves (FUSE).
const SERVED: i64 = 0x6573_5546;

/// One mounted file system.
pub(super) struct FileSystem {
    /// Device and mount.
    id: (u32, u32, u64),
    /// A folder on it, held open from the beginning: an error of the disk is told to those who
    /// were there before it.
    directory: OwnedFd,
    served: bool,
    without_unnamed_files: AtomicBool,
}

impl FileSystem {
    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Whether a program serves it. A sync of the whole does not reach that program, one of a file
    /// does.
    pub(super) fn is_served(&self) -> bool {
        self.served
    }

    pub(super) fn has_unnamed_files(&self) -> bool {
        !self.without_unnamed_files.load(Ordering::Relaxed)
    }

    pub(super) fn has_no_unnamed_files(&self) {
        self.without_unnamed_files.store(true, Ordering::Relaxed);
    }
}

/// All that were met.
#[derive(Default)]
pub(super) struct FileSystems(Mutex<Vec<Arc<FileSystem>>>);

impl FileSystems {
    /// The one that a folder lies on.
    pub(super) fn of(&self, folder: BorrowedFd<'_>) -> io::Result<Arc<FileSystem>> {
        let found = statx(folder, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
        let id = (found.stx_dev_major, found.stx_dev_minor, found.stx_mnt_id);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter().find(|known| known.id == id) {
            return Ok(known.clone());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(folder, c".", flags, Mode::empty())?;
        let served = fstatfs(&directory).is_ok_and(|about| about.f_type == SERVED);
        let without_unnamed_files = AtomicBool::new(false);
        let file_system = Arc::new(FileSystem { id, directory, served, without_unnamed_files });
        all.push(file_system.clone());
        Ok(file_system)
    }

    /// One with this device number.
    pub(super) fn with_device(&self, device: u64) -> Option<Arc<FileSystem>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|one| makedev(one.id.0, one.id.1) == device).cloned()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<FileSystem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
