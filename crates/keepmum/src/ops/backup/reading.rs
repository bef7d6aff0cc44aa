//! Batches: files to be read are gathered, put into an order that compresses well, read by the
//! workers, and taken back in the order of the walk. While one batch is read the next is gathered.
//!
//! Their size bounds the memory of a run whatever the size of the tree.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::catalogue::{DirectoryId, Remembered};
use crate::model::{Content, Entry, Found, Kind, Metadata, Stamp, Time, TreePath};
use crate::pipeline::{Mode, Ticket};
use crate::source::{Attributes, SourceError};

use super::entry::Remembering;
use super::small::Group;
use super::{Backup, OpenDirectory};
use crate::session::error::Error;
use crate::session::report::ProblemKind;

/// Files up to this size are read whole by one worker, several at a time.
pub(super) const SMALL_FILE: u64 = 512 * 1024;
/// Most files of a batch.
const BATCH_FILES: usize = 16 * 1024;
/// Most bytes of path in a batch.
const BATCH_PATHS: usize = 4 * 1024 * 1024;
/// Between so many names that are dealt with, what was read meanwhile is taken back.
const READ_EVERY: usize = 32;

/// A file to be read.
pub(super) struct Job {
    pub(super) parent: Arc<OpenDirectory>,
    pub(super) path: TreePath,
    pub(super) old: Option<Box<Remembered>>,
    pub(super) found: Found,
}

/// What reading a file gave.
pub(super) struct ReadFile {
    pub(super) content: Content,
    pub(super) attributes: Attributes,
    /// The time of what was read, not of what was listed before it.
    pub(super) mtime: Option<Time>,
    /// Of what was read, unless it changed meanwhile.
    pub(super) stamp: Option<Stamp>,
    /// It changed while it was read.
    pub(super) changed: bool,
    /// How many bytes were read, if the file says that there are more or fewer.
    pub(super) untrue: Option<u64>,
}

/// What becomes of one name of the batch, in the order of the walk.
enum Deferred {
    File(usize),
    Leave(Arc<OpenDirectory>),
}

/// Files waiting to be read, and directories waiting for them.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) jobs: Vec<Job>,
    order: Vec<Deferred>,
    path_bytes: usize,
    open: HashSet<DirectoryId>,
}

impl Batch {
    pub(super) fn file(&mut self, job: Job) {
        self.path_bytes += job.path.as_bytes().len();
        self.open.insert(job.parent.id);
        self.order.push(Deferred::File(self.jobs.len()));
        self.jobs.push(job);
    }

    pub(super) fn leave(&mut self, directory: Arc<OpenDirectory>) {
        self.open.insert(directory.id);
        self.order.push(Deferred::Leave(directory));
    }

    fn is_full(&self, files: usize) -> bool {
        self.jobs.len() >= files || self.order.len() >= 2 * files || self.path_bytes >= BATCH_PATHS
    }
}

/// Files of a full batch. A replay has small ones, or its trees would never fill any.
fn batch_files(mode: Mode) -> usize {
    match mode {
        Mode::Threads(_) => BATCH_FILES,
        Mode::Replay { seed } => 1 + usize::from(seed.to_le_bytes()[0] % 16),
    }
}

/// Extension, then name: what compresses well together.
fn kinship(path: &TreePath) -> (Vec<u8>, Vec<u8>) {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let extension = match name.iter().rposition(|byte| *byte == b'.') {
        Some(at) if at > 0 => name[at + 1..].to_vec(),
        _ => Vec::new(),
    };
    (extension, name.to_vec())
}

/// A batch whose files are being read, while the walk gathers the next one.
pub(super) struct UnderRead<'env> {
    pub(super) jobs: Vec<Job>,
    order: Vec<Deferred>,
    open: HashSet<DirectoryId>,
    /// Small files in the order in which they are read; those from `begun` on wait for it.
    pub(super) small: Vec<usize>,
    pub(super) begun: usize,
    pub(super) groups: VecDeque<Ticket<'env, Group>>,
    large: Vec<usize>,
    /// Further names of files that are read once.
    again: Vec<usize>,
    pub(super) results: Vec<Option<Result<ReadFile, SourceError>>>,
}

impl Backup<'_, '_, '_> {
    /// Goes on with what can be done without waiting: the batch that is being read, and a new one
    /// if that is full.
    pub(super) fn go_on_reading(&mut self) -> Result<(), Error> {
        if self.batch.is_full(batch_files(self.set.access.mode)) {
            return self.next_batch();
        }
        let Some(mut reads) = self.reads.take() else { return Ok(()) };
        let went_on = self.read_small_files(&mut reads, false);
        self.reads = Some(reads);
        went_on
    }

    /// Whether something that was not dealt with yet refers to this directory.
    pub(super) fn awaits(&self, id: DirectoryId) -> bool {
        let read = self.reads.as_ref().is_some_and(|reads| reads.open.contains(&id));
        read || self.batch.open.contains(&id)
    }

    /// Begins to read what was gathered, so that no worker idles while the batch before it is
    /// dealt with.
    fn next_batch(&mut self) -> Result<(), Error> {
        let before = self.finish_reading()?;
        let gathered = std::mem::take(&mut self.batch);
        self.reads = Some(self.sort_out(gathered));
        self.go_on_reading()?;
        match before {
            Some(read) => self.settle(read),
            None => Ok(()),
        }
    }

    /// Reads and deals with all that was gathered.
    pub(super) fn finish_batches(&mut self) -> Result<(), Error> {
        self.next_batch()?;
        match self.finish_reading()? {
            Some(read) => self.settle(read),
            None => Ok(()),
        }
    }

    /// Deals with a batch that was read, in the order of the walk.
    fn settle(&mut self, read: UnderRead<'_>) -> Result<(), Error> {
        let mut jobs: Vec<Option<Job>> = read.jobs.into_iter().map(Some).collect();
        let mut results = read.results;
        for (count, deferred) in read.order.into_iter().enumerate() {
            self.go_on()?;
            if count.is_multiple_of(READ_EVERY) {
                self.go_on_reading()?;
            }
            match deferred {
                Deferred::Leave(directory) => self.left(&directory)?,
                Deferred::File(number) => {
                    let job = jobs.get_mut(number).and_then(Option::take);
                    let result = results.get_mut(number).and_then(Option::take);
                    if let (Some(job), Some(result)) = (job, result) {
                        self.settle_file(&job, result)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl<'env> Backup<'_, '_, 'env> {
    /// Sorts files into small ones, in an order that compresses well, large ones, and further
    /// names of files that are read once.
    fn sort_out(&self, gathered: Batch) -> UnderRead<'env> {
        let Batch { jobs, order, open, .. } = gathered;
        let (mut small, mut large, mut again) = (Vec::new(), Vec::new(), Vec::new());
        let mut first_names = HashSet::new();
        for (number, job) in jobs.iter().enumerate() {
            let inode = || job.found.stamp.to_bytes();
            if job.found.links > 1 && (self.links.knows(&job.found) || !first_names.insert(inode()))
            {
                again.push(number);
            } else if job.found.stamp.size <= SMALL_FILE {
                small.push(number);
            } else {
                large.push(number);
            }
        }
        if self.set.options.compress_together {
            small.sort_by_cached_key(|number| kinship(&jobs[*number].path));
        }
        let results = jobs.iter().map(|_| None).collect();
        let groups = VecDeque::new();
        UnderRead { jobs, order, open, small, begun: 0, groups, large, again, results }
    }

    /// Reads the rest of the batch that is being read.
    fn finish_reading(&mut self) -> Result<Option<UnderRead<'env>>, Error> {
        let Some(mut reads) = self.reads.take() else { return Ok(None) };
        self.read_small_files(&mut reads, true)?;
        for number in std::mem::take(&mut reads.large) {
            let read = self.read_large_file(&reads.jobs[number])?;
            reads.results[number] = Some(read);
        }
        for (job, result) in reads.jobs.iter().zip(&reads.results) {
            if let Some(Ok(read)) = result {
                // A stamp that was too young when the first name was listed vouches for none.
                let listed = job.found.settled.then_some(job.found.stamp);
                let stamp = listed.filter(|listed| read.stamp.as_ref() == Some(listed));
                self.links.keep(&job.found, &read.content, stamp);
            }
        }
        for number in std::mem::take(&mut reads.again) {
            reads.results[number] = Some(self.read_other_name(&reads.jobs[number])?);
        }
        Ok(Some(reads))
    }
}

impl Backup<'_, '_, '_> {
    /// Another name of a file that was read: its content is known.
    fn read_other_name(&mut self, job: &Job) -> Result<Result<ReadFile, SourceError>, Error> {
        let Some((content, stamp)) = self.links.take(&job.found) else {
            return self.read_large_file(job);
        };
        let attributes = self.set.source.attributes(&job.path, job.found.kind);
        Ok(attributes.map(|attributes| ReadFile {
            content,
            attributes,
            mtime: job.found.metadata.mtime,
            stamp,
            changed: false,
            untrue: None,
        }))
    }

    /// Puts what was read into the remembered tree.
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
        let (attributes, fits) =
            self.fit_attributes(&job.path, read.attributes, job.old.as_deref());
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
