//! The room `target`: a tree going out.
//!
//! Everything is made beneath one directory that is held open. The tree comes from a repository
//! that may be hostile, and the target may hold anything already: no link in it is followed, not
//! on the way and not at the end of a path, and nothing outside is made, changed or removed.

mod attributes;
mod error;
mod file;
mod folders;
mod make;
mod metadata;
mod owners;
mod remove;
#[cfg(test)]
mod tests;
mod tree;

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, fstatvfs, openat, syncfs};

pub use error::{TargetError, TargetErrorKind};
pub use file::{Existing, TargetFile, is_temporary};
pub use metadata::Differences;
pub use tree::{Rest, TargetTree};

use crate::beneath::{Beneath, Scratch};
use crate::model::{Name, TreePath};
use crate::seam::{Gate, Operation};
use folders::{Folder, Folders};
use owners::Owners;

/// How things are restored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Restore what gives power too: device nodes, set-id bits of files, attributes of the
    /// namespaces `security` and `trusted`.
    pub special: bool,
    /// To whom things are given.
    pub owner: Owner,
}

/// To whom restored things are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owner {
    /// To the user and group of the same name where there are such, else to the same number.
    #[default]
    Names,
    /// To the same numbers.
    Numbers,
    /// To whoever restores.
    Skip,
}

/// A directory that a tree is restored into. Cheap to clone; all clones are the same target.
#[derive(Clone)]
pub struct Target(Arc<Inner>);

struct Inner {
    beneath: Beneath,
    folders: Folders,
    options: Options,
    owners: Owners,
    gate: Arc<dyn Gate>,
    /// Whether this process may give things away.
    root: bool,
    user: u32,
}

impl Target {
    /// Opens the directory, or makes it, for its owner only. Links in this path are followed:
    /// the user named it.
    ///
    /// # Errors
    /// It cannot be made or opened; the path of the error is the root's.
    pub fn open(dir: &Path, options: Options, gate: Arc<dyn Gate>) -> Result<Self, TargetError> {
        let open = || -> io::Result<OwnedFd> {
            gate.pass(Operation::TargetCreate, b"", 0)?;
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(openat(CWD, dir, flags, Mode::empty())?)
        };
        let directory = open().map_err(|error| TargetError::new(&TreePath::root(), error))?;
        let user = rustix::process::geteuid();
        Ok(Self(Arc::new(Inner {
            beneath: Beneath::new(directory),
            folders: Folders::default(),
            options,
            owners: Owners::default(),
            gate,
            root: user.is_root(),
            user: user.as_raw(),
        })))
    }

    /// The target as one side of a merge.
    pub fn tree(&self) -> TargetTree {
        TargetTree::new(self.0.clone(), Scratch::default())
    }

    /// How many bytes its file system can hold in all, used or free; nothing if it does not say.
    pub fn capacity(&self) -> Option<u64> {
        let space = fstatvfs(self.0.beneath.directory()).ok()?;
        Some(space.f_blocks.saturating_mul(space.f_frsize)).filter(|bytes| *bytes > 0)
    }

    /// Makes everything that was restored durable.
    ///
    /// # Errors
    /// The system failed; what was restored may not outlive a power cut.
    pub fn sync(&self) -> Result<(), TargetError> {
        let root = TreePath::root();
        self.0.ask(Operation::TargetSync, &root)?;
        syncfs(self.0.beneath.directory()).map_err(|error| TargetError::new(&root, error))
    }
}

impl Inner {
    /// Asks the gate for an operation without bytes.
    fn ask(&self, operation: Operation, path: &TreePath) -> Result<(), TargetError> {
        match self.gate.pass(operation, path.as_bytes(), 0) {
            Ok(_) => Ok(()),
            Err(error) => Err(TargetError::new(path, error)),
        }
    }

    /// The open folder that something lies in, and its name there.
    fn place(&self, path: &TreePath) -> Result<(Arc<Folder>, Name), TargetError> {
        let Some((folder, name)) = path.split() else {
            let source = io::Error::other("the target itself cannot be replaced");
            return Err(TargetError::of(path, TargetErrorKind::Occupied, source));
        };
        match self.folders.open(&self.beneath, folder) {
            Ok(folder) => Ok((folder, name)),
            Err(error) => Err(TargetError::new(path, error)),
        }
    }
}
