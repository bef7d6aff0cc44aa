//! Everything that is made in a target and is no regular file.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{FileType, Mode, OFlags, Statx, makedev, mkdirat, mknodat, openat, symlinkat};
use rustix::io::Errno;

use super::folders::Folder;
use super::kept::lost;
use super::stage::{Existing, Stage};
use super::{Inner, Target, TargetError};
use crate::beneath::{Handle, kind_of, stat, stat_at};
use crate::model::{DeviceNumber, FoundKind, Metadata, TreePath};
use crate::seam::Operation;

impl Target {
    /// Makes a directory for its owner only, or finds it. Whether it was made is the answer. One
    /// that is found and may not be written by its owner is opened to them until its metadata is
    /// applied.
    ///
    /// # Errors
    /// [`super::TargetErrorKind::Occupied`] if something else is there.
    pub fn make_directory(&self, path: &TreePath) -> Result<bool, TargetError> {
        if path.is_root() {
            return Ok(false);
        }
        let problem = |error: Errno| TargetError::new(path, error);
        let (folder, name) = self.0.place(path)?;
        let made = self.0.with_space(|| {
            self.0.ask(Operation::TargetCreate, path)?;
            match mkdirat(folder.fd(), name.as_bytes(), Mode::RWXU) {
                Err(Errno::EXIST) => Ok(false),
                made => made.map(|()| true).map_err(problem),
            }
        })?;
        if made {
            return Ok(true);
        }
        let there = stat_at(folder.fd(), name.as_bytes()).map_err(problem)?;
        if kind_of(&there) != FoundKind::Directory {
            return Err(problem(Errno::EXIST));
        }
        if self.0.shuts_owner_out(&there) {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let directory = openat(folder.fd(), name.as_bytes(), flags, Mode::empty());
            let directory = directory.map_err(problem)?;
            // The name may lead elsewhere by now; only the directory itself counts.
            let now = stat(directory.as_fd()).map_err(problem)?;
            if now.stx_ino == there.stx_ino {
                let opened = self.0.let_owner_in(directory.as_fd(), path, &now);
                opened.map_err(|error| TargetError::new(path, error))?;
            }
        }
        Ok(false)
    }

    /// Makes a symbolic link with the target `text`, which is not looked at. It waits for its name
    /// then, as all of these do. Returns the metadata that could not be set.
    ///
    /// # Errors
    /// It could not be made.
    pub fn symlink(
        &self,
        path: &TreePath,
        text: &[u8],
        metadata: &Metadata,
        existing: Existing,
    ) -> Result<Vec<TargetError>, TargetError> {
        self.other(path, FoundKind::Symlink, metadata, existing, |folder, name| {
            symlinkat(text, folder.fd(), name)
        })
    }

    /// Makes a named pipe.
    ///
    /// # Errors
    /// It could not be made.
    pub fn fifo(
        &self,
        path: &TreePath,
        metadata: &Metadata,
        existing: Existing,
    ) -> Result<Vec<TargetError>, TargetError> {
        self.node(path, FoundKind::Fifo, metadata, existing, (FileType::Fifo, 0))
    }

    /// Makes a device node. `kind` says which; it is one of the two devices.
    ///
    /// # Errors
    /// [`super::TargetErrorKind::NotPermitted`] without [`super::Options::special`].
    pub fn device(
        &self,
        path: &TreePath,
        kind: FoundKind,
        metadata: &Metadata,
        existing: Existing,
    ) -> Result<Vec<TargetError>, TargetError> {
        let make = |number: DeviceNumber| makedev(number.major, number.minor);
        let device = match kind {
            FoundKind::CharacterDevice(number) => (FileType::CharacterDevice, make(number)),
            FoundKind::BlockDevice(number) => (FileType::BlockDevice, make(number)),
            _ => return Err(TargetError::new(path, Errno::INVAL)),
        };
        if !self.0.options.special {
            return Err(TargetError::not_permitted(path, "a device is"));
        }
        self.node(path, kind, metadata, existing, device)
    }

    fn node(
        &self,
        path: &TreePath,
        kind: FoundKind,
        metadata: &Metadata,
        existing: Existing,
        (file_type, number): (FileType, u64),
    ) -> Result<Vec<TargetError>, TargetError> {
        // Until its metadata is set it is its owner's only.
        let mode = Mode::RUSR | Mode::WUSR;
        self.other(path, kind, metadata, existing, |folder, name| {
            mknodat(folder.fd(), name, file_type, mode, number)
        })
    }

    /// Makes something that is neither file nor folder.
    fn other(
        &self,
        path: &TreePath,
        kind: FoundKind,
        metadata: &Metadata,
        existing: Existing,
        make: impl Fn(&Folder, &str) -> Result<(), Errno>,
    ) -> Result<Vec<TargetError>, TargetError> {
        let inner = &self.0;
        let (folder, name) = inner.place(path)?;
        let temporary = inner.with_space(|| {
            inner.ask(Operation::TargetCreate, path)?;
            let made = inner.make_temporary(&folder, path, &make);
            made.map(|(temporary, ())| temporary).map_err(|error| no_such_thing(path, kind, error))
        })?;
        let problems = {
            let (lies_in, name) = (&temporary.folder, temporary.name.as_bytes());
            inner.hold_in(lies_in, name, path, kind, |handle, given| {
                inner.settle(handle, path, kind, metadata, &given)
            })?
        };
        let (size, linked, file, temporary) = (0, false, None, Some(temporary));
        let path = path.clone();
        let stage = Stage { path, kind, existing, size, linked, folder, name, file, temporary };
        inner.stage(stage)?;
        Ok(problems)
    }
}

/// A link, pipe or device that could not be made.
fn no_such_thing(path: &TreePath, kind: FoundKind, error: Errno) -> TargetError {
    let what = match kind {
        FoundKind::Symlink => "it is a symbolic link",
        FoundKind::Fifo => "it is a named pipe",
        _ => return TargetError::new(path, error),
    };
    match error {
        Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS => lost(path, what),
        error => TargetError::new(path, error),
    }
}

impl Inner {
    /// Whether a directory is this user's and they may not do everything in it.
    fn shuts_owner_out(&self, directory: &Statx) -> bool {
        !self.root && directory.stx_uid == self.user && directory.stx_mode & 0o700 != 0o700
    }

    /// Opens this user's own directory, held for its path, to them.
    pub(super) fn let_owner_in(
        &self,
        directory: BorrowedFd<'_>,
        path: &TreePath,
        found: &Statx,
    ) -> io::Result<()> {
        if self.shuts_owner_out(found) {
            self.gate.pass(Operation::TargetMetadata, path.as_bytes(), 0)?;
            Handle::path(directory).set_mode(found.stx_mode & 0o7777 | 0o700)?;
        }
        Ok(())
    }
}
