//! One directory as the walk shows it: listed, with the rules applied.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::PoisonError;

use rustix::fs::{Mode, OFlags, openat};

use super::error::{RootProblem, SourceError};
use super::file_system::FileSystem;
use super::root::Root;
use super::rules::{Excluded, ExcludedCounts, Rules, Why};
use super::{Inner, Leading};
use crate::beneath::{
    LaterNames, NameList, Scratch, TAG, TEMPORARY_PREFIX, is_cache, is_tag, is_temporary, stamp,
    stat,
};
use crate::model::{Found, FoundKind, Name, Time, TreePath};
use crate::seam::Operation;

/// A page of a directory with the entries that were left out of it.
#[derive(Default)]
pub(super) struct Listing {
    /// The entries, in ascending order of names.
    pub(super) entries: Vec<Found>,
    /// The entries left out, if that is recorded.
    pub(super) excluded: Vec<Excluded>,
    /// How much was left out.
    pub(super) counts: ExcludedCounts,
    /// Existing names that cannot be looked at.
    pub(super) problems: Vec<SourceError>,
    /// The state from which the next page comes.
    pub(super) rest: Option<LaterNames>,
}

impl Listing {
    /// How much it holds, in entries: a name is a small part of one.
    pub(super) fn weight(&self) -> usize {
        self.entries.len() + self.rest.as_ref().map_or(0, |rest| rest.len() / 8)
    }

    fn exclude(&mut self, rules: &Rules, path: impl FnOnce() -> TreePath, why: Why) {
        self.counts.count(&why);
        // Omissions that no pattern explains are always noted: a record lists them.
        let single = matches!(why, Why::Size | Why::OtherFileSystem | Why::Never);
        if single || rules.record_excluded {
            self.excluded.push(Excluded { path: path(), why });
        }
    }
}

impl Inner {
    /// Lists a page of a directory of the tree: the first, or the next of the names that are left.
    pub(super) fn list(
        &self,
        path: &TreePath,
        rest: Option<LaterNames>,
        scratch: &mut Scratch,
    ) -> Result<Listing, SourceError> {
        let problem = |error| SourceError::new(path, error);
        self.gate.pass(Operation::SourceList, path.as_bytes(), 0).map_err(problem)?;
        // The moment before the first of them is looked at counts for all.
        let now = self.clock.now();
        let now = Time { seconds: now.seconds, nanos: now.nanos };
        let mut listing = self.look(path, rest, scratch)?;
        for entry in &mut listing.entries {
            let Found { stamp, kind, .. } = &entry;
            entry.settled = match kind {
                FoundKind::File => stamp.is_settled_file(now, self.written_back(stamp.device)),
                _ => stamp.is_settled(now),
            };
        }
        Ok(listing)
    }

    /// When the last write-back of a file system began, if it is complete.
    fn written_back(&self, device: u64) -> Option<Time> {
        let all = self.written_back.get()?;
        all.iter().find(|(known, _)| *known == device).map(|(_, begun)| *begun)
    }

    fn look(
        &self,
        path: &TreePath,
        rest: Option<LaterNames>,
        scratch: &mut Scratch,
    ) -> Result<Listing, SourceError> {
        let problem = |error| SourceError::new(path, error);
        let Some(root) = self.root_of(path) else { return Ok(self.list_above(path)) };
        if root.file.is_some() {
            return Err(problem(rustix::io::Errno::NOTDIR.into()));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let directory = root.beneath.open_quietly(root.relative(path), flags).map_err(problem)?;
        let directory = directory.as_fd();
        let mut listing = Listing::default();
        let listed = match rest {
            Some(names) => names.page(directory, scratch),
            None => match self.names(path, root, directory, scratch, &mut listing)? {
                Some(names) => names.page(directory, scratch),
                None => return Ok(listing),
            },
        };
        let mut listed = listed.map_err(problem)?;
        if listed.entries.is_empty() && listed.problems.is_empty() && !listed.vanished.is_empty() {
            // Somebody is emptying it: that is one problem and not one for each name.
            return Err(problem(rustix::io::Errno::NOENT.into()));
        }
        for (name, error) in listed.problems {
            listing.problems.push(SourceError::new(&path.join(&name), error));
        }
        for name in listed.vanished.iter().filter(|name| !self.leaves_out(path, root, name)) {
            let gone = rustix::io::Errno::NOENT;
            listing.problems.push(SourceError::new(&path.join(name), gone));
        }
        listing.rest = listed.rest;
        self.take_out_unfinished(path, directory, &mut listed.entries, &mut listing);
        self.apply(path, root, listed.entries, &mut listing);
        self.note_renumbering(directory, &mut listing.entries);
        Ok(listing)
    }

    /// Marks the files whose inode numbers do not last. The kind of each file system is asked once.
    fn note_renumbering(&self, directory: BorrowedFd<'_>, entries: &mut [Found]) {
        let device = |entry: &Found| entry.stamp.device;
        let Some(here) = entries.iter().find(|entry| !entry.is_mount).map(device) else { return };
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kinds.iter().find(|(known, _)| *known == here).map(|(_, kind)| *kind);
        let kind = known.unwrap_or_else(|| {
            let kind = FileSystem::of(directory);
            kinds.push((here, kind));
            kind
        });
        drop(kinds);
        if kind.renumbers() {
            for entry in entries.iter_mut().filter(|entry| entry.stamp.device == here) {
                entry.renumbers = true;
            }
        }
    }

    /// The names in a directory, unless the rules leave all of it out.
    fn names(
        &self,
        path: &TreePath,
        root: &Root,
        directory: BorrowedFd<'_>,
        scratch: &mut Scratch,
        listing: &mut Listing,
    ) -> Result<Option<NameList>, SourceError> {
        let problem = |error| SourceError::new(path, error);
        if self.rules.one_file_system && self.is_elsewhere(path, root, directory)? {
            listing.exclude(&self.rules, || path.clone(), Why::OtherFileSystem);
            return Ok(None);
        }
        let names = NameList::read(directory, scratch).map_err(problem)?;
        if self.rules.exclude_caches
            && path != &root.path
            && names.contains(TAG)
            && is_cache(directory)
        {
            listing.exclude(&self.rules, || path.clone(), Why::Cache);
            return NameList::only(TAG).map(Some).map_err(problem);
        }
        Ok(Some(names))
    }

    /// A folder above the roots: only the names that lead to them.
    fn list_above(&self, path: &TreePath) -> Listing {
        let mut listing = Listing::default();
        for leading in self.above.get(path).map_or(&[][..], Vec::as_slice) {
            match leading {
                Leading::Folder(found) => listing.entries.push(Found::clone(found)),
                Leading::Root(name, place) => {
                    match self.roots.get(*place).map(|root| root.found(name.clone())) {
                        Some(Ok(found)) => listing.entries.push(found),
                        Some(Err(error)) => {
                            listing.problems.push(SourceError::new(&path.join(name), error));
                        }
                        None => {}
                    }
                }
            }
        }
        listing
    }

    /// Whether a directory lies on a file system that neither its root nor a root within it is on.
    fn is_elsewhere(
        &self,
        path: &TreePath,
        root: &Root,
        directory: BorrowedFd<'_>,
    ) -> Result<bool, SourceError> {
        let device = stat(directory).map_err(|error| SourceError::new(path, error))?;
        let device = stamp(&device).device;
        let named = |(nested, on): &(TreePath, u64)| *on == device && path.is_within(nested);
        Ok(device != root.device && !self.nested.iter().any(named))
    }

    /// Removes leftovers of an interrupted restore from the list: they belong to nobody, and the
    /// next restore deletes them. A folder of such a name that holds something belongs to somebody.
    fn take_out_unfinished(
        &self,
        path: &TreePath,
        directory: BorrowedFd<'_>,
        entries: &mut Vec<Found>,
        listing: &mut Listing,
    ) {
        let first = entries.partition_point(|entry| entry.name.as_bytes() < TEMPORARY_PREFIX);
        let named = |entry: &&Found| entry.name.as_bytes().starts_with(TEMPORARY_PREFIX);
        let count = entries.iter().skip(first).take_while(named).count();
        if count == 0 {
            return;
        }
        let doubtful: Vec<Found> = entries.drain(first..first + count).collect();
        let mut kept = Vec::new();
        for entry in doubtful {
            let is_whole = entry.kind == FoundKind::Directory && !is_empty(directory, &entry.name);
            match is_temporary(&entry.name) && !is_whole {
                true => listing.exclude(&self.rules, || path.join(&entry.name), Why::Unfinished),
                false => kept.push(entry),
            }
        }
        entries.splice(first..first, kept);
    }

    /// Removes the entries that the rules leave out.
    fn apply(&self, path: &TreePath, root: &Root, entries: Vec<Found>, listing: &mut Listing) {
        let longest = TreePath::MAX - path.as_bytes().len().min(TreePath::MAX);
        if longest > Name::MAX && !self.rules.choose_entries() {
            listing.entries = entries;
            return;
        }
        let mut relative = root.relative(path).to_vec();
        if !relative.is_empty() {
            relative.push(b'/');
        }
        let folder = relative.len();
        let never = self.never.names_in(path);
        let mut kept = Vec::with_capacity(entries.len());
        for entry in entries {
            if entry.name.as_bytes().len() >= longest {
                listing.problems.push(SourceError::too_deep(path));
                continue;
            }
            relative.truncate(folder);
            match self.why(root, &mut relative, never, &entry) {
                Some(why) => listing.exclude(&self.rules, || path.join(&entry.name), why),
                None => kept.push(entry),
            }
        }
        listing.entries = kept;
    }

    /// Whether a directory, or one that it lies in, is left out by its path.
    pub(super) fn leaves_out_above(&self, path: &TreePath) -> bool {
        let Some(root) = self.root_of(path) else { return false };
        let mut here = root.path.clone();
        path.names().skip(root.path.names().count()).any(|name| {
            let never = self.never.names_in(&here).contains(&name);
            here = here.join(&name);
            never || root.patterns.matching(root.relative(&here), true).is_some()
        })
    }

    /// Whether a name that is gone before it was looked at would have been left out as a file.
    fn leaves_out(&self, path: &TreePath, root: &Root, name: &Name) -> bool {
        is_temporary(name)
            || self.never.names_in(path).contains(name)
            || root.patterns.matching(root.relative(&path.join(name)), false).is_some()
    }

    /// The rule that leaves an entry out. `relative` is its folder's path, ready to be extended.
    fn why(
        &self,
        root: &Root,
        relative: &mut Vec<u8>,
        never: &[Name],
        entry: &Found,
    ) -> Option<Why> {
        if never.contains(&entry.name) || self.never.is(entry) {
            return Some(Why::Never);
        }
        if !root.patterns.is_empty() {
            relative.extend_from_slice(entry.name.as_bytes());
            let directory = entry.kind == FoundKind::Directory;
            if let Some(pattern) = root.patterns.matching(relative, directory) {
                return Some(Why::Pattern(pattern));
            }
        }
        let limit = self.rules.exclude_larger_than?;
        (entry.kind == FoundKind::File && entry.stamp.size > limit).then_some(Why::Size)
    }
}

/// Whether a folder holds nothing. One that cannot be listed does.
fn is_empty(directory: BorrowedFd<'_>, name: &Name) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(directory, name.as_bytes(), flags, Mode::empty()).is_ok_and(|folder| {
        NameList::read(folder.as_fd(), &mut Scratch::default())
            .is_ok_and(|names| names.iter().next().is_none())
    })
}

/// Refuses a root within another root that the walk of the outer one would leave out: it was
/// named, so leaving it out without a word would lose it.
pub(super) fn check_nested(
    outer: &Root,
    inner: &Root,
    typed: &Path,
    rules: &Rules,
) -> Result<(), RootProblem> {
    let left_out = |by| Err(RootProblem::LeftOut { path: typed.to_owned(), by });
    let mut relative = Vec::new();
    let mut here = outer.path.clone();
    for name in inner.path.names().skip(outer.path.names().count()) {
        let absolute = Path::new("/").join(OsStr::from_bytes(here.as_bytes()));
        here = here.join(&name);
        if !relative.is_empty() {
            if rules.exclude_caches
                && openat(rustix::fs::CWD, &absolute, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
                    .is_ok_and(|folder| is_tag(folder.as_fd()))
            {
                return left_out(format!("{} is a cache", absolute.display()));
            }
            relative.push(b'/');
        }
        relative.extend_from_slice(name.as_bytes());
        let directory = here != inner.path || inner.file.is_none();
        if let Some(pattern) = outer.patterns.matching(&relative, directory) {
            return left_out(format!("by the pattern \"{pattern}\""));
        }
        let path = Path::new("/").join(OsStr::from_bytes(here.as_bytes()));
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                return left_out(format!("{} is a link, which is not followed", path.display()));
            }
            Ok(found)
                if rules.one_file_system
                    && here != inner.path
                    && found.is_dir()
                    && found.dev() != outer.device =>
            {
                return left_out(format!("{} is another file system", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}
