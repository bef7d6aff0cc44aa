//! How a backup ends: it is refused, finds that there is nothing to write, or writes its record.

use crate::catalogue::state;
use crate::format::{Backup as BackupItem, Item, SourceName, Summary};
use crate::session::error::Error;
use crate::session::event::{Event, Phase};

use super::Backup;
use super::guard::keep_mounts;

impl Backup<'_, '_, '_> {
    /// Ends the backup: refuses it, finds that there is nothing to write, or writes it.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        self.settle_places()?;
        self.refuse_deletions()?;
        self.catalogue.end_moves()?;
        self.report.dry_run = self.set.options.dry_run;
        self.report.healed = self.run.healed();
        self.report.bytes_read = self.set.progress.bytes_read();
        if self.run.has_no_snapshot() {
            // A run that was killed may have remembered some of it.
            self.count_all_as_new();
        }
        if self.set.options.dry_run {
            return Ok(());
        }
        self.set.observer.event(Event::Phase(Phase::Finishing));
        keep_mounts(self.catalogue, &self.places.mounts_met)?;
        let entries = self.report.files + self.report.directories + self.report.others;
        self.catalogue.set(&state::ENTRIES, &entries)?;
        let roots = self.set.options.roots.iter().map(|root| bytes_of(root)).collect();
        self.catalogue.set(&state::ROOTS, &roots)?;
        self.catalogue.set(&state::HEALED, &self.gone)?;
        let before = self.catalogue.get(&state::ROOT)?;
        let root = self.tree.settle(&mut self.run, &self.set.progress)?;
        self.catalogue.set(&state::ROOT, &root)?;
        let differs = self.tree.is_full() || before != Some(root) || self.run.has_begun();
        if !differs && !self.run.is_overdue()? {
            return self.acknowledge();
        }
        let source = SourceName { name: self.set.options.source.clone(), roots };
        let left_out = Some(self.left_out.record(&self.set.options.rules, self.set.source));
        let (unread, summary) = (self.problems, self.summary());
        self.run.end(|run| {
            let needs = run.needs();
            let summary = Summary { stored: run.stored().0, ..summary };
            let backup = BackupItem { root, source, needs, unread, summary, left_out };
            Item::Backup(Box::new(backup))
        })?;
        self.catalogue.forget(&state::UNFINISHED)?;
        self.report.snapshot = self.run.snapshot().map(|id| id.to_string());
        (self.report.bytes_stored, self.report.objects_stored) = self.run.stored();
        Ok(())
    }

    /// Writes a record that says nothing but what this device has seen, if another one waits for it.
    fn acknowledge(&mut self) -> Result<(), Error> {
        if self.set.owes {
            self.run.end_without_snapshot()?;
            (self.report.bytes_stored, self.report.objects_stored) = self.run.stored();
        }
        Ok(())
    }

    fn count_all_as_new(&mut self) {
        let report = &mut self.report;
        report.new = report.files + report.directories + report.others;
        report.directories_new = report.directories;
        (report.changed, report.directories_changed) = (0, 0);
        (report.moved, report.directories_moved) = (0, 0);
        (report.gone, report.directories_gone) = (0, 0);
    }

    fn summary(&self) -> Summary {
        let report = &self.report;
        Summary {
            files: report.files,
            directories: report.directories,
            others: report.others,
            bytes: report.bytes,
            // A place that nothing was at before, or is now, whatever came from where.
            new: report.new + report.moved,
            changed: report.changed,
            gone: report.gone + report.moved,
            read: report.bytes_read,
            chunk_bytes: self.run.fresh_bytes(),
            stored: 0,
        }
    }
}

fn bytes_of(path: &std::path::Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}
