//! Removing what is in the way, to any depth, without recursion and without following a link.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Mode, OFlags, RawDir, openat, unlinkat};
use rustix::io::Errno;

use super::{Inner, Target, TargetError};
use crate::beneath::{stamp, stat};
use crate::model::{Name, TreePath};
use crate::seam::Operation;

/// A directory on its way out, and whether it has been emptied of everything but directories.
struct Doomed {
    path: TreePath,
    emptied: bool,
}

impl Target {
    /// Removes a directory that is empty.
    ///
    /// # Errors
    /// [`super::TargetErrorKind::Occupied`] if something is in it.
    pub fn remove_empty(&self, path: &TreePath) -> Result<(), TargetError> {
        let inner = &self.0;
        inner.release(path);
        match inner.unlink(path, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(TargetError::new(path, error)),
        }
    }

    /// Removes something that is no directory. It is no error if nothing is there.
    ///
    /// # Errors
    /// It could not be removed.
    pub fn remove_file(&self, path: &TreePath) -> Result<(), TargetError> {
        match self.0.unlink(path, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(TargetError::new(path, error)),
        }
    }

    /// Removes something and, if it is a directory, everything beneath it. It is no error if
    /// nothing is there. Other file systems mounted beneath it are left alone.
    ///
    /// # Errors
    /// Something could not be removed; what was removed before is gone.
    pub fn remove(&self, path: &TreePath) -> Result<(), TargetError> {
        let inner = &self.0;
        inner.release(path);
        match inner.unlink(path, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(error) => return Err(TargetError::new(path, error)),
        }
        let mut file_system = None;
        let mut doomed = vec![Doomed { path: path.clone(), emptied: false }];
        while let Some(last) = doomed.last_mut() {
            let path = last.path.clone();
            if std::mem::replace(&mut last.emptied, true) {
                match inner.unlink(&path, AtFlags::REMOVEDIR) {
                    Ok(()) | Err(Errno::NOENT) => {}
                    Err(error) => return Err(TargetError::new(&path, error)),
                }
                doomed.pop();
            } else {
                let inside = inner.empty(&path, &mut file_system);
                let inside = inside.map_err(|error| TargetError::new(&path, error))?;
                doomed.extend(inside.into_iter().map(|path| Doomed { path, emptied: false }));
            }
        }
        // While it was being removed, somebody may have opened a folder in it again.
        inner.release(path);
        Ok(())
    }
}

impl Inner {
    /// Lets go of folders at or beneath a path.
    fn release(&self, path: &TreePath) {
        self.folders.close(path);
        self.beneath.forget_hops();
    }

    /// Removes one name.
    fn unlink(&self, path: &TreePath, flags: AtFlags) -> Result<(), Errno> {
        let (above, name) = path.split().ok_or(Errno::BUSY)?;
        self.gate.pass(Operation::TargetRemove, path.as_bytes(), 0).map_err(|e| errno(&e))?;
        let way = OFlags::PATH | OFlags::DIRECTORY;
        let folder = self.beneath.open(above.as_bytes(), way).map_err(|e| errno(&e))?;
        unlinkat(&folder, name.as_bytes(), flags)
    }

    /// Removes everything in a directory but directories, whose paths are the answer.
    fn empty(&self, path: &TreePath, file_system: &mut Option<u64>) -> io::Result<Vec<TreePath>> {
        let held = self.beneath.open(path.as_bytes(), OFlags::PATH | OFlags::DIRECTORY)?;
        let found = stat(held.as_fd())?;
        let device = stamp(&found).device;
        if *file_system.get_or_insert(device) != device {
            return Err(Errno::XDEV.into());
        }
        self.let_owner_in(held.as_fd(), path, &found)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(&held, c".", flags, Mode::empty())?;
        let mut names = Vec::new();
        let mut buffer = Vec::with_capacity(32 << 10);
        let mut rows = RawDir::new(&directory, buffer.spare_capacity_mut());
        while let Some(row) = rows.next() {
            // Only `.` and `..` are no names, and those are not to be removed.
            names.extend(Name::new(row?.file_name().to_bytes()));
        }
        let mut inside = Vec::new();
        for name in names {
            self.gate.pass(Operation::TargetRemove, path.as_bytes(), 0)?;
            match unlinkat(&directory, name.as_bytes(), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::ISDIR) => inside.push(path.join(&name)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(inside)
    }
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}
