//! Files going out.
//!
//! A new file is written under its own name, which nothing had; one that replaces another is
//! written beside it and renamed over it when it is whole. A file that is not finished is removed.

use std::io;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{Advice, AtFlags, Mode, OFlags, fadvise, ftruncate, openat, renameat, unlinkat};
use rustix::io::{pwrite, retry_on_intr};

use super::folders::{Folder, Habit};
use super::metadata::Given;
use super::{Inner, Target, TargetError};
use crate::beneath::Handle;
use crate::model::{FoundKind, Metadata, Name, TreePath};
use crate::seam::Operation;

/// Writes of at least this length begin their way to the disk at once.
const WRITE_OUT: u64 = 256 * 1024;
/// So much of a file, about, stays in the page cache.
const CACHED: u64 = 16 * 1024 * 1024;
/// Mode of a file whose owner or mode is still to be set.
const PRIVATE: u16 = 0o600;

/// What to do with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing may be there.
    Refuse,
    /// Replace it once the new one is whole. The number, drawn at random by the caller, names the
    /// new file meanwhile.
    Replace(u64),
}

/// Whether this is the name of an unfinished file that an interrupted restore left behind.
pub fn is_temporary(name: &Name) -> bool {
    let middle = name.as_bytes().strip_prefix(b".keepmum-").and_then(|n| n.strip_suffix(b".tmp"));
    middle.is_some_and(|hex| {
        hex.len() == 16 && hex.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// A file that is being restored. Several threads may write to it; it has to be finished, else it
/// is removed when dropped.
pub struct TargetFile {
    inner: Arc<Inner>,
    folder: Arc<Folder>,
    file: OwnedFd,
    path: TreePath,
    name: Name,
    /// Its name until it is finished, if that is another.
    temporary: Option<String>,
    habit: Habit,
    mode: u16,
    settled: AtomicBool,
    /// Bytes that were handed to the disk.
    written_out: AtomicU64,
}

impl Target {
    /// Begins a file of any size.
    ///
    /// # Errors
    /// [`super::TargetErrorKind::Occupied`] if something has the name and must not be replaced.
    pub fn begin_file(
        &self,
        path: &TreePath,
        existing: Existing,
    ) -> Result<TargetFile, TargetError> {
        self.begin(path, existing, |_| PRIVATE)
    }

    /// Restores a whole small file. Problems with its metadata are returned, the file is there.
    ///
    /// # Errors
    /// It could not be made or written; nothing of it is left.
    pub fn write_small(
        &self,
        path: &TreePath,
        content: &[u8],
        metadata: &Metadata,
        existing: Existing,
    ) -> Result<Vec<TargetError>, TargetError> {
        let file = self.begin(path, existing, |habit| self.first_mode(metadata, habit))?;
        file.write_at(0, content)?;
        file.finish(metadata)
    }

    /// The mode to make a file with: its own if it will also have its own owner at once.
    fn first_mode(&self, metadata: &Metadata, habit: Habit) -> u16 {
        let stays =
            !habit.known || self.0.wanted_owner(metadata).is_none_or(|owner| owner == habit.owner);
        // Attributes can only be set while the owner may write.
        if !stays || !metadata.attributes.is_empty() || metadata.mode & 0o7000 != 0 {
            return PRIVATE;
        }
        // Before the first file has shown the folder's habits, nobody else may read it.
        if habit.known { metadata.mode } else { metadata.mode & 0o700 }
    }

    fn begin(
        &self,
        path: &TreePath,
        existing: Existing,
        mode: impl FnOnce(Habit) -> u16,
    ) -> Result<TargetFile, TargetError> {
        let inner = &self.0;
        let (folder, name) = inner.place(path)?;
        let temporary = match existing {
            Existing::Refuse => None,
            Existing::Replace(number) => Some(format!(".keepmum-{number:016x}.tmp")),
        };
        let made = temporary.as_ref().map_or(name.as_bytes(), |name| name.as_bytes());
        let mode = mode(folder.habit());
        inner.ask(Operation::TargetCreate, path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = openat(folder.fd(), made, flags, Mode::from_raw_mode(u32::from(mode)))
            .map_err(|error| TargetError::new(path, error))?;
        let mut file = TargetFile {
            inner: inner.clone(),
            folder,
            file,
            path: path.clone(),
            name,
            temporary,
            habit: Habit::default(),
            mode,
            settled: AtomicBool::new(false),
            written_out: AtomicU64::new(0),
        };
        let habit = file.folder.learn(file.file.as_fd(), mode);
        file.habit = habit.map_err(|error| TargetError::new(path, error))?;
        Ok(file)
    }
}

impl TargetFile {
    /// Its path.
    pub fn path(&self) -> &TreePath {
        &self.path
    }

    /// Writes bytes at an offset. What is never written is a hole.
    ///
    /// # Errors
    /// Not all of it could be written.
    pub fn write_at(&self, start: u64, bytes: &[u8]) -> Result<(), TargetError> {
        let (mut offset, mut rest) = (start, bytes);
        while !rest.is_empty() {
            let passed =
                self.inner.gate.pass(Operation::TargetWrite, self.path.as_bytes(), rest.len());
            let length = passed.map_err(|error| self.problem(error))?.min(rest.len());
            let piece = rest.get(..length).unwrap_or(rest);
            let written = match piece {
                [] => 0,
                _ => retry_on_intr(|| pwrite(&self.file, piece, offset))
                    .map_err(|error| self.problem(error))?,
            };
            if written == 0 {
                return Err(self.problem(io::Error::from(io::ErrorKind::WriteZero)));
            }
            rest = rest.get(written..).unwrap_or_default();
            offset += written as u64;
        }
        self.let_go(start, bytes.len() as u64);
        Ok(())
    }

    /// Hands what was written to the disk at once, so that the sync at the end of a restore finds
    /// little left, and takes large files out of the page cache as they come: a long restore would
    /// else push out all that is there, and memory that has to be found is what writing costs most.
    /// Only advice: a file system that does not take it writes and keeps as it likes.
    fn let_go(&self, start: u64, length: u64) {
        if length < WRITE_OUT {
            return;
        }
        // Dirty pages begin to be written and stay, clean ones go.
        let before = self.written_out.fetch_add(length, Ordering::Relaxed);
        let (start, length) = match before / CACHED == (before + length) / CACHED {
            true => (start, NonZeroU64::new(length)),
            false => (0, None),
        };
        fadvise(&self.file, start, length, Advice::DontNeed).ok();
    }

    /// Sets the length in bytes, for a file that ends in a hole.
    ///
    /// # Errors
    /// The file system does not take it.
    pub fn set_length(&self, length: u64) -> Result<(), TargetError> {
        self.inner.ask(Operation::TargetWrite, &self.path)?;
        ftruncate(&self.file, length).map_err(|error| self.problem(error))
    }

    /// Sets the metadata and gives the file its name. What of the metadata could not be set is
    /// returned. To be called once, after the last write.
    ///
    /// # Errors
    /// The file did not get its name; nothing of it is left.
    pub fn finish(&self, metadata: &Metadata) -> Result<Vec<TargetError>, TargetError> {
        let given = Given::New { habit: self.habit, mode: self.mode & self.habit.given };
        let handle = Handle::open(self.file.as_fd());
        let problems = self.inner.settle(&handle, &self.path, FoundKind::File, metadata, &given);
        if let Some(temporary) = &self.temporary {
            self.inner.ask(Operation::TargetRename, &self.path)?;
            let folder = self.folder.fd();
            renameat(folder, temporary.as_str(), folder, self.name.as_bytes())
                .map_err(|error| self.problem(error))?;
        }
        self.settled.store(true, Ordering::Release);
        Ok(problems)
    }

    /// Removes what was written.
    ///
    /// # Errors
    /// It could not be removed.
    pub fn abandon(self) -> Result<(), TargetError> {
        if !self.settled.load(Ordering::Acquire) {
            self.inner.ask(Operation::TargetRemove, &self.path)?;
            self.unlink().map_err(|error| self.problem(error))?;
            self.settled.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn unlink(&self) -> io::Result<()> {
        let name = self.temporary.as_ref().map_or(self.name.as_bytes(), |name| name.as_bytes());
        Ok(unlinkat(self.folder.fd(), name, AtFlags::empty())?)
    }

    fn problem(&self, error: impl Into<io::Error>) -> TargetError {
        TargetError::new(&self.path, error)
    }
}

impl Drop for TargetFile {
    fn drop(&mut self) {
        if !self.settled.load(Ordering::Acquire) {
            // Nobody is left to be told; the name says what it is.
            self.unlink().ok();
        }
    }
}
