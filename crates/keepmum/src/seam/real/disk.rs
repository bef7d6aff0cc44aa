//! The destination folder on a real file system, held by a descriptor from the start.
//!
//! A folder that is deleted, unmounted or replaced under its path is never made again:
//! everything goes through the descriptor.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, fstatvfs, fsync, openat, statat, syncfs,
    unlinkat,
};
use rustix::io::Errno;

use super::super::{
    Disk, Found, Identity, NewFile, Random, ReadAt, STAGING_AGE_SECONDS, Timestamp,
    is_staging_name, path_to_bytes,
};
use super::listing;
use super::new_file::{self, Root};

/// A folder of the real file system.
pub struct RealDisk {
    root: Arc<Root>,
    path: PathBuf,
}

impl RealDisk {
    /// Opens an existing folder; `random` names staging files where they are needed.
    ///
    /// # Errors
    /// `NotFound` when there is no such folder, `NotADirectory` when it is something else.
    pub fn open(path: &Path, random: Arc<dyn Random>) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        // The destination itself may well be reached through links.
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let directory = openat(CWD, &path, flags, Mode::empty())?;
        let root = Root::new(directory, random);
        Ok(Self { root: Arc::new(root), path })
    }

    /// From now on files are staged under a temporary name, as on file systems that have no
    /// unnamed files. For tests and for a destination known to need it.
    pub fn stage_by_name(&self) {
        self.root.staged.store(true, Ordering::Relaxed);
    }

    fn directory(&self) -> BorrowedFd<'_> {
        self.root.directory()
    }
}

impl Disk for RealDisk {
    fn create(&self) -> io::Result<Box<dyn NewFile>> {
        new_file::create(&self.root)
    }

    fn sync_directory(&self) -> io::Result<()> {
        match fsync(self.directory()) {
            Ok(()) => Ok(()),
            // A file system that cannot sync a folder, such as one of VirtualBox's, can still write
            // out all of its data.
            Err(error @ (Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS)) => {
                match syncfs(self.directory()) {
                    Ok(()) | Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => {}
                    Err(failed) => return Err(failed.into()),
                }
                Err(io::Error::new(io::ErrorKind::Unsupported, io::Error::from(error)))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn list(&self, visit: &mut dyn FnMut(Found) -> io::Result<()>) -> io::Result<()> {
        listing::list(&self.root.beneath, visit)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadAt>> {
        // NONBLOCK: a pipe that someone put there must not stop the run.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = self.root.beneath.open(&path_to_bytes(path), flags);
        let file = opened.map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::XDEV | Errno::LOOP | Errno::NXIO | Errno::INVAL) => Errno::NOENT.into(),
            _ => error,
        })?;
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(Errno::NOENT.into());
        }
        Ok(Box::new(OpenFile(File::from(file))))
    }

    fn identity(&self, path: &str) -> io::Result<Identity> {
        let found = fstat(self.root.beneath.open(&path_to_bytes(path), OFlags::PATH)?)?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(Errno::NOENT.into());
        }
        let nanos = |nanos: u64| i64::try_from(nanos).unwrap_or(0);
        let (modified, changed) = (nanos(found.st_mtime_nsec), nanos(found.st_ctime_nsec));
        Ok(Identity {
            file: (found.st_dev, found.st_ino),
            length: u64::try_from(found.st_size).unwrap_or(0),
            changed: [found.st_mtime, modified, found.st_ctime, changed],
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let path = path_to_bytes(path);
        let end = path.iter().rposition(|byte| *byte == b'/');
        let (parent, name) = end.map_or((&path[..0], &*path), |at| (&path[..at], &path[at + 1..]));
        let parent = self.root.beneath.open(parent, OFlags::DIRECTORY | OFlags::RDONLY)?;
        Ok(unlinkat(parent, name, AtFlags::empty())?)
    }

    fn sweep_staging(&self, now: Timestamp) -> io::Result<u64> {
        let mut swept = 0;
        let mut entries = Dir::read_from(self.directory())?;
        while let Some(entry) = entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            if !is_staging_name(name.to_bytes()) {
                continue;
            }
            let Ok(stat) = statat(self.directory(), name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
            let age = now.seconds.saturating_sub(stat.st_mtime);
            if is_file
                && age > STAGING_AGE_SECONDS
                && unlinkat(self.directory(), name, AtFlags::empty()).is_ok()
            {
                swept += 1;
            }
        }
        Ok(swept)
    }

    fn free_space(&self) -> io::Result<u64> {
        let space = fstatvfs(self.directory())?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    fn same_place(&self) -> io::Result<bool> {
        let held = fstat(self.directory())?;
        match statat(CWD, &self.path, AtFlags::empty()) {
            Ok(there) => Ok((there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

struct OpenFile(File);

impl ReadAt for OpenFile {
    fn is_at_hand(&self) -> io::Result<bool> {
        let found = self.0.metadata()?;
        // A placeholder that a client has not fetched takes no room. Objects have no holes.
        Ok(found.blocks().saturating_mul(512) >= found.len() / 2)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
}
