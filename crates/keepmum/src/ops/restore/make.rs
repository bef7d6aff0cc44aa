//! Making things that are missing in the target, or not as they should be.

use crate::model::{ChunkId, Entry, Found, FoundKind, Kind, Merge, Metadata, TreePath};
use crate::target::{Existing, TargetTree};

use super::part::Part;
use super::plan::Plan;
use super::stays::Verdict;
use super::waiting::{Cause, Link, Unwritten};
use crate::session::error::Error;
use crate::session::linked::link_key;
use crate::session::options::Overwrite;
use crate::session::report::{Problem, ProblemKind};
use crate::session::values::fetch_values;

impl Plan<'_, '_, '_> {
    /// Fetches the values of attributes that do not stand in the entry.
    pub(super) fn fetch_values(
        &mut self,
        path: &TreePath,
        metadata: &mut Metadata,
    ) -> Result<(), Error> {
        let at = (path, metadata);
        let problems = fetch_values(self.contents, at, self.set.state)?;
        problems.into_iter().for_each(|problem| self.problem(problem));
        Ok(())
    }

    /// The same for an entry that is come to. Those of a directory are fetched when it is left: many
    /// may be open, one in another.
    pub(super) fn fetch_values_now(
        &mut self,
        path: &TreePath,
        entry: &mut Entry,
    ) -> Result<(), Error> {
        let is_directory = matches!(entry.kind, Kind::Directory(_));
        if is_directory && !self.set.options.dry_run && !self.is_own_layout(path) {
            return Ok(());
        }
        self.fetch_values(path, &mut entry.metadata)
    }

    /// A directory of the snapshot: makes it, and continues beneath it.
    pub(super) fn folder(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_>>,
        (path, entry, node): (TreePath, Entry, ChunkId),
        there: Option<Found>,
    ) -> Result<(), Error> {
        let known = there.as_ref().is_some_and(|found| found.kind == FoundKind::Directory);
        let mut stays = false;
        match &there {
            Some(found) if known => {
                let differs =
                    self.target.is_some_and(|target| target.differs(found, &entry.metadata).any());
                let never = self.set.options.overwrite == Overwrite::Never;
                stays = never || self.is_own_layout(&path);
                match (differs, stays) {
                    (true, false) => self.count_mended(&path),
                    (true, true) if never => self.count_kept(&path),
                    _ => self.report.entries_unchanged += 1,
                }
            }
            Some(found) => {
                if self.verdict(&path, &entry, found) != Verdict::Replace {
                    if self.set.options.overwrite == Overwrite::Never {
                        let sentence = "the target has something else of this name, which stays";
                        self.problem(Problem::at(ProblemKind::NotWritten, &path, sentence));
                    }
                    return self.pass_beneath(merge, path, node);
                }
                self.count_written(&path, &entry, true);
            }
            None => self.count_written(&path, &entry, false),
        }
        let linked = self.stays.ways.followed(&path).is_some();
        if !self.set.options.dry_run
            && !(known && (stays || linked))
            && !self.make_folder(&path, &entry, there.filter(|_| !known))?
        {
            if !known {
                self.report.entries_written = self.report.entries_written.saturating_sub(1);
            }
            return self.pass_beneath(merge, path, node);
        }
        self.in_place(1, 0);
        let metadata = (!self.set.options.dry_run && !stays).then_some(entry.metadata);
        self.enter(merge, path, known, (node, metadata))?;
        self.maybe_flush()
    }

    /// Makes a directory or finds it; answers whether it is there.
    fn make_folder(
        &mut self,
        path: &TreePath,
        entry: &Entry,
        in_the_way: Option<Found>,
    ) -> Result<bool, Error> {
        if !self.make_room(path, in_the_way.map(|found| found.kind))? {
            return Ok(false);
        }
        let made = self.target.map(|target| match self.is_own_layout(path) {
            true => target.make_folder_above(path, &entry.metadata),
            false => target.make_directory(path),
        });
        match made {
            Some(Err(error)) => self.target_problem(&error).map(|()| false),
            _ => Ok(true),
        }
    }

    pub(super) fn file(
        &mut self,
        path: TreePath,
        entry: Entry,
        there: Option<&Found>,
    ) -> Result<(), Error> {
        let key = link_key(&entry);
        let right = there.is_some_and(|found| self.is_right_alone(found, &entry));
        let Kind::File(content) = entry.kind else { return Ok(()) };
        if let Some(key) = key {
            if self.waiting.firsts.get(&key)?.is_some() {
                self.waiting.bytes += path.as_bytes().len() + entry.metadata.attribute_bytes();
                let (metadata, there) = (entry.metadata, there.map(|found| found.kind));
                self.waiting.links.push(Link { key, content, path, metadata, there, right });
                return self.maybe_flush();
            }
            self.waiting.firsts.put(&key, &path, None)?;
        }
        let Some(existing) = self.room_for(&path, there.map(|found| found.kind))? else {
            let linked = entry.metadata.link.is_some();
            let file = Unwritten { path: &path, size: content.size, linked };
            self.not_written(&file, Cause::Place);
            return Ok(());
        };
        self.queue(path, content, entry.metadata, existing)?;
        self.maybe_flush()
    }

    /// Whether a further name of a file is right but for being a file of its own.
    fn is_right_alone(&self, found: &Found, entry: &Entry) -> bool {
        let Kind::File(content) = &entry.kind else { return false };
        self.set.options.overwrite != Overwrite::Always
            && found.kind == FoundKind::File
            && found.stamp.size == content.size
            && self.target.is_some_and(|target| !target.differs(found, &entry.metadata).any())
    }

    /// The treatment of a thing at a path where something that is not a folder comes: it is
    /// replaced in one step. A folder is removed before. Nothing if it could not be.
    pub(super) fn room_for(
        &mut self,
        path: &TreePath,
        there: Option<FoundKind>,
    ) -> Result<Option<Existing>, Error> {
        match there {
            None => Ok(Some(Existing::Refuse)),
            Some(FoundKind::Directory) => {
                Ok(self.make_room(path, there)?.then_some(Existing::Refuse))
            }
            Some(_) => Ok(Some(Existing::Replace)),
        }
    }

    /// Removes a thing that is in the way of something else; returns whether the place is free. The
    /// contents of a folder stay: nobody asked for them to go, or a deletion has left them.
    pub(super) fn make_room(
        &mut self,
        path: &TreePath,
        there: Option<FoundKind>,
    ) -> Result<bool, Error> {
        let Some(target) = self.target.filter(|_| !self.set.options.dry_run) else {
            return Ok(true);
        };
        let removed = match there {
            None => return Ok(true),
            Some(FoundKind::Directory) => target.remove_empty(path),
            Some(_) => target.remove_file(path),
        };
        match removed {
            Ok(()) => Ok(true),
            Err(error) => self.target_problem(&error).map(|()| false),
        }
    }
}
