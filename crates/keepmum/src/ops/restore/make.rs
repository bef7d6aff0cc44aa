//! Making what is not in the target, or not as it should be.

use crate::model::{Entry, Found, FoundKind, Kind, TreePath};
use crate::target::Existing;

use super::super::error::Error;
use super::super::options::Overwrite;
use super::plan::{Cause, Link, Plan, group_of};

impl Plan<'_, '_, '_> {
    /// Makes a directory; answers whether to go on beneath it.
    pub(super) fn directory(
        &mut self,
        path: &TreePath,
        entry: &Entry,
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
            _ => self.count_written(path, entry),
        }
        if !self.set.options.dry_run {
            let in_the_way = there.filter(|found| found.kind != FoundKind::Directory);
            if !self.make_room(path, in_the_way.map(|found| found.kind))? {
                self.report.entries_written = self.report.entries_written.saturating_sub(1);
                return Ok(false);
            }
            if let Some(target) = self.target
                && let Err(error) = target.make_directory(path)
            {
                self.report.entries_written = self.report.entries_written.saturating_sub(1);
                self.target_problem(&error)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn file(
        &mut self,
        path: TreePath,
        entry: Entry,
        there: Option<&Found>,
    ) -> Result<(), Error> {
        let group = group_of(&entry);
        let right = there.is_some_and(|found| self.is_right_alone(found, &entry));
        let Kind::File(content) = entry.kind else { return Ok(()) };
        if let Some(group) = group {
            if self.firsts.contains_key(&group) {
                self.waiting_bytes += path.as_bytes().len();
                let (metadata, there) = (entry.metadata, there.map(|found| found.kind));
                self.links.push(Link { group, path, metadata, there, right });
                return self.maybe_flush();
            }
            self.firsts.insert(group, (path.clone(), None));
        }
        let Some(existing) = self.room_for(&path, there.map(|found| found.kind))? else {
            self.not_written(&path, content.size, Cause::Place);
            return Ok(());
        };
        self.done.1 = self.done.1.saturating_add(content.size);
        self.queue(path, content, entry.metadata, existing)?;
        self.tick();
        self.maybe_flush()
    }

    /// Whether a further name of a file is right but for being a file of its own.
    fn is_right_alone(&self, found: &Found, entry: &Entry) -> bool {
        let Kind::File(content) = &entry.kind else { return false };
        self.set.options.overwrite == Overwrite::IfChanged
            && found.kind == FoundKind::File
            && found.stamp.size == content.size
            && self.target.is_some_and(|target| !target.differs(found, &entry.metadata).any())
    }

    /// What to do with what is at a path when something that is no folder comes there: it is
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

    /// Removes what is in the way of something else; answers whether the place is free. Of a folder
    /// what is in it is removed only with `--delete`: nobody asked for it to go.
    pub(super) fn make_room(
        &mut self,
        path: &TreePath,
        there: Option<FoundKind>,
    ) -> Result<bool, Error> {
        let Some(target) = self.target.filter(|_| !self.set.options.dry_run) else {
            return Ok(true);
        };
        match there {
            None => Ok(true),
            Some(FoundKind::Directory) if !self.set.options.delete => {
                match target.remove_empty(path) {
                    Ok(()) => Ok(true),
                    Err(error) => self.target_problem(&error).map(|()| false),
                }
            }
            Some(_) => self.remove(path),
        }
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
}
