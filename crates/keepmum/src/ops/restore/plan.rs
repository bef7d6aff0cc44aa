//! The work to do in the target, name by name.

use std::collections::BTreeMap;

use crate::catalogue::Catalogue;
use crate::model::{ChunkId, Entry, Found, FoundKind, Kind, Merge, Metadata, Pair, Step, TreePath};
use crate::pipeline::Pool;
use crate::repository::{Extents, ObjectReader, PieceReader};
use crate::target::{Target, TargetTree, is_temporary};

use super::block::Worker;
use super::part::Part;
use super::report::RestoreReport;
use super::stays::{Stays, Verdict};
use super::waiting::{Cause, Unwritten, Waiting};
use super::window::Windows;
use super::writing::Writing;
use crate::session::error::Error;
use crate::session::event::{ChangeKind, Observer};
use crate::session::linked::link_key;
use crate::session::options::{Overwrite, RestoreOptions};
use crate::session::report::{ProblemKind, SnapshotState};
use crate::session::walk::{SnapshotWalk, Visit};
use crate::session::walk_error::{WalkError, refused};

/// So many directories or links may wait for the files before them, and so many bytes of their
/// paths: those of a deep tree are long.
const WAITING: usize = 16 * 1024;
const WAITING_BYTES: usize = 4 * 1024 * 1024;

/// Values that a restore uses and does not change.
#[derive(Clone, Copy)]
pub(super) struct Setting<'p, 'env> {
    pub(super) options: &'env RestoreOptions,
    pub(super) observer: &'env dyn Observer,
    /// Id of the snapshot.
    pub(super) id: &'env str,
    /// Whether all of the snapshot is here, or will be.
    pub(super) state: &'env SnapshotState,
    pub(super) objects: &'env ObjectReader<'env>,
    pub(super) pool: &'p Pool<'env, Worker>,
}

/// Entries and bytes: how many in all, and how many are dealt with.
pub(super) struct Count {
    pub(super) totals: (u64, u64),
    pub(super) done: (u64, u64),
}

/// A restore under way.
pub(super) struct Plan<'a, 'p, 'env> {
    pub(super) set: Setting<'p, 'env>,
    pub(super) target: Option<&'env Target>,
    pub(super) contents: &'a mut PieceReader<'env>,
    pub(super) catalogue: &'a Catalogue,
    pub(super) extents: Extents,
    /// Bytes that the target's file system can hold in all.
    pub(super) capacity: u64,
    pub(super) windows: Windows,
    pub(super) writing: Writing<'env>,
    /// Metadata of the directories that the walk is in; none for those that stay as they are.
    pub(super) within: Vec<Option<Metadata>>,
    pub(super) waiting: Waiting,
    /// Equal problems of many things, by their sentence: the first of them, how many more, and the
    /// kind of problem.
    pub(super) alike: BTreeMap<String, (TreePath, u64, ProblemKind)>,
    pub(super) stays: Stays,
    pub(super) count: Count,
    pub(super) report: RestoreReport,
}

impl<'a, 'p, 'env> Plan<'a, 'p, 'env> {
    pub(super) fn new(
        set: Setting<'p, 'env>,
        target: Option<&'env Target>,
        contents: &'a mut PieceReader<'env>,
        catalogue: &'a Catalogue,
        (totals, stays): ((u64, u64), Stays),
    ) -> Self {
        Self {
            set,
            target,
            contents,
            catalogue,
            extents: Extents::default(),
            capacity: target.and_then(Target::capacity).unwrap_or(u64::MAX),
            windows: Windows::default(),
            writing: Writing::default(),
            within: Vec::new(),
            waiting: Waiting::default(),
            alike: BTreeMap::new(),
            stays,
            count: Count { totals, done: (0, 0) },
            report: RestoreReport::default(),
        }
    }

    /// Walks target and snapshot side by side.
    pub(super) fn walk(&mut self, part: Part<'_>, root: ChunkId) -> Result<(), Error> {
        let Some(target) = self.target else { return self.count_all(part, root) };
        let mut merge = Merge::new(target.tree(), part);
        self.enter(&mut merge, TreePath::root(), true, (root, None))?;
        while let Some(step) = merge.step::<WalkError>() {
            refused(&mut merge, None).into_iter().for_each(|problem| self.problem(problem));
            match step {
                Step::Leave(path) => {
                    if let Some(metadata) = self.within.pop().flatten() {
                        self.leave(path, metadata)?;
                    }
                    self.stop_passing();
                }
                Step::Cut(path, closed) => self.closed(&path, closed)?,
                Step::Pair(path, pair) => self.pair(&mut merge, path, pair)?,
            }
        }
        Ok(())
    }

    /// A dry run into a target that is not there.
    fn count_all(&mut self, part: Part<'_>, root: ChunkId) -> Result<(), Error> {
        let begin = (TreePath::root(), root);
        for visit in SnapshotWalk::new(part, begin, (self.set.observer, "restored")) {
            match visit? {
                Visit::Entry(path, entry) => {
                    self.would_write(&path, &entry, None);
                    self.in_place(1, 0);
                }
                Visit::Unread(path, error) => self.closed(&path, error)?,
                Visit::Leave => {}
            }
        }
        Ok(())
    }

    pub(super) fn enter(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_>>,
        path: TreePath,
        there: bool,
        (node, metadata): (ChunkId, Option<Metadata>),
    ) -> Result<(), Error> {
        match merge.enter::<WalkError>(path.clone(), there.then_some(&()), Some(&node)) {
            Ok(()) => {
                self.within.push(metadata);
                return Ok(());
            }
            Err(closed) => self.closed(&path, closed)?,
        }
        refused(merge, Some(&path)).into_iter().for_each(|problem| self.problem(problem));
        metadata.map_or(Ok(()), |metadata| self.leave(path, metadata))
    }

    /// A directory that cannot be listed, or not to its end.
    fn closed(&mut self, path: &TreePath, error: WalkError) -> Result<(), Error> {
        if let WalkError::Target(error) = error {
            return self.target_problem(&error);
        }
        let problem = error.problem(path, self.set.state)?;
        self.problem(problem);
        Ok(())
    }

    /// A directory into which only waiting things are still written.
    fn leave(&mut self, path: TreePath, mut metadata: Metadata) -> Result<(), Error> {
        self.fetch_values(&path, &mut metadata)?;
        // A followed link stands for its target.
        let path = self.target.map_or(path.clone(), |target| target.real(&path));
        self.waiting.bytes += path.as_bytes().len() + metadata.attribute_bytes();
        self.waiting.directories.push((path, metadata));
        self.maybe_flush()
    }

    fn pair(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_>>,
        path: TreePath,
        pair: Pair<Found, Entry>,
    ) -> Result<(), Error> {
        self.set.observer.go_on("restored")?;
        let Some(mut entry) = pair.new else {
            // The entry that this version does not understand may have this very name.
            if merge.new_side().tree.refused() > 0 {
                return Ok(());
            }
            return pair.old.map_or(Ok(()), |found| self.surplus(&path, &found));
        };
        if self.is_passing() {
            return self.pass_over(merge, path, &entry);
        }
        if let Some(where_to) = self.stays.ways.astray(&path) {
            return self.astray(merge, (path, &entry), where_to);
        }
        self.fetch_values_now(&path, &mut entry)?;
        if let Kind::Directory(node) = entry.kind {
            let there = self.stays.ways.followed(&path).cloned().or(pair.old);
            return self.folder(merge, (path, entry, node), there);
        }
        if self.stays.ways.followed(&path).is_some() {
            return self.astray(merge, (path, &entry), "leads to a folder");
        }
        let size = match &entry.kind {
            Kind::File(content) => content.size,
            _ => 0,
        };
        let there = pair.old;
        if let Some(found) = &there {
            if self.is_right(&path, &entry, found)? {
                self.report.entries_unchanged += 1;
                self.note_first(&path, &entry, found)?;
                self.in_place(1, size);
                return Ok(());
            }
            match self.verdict(&path, &entry, found) {
                Verdict::Replace => {}
                Verdict::Keep => {
                    self.in_place(1, size);
                    return Ok(());
                }
                Verdict::Both => return self.beside(&path, entry),
            }
            if found.kind == FoundKind::Directory
                && !self.set.options.dry_run
                && self.stays.freed.contains(&path)
            {
                self.stays.waiting += 1;
                return Ok(());
            }
        }
        if self.set.options.dry_run {
            self.would_write(&path, &entry, there.as_ref());
            self.in_place(1, 0);
            return Ok(());
        }
        match &entry.kind {
            Kind::File(_) => {
                self.count_written(&path, &entry, there.is_some());
                self.file(path, entry, there.as_ref())
            }
            _ => self.other(&path, &entry, there.as_ref()),
        }
    }

    /// `replaces` says whether there was something of its name before.
    pub(super) fn count_written(&mut self, path: &TreePath, entry: &Entry, replaces: bool) {
        self.report.entries_written += 1;
        if let Kind::File(content) = &entry.kind {
            self.report.files_written += 1;
            self.report.bytes_written = self.report.bytes_written.saturating_add(content.size);
        }
        if self.set.options.list_changes {
            self.tell(if replaces { ChangeKind::Changed } else { ChangeKind::New }, path);
        }
    }

    /// Something of which only the metadata is set.
    pub(super) fn count_mended(&mut self, path: &TreePath) {
        self.report.entries_written += 1;
        if self.set.options.list_changes {
            self.tell(ChangeKind::Changed, path);
        }
    }

    /// A file that was counted as written, and is not. Only of one that others are linked to is it
    /// remembered: there may be as many that cannot be written as there are files.
    pub(super) fn not_written(&mut self, file: &Unwritten<'_>, cause: Cause) {
        if file.linked {
            self.waiting.unwritten.insert(file.path.clone(), cause);
        }
        self.report.entries_written = self.report.entries_written.saturating_sub(1);
        self.report.files_written = self.report.files_written.saturating_sub(1);
        self.report.bytes_written = self.report.bytes_written.saturating_sub(file.size);
    }

    /// Something in the target that the snapshot does not have: leftovers of an interrupted restore
    /// are removed. All else is for a deletion.
    fn surplus(&mut self, path: &TreePath, found: &Found) -> Result<(), Error> {
        match self.target.filter(|_| is_temporary(&found.name) && !self.set.options.dry_run) {
            Some(target) => {
                target.remove_leftover(path).or_else(|error| self.target_problem(&error))
            }
            None => Ok(()),
        }
    }

    /// Whether something in the target is as it should be; corrects everything but content.
    pub(super) fn is_right(
        &mut self,
        path: &TreePath,
        entry: &Entry,
        found: &Found,
    ) -> Result<bool, Error> {
        if self.set.options.overwrite == Overwrite::Always {
            return Ok(false);
        }
        let same = match &entry.kind {
            Kind::File(content) => {
                found.kind == FoundKind::File && found.stamp.size == content.size
            }
            Kind::Symlink(text) => {
                let there = || self.target.and_then(|target| target.link_text(path));
                found.kind == FoundKind::Symlink && there().as_deref() == Some(text)
            }
            Kind::Fifo => found.kind == FoundKind::Fifo,
            Kind::CharacterDevice(number) => found.kind == FoundKind::CharacterDevice(*number),
            Kind::BlockDevice(number) => found.kind == FoundKind::BlockDevice(*number),
            Kind::Directory(_) => false,
        };
        let Some(target) = self.target.filter(|_| same) else { return Ok(false) };
        let differs = target.differs(found, &entry.metadata);
        // Of a file with other names, metadata would be set for all of them.
        let shared = found.links > 1 && link_key(entry).is_none();
        if shared && differs.any() {
            return Ok(false);
        }
        if differs.mtime || !self.has_right_link(entry, found)? {
            return Ok(false);
        }
        if self.set.options.overwrite == Overwrite::Never {
            // Nothing of it is touched, so it is right as it is or it is not.
            return Ok(!differs.any());
        }
        match target.attributes_differ(path, found.kind, &entry.metadata.attributes) {
            Ok(attributes) if differs.any() || attributes => {
                self.count_mended(path);
                if !self.set.options.dry_run {
                    let applied = target.apply_metadata(path, found.kind, &entry.metadata);
                    self.applied(applied)?;
                }
            }
            Ok(_) if !self.set.options.dry_run => {
                let left_out = target.left_out(path, found, &entry.metadata);
                self.applied(left_out)?;
            }
            Ok(_) => {}
            Err(error) => self.target_problem(&error)?,
        }
        Ok(true)
    }

    /// Whether a file of a hard link group is the same file as the first of the group.
    fn has_right_link(&self, entry: &Entry, found: &Found) -> Result<bool, Error> {
        let Some(key) = link_key(entry) else { return Ok(true) };
        let first = self.waiting.firsts.get(&key)?;
        let file = (found.stamp.device, found.stamp.inode);
        Ok(first.is_none_or(|first| first.identity == Some(file)))
    }

    fn note_first(&mut self, path: &TreePath, entry: &Entry, found: &Found) -> Result<(), Error> {
        let Some(key) = link_key(entry) else { return Ok(()) };
        if self.waiting.firsts.get(&key)?.is_none() {
            let file = (found.stamp.device, found.stamp.inode);
            self.waiting.firsts.put(&key, path, Some(file))?;
        }
        Ok(())
    }

    pub(super) fn maybe_flush(&mut self) -> Result<(), Error> {
        let many = self.waiting.directories.len() >= WAITING || self.waiting.links.len() >= WAITING;
        if many || self.waiting.bytes >= WAITING_BYTES {
            return self.settle();
        }
        self.flush_full_windows()
    }
}
