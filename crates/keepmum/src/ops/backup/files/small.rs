//! Small files: workers read groups of them, the coordinator takes them back in order.

use std::sync::Arc;

use crate::format::ListWriter;
use crate::model::Piece;
use crate::pipeline::{Stage, Ticket};

use super::super::run::Run;
use super::super::setting::Worker;
use super::Files;
use super::batch::{Group, Job, ReadFile, UnderRead};
use super::former::FormerFile;
use super::worker::{Part, Reading, SmallFile};
use crate::session::error::Error;

/// Reading is the first stage: data that has been read waits for nobody.
pub(super) const READING: Stage = Stage(1);
/// A group ends at so many bytes.
const GROUP_BYTES: u64 = 1024 * 1024;
/// A group ends at so many files.
const GROUP_FILES: usize = 64;

impl<'a, 'p, 'env> Files<'a, 'p, 'env> {
    /// Keeps the workers reading and stores new chunks in the data they read: as far as possible
    /// without waiting, or `to_the_end`.
    pub(super) fn read_small_files(
        &mut self,
        run: &mut Run<'a, 'p, 'env>,
        reads: &mut UnderRead<'env>,
        to_the_end: bool,
    ) -> Result<(), Error> {
        let ahead = self.pool.width() * 3;
        loop {
            while reads.groups.len() < ahead && reads.begun < reads.small.len() {
                let rest = &reads.small[reads.begun..];
                let group = &rest[..group_length(&reads.jobs, rest)];
                reads.begun += group.len();
                reads.groups.push_back(self.submit_group(&reads.jobs, group));
            }
            let ready = |ticket: &Ticket<'env, Group>| to_the_end || ticket.is_done();
            if !reads.groups.front().is_some_and(ready) {
                return Ok(());
            }
            let Some(ticket) = reads.groups.pop_front() else { return Ok(()) };
            let Group { bytes, files } = ticket.wait();
            for (number, read) in files {
                let job = &reads.jobs[number];
                let result = match read {
                    Ok(Some(file)) => Ok(self.store_small(run, job, file, &bytes)?),
                    Ok(None) => self.read_large_file(run, job)?,
                    Err(error) => Err(error),
                };
                reads.results[number] = Some(result);
            }
            self.buffers.give(bytes);
            self.set.progress.tick()?;
        }
    }

    fn submit_group(&self, jobs: &[Job], group: &[usize]) -> Ticket<'env, Group> {
        let reading = Reading {
            source: self.set.source,
            repository: self.set.repository(),
            chunker: self.set.chunker,
        };
        let buffers = Arc::clone(&self.buffers);
        let work: Vec<_> = group
            .iter()
            .map(|number| (*number, jobs[*number].path.clone(), jobs[*number].found.clone()))
            .collect();
        self.pool.submit(READING, move |_: &mut Worker| {
            let mut bytes = buffers.take();
            bytes.clear();
            let files = work.into_iter().map(|(number, path, found)| {
                (number, reading.small_file(&path, &found, &mut bytes))
            });
            Group { files: files.collect(), bytes }
        })
    }

    fn store_small(
        &self,
        run: &mut Run<'a, 'p, 'env>,
        job: &Job,
        file: SmallFile,
        bytes: &[u8],
    ) -> Result<ReadFile, Error> {
        let mut list = ListWriter::new();
        let mut former = FormerFile::of(job.old.as_deref());
        for part in &file.parts {
            match part {
                Part::Hole(length) => {
                    former.push(run, &mut list, Piece::Hole { length: *length })?;
                }
                Part::Chunk(id, range) => {
                    let bytes = &bytes[range.clone()];
                    self.set.progress.read(bytes.len() as u64);
                    former.store(run, &mut list, (*id, bytes))?;
                }
            }
        }
        run.end_of_file()?;
        let content = former.finish(run, list)?;
        let stamp = (!file.changed && file.untrue.is_none()).then_some(file.stamp);
        Ok(ReadFile {
            content,
            attributes: file.attributes,
            mtime: Some(file.stamp.mtime),
            stamp,
            changed: file.changed,
            untrue: file.untrue,
        })
    }
}

fn group_length(jobs: &[Job], order: &[usize]) -> usize {
    let mut bytes = 0;
    for (count, number) in order.iter().take(GROUP_FILES).enumerate() {
        bytes += jobs[*number].found.stamp.size;
        if bytes > GROUP_BYTES && count > 0 {
            return count;
        }
    }
    order.len().min(GROUP_FILES)
}
