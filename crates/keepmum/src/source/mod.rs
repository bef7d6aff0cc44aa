//! The room `source`: a tree coming in.
//!
//! A source is some roots, seen as one tree from `/`. It is listed and read while other programs
//! go on changing it: each directory and file is opened from its root downward without following
//! a link, and checked to be the thing that was listed. The room only reads; it must never change
//! anything, not even an access time where that can be helped, and never leave its roots.

mod covered;
mod error;
mod file;
mod lister;
mod listing;
mod names;
mod never;
mod root;
mod rules;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, openat, readlinkat, statx};
use rustix::io::Errno;

pub use covered::Covered;
pub use error::{RootProblem, SourceError, SourceErrorKind};
pub use file::{DataRanges, OpenFile};
pub use lister::Lister;
pub use names::Names;
pub use rules::{Excluded, ExcludedCounts, Rules, Why};
pub use walk::{Rest, Walk};

use crate::beneath::{Handle, found};
use crate::model::{Attribute, Found, FoundKind, Name, PAGE, Stamp, Time, TreePath};
use crate::seam::{Clock, Gate, Operation};
use never::Never;
use root::{Root, tree_path};

/// Some roots, held open. Cheap to clone; all clones are the same source.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    roots: Vec<Root>,
    /// Roots within roots: path and file system.
    nested: Vec<(TreePath, u64)>,
    dropped: Vec<PathBuf>,
    /// The folders above the roots, each with the names that lead to one.
    above: BTreeMap<TreePath, Vec<Leading>>,
    rules: Rules,
    never: Never,
    gate: Arc<dyn Gate>,
    clock: Arc<dyn Clock>,
}

/// A name in a folder above the roots.
enum Leading {
    /// A folder that is above a root too.
    Folder(Box<Found>),
    /// A root, by its place among them.
    Root(Name, usize),
}

impl Source {
    /// Opens the roots: absolute paths without `.` and `..`.
    ///
    /// A root may be a folder or a single file. Links in a root's path are followed, the root
    /// itself included; below a root none is. A root within another root is walked as a part of
    /// it (see [`Source::dropped`]).
    ///
    /// # Errors
    /// A root that is missing, unreadable, or left out by the rules, and a pattern that cannot be
    /// understood. The run must be refused then: what is not seen would look deleted.
    pub fn open(
        roots: &[PathBuf],
        rules: Rules,
        gate: Arc<dyn Gate>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RootProblem> {
        let mut named: Vec<(TreePath, &Path)> = Vec::with_capacity(roots.len());
        for path in roots {
            named.push((tree_path(path)?, path));
        }
        named.sort();
        let mut kept: Vec<Root> = Vec::new();
        let mut nested = Vec::new();
        let mut dropped = Vec::new();
        for (path, typed) in named {
            let root = Root::open(typed, &rules, roots)?;
            match kept.iter().find(|outer| path.is_within(&outer.path)) {
                Some(outer) => {
                    listing::check_nested(outer, &root, typed, &rules)?;
                    nested.push((path, root.device));
                    dropped.push(typed.to_owned());
                }
                None => kept.push(root),
            }
        }
        if kept.is_empty() {
            return Err(RootProblem::NoRoots);
        }
        let never = Never::new(&rules.never, &kept);
        if let Some(root) = kept.iter().find(|root| never.holds_root(root)) {
            let by = "it belongs to the backup itself".to_owned();
            return Err(RootProblem::LeftOut { path: never::absolute(&root.path), by });
        }
        let above = above(&kept)?;
        let roots = kept;
        Ok(Self(Arc::new(Inner { roots, nested, dropped, above, rules, never, gate, clock })))
    }

    /// The paths of the roots, as the tree has them.
    pub fn roots(&self) -> impl Iterator<Item = &TreePath> {
        self.0.roots.iter().map(|root| &root.path)
    }

    /// Roots that lie within other roots, or were named twice. They are backed up with those.
    pub fn dropped(&self) -> &[PathBuf] {
        &self.0.dropped
    }

    /// What of the backup itself would lie in the roots, whether or not it is there now.
    pub fn own(&self) -> impl Iterator<Item = &TreePath> {
        self.0.never.paths().filter(|path| self.0.root_of(path).is_some())
    }

    /// Whether files of the backup itself come and go in this very folder, so that its time is
    /// that of the last run and says nothing.
    pub fn is_unsteady(&self, folder: &TreePath) -> bool {
        self.0.never.is_unsteady(folder)
    }

    /// A walk of the whole tree, and `ahead` listers that list directories before it asks for
    /// them. Each lister is to be run on a thread of its own until it returns, which it does when
    /// the walk is through or dropped. Without any, the walk lists for itself and is as good.
    pub fn walk(&self, ahead: usize) -> (Walk, Vec<Lister>) {
        Walk::new(self.0.clone(), ahead, lister::AHEAD, PAGE)
    }

    /// The same with another limit of what is listed ahead, and pages of so many names.
    #[cfg(test)]
    fn walk_within(&self, ahead: usize, limit: usize, page: usize) -> (Walk, Vec<Lister>) {
        Walk::new(self.0.clone(), ahead, limit, page)
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`SourceErrorKind::Changed`] if it is not the regular file that `expected` was taken of.
    pub fn open_file(&self, path: &TreePath, expected: &Stamp) -> Result<OpenFile, SourceError> {
        OpenFile::open(&self.0, path, expected)
    }

    /// What a symbolic link says.
    ///
    /// # Errors
    /// It is no longer a link, or cannot be read.
    pub fn read_link(&self, path: &TreePath) -> Result<Vec<u8>, SourceError> {
        let link = self.0.open_at(path, OFlags::PATH)?;
        match readlinkat(&link, c"", Vec::new()) {
            Ok(text) => Ok(text.into_bytes()),
            Err(Errno::INVAL | Errno::NOENT) => Err(SourceError::changed(path)),
            Err(error) => Err(SourceError::new(path, error)),
        }
    }

    /// The extended attributes of anything, sorted; none where the file system keeps none. For a
    /// file that is open anyway, [`OpenFile::attributes`] is cheaper.
    ///
    /// # Errors
    /// It cannot be opened or its attributes cannot be read.
    pub fn attributes(
        &self,
        path: &TreePath,
        kind: FoundKind,
    ) -> Result<Vec<Attribute>, SourceError> {
        let read = match kind {
            FoundKind::Directory => {
                let directory = self.0.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
                Handle::open(directory.as_fd()).attributes()
            }
            _ => {
                let thing = self.0.open_at(path, OFlags::PATH)?;
                Handle::path(thing.as_fd()).attributes()
            }
        };
        read.map_err(|error| SourceError::new(path, error))
    }
}

impl Inner {
    /// The root that something lies in.
    fn root_of(&self, path: &TreePath) -> Option<&Root> {
        self.roots.iter().find(|root| path.is_within(&root.path))
    }

    /// Opens something in a root, without following links.
    fn open_at(&self, path: &TreePath, flags: OFlags) -> Result<OwnedFd, SourceError> {
        let problem = |error| SourceError::new(path, error);
        self.gate.pass(Operation::SourceOpen, path.as_bytes(), 0).map_err(problem)?;
        if let Some(root) = self.root_of(path) {
            let relative = root.relative(path);
            return if flags.contains(OFlags::PATH) {
                root.beneath.open(relative, flags).map_err(problem)
            } else {
                root.beneath.open_quietly(relative, flags).map_err(problem)
            };
        }
        if !self.above.contains_key(path) {
            let nowhere = io::Error::from(Errno::NOENT);
            return Err(problem(nowhere));
        }
        // A folder above a root: the user named it, links and all.
        let mut absolute = b"/".to_vec();
        absolute.extend_from_slice(path.as_bytes());
        let flags = flags | OFlags::CLOEXEC;
        openat(CWD, absolute.as_slice(), flags, Mode::empty())
            .map_err(|error| problem(error.into()))
    }
}

/// The folders above the roots, with mode and owner but without a time: what else happens in them
/// is not the source's.
fn above(roots: &[Root]) -> Result<BTreeMap<TreePath, Vec<Leading>>, RootProblem> {
    let mut above: BTreeMap<TreePath, Vec<Leading>> = BTreeMap::new();
    for (place, root) in roots.iter().enumerate() {
        let Some((mut folder, name)) = root.path.split() else { break };
        above.entry(folder.clone()).or_default().push(Leading::Root(name, place));
        while let Some((upper, name)) = folder.split() {
            let siblings = above.entry(upper.clone()).or_default();
            if !siblings.iter().any(|sibling| sibling.name() == &name) {
                let entry = folder_above(&folder, name)?;
                siblings.push(Leading::Folder(Box::new(entry)));
            }
            folder = upper;
        }
    }
    for siblings in above.values_mut() {
        siblings.sort_by(|a, b| a.name().cmp(b.name()));
    }
    Ok(above)
}

fn folder_above(path: &TreePath, name: Name) -> Result<Found, RootProblem> {
    let mut absolute = b"/".to_vec();
    absolute.extend_from_slice(path.as_bytes());
    let stat = statx(CWD, absolute.as_slice(), AtFlags::empty(), StatxFlags::BASIC_STATS);
    let stat = stat.map_err(|error| RootProblem::Missing {
        path: PathBuf::from(String::from_utf8_lossy(&absolute).into_owned()),
        source: error.into(),
    })?;
    let mut entry = found(name, &stat);
    entry.metadata.mtime = None;
    entry.stamp.size = 0;
    entry.stamp.mtime = Time::default();
    entry.stamp.ctime = Time::default();
    Ok(entry)
}

impl Leading {
    fn name(&self) -> &Name {
        match self {
            Self::Folder(found) => &found.name,
            Self::Root(name, _) => name,
        }
    }
}
