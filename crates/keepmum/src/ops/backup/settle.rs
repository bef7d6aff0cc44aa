//! Putting read files into the remembered tree.

use crate::model::{Entry, Found, Kind, Metadata};
use crate::source::SourceError;

use super::Backup;
use super::entry::Remembering;
use super::files::{Job, Read, ReadBatch, ReadFile};
use crate::session::error::Error;
use crate::session::report::ProblemKind;

/// After so many processed names, files read meanwhile are taken back.
const READ_EVERY: usize = 32;

impl<'env> Backup<'_, '_, 'env> {
    /// Does all further work that needs no waiting: on the batch that is being read, and on a new
    /// one if that is full.
    pub(super) fn go_on_reading(&mut self) -> Result<(), Error> {
        if !self.files.is_full() {
            return self.files.advance(&mut self.run);
        }
        match self.files.next(&mut self.run)? {
            Some(read) => self.settle(read),
            None => Ok(()),
        }
    }

    /// Reads and deals with all that was gathered.
    pub(super) fn finish_batches(&mut self) -> Result<(), Error> {
        if let Some(read) = self.files.next(&mut self.run)? {
            self.settle(read)?;
        }
        match self.files.finish(&mut self.run)? {
            Some(read) => self.settle(read),
            None => Ok(()),
        }
    }

    /// Deals with a batch that was read, in the order of the walk.
    fn settle(&mut self, batch: ReadBatch<'env>) -> Result<(), Error> {
        for (count, read) in batch.in_order().enumerate() {
            self.set.progress.go_on()?;
            if count.is_multiple_of(READ_EVERY) {
                self.files.advance(&mut self.run)?;
            }
            match read {
                Read::Left(left) if self.set.options.dry_run => drop(left),
                Read::Left(left) => self.tree.leave(left.id, &mut self.run)?,
                Read::File(job, result) => self.settle_file(&job, result)?,
            }
        }
        Ok(())
    }

    /// Puts the read files into the remembered tree.
    fn settle_file(
        &mut self,
        job: &Job,
        result: Result<ReadFile, SourceError>,
    ) -> Result<(), Error> {
        let read = match result {
            Ok(read) => read,
            Err(error) => {
                return self.unread_file(job, &error);
            }
        };
        if read.changed {
            let sentence = "changed while it was read; it is read again next time".to_owned();
            self.problem(ProblemKind::ChangedWhileRead, &job.path, sentence);
        }
        if let Some(bytes) = read.untrue {
            let stated = job.found.stamp.size;
            let sentence =
                format!("says that it has {stated} bytes, but {bytes} were read; these are saved");
            self.problem(ProblemKind::NotWhole, &job.path, sentence);
            self.report.bytes = (self.report.bytes + bytes).saturating_sub(stated);
        }
        let mtime = read.mtime;
        let (attributes, old) = (read.attributes, job.old.as_deref());
        let (attributes, fits) = self.fit_attributes(&job.path, job.found.kind, attributes, old)?;
        let link = self.link_group(&job.found);
        let mut metadata = Metadata { mtime, link, attributes, ..job.found.metadata.clone() };
        self.names.fill(&mut metadata.owner);
        let entry =
            Entry { name: job.found.name.clone(), kind: Kind::File(read.content), metadata };
        if self.set.options.dry_run {
            return self.recognised(&job.path, entry.kind);
        }
        // Mode and owner are those that were listed: a stamp of a later state would vouch for them,
        // and so would one behind which a change since the listing can hide.
        let stamp = job.found.lasting_stamp_if(read.stamp.as_ref()).filter(|_| fits);
        let at = Remembering {
            parent: &job.parent,
            path: &job.path,
            old: job.old.as_deref(),
            found: &job.found,
        };
        self.remember(&at, &entry, stamp.as_ref())
    }

    /// The hard link group of a file with several names. It follows from the inode alone, so that
    /// all names agree on it whichever of them are read in this run.
    pub(super) fn link_group(&self, found: &Found) -> Option<u64> {
        if found.links < 2 {
            return None;
        }
        let mut inode = found.file_system.to_le_bytes().to_vec();
        inode.extend_from_slice(&found.stamp.inode.to_le_bytes());
        let token = self.set.repository().token("link", &inode);
        let (half, _) = token.split_first_chunk().expect("a token has 16 bytes");
        Some(u64::from_le_bytes(*half))
    }

    /// A file that could not be read, or was deleted after it was listed: its earlier version
    /// stays until a run no longer finds it.
    fn unread_file(&mut self, job: &Job, error: &SourceError) -> Result<(), Error> {
        self.source_problem(error);
        if job.old.is_none() {
            self.report.files = self.report.files.saturating_sub(1);
            self.report.bytes = self.report.bytes.saturating_sub(job.found.stamp.size);
        }
        if self.set.options.dry_run { self.unrecognised(&job.path) } else { Ok(()) }
    }
}
