//! One root: a folder or a single file that the user named, held open for the whole run.

use std::fs::{File, canonicalize};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat, syncfs};
use rustix::io::Errno;

use super::error::RootProblem;
use super::file_system::FileSystem;
use super::rules::{Patterns, Rules};
use crate::beneath::{Beneath, found, kind_of, stamp, stat, stat_at};
use crate::model::{Found, FoundKind, Name, TreePath};

/// A root and the way to reach the entries beneath it.
pub(super) struct Root {
    /// Its path as it was named.
    pub(super) path: TreePath,
    /// Where it really is, once links are followed.
    pub(super) real: PathBuf,
    /// The folder itself, or the folder that a single file lies in.
    pub(super) beneath: Beneath,
    /// The single file's name in that folder.
    pub(super) file: Option<Name>,
    /// The file system that it is on.
    pub(super) device: u64,
    /// Its number there.
    pub(super) inode: u64,
    /// The patterns that count below it.
    pub(super) patterns: Patterns,
}

impl Root {
    /// Opens a root. Links in its path are followed, and so is the root itself if it is one: the
    /// user meant its target.
    pub(super) fn open(path: &Path, rules: &Rules, roots: &[PathBuf]) -> Result<Self, RootProblem> {
        let tree_path = tree_path(path)?;
        let problem = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                RootProblem::Missing { path: path.to_owned(), source }
            }
            _ => RootProblem::Unreadable { path: path.to_owned(), source },
        };
        let real = canonicalize(path).map_err(problem)?;
        let (directory, file, stat) = hold(&real).map_err(problem)?;
        let stamp = stamp(&stat);
        Ok(Self {
            path: tree_path,
            real,
            beneath: Beneath::new(directory),
            file,
            device: stamp.device,
            inode: stamp.inode,
            patterns: Patterns::new(&rules.excludes, path, roots)?,
        })
    }

    /// The path below the held folder of something in this root.
    pub(super) fn relative<'a>(&'a self, path: &'a TreePath) -> &'a [u8] {
        if let Some(file) = &self.file {
            return file.as_bytes();
        }
        let rest = path.as_bytes().get(self.path.as_bytes().len()..).unwrap_or_default();
        rest.strip_prefix(b"/").unwrap_or(rest)
    }

    /// Has its file system write back data that programs stored, if that file system is known to
    /// protect the pages of memory maps again when it does so.
    pub(super) fn write_back(&self) -> bool {
        let (path, flags) = match &self.file {
            Some(file) => (file.as_bytes(), OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY),
            None => (&b""[..], OFlags::RDONLY | OFlags::DIRECTORY),
        };
        let Ok(thing) = self.beneath.open(path, flags) else { return false };
        FileSystem::of(thing.as_fd()).protects_maps() && syncfs(&thing).is_ok()
    }

    /// The root as an entry of the folder above it.
    pub(super) fn found(&self, name: Name) -> Result<Found, Errno> {
        let stat = match &self.file {
            Some(file) => stat_at(self.beneath.directory(), file.as_bytes())?,
            None => stat(self.beneath.directory())?,
        };
        Ok(found(name, &stat))
    }
}

/// Opens a real path's folder, and tries that the thing itself can be read.
fn hold(real: &Path) -> io::Result<(OwnedFd, Option<Name>, rustix::fs::Statx)> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    match openat(CWD, real, flags, Mode::empty()) {
        Ok(directory) => {
            let stat = stat(directory.as_fd())?;
            Ok((directory, None, stat))
        }
        Err(Errno::NOTDIR) => {
            let (parent, name) = real
                .parent()
                .zip(real.file_name())
                .ok_or_else(|| io::Error::from(Errno::NOTDIR))?;
            let name = Name::new(name.as_bytes()).map_err(|_| io::Error::from(Errno::INVAL))?;
            let directory = openat(
                CWD,
                parent,
                OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::PATH,
                Mode::empty(),
            )?;
            let stat = stat_at(directory.as_fd(), name.as_bytes())?;
            if kind_of(&stat) == FoundKind::File {
                File::open(real)?;
            }
            Ok((directory, Some(name), stat))
        }
        Err(error) => Err(error.into()),
    }
}

/// An absolute path as a path of the tree.
pub(super) fn tree_path(path: &Path) -> Result<TreePath, RootProblem> {
    let invalid = || RootProblem::Invalid { path: path.to_owned() };
    let plain = path.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
    if !path.is_absolute() || !plain {
        return Err(invalid());
    }
    let mut joined = TreePath::root();
    for part in path.components() {
        if let Component::Normal(name) = part {
            joined = joined.join(&Name::new(name.as_bytes()).map_err(|_| invalid())?);
        }
    }
    // Building it again checks the length.
    TreePath::new(joined.as_bytes()).map_err(|_| invalid())
}
