//! Folders above the restored things: made with their final metadata, or left as they are.
//!
//! One that is there is the user's own and keeps its mode. So a restore that is cut off must leave
//! none that has only been begun: the next one would take it for the user's own.

use rustix::fs::{Mode, OFlags, fsync, mkdirat, openat};
use rustix::io::Errno;

use super::{Target, TargetError};
use crate::beneath::stat_at;
use crate::model::{FoundKind, Metadata, TreePath};
use crate::seam::Operation;

impl Target {
    /// Makes a folder that has its owner and mode when it gets its name, or finds it. Its owner may
    /// do everything in it until its metadata is applied.
    ///
    /// # Errors
    /// As for [`Self::make_directory`].
    pub fn make_folder_above(
        &self,
        path: &TreePath,
        metadata: &Metadata,
    ) -> Result<bool, TargetError> {
        let problem = |error: Errno| TargetError::new(path, error);
        let inner = &self.0;
        let (folder, name) = inner.place(path)?;
        if stat_at(folder.fd(), name.as_bytes()).is_ok() {
            return self.make_directory(path);
        }
        let (temporary, ()) = inner.with_space(|| {
            inner.ask(Operation::TargetCreate, path)?;
            let made = inner.make_temporary(&folder, path, |folder, name| {
                mkdirat(folder.fd(), name, Mode::RWXU)
            });
            made.map_err(problem)
        })?;
        let open = Metadata {
            mode: metadata.mode.map(|mode| mode | 0o700),
            mtime: None,
            ..metadata.clone()
        };
        let (lies_in, known_as) = (temporary.folder.clone(), temporary.name.clone());
        // Failures are reported when all of its metadata is applied.
        inner.hold_in(
            &lies_in,
            known_as.as_bytes(),
            path,
            FoundKind::Directory,
            |handle, given| inner.settle(handle, path, FoundKind::Directory, &open, &given),
        )?;
        inner.ask(Operation::TargetSync, path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = openat(lies_in.fd(), known_as.as_str(), flags, Mode::empty());
        // Some file systems sync no folders; those keep the order of changes or nothing.
        match fsync(made.map_err(problem)?) {
            Ok(()) | Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(error) => return Err(problem(error)),
        }
        inner.ask(Operation::TargetRename, path)?;
        match temporary.rename_new(&folder, name.as_bytes()) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => self.make_directory(path),
            Err(error) => Err(problem(error)),
        }
    }
}
