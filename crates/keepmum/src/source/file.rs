//! One file of the source, open for reading from any number of threads.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::{Advice, OFlags, SeekFrom, fadvise, seek};
use rustix::io::{Errno, pread, retry_on_intr};

use super::Inner;
use super::error::SourceError;
use super::file_system::FileSystem;
use crate::beneath::{Attributes, Handle, Unread, kind_of, stamp, stat};
use crate::model::{FoundKind, Stamp, TreePath};
use crate::seam::{Gate, Operation};

/// From this size in bytes on, the kernel is informed that a file is read from front to back.
const LARGE: u64 = 1 << 20;

/// A regular file that is open for reading. It is the one that was listed, whatever happens to
/// its name.
pub struct OpenFile {
    file: OwnedFd,
    path: TreePath,
    stamp: Stamp,
    /// Bytes that the file system has allocated.
    allocated: u64,
    gate: Arc<dyn Gate>,
}

impl OpenFile {
    pub(super) fn open(
        inner: &Inner,
        path: &TreePath,
        expected: &Stamp,
    ) -> Result<Self, SourceError> {
        // Should a pipe or a terminal have taken its place, opening must neither wait nor adopt it.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = inner.open_at(path, flags)?;
        let found = stat(file.as_fd()).map_err(|error| SourceError::new(path, error))?;
        let now = stamp(&found);
        let same = now.device == expected.device && now.inode == expected.inode;
        if !same || kind_of(&found) != FoundKind::File {
            return Err(SourceError::changed(path));
        }
        if now.size >= LARGE {
            // Advice only: that it is not taken changes nothing.
            fadvise(&file, 0, None, Advice::Sequential).ok();
        }
        let allocated = found.stx_blocks.saturating_mul(512);
        let gate = inner.gate.clone();
        Ok(Self { file, path: path.clone(), stamp: now, allocated, gate })
    }

    /// Its path.
    pub fn path(&self) -> &TreePath {
        &self.path
    }

    /// Size, times and identity when it was opened.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Whether more may be in it than its size says.
    pub fn may_be_longer(&self) -> bool {
        !FileSystem::of(self.file.as_fd()).states_true_sizes()
    }

    /// Size, times and identity now.
    ///
    /// # Errors
    /// The system failed.
    pub fn stamp_now(&self) -> Result<Stamp, SourceError> {
        match stat(self.file.as_fd()) {
            Ok(now) => Ok(stamp(&now)),
            Err(error) => Err(self.problem(error)),
        }
    }

    /// Whether it differs from its state at `stamp`, as far as size and times show.
    ///
    /// # Errors
    /// The system failed.
    pub fn changed_since(&self, stamp: &Stamp) -> Result<bool, SourceError> {
        Ok(self.stamp_now()? != *stamp)
    }

    /// Reads from `offset` in bytes into the buffer; 0 at the end of the file. Fewer bytes than
    /// the buffer holds do not mean the end.
    ///
    /// # Errors
    /// The system failed.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, SourceError> {
        let length = self.admit(buffer.len())?;
        let Some(buffer) = buffer.get_mut(..length) else { return Ok(0) };
        if buffer.is_empty() {
            return Ok(0);
        }
        retry_on_intr(|| pread(&self.file, &mut *buffer, offset)).map_err(|e| self.problem(e))
    }

    /// Appends the first `count` bytes of a file to a buffer; fewer if it ends before.
    ///
    /// # Errors
    /// The system failed.
    pub fn append_to(&self, buffer: &mut Vec<u8>, count: usize) -> Result<(), SourceError> {
        let begin = buffer.len();
        let end = begin.saturating_add(count);
        buffer.reserve(count);
        while buffer.len() < end {
            let (from, asked) = (buffer.len(), end - buffer.len());
            let offset = (from - begin) as u64;
            let length = self.admit(asked)?;
            let read = if length == asked {
                retry_on_intr(|| pread(&self.file, spare_capacity(buffer), offset))
            } else {
                buffer.resize(from + length, 0);
                let read = retry_on_intr(|| pread(&self.file, &mut buffer[from..], offset));
                buffer.truncate(from + read.unwrap_or(0));
                read
            };
            if read.map_err(|e| self.problem(e))? == 0 {
                break;
            }
        }
        // The room may have been larger than requested.
        buffer.truncate(end);
        Ok(())
    }

    /// Where its data lies; between the ranges are holes. One range where the file system does not
    /// know or nothing is missing.
    pub fn data_ranges(&self) -> DataRanges<'_> {
        let sparse = self.allocated < self.stamp.size;
        DataRanges { file: self, sparse, at: 0 }
    }

    /// Its extended attributes, as far as they can be read, without the values of large ones; none
    /// where the file system keeps none.
    pub fn attributes(&self) -> Attributes {
        match self.gate.pass(Operation::SourceOpen, self.path.as_bytes(), 0) {
            Ok(_) => Handle::open(self.file.as_fd()).small_attributes(),
            Err(error) => {
                let unread = Some(Unread { names: None, error });
                Attributes { unread, ..Attributes::default() }
            }
        }
    }

    fn admit(&self, bytes: usize) -> Result<usize, SourceError> {
        let passed = self.gate.pass(Operation::SourceRead, self.path.as_bytes(), bytes);
        passed.map(|length| length.min(bytes)).map_err(|error| self.problem(error))
    }

    fn problem(&self, error: impl Into<io::Error>) -> SourceError {
        SourceError::new(&self.path, error)
    }
}

/// The ranges of a file that hold data, as offset and length in bytes, in ascending order.
pub struct DataRanges<'a> {
    file: &'a OpenFile,
    sparse: bool,
    at: u64,
}

impl Iterator for DataRanges<'_> {
    type Item = Result<(u64, u64), SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let size = self.file.stamp.size;
        if self.at >= size {
            return None;
        }
        let from = self.at;
        // Until a range is found, an error ends the ranges.
        self.at = size;
        if !self.sparse {
            return Some(Ok((from, size - from)));
        }
        let start = match seek(&self.file.file, SeekFrom::Data(from)) {
            Ok(start) => start,
            Err(Errno::NXIO) => return None,
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Some(Ok((from, size - from))),
            Err(error) => return Some(Err(self.file.problem(error))),
        };
        let end = match seek(&self.file.file, SeekFrom::Hole(start)) {
            Ok(end) => end.min(size),
            // It was cut meanwhile; reading will show that.
            Err(Errno::NXIO) => size,
            Err(error) => return Some(Err(self.file.problem(error))),
        };
        self.at = end;
        (start < end).then_some(Ok((start, end - start)))
    }
}
