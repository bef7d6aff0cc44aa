//! Files going out: written without a name, or beside the place that they are for, and handed over
//! to be named once they are durable. A file that is not finished is removed.

use std::io;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Advice, fadvise, ftruncate};
use rustix::io::{pwrite, retry_on_intr};

use super::folders::FolderDefaults;
use super::metadata::CurrentMetadata;
use super::stage::{Existing, Stage};
use super::{Inner, Target, TargetError};
use crate::beneath::Handle;
use crate::model::{FoundKind, Metadata, TreePath};
use crate::seam::Operation;

/// Writes of at least this length begin their way to the disk at once.
const WRITE_OUT: u64 = 256 * 1024;
/// So much of a file, about, stays in the page cache.
const CACHED: u64 = 16 * 1024 * 1024;
/// Mode of a file whose owner or mode is still to be set.
const PRIVATE: u16 = 0o600;

/// A file that is being restored. Several threads may write to it; it has to be finished, else it
/// is removed when dropped.
pub struct TargetFile {
    inner: Arc<Inner>,
    file: Arc<OwnedFd>,
    path: TreePath,
    defaults: FolderDefaults,
    mode: u16,
    /// Where it will lie, until it is finished.
    stage: Mutex<Option<Stage>>,
    length: AtomicU64,
    /// Bytes that were handed to the disk.
    written_out: AtomicU64,
}

impl Target {
    /// Begins a file of any size.
    ///
    /// # Errors
    /// It could not be made.
    pub fn begin_file(
        &self,
        path: &TreePath,
        existing: Existing,
    ) -> Result<TargetFile, TargetError> {
        self.begin(path, existing, |_| PRIVATE)
    }

    /// Restores a whole small file, which waits for its name then. Problems with its metadata are
    /// returned.
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
        let file = self.begin(path, existing, |defaults| self.first_mode(metadata, defaults))?;
        file.write_at(0, content)?;
        file.finish(metadata)
    }

    /// The mode to make a file with: its own if it will also have its own owner at once.
    fn first_mode(&self, metadata: &Metadata, defaults: FolderDefaults) -> u16 {
        let stays = !defaults.known
            || self.0.wanted_owner(metadata).is_none_or(|owner| owner == defaults.owner);
        let Some(mode) = metadata.mode else { return PRIVATE };
        // Attributes can only be set while the owner may write.
        if !stays || !metadata.attributes.is_empty() || mode & 0o7000 != 0 {
            return PRIVATE;
        }
        // Before the first file has shown the folder's habits, nobody else may read it.
        if defaults.known { mode } else { mode & 0o700 }
    }

    fn begin(
        &self,
        path: &TreePath,
        existing: Existing,
        mode: impl Fn(FolderDefaults) -> u16,
    ) -> Result<TargetFile, TargetError> {
        let inner = &self.0;
        let (folder, name) = inner.place(path)?;
        let (file, temporary, mode) = inner.with_space(|| inner.new_file(path, &folder, &mode))?;
        let learns = temporary.as_ref().map_or(&folder, |temporary| &temporary.folder);
        let defaults = learns.learn(file.as_fd(), mode);
        let defaults = defaults.map_err(|error| TargetError::new(path, error))?;
        let file = Arc::new(file);
        let stage = Stage {
            path: path.clone(),
            kind: FoundKind::File,
            existing,
            size: 0,
            linked: false,
            folder,
            name,
            file: Some(file.clone()),
            temporary,
        };
        Ok(TargetFile {
            inner: inner.clone(),
            file,
            path: path.clone(),
            defaults,
            mode,
            stage: Mutex::new(Some(stage)),
            length: AtomicU64::new(0),
            written_out: AtomicU64::new(0),
        })
    }
}

impl TargetFile {
    /// Writes bytes at an offset. Ranges never written are holes.
    ///
    /// # Errors
    /// Not all of it could be written.
    pub fn write_at(&self, start: u64, bytes: &[u8]) -> Result<(), TargetError> {
        let (mut offset, mut rest) = (start, bytes);
        while !rest.is_empty() {
            let written = self.inner.with_space(|| self.write_some(offset, rest))?;
            rest = rest.get(written..).unwrap_or_default();
            offset += written as u64;
        }
        self.length.fetch_max(offset, Ordering::Relaxed);
        self.let_go(start, bytes.len() as u64);
        Ok(())
    }

    fn write_some(&self, offset: u64, bytes: &[u8]) -> Result<usize, TargetError> {
        let passed =
            self.inner.gate.pass(Operation::TargetWrite, self.path.as_bytes(), bytes.len());
        let length = passed.map_err(|error| self.problem(error))?.min(bytes.len());
        let written = match bytes.get(..length).unwrap_or(bytes) {
            [] => 0,
            piece => retry_on_intr(|| pwrite(&*self.file, piece, offset))
                .map_err(|error| self.problem(error))?,
        };
        match written {
            0 => Err(self.problem(io::Error::from(io::ErrorKind::WriteZero))),
            written => Ok(written),
        }
    }

    /// Hands written data to the disk at once, so that the sync at the end of a restore finds
    /// little left, and takes large files out of the page cache as they come: otherwise a long
    /// restore would push out everything there, and finding memory is the main cost of writing.
    /// This is only advice: a file system that ignores it writes and keeps data as it likes.
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
        fadvise(&*self.file, start, length, Advice::DontNeed).ok();
    }

    /// Sets the length in bytes, for a file that ends in a hole.
    ///
    /// # Errors
    /// The file system does not take it.
    pub fn set_length(&self, length: u64) -> Result<(), TargetError> {
        self.inner.ask(Operation::TargetWrite, &self.path)?;
        ftruncate(&*self.file, length).map_err(|error| self.problem(error))?;
        self.length.store(length, Ordering::Relaxed);
        Ok(())
    }

    /// Sets the metadata; the file is whole then and waits for its name. Returns the metadata that
    /// could not be set. To be called once, after the last write.
    ///
    /// # Errors
    /// The target has failed; nothing of the file is left.
    pub fn finish(&self, metadata: &Metadata) -> Result<Vec<TargetError>, TargetError> {
        let mode = self.mode & self.defaults.given | self.defaults.added;
        let stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(stage) = stage else { return Ok(Vec::new()) };
        let given = CurrentMetadata::New {
            defaults: self.defaults,
            mode,
            file_system: stage.folder.file_system(),
        };
        let handle = Handle::open(self.file.as_fd());
        let problems = self.inner.settle(&handle, &self.path, FoundKind::File, metadata, &given);
        let size = self.length.load(Ordering::Relaxed);
        let linked = metadata.link.is_some();
        self.inner.stage(Stage { size, linked, ..stage })?;
        Ok(problems)
    }

    fn problem(&self, error: impl Into<io::Error>) -> TargetError {
        TargetError::new(&self.path, error)
    }
}
