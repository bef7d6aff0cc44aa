//! Everything that is made in a target and is no regular file.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Statx, linkat, makedev, mkdirat, mknodat, openat, symlinkat,
};
use rustix::io::Errno;

use super::{Inner, Target, TargetError};
use crate::beneath::{Handle, kind_of, stat, stat_at};
use crate::model::{DeviceNumber, FoundKind, TreePath};
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
        self.0.ask(Operation::TargetCreate, path)?;
        match mkdirat(folder.fd(), name.as_bytes(), Mode::RWXU) {
            Ok(()) => return Ok(true),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(problem(error)),
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

    /// Makes a symbolic link that says `text`, which is not looked at.
    ///
    /// # Errors
    /// [`super::TargetErrorKind::Occupied`] if something is there.
    pub fn symlink(&self, path: &TreePath, text: &[u8]) -> Result<(), TargetError> {
        let (folder, name) = self.0.place(path)?;
        self.0.ask(Operation::TargetLink, path)?;
        symlinkat(text, folder.fd(), name.as_bytes()).map_err(|e| TargetError::new(path, e))
    }

    /// Makes a second name for a file of the target.
    ///
    /// # Errors
    /// [`super::TargetErrorKind::Occupied`] if something is there.
    pub fn hard_link(&self, existing: &TreePath, path: &TreePath) -> Result<(), TargetError> {
        let (from, old) = self.0.place(existing)?;
        let (folder, name) = self.0.place(path)?;
        self.0.ask(Operation::TargetLink, path)?;
        let (old, name) = (old.as_bytes(), name.as_bytes());
        // Without flags a link is linked as itself, never what it leads to.
        linkat(from.fd(), old, folder.fd(), name, AtFlags::empty())
            .map_err(|error| TargetError::new(path, error))
    }

    /// Makes a named pipe for its owner only.
    ///
    /// # Errors
    /// [`super::TargetErrorKind::Occupied`] if something is there.
    pub fn fifo(&self, path: &TreePath) -> Result<(), TargetError> {
        self.node(path, FileType::Fifo, 0)
    }

    /// Makes a device node for its owner only. `kind` says which; it is one of the two devices.
    ///
    /// # Errors
    /// [`super::TargetErrorKind::NotPermitted`] without [`super::Options::special`].
    pub fn device(&self, path: &TreePath, kind: FoundKind) -> Result<(), TargetError> {
        let make = |number: DeviceNumber| makedev(number.major, number.minor);
        let (file_type, number) = match kind {
            FoundKind::CharacterDevice(number) => (FileType::CharacterDevice, make(number)),
            FoundKind::BlockDevice(number) => (FileType::BlockDevice, make(number)),
            _ => return Err(TargetError::new(path, Errno::INVAL)),
        };
        if !self.0.options.special {
            return Err(TargetError::not_permitted(path, "a device is"));
        }
        self.node(path, file_type, number)
    }

    fn node(&self, path: &TreePath, file_type: FileType, number: u64) -> Result<(), TargetError> {
        let (folder, name) = self.0.place(path)?;
        self.0.ask(Operation::TargetCreate, path)?;
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(folder.fd(), name.as_bytes(), file_type, mode, number)
            .map_err(|error| TargetError::new(path, error))
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
