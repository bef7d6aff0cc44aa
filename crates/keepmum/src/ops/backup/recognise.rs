//! The reading of a dry run: new files that may be the ones that left their places.
//!
//! A run reads every new file, and so it knows which ones only moved. A dry run must come to the
//! same result, so it reads those new files that are as long as a missing one. It stores nothing,
//! and never reads a file that the run would not read.

use std::sync::Arc;

use crate::model::{FoundKind, Kind, TreePath};

use super::Backup;
use super::entry::kind_number;
use super::files::Job;
use super::places::Candidate;
use crate::session::error::Error;

/// So many are read together: their paths are held in memory.
const TOGETHER: usize = 4096;

impl Backup<'_, '_, '_> {
    /// Reads the new files that may have moved, so that they can be matched by their content.
    pub(super) fn read_arrivals(&mut self) -> Result<(), Error> {
        let kind = kind_number(FoundKind::File).unwrap_or_default();
        let parent = self.parent();
        let mut last = 0;
        loop {
            let page = self.catalogue.unread_arrivals(kind, last, TOGETHER)?;
            if page.is_empty() {
                return Ok(());
            }
            for (row, path, unit) in page {
                last = row;
                let found = match self.set.source.look(&path) {
                    Ok(found) => found,
                    Err(error) => {
                        self.source_problem(&error);
                        self.report.files = self.report.files.saturating_sub(1);
                        self.not_new(row, unit)?;
                        continue;
                    }
                };
                let candidate = Candidate { row, unit, mtime: found.metadata.mtime };
                self.places.candidates.insert(path.clone(), candidate);
                let parent = Arc::clone(&parent);
                self.files.add(Job { parent, path, old: None, found });
            }
            self.finish_batches()?;
            self.places.candidates.clear();
        }
    }

    /// A file was read: notes its content.
    pub(super) fn recognised(&mut self, path: &TreePath, kind: Kind) -> Result<(), Error> {
        let Some(candidate) = self.places.candidates.remove(path) else { return Ok(()) };
        let size = match &kind {
            Kind::File(content) => content.size,
            _ => 0,
        };
        match self.likeness(kind, size, candidate.mtime) {
            Some(content) => Ok(self.catalogue.note_content(candidate.row, &content)?),
            None => Ok(()),
        }
    }

    /// A file could not be read: a run would not save it, so it is not new.
    pub(super) fn unrecognised(&mut self, path: &TreePath) -> Result<(), Error> {
        match self.places.candidates.remove(path) {
            Some(candidate) => self.not_new(candidate.row, candidate.unit),
            None => Ok(()),
        }
    }

    fn not_new(&mut self, row: i64, unit: u32) -> Result<(), Error> {
        self.report.new = self.report.new.saturating_sub(1);
        let unit = self.places.units.of(unit);
        unit.new = unit.new.saturating_sub(1);
        Ok(self.catalogue.forget_arrival(row)?)
    }
}
