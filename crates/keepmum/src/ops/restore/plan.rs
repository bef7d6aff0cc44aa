//! What has to be done in the target, name by name.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::catalogue::Catalogue;
use crate::format::Summary;
use crate::model::{
    ChunkId, Content, Entry, Found, FoundKind, Kind, Merge, Metadata, Pair, Pieces, Step, TreePath,
};
use crate::pipeline::Pool;
use crate::repository::{ObjectReader, PieceReader};
use crate::target::{Existing, Target, TargetTree, is_temporary};

use super::super::access::Access;
use super::super::error::{Error, ErrorKind};
use super::super::event::{ChangeKind, Event, Observer};
use super::super::options::{Overwrite, RestoreOptions};
use super::super::part::problem_of;
use super::super::report::RestoreReport;
use super::files::Window;
use super::{Closed, Part, Worker};

/// So many directories or links may wait for the files before them.
const WAITING: usize = 16 * 1024;

/// A hard link group and the content of its names.
type Group = (u64, Content);

/// What a restore works with and does not change.
#[derive(Clone, Copy)]
pub(super) struct Setting<'p, 'env> {
    pub(super) access: &'env Access,
    pub(super) options: &'env RestoreOptions,
    pub(super) observer: &'env dyn Observer,
    pub(super) objects: &'env ObjectReader<'env>,
    pub(super) pool: &'p Pool<'env, Worker>,
}

/// A restore under way.
pub(super) struct Plan<'a, 'p, 'env> {
    pub(super) set: Setting<'p, 'env>,
    pub(super) target: Option<&'env Target>,
    pub(super) contents: &'a mut PieceReader<'env>,
    pub(super) catalogue: &'a Catalogue,
    pub(super) small: Window,
    pub(super) large: Window,
    pub(super) directories: Vec<(TreePath, Metadata)>,
    pub(super) links: Vec<(Group, TreePath, bool)>,
    /// First name of each hard link group with this content, and its inode if it was right
    /// already. Names whose content differs cannot be one file, whatever their group says.
    pub(super) firsts: HashMap<Group, (TreePath, Option<u64>)>,
    /// Files that could not be written.
    pub(super) unwritten: HashSet<TreePath>,
    /// What is the same for many things, by its sentence: the first of them, and how many more.
    pub(super) alike: BTreeMap<String, (TreePath, u64)>,
    /// Where the walk is.
    pub(super) at: Option<TreePath>,
    pub(super) totals: (u64, u64),
    pub(super) done: (u64, u64),
    pub(super) report: RestoreReport,
}

impl<'a, 'p, 'env> Plan<'a, 'p, 'env> {
    pub(super) fn new(
        set: Setting<'p, 'env>,
        target: Option<&'env Target>,
        contents: &'a mut PieceReader<'env>,
        catalogue: &'a Catalogue,
        totals: &Summary,
    ) -> Self {
        Self {
            set,
            target,
            contents,
            catalogue,
            small: Window::default(),
            large: Window::default(),
            directories: Vec::new(),
            links: Vec::new(),
            firsts: HashMap::new(),
            unwritten: HashSet::new(),
            alike: BTreeMap::new(),
            at: None,
            totals: (totals.files + totals.directories + totals.others, totals.bytes),
            done: (0, 0),
            report: RestoreReport::default(),
        }
    }

    /// Walks target and snapshot side by side.
    pub(super) fn walk(&mut self, part: Part<'_, '_>, root: ChunkId) -> Result<(), Error> {
        let Some(target) = self.target else { return self.count_all(part, root) };
        let mut merge = Merge::new(target.tree(), part);
        self.enter(&mut merge, TreePath::root(), true, root)?;
        while let Some(step) = merge.step() {
            match step {
                Step::Leave(_) => {}
                Step::Pair(path, pair) => {
                    self.at = Some(path.clone());
                    self.pair(&mut merge, path, pair)?;
                }
            }
        }
        self.refused(merge.new_side().tree.refused());
        Ok(())
    }

    /// A dry run into a target that is not there.
    fn count_all(&mut self, mut part: Part<'_, '_>, root: ChunkId) -> Result<(), Error> {
        use crate::model::Side;
        let mut waiting = vec![(TreePath::root(), root)];
        while let Some((path, node)) = waiting.pop() {
            for entry in part.list(&node, &path)? {
                let at = path.join(&entry.name);
                self.count_written(&at, &entry);
                waiting.extend(part.place(&entry).map(|node| (at, node)));
            }
        }
        Ok(())
    }

    fn enter(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_, '_>>,
        path: TreePath,
        there: bool,
        node: ChunkId,
    ) -> Result<(), Error> {
        match merge.enter::<Closed>(path.clone(), there.then_some(&()), Some(&node)) {
            Ok(()) => Ok(()),
            Err(Closed::Target(error)) => self.target_problem(&error),
            Err(Closed::Snapshot(error)) => {
                let problem = problem_of(&path, error)?;
                self.problem(problem);
                Ok(())
            }
        }
    }

    fn pair(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_, '_>>,
        path: TreePath,
        pair: Pair<Found, Entry>,
    ) -> Result<(), Error> {
        if self.set.observer.stopping() {
            return Err(Error::new(ErrorKind::Interrupted, "stopped before all was restored"));
        }
        let Some(entry) = pair.new else {
            // What this version does not understand may be this very name.
            if merge.new_side().tree.refused() > 0 {
                return Ok(());
            }
            return pair.old.map_or(Ok(()), |found| self.surplus(&path, &found));
        };
        self.done.0 += 1;
        let there = pair.old;
        if let Kind::Directory(node) = entry.kind {
            let known = there.as_ref().is_some_and(|found| found.kind == FoundKind::Directory);
            if self.directory(&path, entry, there)? {
                self.enter(merge, path, known, node)?;
            }
            return self.maybe_flush();
        }
        if let Some(found) = &there
            && self.is_right(&path, &entry, found)?
        {
            self.report.entries_unchanged += 1;
            return self.note_first(&path, &entry, Some(found.stamp.inode));
        }
        if self.set.options.dry_run {
            self.count_written(&path, &entry);
            return Ok(());
        }
        match &entry.kind {
            Kind::File(_) => {
                self.count_written(&path, &entry);
                self.file(path, entry, there.as_ref())
            }
            _ => self.other(&path, &entry, there.as_ref()),
        }
    }

    pub(super) fn count_written(&mut self, path: &TreePath, entry: &Entry) {
        self.report.entries_written += 1;
        if let Kind::File(content) = &entry.kind {
            self.report.files_written += 1;
            self.report.bytes_written += content.size;
        }
        if self.set.options.list_changes {
            let event =
                Event::Change { kind: ChangeKind::New, path: path.clone(), reason: String::new() };
            self.set.observer.event(event);
        }
    }

    /// Something in the target that the snapshot does not have.
    fn surplus(&mut self, path: &TreePath, found: &Found) -> Result<(), Error> {
        let leftover = found.kind == FoundKind::File && is_temporary(&found.name);
        if !self.set.options.delete && !leftover {
            return Ok(());
        }
        self.report.entries_removed += u64::from(!leftover);
        self.remove(path).map(drop)
    }

    /// Makes a directory; answers whether to go on beneath it.
    fn directory(
        &mut self,
        path: &TreePath,
        entry: Entry,
        there: Option<Found>,
    ) -> Result<bool, Error> {
        match &there {
            Some(found) if found.kind == FoundKind::Directory => {
                let Some(target) = self.target else { return Ok(true) };
                if target.differs(found, &entry.metadata).any() {
                    self.report.entries_written += 1;
                } else {
                    self.report.entries_unchanged += 1;
                }
            }
            Some(_) if self.set.options.overwrite == Overwrite::Never => {
                self.report.entries_unchanged += 1;
                return Ok(false);
            }
            _ => self.count_written(path, &entry),
        }
        if !self.set.options.dry_run {
            let in_the_way = there.is_some_and(|found| found.kind != FoundKind::Directory);
            if in_the_way && !self.remove(path)? {
                return Ok(false);
            }
            if let Some(target) = self.target
                && let Err(error) = target.make_directory(path)
            {
                self.target_problem(&error)?;
                return Ok(false);
            }
            self.directories.push((path.clone(), entry.metadata));
        }
        Ok(true)
    }

    /// Whether something in the target is what it should be; mends what is not content.
    fn is_right(&mut self, path: &TreePath, entry: &Entry, found: &Found) -> Result<bool, Error> {
        match self.set.options.overwrite {
            Overwrite::Always => return Ok(false),
            Overwrite::Never => return Ok(true),
            Overwrite::IfChanged => {}
        }
        let same = match &entry.kind {
            Kind::File(content) => {
                found.kind == FoundKind::File && found.stamp.size == content.size
            }
            Kind::Symlink(text) => {
                found.kind == FoundKind::Symlink && found.stamp.size == text.len() as u64
            }
            Kind::Fifo => found.kind == FoundKind::Fifo,
            Kind::CharacterDevice(number) => found.kind == FoundKind::CharacterDevice(*number),
            Kind::BlockDevice(number) => found.kind == FoundKind::BlockDevice(*number),
            Kind::Directory(_) => false,
        };
        let Some(target) = self.target.filter(|_| same) else { return Ok(false) };
        let differs = target.differs(found, &entry.metadata);
        if differs.mtime || !self.has_right_link(entry, found) {
            return Ok(false);
        }
        if !self.set.options.dry_run {
            let attributes = target.attributes_differ(path, found.kind, &entry.metadata.attributes);
            match attributes {
                Ok(attributes) if differs.any() || attributes => {
                    self.report.entries_written += 1;
                    let applied = target.apply_metadata(path, found.kind, &entry.metadata);
                    self.applied(applied)?;
                }
                Ok(_) => {
                    let left_out = target.left_out(path, found, &entry.metadata);
                    self.applied(left_out)?;
                }
                Err(error) => self.target_problem(&error)?,
            }
        }
        Ok(true)
    }

    /// Whether a file of a hard link group is the same file as the first of the group.
    fn has_right_link(&self, entry: &Entry, found: &Found) -> bool {
        let first = group_of(entry).and_then(|group| self.firsts.get(&group));
        first.is_none_or(|(_, inode)| *inode == Some(found.stamp.inode))
    }

    fn note_first(
        &mut self,
        path: &TreePath,
        entry: &Entry,
        inode: Option<u64>,
    ) -> Result<(), Error> {
        if let Some(group) = group_of(entry) {
            self.firsts.entry(group).or_insert_with(|| (path.clone(), inode));
        }
        if let Kind::File(content) = &entry.kind {
            self.done.1 += content.size;
        }
        self.tick();
        Ok(())
    }

    fn file(&mut self, path: TreePath, entry: Entry, there: Option<&Found>) -> Result<(), Error> {
        let group = group_of(&entry);
        let Kind::File(content) = entry.kind else { return Ok(()) };
        if let Some(group) = group {
            if self.firsts.contains_key(&group) {
                self.links.push((group, path, there.is_some()));
                return self.maybe_flush();
            }
            self.firsts.insert(group, (path.clone(), None));
        }
        let existing = match there {
            None => Existing::Refuse,
            Some(found) if found.kind == FoundKind::File => Existing::Replace(self.draw()?),
            Some(_) => {
                if !self.remove(&path)? {
                    return Ok(());
                }
                Existing::Refuse
            }
        };
        self.done.1 += content.size;
        self.queue(path, content, entry.metadata, existing)?;
        self.tick();
        self.maybe_flush()
    }

    pub(super) fn remove(&mut self, path: &TreePath) -> Result<bool, Error> {
        let Some(target) = self.target.filter(|_| !self.set.options.dry_run) else {
            return Ok(true);
        };
        match target.remove(path) {
            Ok(()) => Ok(true),
            Err(error) => self.target_problem(&error).map(|()| false),
        }
    }

    fn draw(&self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        let drawn = self.set.access.seam.random.fill(&mut bytes);
        drawn.map_err(crate::repository::RepositoryError::Random)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn maybe_flush(&mut self) -> Result<(), Error> {
        if self.directories.len() >= WAITING || self.links.len() >= WAITING {
            return self.settle();
        }
        self.flush_full_windows()
    }
}

fn group_of(entry: &Entry) -> Option<Group> {
    match (&entry.kind, entry.metadata.link) {
        (Kind::File(content), Some(group)) => Some((group, content.clone())),
        _ => None,
    }
}

/// Whether a file can be put together in memory: no holes, and few bytes.
pub(super) fn is_plain(content: &Content) -> bool {
    match &content.pieces {
        Pieces::Inline(pieces) => {
            pieces.iter().all(|piece| matches!(piece, crate::model::Piece::Chunk { .. }))
        }
        Pieces::Lists { .. } => false,
    }
}
