//! Making what is not in the target, or not as it should be.

use crate::model::{Entry, Found, FoundKind, Kind, TreePath};
use crate::target::Existing;

use super::super::error::Error;
use super::super::options::Overwrite;
use super::plan::{Plan, group_of};

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
        let Kind::File(content) = entry.kind else { return Ok(()) };
        if let Some(group) = group {
            if self.firsts.contains_key(&group) {
                self.waiting_bytes += path.as_bytes().len();
                self.links.push((group, path, there.map(|found| found.kind)));
                return self.maybe_flush();
            }
            self.firsts.insert(group, (path.clone(), None));
        }
        let existing = match there {
            None => Existing::Refuse,
            Some(found) if found.kind == FoundKind::File => Existing::Replace(self.draw()?),
            Some(found) => {
                if !self.make_room(&path, Some(found.kind))? {
                    self.not_written(&path, content.size);
                    return Ok(());
                }
                Existing::Refuse
            }
        };
        self.done.1 = self.done.1.saturating_add(content.size);
        self.queue(path, content, entry.metadata, existing)?;
        self.tick();
        self.maybe_flush()
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

    fn draw(&self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        let drawn = self.set.access.seam.random.fill(&mut bytes);
        drawn.map_err(crate::repository::RepositoryError::Random)?;
        Ok(u64::from_le_bytes(bytes))
    }
}
