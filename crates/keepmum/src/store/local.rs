//! A store in a folder, over any [`Disk`].
//!
//! Order of a put: write all, sync the content, then name it; the name becomes durable with
//! the next [`Store::sync`]. A failed sync ends the store: the kernel marks pages clean after
//! an error, so a second sync that succeeds would say nothing.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::handles::Handles;
use super::{
    Comparison, Deletion, Listed, NewObject, Put, Store, StoreError, StoreErrorKind, Twins,
};
use crate::seam::{Disk, NewFile, ReadAt};

/// How much is compared at a time when a name is already taken.
const COMPARE_AT_ONCE: usize = 1 << 16;

/// A store whose objects are files of one folder.
pub struct LocalStore {
    disk: Arc<dyn Disk>,
    handles: Handles,
    /// Counts names made or removed; compared with `synced` to skip needless syncs.
    changes: AtomicU64,
    /// The value of `changes` that is durable; held while a sync runs, so that a second
    /// caller cannot return before the bytes are safe.
    synced: Mutex<u64>,
    sync_failed: AtomicBool,
    names_doubtful: AtomicBool,
    names_unsynced: AtomicBool,
}

impl LocalStore {
    /// A store over the given folder.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            handles: Handles::default(),
            changes: AtomicU64::new(0),
            synced: Mutex::new(0),
            sync_failed: AtomicBool::new(false),
            names_doubtful: AtomicBool::new(false),
            names_unsynced: AtomicBool::new(false),
        }
    }

    /// Turns the disk's error into one that recognises a vanished destination.
    pub(super) fn error(&self, source: io::Error, path: Option<&str>) -> StoreError {
        let mut error = StoreError::from_io(source, path);
        let unclear = matches!(error.kind, StoreErrorKind::Io | StoreErrorKind::Missing);
        match self.disk.same_place() {
            Ok(true) => {}
            Err(_) if !unclear => {}
            Ok(false) | Err(_) => error.kind = StoreErrorKind::Gone,
        }
        error
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    fn kept_open(&self, path: &str) -> Result<Arc<dyn ReadAt>, StoreError> {
        if let Some(file) = self.handles.find(path) {
            return Ok(file);
        }
        let file = self.open(path)?;
        self.handles.keep(path, Arc::clone(&file));
        Ok(file)
    }

    fn check_place(&self) -> Result<(), StoreError> {
        match self.disk.same_place() {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::new(
                StoreErrorKind::Gone,
                None,
                "its path no longer leads to the folder that was opened",
            )),
            Err(source) => Err(StoreError { kind: StoreErrorKind::Gone, path: None, source }),
        }
    }

    fn check_syncs(&self) -> Result<(), StoreError> {
        if self.sync_failed.load(Ordering::Acquire) {
            let words = "an earlier write could not be made durable";
            return Err(StoreError::new(StoreErrorKind::Io, None, words));
        }
        Ok(())
    }

    fn sync_failure(&self, source: io::Error, path: Option<&str>) -> StoreError {
        self.sync_failed.store(true, Ordering::Release);
        self.error(source, path)
    }

    pub(super) fn open(&self, path: &str) -> Result<Arc<dyn ReadAt>, StoreError> {
        let opened = self.disk.open(path);
        opened.map(Arc::from).map_err(|source| self.error(source, Some(path)))
    }

    /// Whether the file `name` holds exactly the `length` bytes written to another one.
    fn holds(&self, name: &str, new: &dyn NewFile, length: u64) -> Result<bool, StoreError> {
        let failed = |source| self.error(source, Some(name));
        let file = self.open(name)?;
        if file.length().map_err(failed)? != length {
            return Ok(false);
        }
        let mut one = vec![0; COMPARE_AT_ONCE];
        let mut other = vec![0; COMPARE_AT_ONCE];
        let mut offset = 0;
        while offset < length {
            let here = read_up_to(|at, buffer| file.read_at(at, buffer), offset, &mut one);
            let there = read_up_to(|at, buffer| new.read_at(at, buffer), offset, &mut other);
            let (here, there) = (here.map_err(failed)?, there.map_err(failed)?);
            if here == 0 || one[..here] != other[..there] {
                return Ok(false);
            }
            offset += here as u64;
        }
        Ok(true)
    }
}

/// An object on its way into the folder.
struct LocalObject<'s> {
    store: &'s LocalStore,
    file: Box<dyn NewFile>,
    length: u64,
}

impl NewObject for LocalObject<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        write_fully(&mut *self.file, bytes).map_err(|source| self.store.error(source, None))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>, name: &str) -> Result<Put, StoreError> {
        let Self { store, mut file, length } = *self;
        store.check_syncs()?;
        file.sync().map_err(|source| store.sync_failure(source, Some(name)))?;
        let published = file.publish(name);
        // Counted also after an error: a name may have been made all the same.
        store.changes.fetch_add(1, Ordering::AcqRel);
        match published {
            Ok(()) => Ok(Put::Stored),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if store.holds(name, &*file, length)? {
                    return Ok(Put::Existed);
                }
                let words = "another file has its name";
                Err(StoreError::new(StoreErrorKind::Differs, Some(name), words))
            }
            Err(error) => Err(store.error(error, Some(name))),
        }
    }
}

/// Writes everything, however little the disk takes at a time.
fn write_fully(file: &mut dyn NewFile, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills the buffer from `offset` on as far as the file reaches; returns how far that was.
pub(super) fn read_up_to(
    read_at: impl Fn(u64, &mut [u8]) -> io::Result<usize>,
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read_at(offset.saturating_add(filled as u64), &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl Store for LocalStore {
    fn begin(&self) -> Result<Box<dyn NewObject + '_>, StoreError> {
        self.check_syncs()?;
        let file = self.disk.create().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => {
                StoreError { kind: StoreErrorKind::Gone, path: None, source }
            }
            _ => self.error(source, None),
        })?;
        Ok(Box::new(LocalObject { store: self, file, length: 0 }))
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_syncs()?;
        let changes = self.changes.load(Ordering::Acquire);
        if changes == *synced {
            return Ok(());
        }
        match self.disk.sync_directory() {
            Ok(()) => {}
            // It has no such thing, and never will: more cannot be done than was.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                self.names_unsynced.store(true, Ordering::Release);
            }
            Err(source) => {
                self.names_doubtful.store(true, Ordering::Release);
                return Err(self.sync_failure(source, None));
            }
        }
        // A deleted folder still syncs without complaint.
        self.check_place()?;
        *synced = changes;
        Ok(())
    }

    fn names_are_doubtful(&self) -> bool {
        self.names_doubtful.load(Ordering::Acquire)
    }

    fn cannot_sync_names(&self) -> bool {
        self.names_unsynced.load(Ordering::Acquire)
    }

    fn rely_on_found(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    fn get(&self, path: &str, limit: u64) -> Result<Vec<u8>, StoreError> {
        let file = self.open(path)?;
        let length = file.length().map_err(|source| self.error(source, Some(path)))?;
        let too_long = || {
            let words = format!("it has {length} bytes and at most {limit} are accepted");
            StoreError::new(StoreErrorKind::TooLong, Some(path), &words)
        };
        if length > limit {
            return Err(too_long());
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| too_long())?];
        let count = read_up_to(|at, buffer| file.read_at(at, buffer), 0, &mut bytes)
            .map_err(|source| self.error(source, Some(path)))?;
        bytes.truncate(count);
        Ok(bytes)
    }

    fn is_at_hand(&self, path: &str) -> bool {
        self.kept_open(path).is_ok_and(|file| file.is_at_hand().unwrap_or(false))
    }

    fn get_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        let file = self.kept_open(path)?;
        let failed = |source| {
            self.handles.forget(path);
            self.error(source, Some(path))
        };
        let end = file.length().map_err(failed)?;
        let truncated = || {
            self.handles.forget(path);
            let words = format!("it ends after {end} bytes");
            StoreError::new(StoreErrorKind::Truncated, Some(path), &words)
        };
        // Checked before a buffer is made: the range may come from hostile bytes.
        if offset.checked_add(length as u64).is_none_or(|wanted| wanted > end) {
            return Err(truncated());
        }
        let mut bytes = vec![0; length];
        match read_up_to(|at, buffer| file.read_at(at, buffer), offset, &mut bytes)
            .map_err(failed)?
        {
            count if count == length => Ok(bytes),
            _ => Err(truncated()),
        }
    }

    fn list(&self, visit: &mut dyn FnMut(Listed)) -> Result<(), StoreError> {
        self.disk
            .list(&mut |found| {
                visit(Listed { path: found.path, length: found.length });
                Ok(())
            })
            .map_err(|source| self.error(source, None))?;
        // A deleted or replaced folder lists as empty, which must never pass for the truth.
        self.check_place()
    }

    fn compare(
        &self,
        original: &str,
        copy: &str,
        hear: &mut dyn FnMut(&[u8]),
    ) -> Result<Comparison, StoreError> {
        self.compare_files(original, copy, hear)
    }

    fn delete_twin(&self, twins: &Twins) -> Result<Deletion, StoreError> {
        self.delete_copy(twins)
    }

    fn delete(&self, path: &str) -> Result<(), StoreError> {
        self.check_syncs()?;
        self.handles.forget(path);
        let removed = self.disk.remove(path);
        self.changes.fetch_add(1, Ordering::AcqRel);
        removed.map_err(|source| self.error(source, Some(path)))
    }
}
