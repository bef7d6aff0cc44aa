//! Existing things in the target, and their fate.
//!
//! A person's present file is worth more than the snapshot's version, which can be restored at any
//! time: it is replaced only on request, or if it is older.

use crate::model::{ChunkId, Entry, Found, FoundKind, Kind, Merge, TreePath};
use crate::target::{Target, TargetError, TargetTree};

use super::copies::{COPIES, copy_of};
use super::part::Part;
use super::plan::Plan;
use super::stays::Verdict;
use crate::session::error::Error;
use crate::session::event::{Answer, ChangeKind, Event, Newer};
use crate::session::options::Overwrite;
use crate::session::report::{Problem, ProblemKind, display};

impl Plan<'_, '_, '_> {
    /// The fate of something in the target that differs.
    pub(super) fn verdict(&mut self, path: &TreePath, entry: &Entry, found: &Found) -> Verdict {
        let folder = found.kind == FoundKind::Directory;
        if self.stays.filling && !folder {
            return Verdict::Keep;
        }
        match self.set.options.overwrite {
            Overwrite::Always | Overwrite::IfChanged => return Verdict::Replace,
            Overwrite::Never => {
                self.count_kept(path);
                return Verdict::Keep;
            }
            // A folder itself holds nothing that could be lost, and a non-empty one is never
            // replaced.
            Overwrite::IfOlder if folder || !self.is_newer(path, entry, found) => {
                return Verdict::Replace;
            }
            Overwrite::IfOlder => {}
        }
        let can_have_both = matches!(entry.kind, Kind::File(_));
        let snapshot = entry.metadata.mtime.unwrap_or_default();
        let there = found.stamp.mtime;
        let question = Newer { path: path.clone(), there, snapshot, can_have_both };
        let answer = match self.set.options.dry_run {
            true => None,
            false => self.set.observer.ask(&question),
        };
        match answer {
            Some(Answer::Overwrite) => Verdict::Replace,
            Some(Answer::Both) if can_have_both => {
                self.count_kept(path);
                Verdict::Both
            }
            Some(_) => {
                self.count_kept(path);
                Verdict::Keep
            }
            None => {
                self.count_kept(path);
                let sentence = "it is newer here than in the snapshot, and stays".to_owned();
                self.problem(Problem::at(ProblemKind::Newer, path, sentence));
                Verdict::Keep
            }
        }
    }

    /// Whether something in the target was changed after the snapshot's version, and holds anything
    /// that could be lost.
    fn is_newer(&self, path: &TreePath, entry: &Entry, found: &Found) -> bool {
        // Of a folder above a source no time is known; and a target may keep times less finely.
        let later = entry.metadata.mtime.is_none_or(|mtime| {
            let same = |target: &Target| !target.differs(found, &entry.metadata).mtime;
            found.stamp.mtime > mtime && !self.target.is_some_and(same)
        });
        later
            && match (&entry.kind, found.kind) {
                (Kind::Fifo, FoundKind::Fifo) => false,
                (Kind::CharacterDevice(a), FoundKind::CharacterDevice(b))
                | (Kind::BlockDevice(a), FoundKind::BlockDevice(b)) => *a != b,
                (Kind::Symlink(text), FoundKind::Symlink) => {
                    let there = self.target.and_then(|target| target.link_text(path));
                    there.as_deref() != Some(text)
                }
                _ => true,
            }
    }

    pub(super) fn count_kept(&mut self, path: &TreePath) {
        self.report.entries_kept += 1;
        if self.set.options.list_changes {
            self.tell(ChangeKind::Kept, path);
        }
    }

    pub(super) fn tell(&self, kind: ChangeKind, path: &TreePath) {
        let event = Event::Change { kind, path: path.clone(), reason: String::new() };
        self.set.observer.event(event);
    }

    /// Whether the folder at this path is the user's own layout: it is above the restored part, or
    /// a link leads to it.
    pub(super) fn is_own_layout(&self, path: &TreePath) -> bool {
        let linked = self.stays.ways.followed(path).is_some() && !self.stays.ways.is_root(path);
        linked || self.stays.only.is_above(path)
    }

    /// A link on the way to a root that is not followed.
    pub(super) fn astray(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_>>,
        (path, entry): (TreePath, &Entry),
        where_to: &str,
    ) -> Result<(), Error> {
        let sentence = format!("in the target a link stands here that {where_to}; it stays");
        self.problem(Problem::at(ProblemKind::NotWritten, &path, sentence));
        self.pass_over(merge, path, entry)
    }

    /// Goes by an entry that is not restored, and by all that is beneath it.
    pub(super) fn pass_over(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_>>,
        path: TreePath,
        entry: &Entry,
    ) -> Result<(), Error> {
        self.report.entries_passed_over += 1;
        let Kind::Directory(node) = &entry.kind else { return Ok(()) };
        self.pass_beneath(merge, path, *node)
    }

    /// Goes by all that is beneath a directory.
    pub(super) fn pass_beneath(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_>>,
        path: TreePath,
        node: ChunkId,
    ) -> Result<(), Error> {
        let depth = self.within.len();
        self.enter(merge, path, false, (node, None))?;
        if self.within.len() > depth {
            self.stays.passing.get_or_insert(depth);
        }
        Ok(())
    }

    pub(super) fn is_passing(&self) -> bool {
        self.stays.passing.is_some()
    }

    /// The walk has left a directory.
    pub(super) fn stop_passing(&mut self) {
        if self.stays.passing == Some(self.within.len()) {
            self.stays.passing = None;
        }
    }

    /// Restores a file beside the newer one that stays.
    pub(super) fn beside(&mut self, path: &TreePath, mut entry: Entry) -> Result<(), Error> {
        let Some(target) = self.target else { return Ok(()) };
        // It is no name of the file that others are.
        entry.metadata.link = None;
        for number in 1..=COPIES {
            let Ok(named) = TreePath::new(&copy_of(path, self.set.id, number)) else {
                let sentence = "a name for a second file would be too long".to_owned();
                self.problem(Problem::at(ProblemKind::NotWritten, path, sentence));
                return Ok(());
            };
            let there = match target.look(&named) {
                Ok(there) => there,
                Err(error) => return self.target_problem(&error),
            };
            // A copy of an earlier restore may have been worked on.
            if let Some(found) = &there
                && !self.is_right(&named, &entry, found)?
            {
                continue;
            }
            let name =
                named.split().map_or(named.clone(), |(_, name)| TreePath::root().join(&name));
            let name = display(name.as_bytes());
            let sentence = format!("The backup's version is beside it, as {name}");
            self.set.observer.event(Event::Notice(sentence));
            if there.is_some() {
                self.report.entries_unchanged += 1;
                return Ok(());
            }
            self.count_written(&named, &entry, false);
            return self.file(named, entry, None);
        }
        let sentence = format!("there are {COPIES} copies of it here already");
        self.problem(Problem::at(ProblemKind::NotWritten, path, sentence));
        Ok(())
    }

    /// A dry run's message about something to be written.
    pub(super) fn would_write(&mut self, path: &TreePath, entry: &Entry, there: Option<&Found>) {
        let device = matches!(entry.kind, Kind::CharacterDevice(_) | Kind::BlockDevice(_));
        let occupied = there.is_some_and(|found| {
            found.kind == FoundKind::Directory
                && !self.stays.freed.contains(path)
                && !self.target.is_none_or(|target| target.is_empty(path))
        });
        let sentence = match (occupied, device && !self.set.options.special) {
            (true, _) => {
                "could not be restored because a folder with something in it is in the way"
            }
            (_, true) => "was not restored in all: a device is left out without --special",
            _ => return self.count_written(path, entry, there.is_some()),
        };
        self.problem(Problem::at(ProblemKind::NotWritten, path, sentence.to_owned()));
    }

    /// If an ordinary user cannot give a thing to its owner, that is no failure: it is reported
    /// once.
    pub(super) fn owner_not_given(&mut self, error: TargetError) {
        self.report.owners_not_given += 1;
        self.stays.owner.get_or_insert(error.path);
    }

    pub(super) fn tell_owners(&mut self) {
        if self.stays.owner.take().is_none() || self.stays.filling {
            return;
        }
        let sentence = match self.report.owners_not_given {
            1 => {
                "1 restored file or folder now belongs to you, because only root can give it back \
                  to its owner."
                    .to_owned()
            }
            count => format!(
                "{count} restored files and folders now belong to you, because only root can give \
                 them back to their owners."
            ),
        };
        self.set.observer.event(Event::Notice(sentence));
    }

    /// So much is in place.
    pub(super) fn in_place(&mut self, entries: u64, bytes: u64) {
        self.count.done.0 += entries;
        self.count.done.1 = self.count.done.1.saturating_add(bytes);
        self.tick();
    }
}
