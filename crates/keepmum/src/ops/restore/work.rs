//! The passes of a restore: things that would go are counted, things that come back are written,
//! and then the others are removed.

use std::collections::HashSet;
use std::path::Path;

use crate::catalogue::Catalogue;
use crate::compress::Decompressor;
use crate::model::{ChunkId, Entry, Kind, Side, TreePath};
use crate::pipeline;
use crate::target::{Staying, Target};

use super::block::Worker;
use super::delete::{self, Deletion};
use super::part::{Only, Part};
use super::plan;
use super::refusals::target_failed;
use super::report::RestoreReport;
use super::stays::Stays;
use super::ways::Ways;
use crate::session::access::Access;
use crate::session::choose::Chosen;
use crate::session::error::Error;
use crate::session::event::{Event, Observer};
use crate::session::options::{Overwrite, RestoreOptions};
use crate::session::paths::tree_paths;
use crate::session::report::{Problem, ProblemKind};
use crate::session::walk::{SnapshotWalk, Visit};

/// The values that all passes use.
pub(super) struct Work<'r> {
    pub(super) access: &'r Access,
    pub(super) options: &'r RestoreOptions,
    pub(super) observer: &'r dyn Observer,
    pub(super) catalogue: &'r Catalogue,
    pub(super) chosen: &'r Chosen<'r>,
    /// Nothing in a dry run into a target that is not there.
    pub(super) target: Option<&'r Target>,
    pub(super) staying: &'r Staying,
    /// The target is to have the paths of the snapshot, also of a part of it.
    pub(super) whole: bool,
    /// What is restored: one path, or several of which none lies in another; none for everything.
    pub(super) paths: &'r [TreePath],
    /// The node of the one folder that is restored, or of the root.
    pub(super) root: ChunkId,
    /// What is restored, in order, where that is not what is in one folder.
    pub(super) given: Option<Vec<Entry>>,
}

/// Removes leftovers of interrupted restores on the ways to the roots. The walk finds them only
/// where it goes, and this restore may be of another part.
fn clear_ways(target: &Target, roots: &[TreePath]) {
    let mut cleared = HashSet::new();
    for root in roots {
        let mut here = Some(root.clone());
        while let Some(folder) = here.take().filter(|folder| cleared.insert(folder.clone())) {
            // One that cannot be removed now hurts nobody; the next restore tries again.
            target.remove_leftovers(&folder).ok();
            here = folder.split().map(|(above, _)| above);
        }
    }
}

impl Work<'_> {
    pub(super) fn run(&self, home: &Path) -> Result<RestoreReport, Error> {
        let roots = tree_paths(&self.chosen.backup.source.roots);
        let (prefix, top) = (self.prefix(), TreePath::root());
        let mut stays = Stays { only: self.only(), ..Stays::default() };
        if let Some(target) = self.target
            && (self.given.is_none() || self.whole)
        {
            stays.ways = Ways::new(target, home, &roots, &prefix)
                .map_err(|error| target_failed(&error, self.options))?;
        }
        if self.whole
            && let Some(target) = self.target.filter(|_| !self.options.dry_run)
        {
            clear_ways(target, &roots);
        }
        let mut deletion = None;
        if let Some(target) = self.target.filter(|_| self.options.delete) {
            let set = delete::Setting {
                options: self.options,
                observer: self.observer,
                chosen: self.chosen,
                target,
                staying: self.staying,
                prefix: &prefix,
                path: self.paths.first().unwrap_or(&top),
            };
            let mut new = Deletion::new(set, &roots)?;
            new.think()?;
            let counted = new.take();
            stays.freed.clone_from(&counted.freed);
            deletion = Some((new, counted));
        } else if self.options.delete {
            super::looked::Looked::new(&self.chosen.backup)?;
        }
        let (mut report, stays) = self.pass(self.options, stays)?;
        let Some((mut deletion, counted)) = deletion else {
            self.sync()?;
            return Ok(report);
        };
        if self.options.dry_run {
            report.entries_removed = counted.gone;
            return Ok(report);
        }
        self.sync()?;
        if stays.failed {
            self.call_off(&mut report, &stays);
            return Ok(report);
        }
        let done = deletion.act(&counted)?;
        report.entries_removed = done.gone;
        done.problems.into_iter().for_each(|problem| problem.note_in(&mut report.problems));
        if stays.waiting > 0 {
            self.write_into_freed_places(&mut report, stays)?;
        }
        self.sync()?;
        Ok(report)
    }

    /// Where the target is in the snapshot.
    fn prefix(&self) -> TreePath {
        match (self.whole || self.given.is_some(), self.paths.first()) {
            (false, Some(path)) => path.clone(),
            _ => TreePath::root(),
        }
    }

    fn only(&self) -> Only {
        if self.whole { Only::new(self.paths) } else { Only::default() }
    }

    /// The thing in the way of a file is gone: now it can be written.
    fn write_into_freed_places(
        &self,
        report: &mut RestoreReport,
        stays: Stays,
    ) -> Result<(), Error> {
        let overwrite = match self.options.overwrite {
            Overwrite::Always => Overwrite::IfChanged,
            other => other,
        };
        let options = RestoreOptions {
            snapshot: self.options.snapshot.clone(),
            paths: self.options.paths.clone(),
            target: self.options.target.clone(),
            staying: Vec::new(),
            overwrite,
            ..*self.options
        };
        let stays = Stays { freed: HashSet::new(), waiting: 0, filling: true, ..stays };
        let (more, _) = self.pass(&options, stays)?;
        report.files_written += more.files_written;
        report.entries_written += more.entries_written;
        report.bytes_written += more.bytes_written;
        report.bytes_fetched += more.bytes_fetched;
        let of_places = |problem: &Problem| problem.kind == ProblemKind::NotWritten;
        let more = more.problems.into_iter().filter(of_places);
        more.for_each(|problem| problem.note_in(&mut report.problems));
        Ok(())
    }

    /// Something that was to come back has not, so nothing is removed.
    fn call_off(&self, report: &mut RestoreReport, stays: &Stays) {
        let sentence = "Nothing was removed, because not all could be restored.";
        self.observer.event(Event::Notice(sentence.to_owned()));
        if stays.waiting > 0 {
            let sentence = format!(
                "folders stand in the way of {} other entries; they were not removed",
                stays.waiting
            );
            let problem = Problem::at(ProblemKind::NotWritten, &TreePath::root(), sentence);
            problem.note_in(&mut report.problems);
        }
    }

    fn sync(&self) -> Result<(), Error> {
        match self.target.filter(|_| !self.options.dry_run) {
            Some(target) => target.sync().map_err(|error| target_failed(&error, self.options)),
            None => Ok(()),
        }
    }

    /// Writes everything that comes back.
    fn pass(
        &self,
        options: &RestoreOptions,
        stays: Stays,
    ) -> Result<(RestoreReport, Stays), Error> {
        let totals = self.totals()?;
        let mut contents = self.chosen.pieces();
        let tree = self.chosen.tree().past_damage();
        let given = self.given.clone().filter(|_| !self.whole);
        let root = if self.whole { tree.root() } else { self.root };
        let part = Part { tree, prefix: self.prefix(), given, only: self.only() };
        let make_worker = || Worker { decompressor: Decompressor::new() };
        pipeline::run(self.access.mode, make_worker, |pool| {
            let set = plan::Setting {
                options,
                observer: self.observer,
                id: &self.chosen.line.id,
                state: &self.chosen.line.state,
                objects: &self.chosen.objects,
                pool,
            };
            let known = (totals, stays);
            let mut plan = plan::Plan::new(set, self.target, &mut contents, self.catalogue, known);
            plan.walk(part, root)?;
            plan.finish()
        })
    }

    /// Entries and bytes of the restored part. The record counts the whole snapshot; a part is
    /// counted here, which reads its folders once more.
    fn totals(&self) -> Result<(u64, u64), Error> {
        let summary = &self.chosen.backup.summary;
        let all = summary.files.saturating_add(summary.directories).saturating_add(summary.others);
        let recorded = tree_paths(&self.chosen.backup.source.roots);
        let above = if self.whole { self.only().folders() } else { 0 };
        let (mut entries, mut bytes) = (above, 0_u64);
        match self.paths {
            [] => return Ok((all, summary.bytes)),
            [path] if self.given.is_none() => {
                let itself = u64::from(self.whole && !path.is_root());
                if recorded.iter().all(|root| root.is_within(path)) {
                    let beneath = all.saturating_sub(path.names().count() as u64);
                    return Ok((beneath.saturating_add(above + itself), summary.bytes));
                }
                entries += itself;
            }
            _ => {}
        }
        let mut count = |kind: &Kind| {
            entries += 1;
            if let Kind::File(content) = kind {
                bytes = bytes.saturating_add(content.size);
            }
        };
        self.given.iter().flatten().for_each(|entry| count(&entry.kind));
        for path in self.paths {
            let (tree, entry) = self.chosen.at(path)?;
            let node = match &entry {
                Some(entry) => tree.place(entry),
                None => Some(tree.root()),
            };
            let Some(node) = node else { continue };
            let begin = (path.clone(), node);
            for visit in SnapshotWalk::new(tree, begin, (self.observer, "restored")) {
                // What cannot be read is told when it is to be restored.
                if let Visit::Entry(_, entry) = visit? {
                    count(&entry.kind);
                }
            }
        }
        Ok((entries, bytes))
    }
}
