//! The room `source`: a tree coming in.
//!
//! A source is some roots, seen as one tree from `/`. It is listed and read while other programs
//! go on changing it: each directory and file is opened from its root downward without following
//! a link, and checked to be the thing that was listed. The room only reads; it must never change
//! anything, not even an access time where that can be helped, and never leave its roots.

mod covered;
mod error;
mod file;
mod file_system;
mod lister;
mod listing;
mod names;
mod never;
mod pattern;
mod root;
mod rules;
#[cfg(test)]
mod tests;
mod walk;
mod wildmatch;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, StatxAttributes, StatxFlags, openat, readlinkat, statx,
};
use rustix::io::Errno;

pub use covered::Covered;
pub use error::{RootProblem, SourceError, SourceErrorKind};
pub use file::OpenFile;
pub use lister::Lister;
pub use names::Names;
pub use pattern::check_pattern;
pub use rules::{Excluded, Rules, Why};
pub use walk::{Rest, Walk};
pub use wildmatch::{check as check_wildcards, is_special as is_wildcard, matches_name};

pub use crate::beneath::{Attributes, Unread};
use crate::beneath::{Handle, found, kind_of, stamp, stat};
pub(crate) use crate::beneath::{LARGE, XATTR};
use crate::model::{Attribute, Found, FoundKind, Name, PAGE, Stamp, Time, TreePath};
use crate::seam::{Clock, Gate, Operation};
use file_system::FileSystem;
use never::SelfExclusion;
use root::{Root, tree_path};

/// Some roots, held open. Cheap to clone; all clones are the same source.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    roots: Vec<Root>,
    /// Roots within roots: path and file system.
    nested: Vec<(TreePath, u64)>,
    /// The folders above the roots, each with the names that lead to one.
    above: BTreeMap<TreePath, Vec<Leading>>,
    rules: Rules,
    never: SelfExclusion,
    gate: Arc<dyn Gate>,
    clock: Arc<dyn Clock>,
    /// The kinds of file systems that were met.
    kinds: Mutex<Vec<(u64, FileSystem)>>,
    /// File systems that have written back everything, and when that began.
    written_back: OnceLock<Vec<(u64, Time)>>,
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
    /// it.
    ///
    /// # Errors
    /// A root that is missing, unreadable, or left out by the rules, and a pattern that cannot be
    /// understood. The run must be refused then: unseen files would look deleted.
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
        for (path, typed) in named {
            let root = Root::open(typed, &rules, roots)?;
            match kept.iter_mut().find(|outer| path.is_within(&outer.path)) {
                Some(outer) => {
                    listing::check_nested(outer, &root, typed, &rules)?;
                    let beneath = outer.relative(&path).to_vec();
                    outer.patterns.nest(&beneath, root.patterns);
                    nested.push((path, root.device));
                }
                None => kept.push(root),
            }
        }
        if kept.is_empty() {
            return Err(RootProblem::NoRoots);
        }
        let never = SelfExclusion::new(&rules, &kept);
        if let Some(root) = kept.iter().find(|root| never.holds_root(root)) {
            let by = "it belongs to the backup itself".to_owned();
            return Err(RootProblem::LeftOut { path: never::absolute(&root.path), by });
        }
        let above = above(&kept)?;
        let roots = kept;
        Ok(Self(Arc::new(Inner {
            roots,
            nested,
            above,
            rules,
            never,
            gate,
            clock,
            kinds: Mutex::default(),
            written_back: OnceLock::new(),
        })))
    }

    /// Has the file systems of the roots write back data that programs stored. If a file listed
    /// from now on was changed before, a further store to it shows in its time, through a memory
    /// map too. If a file system cannot do this, or fails, its files are trusted later.
    pub fn write_back(&self) {
        let mut written_back: Vec<(u64, Time)> = Vec::new();
        for root in &self.0.roots {
            if written_back.iter().any(|(device, _)| *device == root.device) {
                continue;
            }
            let now = self.0.clock.now();
            let begun = Time { seconds: now.seconds, nanos: now.nanos };
            let passed = self.0.gate.pass(Operation::SourceSync, root.path.as_bytes(), 0);
            if passed.is_ok() && root.write_back() {
                written_back.push((root.device, begun));
            }
        }
        // A second time changes nothing: the first one is believed already.
        self.0.written_back.set(written_back).ok();
    }

    /// The paths of the roots, as the tree has them.
    pub fn roots(&self) -> impl Iterator<Item = &TreePath> {
        self.0.roots.iter().map(|root| &root.path)
    }

    /// The backup's own files that would lie in the roots, whether or not they are there now.
    pub fn own(&self) -> impl Iterator<Item = &TreePath> {
        self.0.never.paths().filter(|path| self.0.root_of(path).is_some())
    }

    /// Patterns that can match nothing, with the reason.
    pub fn useless_patterns(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let roots: Vec<_> = self.roots().map(never::absolute).collect();
        let useless = move |pattern: &String| rules::useless(pattern, &roots);
        let all = self.0.rules.excludes.iter();
        all.filter_map(move |pattern| Some((pattern.as_str(), useless(pattern)?)))
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

    /// The same with another limit for listing ahead, and pages of so many names.
    #[cfg(test)]
    fn walk_within(&self, ahead: usize, limit: usize, page: usize) -> (Walk, Vec<Lister>) {
        Walk::new(self.0.clone(), ahead, limit, page)
    }

    /// Whether rules hide something that is there and could be saved.
    pub fn hides(&self, path: &TreePath) -> bool {
        let Inner { rules, .. } = &*self.0;
        let is_possible = rules.choose_entries() || rules.exclude_caches || rules.one_file_system;
        if !is_possible || self.0.root_of(path).is_none() {
            return false;
        }
        let thing = self.0.open_at(path, OFlags::PATH).ok();
        let found = thing.and_then(|thing| stat(thing.as_fd()).ok());
        found.is_some_and(|found| kind_of(&found) != FoundKind::Other)
    }

    /// Whether the patterns, or the backup's own files, leave out a directory or one above it.
    pub fn leaves_out(&self, path: &TreePath) -> bool {
        self.0.leaves_out_above(path)
    }

    /// Whether a file system is mounted at a directory; nothing if no directory is there.
    pub fn is_mount(&self, path: &TreePath) -> Option<bool> {
        let directory = self.0.open_at(path, OFlags::PATH | OFlags::DIRECTORY).ok()?;
        let found = stat(directory.as_fd()).ok()?;
        if found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) {
            return Some(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
        }
        let above = never::absolute(&path.split()?.0);
        let above = std::fs::metadata(above).ok()?;
        Some(above.dev() != stamp(&found).device)
    }

    /// The entry at a path of the source now; not whether its stamp is settled.
    ///
    /// # Errors
    /// It is not there, or the system failed.
    pub fn look(&self, path: &TreePath) -> Result<Found, SourceError> {
        let Some((_, name)) = path.split() else { return Err(SourceError::changed(path)) };
        let thing = self.0.open_at(path, OFlags::PATH)?;
        let stat = stat(thing.as_fd()).map_err(|error| SourceError::new(path, error))?;
        Ok(found(name, &stat))
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`SourceErrorKind::Changed`] if it is not the regular file that `expected` was taken of.
    pub fn open_file(&self, path: &TreePath, expected: &Stamp) -> Result<OpenFile, SourceError> {
        OpenFile::open(&self.0, path, expected)
    }

    /// The target of a symbolic link.
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

    /// All extended attributes of anything.
    ///
    /// # Errors
    /// It cannot be opened, or some of them cannot be read.
    pub fn all_attributes(
        &self,
        path: &TreePath,
        kind: FoundKind,
    ) -> Result<Vec<Attribute>, SourceError> {
        let all = self.held(path, kind, |handle| handle.attributes().whole())?;
        all.map_err(|error| SourceError::new(path, error))
    }

    /// The value of one extended attribute of anything; nothing if it is not there.
    ///
    /// # Errors
    /// It cannot be opened or read.
    pub fn attribute(
        &self,
        path: &TreePath,
        kind: FoundKind,
        name: &[u8],
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let value = self.held(path, kind, |handle| handle.attribute(name))?;
        value.map_err(|error| SourceError::new(path, error))
    }

    /// The extended attributes of anything, as far as they can be read, without the values of large
    /// ones; none where the file system keeps none. For a file that is open anyway, [`OpenFile::attributes`] is cheaper.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn attributes(&self, path: &TreePath, kind: FoundKind) -> Result<Attributes, SourceError> {
        self.held(path, kind, |handle| handle.small_attributes())
    }

    fn held<T>(
        &self,
        path: &TreePath,
        kind: FoundKind,
        ask: impl FnOnce(&Handle<'_>) -> T,
    ) -> Result<T, SourceError> {
        Ok(match kind {
            FoundKind::Directory => {
                let directory = self.0.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
                ask(&Handle::open(directory.as_fd()))
            }
            _ => {
                let thing = self.0.open_at(path, OFlags::PATH)?;
                ask(&Handle::path(thing.as_fd()))
            }
        })
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

/// The folders above the roots, with mode and owner but without a time: other changes in them do
/// not concern the source.
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
