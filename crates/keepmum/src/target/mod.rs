//! The room `target`: a tree going out.
//!
//! Everything is made beneath one directory that is held open. The tree comes from a repository
//! that may be hostile, and the target may hold anything already: no link in it is followed, not
//! on the way and not at the end of a path, and nothing outside is made, changed or removed.

mod above;
mod attributes;
mod batch;
mod error;
mod file;
mod file_system;
mod folders;
mod kept;
mod leftovers;
mod links;
mod make;
mod metadata;
mod owners;
mod reach;
mod remove;
mod stage;
#[cfg(test)]
mod tests;
mod tree;
mod ways;

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rustix::fs::{Access, CWD, Mode, OFlags, access, fstatvfs, openat};

pub use error::{TargetError, TargetErrorKind};
pub use file::TargetFile;
pub use reach::Staying;
pub use stage::Existing;
pub use tree::TargetTree;
pub use ways::Way;

pub use crate::beneath::is_temporary;
use crate::beneath::{Beneath, Scratch};
use crate::model::{Name, TreePath};
use crate::seam::{Gate, Operation};
use batch::Batch;
use file_system::FileSystems;
use folders::{Folder, Folders};
use kept::Probes;
use leftovers::Claims;
use owners::Owners;

/// How things are restored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Also restore things that give power: device nodes, set-id bits of files, attributes of the
    /// namespaces `security` and `trusted`.
    pub special: bool,
    /// To whom things are given.
    pub owner: Owner,
    /// Only look; nothing is made.
    pub dry_run: bool,
}

/// To whom restored things are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owner {
    /// To the user and group of the same name where there are such, else to the same number.
    #[default]
    Names,
    /// To the same numbers.
    Numbers,
    /// To the restoring user.
    Skip,
}

/// A directory that a tree is restored into. Cheap to clone; all clones are the same target.
#[derive(Clone)]
pub struct Target(Arc<Inner>);

struct Inner {
    beneath: Beneath,
    folders: Folders,
    file_systems: FileSystems,
    /// The target itself.
    top: Arc<Folder>,
    batch: Batch,
    probes: Probes,
    /// The first temporary name, drawn at random, and how many have been used.
    names_from: u64,
    names: AtomicU64,
    claims: Claims,
    /// Whether a file that has no name can be given one.
    can_name_open_files: bool,
    options: Options,
    owners: Owners,
    gate: Arc<dyn Gate>,
    /// Whether this process may give things away.
    root: bool,
    user: u32,
}

impl Target {
    /// Opens the directory, or makes it, for its owner only. Links in this path are followed:
    /// the user named it. `drawn` is a number drawn at random, from which temporary names come.
    ///
    /// # Errors
    /// It cannot be made or opened; the path of the error is the root's.
    pub fn open(
        dir: &Path,
        options: Options,
        gate: Arc<dyn Gate>,
        drawn: u64,
    ) -> Result<Self, TargetError> {
        let open = || -> io::Result<OwnedFd> {
            gate.pass(Operation::TargetCreate, b"", 0)?;
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            Ok(openat(CWD, dir, flags, Mode::empty())?)
        };
        let problem = |error| TargetError::new(&TreePath::root(), error);
        let beneath = Beneath::new(open().map_err(problem)?);
        let file_systems = FileSystems::default();
        let top = Folder::open(&beneath, &TreePath::root(), &file_systems).map_err(problem)?;
        let user = rustix::process::geteuid();
        // It is named by its number there; without that, only root may name it.
        let by_number = access("/proc/self/fd", Access::EXISTS).is_ok();
        Ok(Self(Arc::new(Inner {
            beneath,
            folders: Folders::new(batch::open_files()),
            file_systems,
            top: Arc::new(top),
            batch: Batch::default(),
            probes: Probes::default(),
            names_from: drawn,
            names: AtomicU64::new(0),
            claims: Claims::default(),
            can_name_open_files: by_number || user.is_root(),
            options,
            owners: Owners::default(),
            gate,
            root: user.is_root(),
            user: user.as_raw(),
        })))
    }

    /// Whether this process may give things to others.
    pub fn may_give(&self) -> bool {
        self.0.root
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

    /// Makes everything that was restored durable, names and folders too.
    ///
    /// # Errors
    /// The system failed; restored files may not outlive a power cut.
    pub fn sync(&self) -> Result<(), TargetError> {
        self.0.probes.drop_all();
        self.0.file_systems.all().iter().try_for_each(|one| self.0.sync_file_system(one))
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
        match self.folders.open(&self.beneath, folder, &self.file_systems) {
            Ok(folder) => Ok((folder, name)),
            Err(error) => Err(TargetError::new(path, error)),
        }
    }
}
