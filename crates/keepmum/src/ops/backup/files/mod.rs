//! Files that are read: in batches, by all workers.
//!
//! Files to be read are gathered, put into an order that compresses well, read by the
//! workers, and taken back in the order of the walk. While one batch is read the next is gathered.
//!
//! Their size bounds the memory of a run whatever the size of the tree.

mod batch;
mod former;
mod large;
mod links;
mod small;
mod worker;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::catalogue::DirectoryId;
use crate::pipeline::{Buffers, Pool};
use crate::source::SourceError;

use super::run::Run;
use super::setting::{OpenDirectory, Setting, Worker};
use crate::session::error::Error;
use batch::{Batch, Deferred, UnderRead, batch_files, kinship};
pub(super) use batch::{Job, ReadFile};
use links::Links;
use worker::SMALL_FILE;

/// The fate of one name of a batch.
#[expect(clippy::large_enum_variant, reason = "one is alive at a time")]
pub(super) enum Read {
    /// A file was read, or could not be.
    File(Job, Result<ReadFile, SourceError>),
    /// All files of a directory that the walk has left were read.
    Left(Arc<OpenDirectory>),
}

/// A batch that was read.
pub(super) struct ReadBatch<'env>(UnderRead<'env>);

impl ReadBatch<'_> {
    /// The files read, in the order of the walk.
    pub(super) fn in_order(self) -> impl Iterator<Item = Read> {
        let UnderRead { jobs, order, results, .. } = self.0;
        let mut read: Vec<_> = jobs.into_iter().zip(results).map(Some).collect();
        order.into_iter().filter_map(move |deferred| match deferred {
            Deferred::Leave(directory) => Some(Read::Left(directory)),
            Deferred::File(number) => {
                let (job, result) = read.get_mut(number)?.take()?;
                Some(Read::File(job, result?))
            }
        })
    }
}

/// The files that wait for being read, and those that are read meanwhile.
pub(super) struct Files<'a, 'p, 'env> {
    set: &'a Setting<'env>,
    pool: &'p Pool<'env, Worker>,
    /// The buffers of files being read: groups of small files, segments of large ones.
    buffers: Arc<Buffers>,
    batch: Batch,
    /// The batch before that one, being read.
    reads: Option<UnderRead<'env>>,
    links: Links,
}

impl<'a, 'p, 'env> Files<'a, 'p, 'env> {
    /// Nothing waits yet.
    pub(super) fn new(set: &'a Setting<'env>, pool: &'p Pool<'env, Worker>) -> Self {
        let buffers = Arc::new(Buffers::new(pool.width() * 4));
        let (batch, links) = (Batch::default(), Links::default());
        Self { set, pool, buffers, batch, reads: None, links }
    }

    /// A file is to be read.
    pub(super) fn add(&mut self, job: Job) {
        self.batch.file(job);
    }

    /// The walk has left a directory: it comes back once all before it was read.
    pub(super) fn leave(&mut self, directory: Arc<OpenDirectory>) {
        self.batch.leave(directory);
    }

    /// Whether so much waits that it is to be read now.
    pub(super) fn is_full(&self) -> bool {
        self.batch.is_full(batch_files(self.set.access.mode))
    }

    /// Whether something that was not dealt with yet refers to this directory.
    pub(super) fn awaits(&self, id: DirectoryId) -> bool {
        let read = self.reads.as_ref().is_some_and(|reads| reads.open.contains(&id));
        read || self.batch.open.contains(&id)
    }

    /// Does all further work that needs no waiting.
    pub(super) fn advance(&mut self, run: &mut Run<'a, 'p, 'env>) -> Result<(), Error> {
        let Some(mut reads) = self.reads.take() else { return Ok(()) };
        let went_on = self.read_small_files(run, &mut reads, false);
        self.reads = Some(reads);
        went_on
    }

    /// Begins to read the gathered files, so that no worker idles while the batch before is
    /// processed. Returns that batch.
    pub(super) fn next(
        &mut self,
        run: &mut Run<'a, 'p, 'env>,
    ) -> Result<Option<ReadBatch<'env>>, Error> {
        let before = self.finish(run)?;
        let gathered = std::mem::take(&mut self.batch);
        self.reads = Some(self.sort_out(gathered));
        self.advance(run)?;
        Ok(before)
    }

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
    pub(super) fn finish(
        &mut self,
        run: &mut Run<'a, 'p, 'env>,
    ) -> Result<Option<ReadBatch<'env>>, Error> {
        let Some(mut reads) = self.reads.take() else { return Ok(None) };
        self.read_small_files(run, &mut reads, true)?;
        for number in std::mem::take(&mut reads.large) {
            let read = self.read_large_file(run, &reads.jobs[number])?;
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
            reads.results[number] = Some(self.read_other_name(run, &reads.jobs[number])?);
        }
        Ok(Some(ReadBatch(reads)))
    }

    /// Another name of a file that was read: its content is known.
    fn read_other_name(
        &mut self,
        run: &mut Run<'a, 'p, 'env>,
        job: &Job,
    ) -> Result<Result<ReadFile, SourceError>, Error> {
        let Some((content, stamp)) = self.links.take(&job.found) else {
            return self.read_large_file(run, job);
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
}
