//! The batch: files to be read are gathered, put into an order that compresses well, read by the
//! workers, and taken back in the order of the walk.
//!
//! Its size bounds the memory of a run whatever the size of the tree.

use std::collections::HashSet;
use std::sync::Arc;

use crate::catalogue::{DirectoryId, Remembered};
use crate::model::{Content, Found, Metadata, Stamp, TreePath};
use crate::source::SourceError;

use super::super::error::Error;
use super::super::report::ProblemKind;
use super::entry::Remembering;
use super::{Backup, OpenDirectory};
use crate::model::{Entry, Kind};

/// Files up to this size are read whole by one worker, several at a time.
pub(super) const SMALL_FILE: u64 = 512 * 1024;
/// Most files of a batch.
const BATCH_FILES: usize = 20 * 1024;
/// Most bytes of path in a batch.
const BATCH_PATHS: usize = 8 * 1024 * 1024;

/// A file to be read.
pub(super) struct Job {
    pub(super) parent: Arc<OpenDirectory>,
    pub(super) path: TreePath,
    pub(super) old: Option<Remembered>,
    pub(super) found: Found,
}

/// What reading a file gave.
pub(super) struct ReadFile {
    pub(super) content: Content,
    pub(super) metadata: Metadata,
    pub(super) stamp: Option<[u8; Stamp::LENGTH]>,
    /// It changed while it was read.
    pub(super) changed: bool,
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

    /// Whether something in the batch still refers to this directory.
    pub(super) fn holds(&self, id: DirectoryId) -> bool {
        self.open.contains(&id)
    }

    fn is_full(&self) -> bool {
        self.jobs.len() >= BATCH_FILES
            || self.order.len() >= 2 * BATCH_FILES
            || self.path_bytes >= BATCH_PATHS
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

impl Backup<'_, '_, '_> {
    pub(super) fn maybe_flush(&mut self) -> Result<(), Error> {
        if self.batch.is_full() { self.flush_batch() } else { Ok(()) }
    }

    /// Reads everything in the batch, then deals with it in the order of the walk.
    pub(super) fn flush_batch(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        let mut results = self.read_all(&batch.jobs)?;
        let mut jobs: Vec<Option<Job>> = batch.jobs.into_iter().map(Some).collect();
        for deferred in batch.order {
            self.go_on()?;
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

    /// Reads all files; those with several names once.
    fn read_all(
        &mut self,
        jobs: &[Job],
    ) -> Result<Vec<Option<Result<ReadFile, SourceError>>>, Error> {
        let mut results: Vec<Option<Result<ReadFile, SourceError>>> =
            jobs.iter().map(|_| None).collect();
        let mut small = Vec::new();
        let mut large = Vec::new();
        let mut again = Vec::new();
        let mut first_names = HashSet::new();
        for (number, job) in jobs.iter().enumerate() {
            let inode = job.found.stamp.to_bytes();
            if job.found.links > 1 && (self.is_read(inode) || !first_names.insert(inode)) {
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
        self.read_small_files(jobs, &small, &mut results)?;
        for number in large {
            let read = self.read_large_file(&jobs[number])?;
            results[number] = Some(read);
        }
        for number in small_and_large(&results) {
            self.note_link(&jobs[number], results[number].as_ref());
        }
        for number in again {
            results[number] = Some(self.read_other_name(&jobs[number])?);
        }
        Ok(results)
    }

    fn is_read(&self, inode: [u8; Stamp::LENGTH]) -> bool {
        self.links.contains_key(&inode)
    }

    /// Remembers what an inode with several names holds.
    fn note_link(&mut self, job: &Job, result: Option<&Result<ReadFile, SourceError>>) {
        if let Some(Ok(read)) = result.filter(|_| job.found.links > 1) {
            let inode = job.found.stamp.to_bytes();
            self.links.insert(inode, (read.content.clone(), read.stamp));
        }
    }

    /// Another name of a file that was read: its content is known.
    fn read_other_name(&mut self, job: &Job) -> Result<Result<ReadFile, SourceError>, Error> {
        let inode = job.found.stamp.to_bytes();
        let known = self.links.get(&inode).cloned();
        let Some((content, stamp)) = known else {
            return self.read_large_file(job);
        };
        let attributes = self.set.source.attributes(&job.path, job.found.kind);
        Ok(attributes.map(|attributes| ReadFile {
            content,
            metadata: Metadata { attributes, ..job.found.metadata.clone() },
            stamp,
            changed: false,
        }))
    }

    /// Puts what was read into the remembered tree.
    fn settle_file(
        &mut self,
        job: &Job,
        result: Result<ReadFile, SourceError>,
    ) -> Result<(), Error> {
        let mut read = match result {
            Ok(read) => read,
            Err(error) => {
                self.unread_file(job, &error);
                return Ok(());
            }
        };
        if read.changed {
            let sentence = "changed while it was read; it is read again next time".to_owned();
            self.problem(ProblemKind::ChangedWhileRead, &job.path, sentence);
        }
        self.names.fill(&mut read.metadata.owner);
        read.metadata.link = self.link_group(job);
        let entry = Entry {
            name: job.found.name.clone(),
            kind: Kind::File(read.content),
            metadata: read.metadata,
        };
        let at = Remembering { parent: &job.parent, path: &job.path, old: job.old.as_ref() };
        self.remember(&at, &entry, read.stamp.as_ref())
    }

    /// The hard link group of a file with several names. It follows from the inode alone, so that
    /// all names agree on it whichever of them are read in this run.
    fn link_group(&self, job: &Job) -> Option<u64> {
        if job.found.links < 2 {
            return None;
        }
        let mut inode = job.found.stamp.device.to_le_bytes().to_vec();
        inode.extend_from_slice(&job.found.stamp.inode.to_le_bytes());
        let token = self.set.repository().token("link", &inode);
        let (half, _) = token.split_first_chunk().expect("a token has 16 bytes");
        Some(u64::from_le_bytes(*half))
    }

    /// A file that could not be read, or was deleted after it was listed: its earlier version
    /// stays until a run no longer finds it.
    fn unread_file(&mut self, job: &Job, error: &SourceError) {
        self.source_problem(error);
        if job.old.is_none() {
            self.report.files -= 1;
            self.report.bytes -= job.found.stamp.size;
        }
    }
}

fn small_and_large(results: &[Option<Result<ReadFile, SourceError>>]) -> Vec<usize> {
    results.iter().enumerate().filter(|(_, result)| result.is_some()).map(|(at, _)| at).collect()
}
