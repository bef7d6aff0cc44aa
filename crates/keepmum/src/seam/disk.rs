//! The destination's file system, reduced to the primitive operations that `store` needs, so
//! that a simulated one can fail each of them.
//!
//! Paths are relative to the root, with `/` between components, spelled as
//! [`path_from_bytes`](super::path_from_bytes) does it. An implementation must never replace
//! an existing file, never follow a symbolic link, and never recreate a root that went away.

use std::io;

use super::Timestamp;

/// A regular file found below the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Path relative to the root.
    pub path: String,
    /// Length in bytes.
    pub length: u64,
}

/// Which file a path leads to, and its state. Two equal ones mean the same bytes, as far as a file
/// system can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The file system and the number of the file on it.
    pub file: (u64, u64),
    /// Length in bytes.
    pub length: u64,
    /// When its bytes and its entry were changed last: seconds and nanoseconds each.
    pub changed: [i64; 4],
}

/// The file system of one destination folder, held from the start of the run.
pub trait Disk: Send + Sync {
    /// Begins a file without a name in the root. Dropped unpublished, it leaves nothing.
    ///
    /// # Errors
    /// The error of the file system; `NotFound` when the root was deleted.
    fn create(&self) -> io::Result<Box<dyn NewFile>>;

    /// Makes all names published and removed in the root until now durable.
    ///
    /// # Errors
    /// `Unsupported` where the file system has no such operation; all that it can do is done then.
    /// After another error nothing may be believed durable, whatever a second call answers.
    fn sync_directory(&self) -> io::Result<()>;

    /// Visits every regular file below the root once, in no order. Files that vanish meanwhile,
    /// anything that is not a regular file, and folders that may not be entered are skipped.
    ///
    /// # Errors
    /// The error of the file system or of `visit`; the listing is incomplete then.
    fn list(&self, visit: &mut dyn FnMut(Found) -> io::Result<()>) -> io::Result<()>;

    /// Opens a regular file for reading, beneath the root and through no symbolic link.
    ///
    /// # Errors
    /// `NotFound` also when the path is not a regular file reached without links.
    fn open(&self, path: &str) -> io::Result<Box<dyn ReadAt>>;

    /// Which file a path leads to now, through no symbolic link.
    ///
    /// # Errors
    /// `NotFound` also when the path is not a regular file reached without links.
    fn identity(&self, path: &str) -> io::Result<Identity>;

    /// Removes one file; durable after [`Disk::sync_directory`] if it lay in the root itself.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Removes staging files of killed runs, older than a day at `now`; returns how many.
    ///
    /// # Errors
    /// The error of the file system about the root; a leftover that resists is skipped.
    fn sweep_staging(&self, now: Timestamp) -> io::Result<u64>;

    /// Bytes that may still be written.
    ///
    /// # Errors
    /// The error of the file system.
    fn free_space(&self) -> io::Result<u64>;

    /// Whether the destination's path still leads to the folder that was opened at the start.
    ///
    /// # Errors
    /// The question could not be answered; `Ok(false)` includes a path that leads nowhere.
    fn same_place(&self) -> io::Result<bool>;
}

/// A file being written that has no name yet.
pub trait NewFile: Send {
    /// Writes at the end; may write less than asked, never more.
    ///
    /// # Errors
    /// The error of the file system; `Interrupted` may be tried again.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Makes the content durable.
    ///
    /// # Errors
    /// The file must be dropped: a second call could succeed without the bytes being safe.
    fn sync(&mut self) -> io::Result<()>;

    /// Gives the file its name in the root, never replacing anything.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken; `InvalidInput` for a name with `/`. The file is of
    /// no more use than to be read again.
    fn publish(&mut self, name: &str) -> io::Result<()>;

    /// Reads the written bytes, as [`ReadAt::read_at`] does.
    ///
    /// # Errors
    /// The error of the file system; `Interrupted` may be tried again.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// A file opened for reading at any offset, from any thread.
pub trait ReadAt: Send + Sync {
    /// Whether its bytes are on the disk, not only its name: a sync client may fetch them when they
    /// are read.
    ///
    /// # Errors
    /// The error of the file system.
    fn is_at_hand(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// Length in bytes now.
    ///
    /// # Errors
    /// The error of the file system.
    fn length(&self) -> io::Result<u64>;

    /// Reads at `offset` into `buffer`; may read less, and 0 only at the end.
    ///
    /// # Errors
    /// The error of the file system; `Interrupted` may be tried again.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}
