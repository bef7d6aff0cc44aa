//! The target, over real directories.

mod escapes;
mod faults;
mod metadata;
mod names;
mod things;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::{Existing, Options, Target, TargetError, TargetErrorKind};
use crate::model::{Metadata, TreePath};
use crate::seam::{Gate, OpenGate, Operation};

/// A folder with a target in it, and room beside the target for files that must not be touched.
pub(super) struct Place {
    pub(super) dir: tempfile::TempDir,
    pub(super) target: Target,
}

impl Place {
    pub(super) fn new() -> Self {
        Self::with(Options::default(), Arc::new(OpenGate))
    }

    pub(super) fn with(options: Options, gate: Arc<dyn Gate>) -> Self {
        let dir = memory();
        let target = Target::open(&dir.path().join("target"), options, gate, 255).unwrap();
        Self { dir, target }
    }

    /// The same target under other rules.
    pub(super) fn reopen(&self, options: Options) -> Target {
        Target::open(&self.at(""), options, Arc::new(OpenGate), 0).unwrap()
    }

    pub(super) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join("target").join(path)
    }

    pub(super) fn outside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// All names in the target and below, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut open = vec![self.at("")];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    open.push(entry.path());
                }
                names.push(entry.path().strip_prefix(self.at("")).unwrap().display().to_string());
            }
        }
        names.sort();
        names
    }
}

/// A folder in memory if the system has one: things are synced before they get a name. `TMPDIR`
/// chooses another place.
fn memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if std::env::var_os("TMPDIR").is_none() && memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Puts the waiting things in place; the first one that did not get its name is the error.
pub(super) fn place<T>(target: &Target, made: Result<T, TargetError>) -> Result<T, TargetError> {
    let made = made?;
    target.place()?;
    match target.unplaced()?.into_iter().next() {
        Some(unplaced) => Err(unplaced.error),
        None => Ok(made),
    }
}

/// A whole small file in its place.
pub(super) fn write_small(
    target: &Target,
    path: &TreePath,
    content: &[u8],
    metadata: &Metadata,
    existing: Existing,
) -> Result<Vec<TargetError>, TargetError> {
    place(target, target.write_small(path, content, metadata, existing))
}

pub(super) fn symlink(
    target: &Target,
    path: &TreePath,
    text: &[u8],
) -> Result<Vec<TargetError>, TargetError> {
    place(target, target.symlink(path, text, &mode(0o777), Existing::Refuse))
}

pub(super) fn fifo(target: &Target, path: &TreePath) -> Result<Vec<TargetError>, TargetError> {
    place(target, target.fifo(path, &mode(0o600), Existing::Refuse))
}

pub(super) fn path(text: impl AsRef<[u8]>) -> TreePath {
    TreePath::new(text.as_ref()).unwrap()
}

pub(super) fn mode(mode: u16) -> Metadata {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let owner = crate::model::Owner {
        numbers: Some((user.as_raw(), group.as_raw())),
        ..crate::model::Owner::default()
    };
    Metadata { mode: Some(mode), owner, ..Metadata::default() }
}

pub(super) fn kind<T>(result: Result<T, TargetError>) -> Option<TargetErrorKind> {
    result.err().map(|error| error.kind)
}

/// A gate that refuses one kind of access while it is closed, and halves writes.
pub(super) struct Keeper {
    pub(super) refuse: Operation,
    pub(super) closed: AtomicBool,
    pub(super) asked: Mutex<Vec<Operation>>,
}

impl Keeper {
    pub(super) fn new(refuse: Operation) -> Arc<Self> {
        Arc::new(Self { refuse, closed: AtomicBool::new(false), asked: Mutex::default() })
    }
}

impl Gate for Keeper {
    fn pass(&self, operation: Operation, _path: &[u8], bytes: usize) -> io::Result<usize> {
        self.asked.lock().unwrap().push(operation);
        // Once: the calls that clean up must get through.
        if operation == self.refuse && self.closed.swap(false, Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(28));
        }
        Ok(bytes.div_ceil(2))
    }
}

/// The gate of a file system that has no files without a name.
pub(super) struct OnlyNamed;

impl Gate for OnlyNamed {
    fn pass(&self, operation: Operation, _path: &[u8], bytes: usize) -> io::Result<usize> {
        match operation {
            Operation::TargetUnnamed => Err(io::Error::from_raw_os_error(95)),
            _ => Ok(bytes),
        }
    }
}
