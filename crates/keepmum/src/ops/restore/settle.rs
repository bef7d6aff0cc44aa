//! The end of a restore: everything that had to wait for the files, and the problems.

use std::collections::{HashMap, VecDeque, btree_map};

use crate::catalogue::{FirstName, LinkKey};
use crate::model::{Found, FoundKind, Metadata};
use crate::target::{Target, TargetError, TargetErrorKind};

use super::plan::Plan;
use super::refusals::target_failed;
use super::report::RestoreReport;
use super::stays::Stays;
use super::waiting::{Cause, Link, Unwritten};
use crate::session::error::Error;
use crate::session::event::Event;
use crate::session::report::{Problem, ProblemKind, note};

/// The result of a further name.
#[derive(PartialEq, Eq)]
enum Linked {
    /// It is there, or the reason was reported.
    Told,
    /// The target has no further names of a file.
    Unsupported,
    /// The name before it is somebody else's file by now.
    Replaced,
}

/// Links of the same file together, in the order in which they came.
fn by_group(links: Vec<Link>) -> Vec<VecDeque<Link>> {
    let mut groups: Vec<VecDeque<Link>> = Vec::new();
    let mut known: HashMap<LinkKey, usize> = HashMap::new();
    for link in links {
        let place = *known.entry(link.key).or_insert_with(|| {
            groups.push(VecDeque::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            group.push_back(link);
        }
    }
    groups
}

impl Plan<'_, '_, '_> {
    /// Writes all files, then the things that had to wait for them.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        self.put_in_place()?;
        let Some(target) = self.target else { return Ok(()) };
        // Each pass tries one name of a group whose names before it failed, so that as many passes
        // as a group has names cost no more than the names.
        let mut groups = by_group(std::mem::take(&mut self.waiting.links));
        while !groups.is_empty() {
            for group in &mut groups {
                self.link(target, group)?;
            }
            self.put_in_place()?;
            groups.retain(|group| !group.is_empty());
        }
        // The deepest come first: one that its owner may not enter closes the way.
        let mut directories = std::mem::take(&mut self.waiting.directories);
        directories.sort_by(|a, b| b.0.cmp(&a.0));
        self.waiting.bytes = 0;
        for (path, metadata) in directories {
            let applied = target.apply_metadata(&path, FoundKind::Directory, &metadata);
            self.applied(applied)?;
        }
        Ok(())
    }

    /// Writes all files that wait, makes them durable and gives them their names.
    fn put_in_place(&mut self) -> Result<(), Error> {
        self.flush_windows()?;
        let placed = self.writing.placed();
        placed.map_err(|error| target_failed(&error, self.set.options))?;
        let Some(target) = self.target else { return Ok(()) };
        target.place().map_err(|error| target_failed(&error, self.set.options))?;
        self.take_unplaced()
    }

    /// Counts the things that have got their name, and reports whole ones that did not.
    pub(super) fn take_unplaced(&mut self) -> Result<(), Error> {
        let Some(target) = self.target else { return Ok(()) };
        let (entries, bytes) = target.take_placed();
        self.in_place(entries, bytes);
        let unplaced = target.unplaced();
        for thing in unplaced.map_err(|error| target_failed(&error, self.set.options))? {
            match thing.kind {
                FoundKind::File => {
                    let (path, size, linked) = (&thing.error.path, thing.size, thing.linked);
                    self.not_written(&Unwritten { path, size, linked }, Cause::Place);
                }
                _ => self.report.entries_written = self.report.entries_written.saturating_sub(1),
            }
            self.target_problem(&thing.error)?;
        }
        Ok(())
    }

    /// Gives a file its further names, up to one that is to be written first because the one before
    /// it could not be. Those after that one have to wait for it.
    fn link(&mut self, target: &Target, links: &mut VecDeque<Link>) -> Result<(), Error> {
        while let Some(link) = links.pop_front() {
            let Some(known) = self.waiting.firsts.get(&link.key)? else { continue };
            let begun = match self.waiting.unwritten.get(&known.path) {
                None => match self.link_to(target, &known, &link)? {
                    Linked::Told => false,
                    Linked::Replaced => self.begin_anew(link)?,
                    Linked::Unsupported if link.right => {
                        self.is_right_as_it_is(link.content.size);
                        false
                    }
                    Linked::Unsupported => {
                        let metadata = Metadata { link: None, ..link.metadata };
                        self.write_alone(Link { metadata, ..link })?;
                        false
                    }
                },
                Some(Cause::Content) => {
                    self.not_linked(&link, Cause::Content);
                    self.problem(Problem::at(
                        ProblemKind::NotWritten,
                        &link.path,
                        "another name of this file could not be written".to_owned(),
                    ));
                    false
                }
                Some(Cause::Place) => self.begin_anew(link)?,
            };
            if begun {
                return Ok(());
            }
        }
        Ok(())
    }

    /// A further name that could not be given. No other name is linked to it.
    fn not_linked(&mut self, link: &Link, cause: Cause) {
        let file = Unwritten { path: &link.path, size: link.content.size, linked: false };
        self.not_written(&file, cause);
    }

    /// Writes a name as a file of its own, to which the others are linked. Answers whether its place
    /// is free.
    fn begin_anew(&mut self, link: Link) -> Result<bool, Error> {
        let key = link.key;
        if let Some(before) = self.waiting.firsts.get(&key)? {
            self.waiting.unwritten.remove(&before.path);
        }
        self.waiting.firsts.put(&key, &link.path, None)?;
        self.write_alone(link)
    }

    fn link_to(
        &mut self,
        target: &Target,
        known: &FirstName,
        link: &Link,
    ) -> Result<Linked, Error> {
        let size = link.content.size;
        let is_it = |found: &Found| {
            let same = (found.stamp.device, found.stamp.inode);
            found.kind == FoundKind::File
                && found.stamp.size == size
                && known.identity.is_none_or(|file| file == same)
                && !target.differs(found, &link.metadata).mtime
        };
        let Some(existing) = self.room_for(&link.path, link.there)? else {
            self.not_linked(link, Cause::Place);
            return Ok(Linked::Told);
        };
        match target.hard_link(&known.path, &link.path, existing, is_it) {
            Ok(()) => {
                self.in_place(1, size);
                Ok(Linked::Told)
            }
            Err(error) if error.kind == TargetErrorKind::Unsupported => {
                self.gather(error, ProblemKind::Metadata);
                Ok(Linked::Unsupported)
            }
            Err(error) if error.kind == TargetErrorKind::Replaced => Ok(Linked::Replaced),
            Err(error) => {
                self.not_linked(link, Cause::Place);
                self.target_problem(&error).map(|()| Linked::Told)
            }
        }
    }

    /// A thing counted as to be written is right as far as the target allows.
    fn is_right_as_it_is(&mut self, size: u64) {
        self.report.entries_written = self.report.entries_written.saturating_sub(1);
        self.report.files_written = self.report.files_written.saturating_sub(1);
        self.report.bytes_written = self.report.bytes_written.saturating_sub(size);
        self.report.entries_unchanged += 1;
    }

    /// Writes a further name as a file of its own; answers whether its place is free.
    fn write_alone(&mut self, link: Link) -> Result<bool, Error> {
        let Link { content, path, metadata, there, .. } = link;
        let existing = self.room_for(&path, there)?;
        match existing {
            Some(existing) => self.queue(path, content, metadata, existing)?,
            None => {
                let linked = metadata.link.is_some();
                let file = Unwritten { path: &path, size: content.size, linked };
                self.not_written(&file, Cause::Place);
            }
        }
        self.flush_full_windows()?;
        Ok(existing.is_some())
    }

    /// Writes the rest and returns the report.
    pub(super) fn finish(mut self) -> Result<(RestoreReport, Stays), Error> {
        self.settle()?;
        self.tell_alike();
        self.tell_owners();
        Ok((self.report, self.stays))
    }

    pub(super) fn applied(
        &mut self,
        applied: Result<Vec<TargetError>, TargetError>,
    ) -> Result<(), Error> {
        match applied {
            Ok(problems) => {
                for error in problems {
                    match error.kind {
                        TargetErrorKind::Owner
                            if self.target.is_some_and(|target| !target.may_give()) =>
                        {
                            self.owner_not_given(error);
                        }
                        TargetErrorKind::Owner
                        | TargetErrorKind::Unsupported
                        | TargetErrorKind::Denied => self.gather(error, ProblemKind::Metadata),
                        _ => self.problem(metadata_problem(&error)),
                    }
                }
                Ok(())
            }
            Err(error) => self.target_problem(&error),
        }
    }

    /// Metadata that this user may not set or this target cannot keep is missing from many things
    /// alike: it is reported once, at the end.
    fn gather(&mut self, error: TargetError, kind: ProblemKind) {
        let sentence = metadata_problem(&error).sentence;
        match self.alike.entry(sentence) {
            btree_map::Entry::Vacant(free) => {
                free.insert((error.path, 0, kind));
            }
            btree_map::Entry::Occupied(mut known) => known.get_mut().1 += 1,
        }
    }

    fn tell_alike(&mut self) {
        for (sentence, (path, more, kind)) in std::mem::take(&mut self.alike) {
            let sentence = match more {
                0 => sentence,
                1 => format!("{sentence}; the same goes for 1 other entry"),
                _ => format!("{sentence}; the same goes for {more} other entries"),
            };
            let path = path.to_string();
            self.problem(Problem { kind, path, sentence });
        }
    }

    /// A problem with one thing in the target; a full one ends the restore.
    pub(super) fn target_problem(&mut self, error: &TargetError) -> Result<(), Error> {
        if error.kind == TargetErrorKind::Full {
            return Err(target_failed(error, self.set.options));
        }
        if error.kind == TargetErrorKind::Unsupported {
            self.gather(error.same(), ProblemKind::NotWritten);
            return Ok(());
        }
        self.problem(Problem { kind: ProblemKind::NotWritten, ..metadata_problem(error) });
        Ok(())
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.stays.failed |= !matches!(problem.kind, ProblemKind::Metadata | ProblemKind::Newer);
        self.set.observer.event(Event::Problem(problem.clone()));
        note(&mut self.report.problems, problem);
    }

    pub(super) fn tick(&self) {
        self.set.observer.event(Event::Progress {
            entries: self.count.done.0,
            entries_total: self.count.totals.0,
            bytes: self.count.done.1,
            bytes_total: self.count.totals.1,
        });
    }
}

fn metadata_problem(error: &TargetError) -> Problem {
    Problem::at(ProblemKind::Metadata, &error.path, format!("{}: {}", error.kind, error.source))
}
