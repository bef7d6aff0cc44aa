//! Removing things that are in the way, to any depth, without recursion and without following a
//! link.

use std::io;

use rustix::fs::{AtFlags, OFlags, unlinkat};
use rustix::io::Errno;

use super::{Inner, Target, TargetError};
use crate::model::TreePath;
use crate::seam::Operation;

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
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}
