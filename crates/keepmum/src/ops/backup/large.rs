//! Large files: segments are read and scanned by all workers at once, cut in order, hashed by all
//! workers again. One file of any size keeps every core busy and needs the memory of a few
//! segments.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::chunk::{Cutter, WINDOW};
use crate::format::{ListWriter, PieceKind};
use crate::model::{ChunkId, Metadata, Piece};
use crate::pipeline::{Stage, Ticket};
use crate::source::{OpenFile, SourceError};

use super::super::error::Error;
use super::entry::settled;
use super::reading::{Job, ReadFile};
use super::small::{READING, at_stamp};
use super::{Backup, Worker};

/// Hashing comes after reading.
const HASHING: Stage = Stage(3);
/// Bytes of a segment.
const SEGMENT: u64 = 1024 * 1024;

/// A scanned segment: its bytes, and offsets in it before which a cut may be made.
struct Segment {
    bytes: Vec<u8>,
    candidates: Vec<u32>,
}

/// Whole chunks end to end, with their ids and lengths.
struct Chunks {
    bytes: Vec<u8>,
    ids: Vec<(ChunkId, usize)>,
}

/// Why a range was not read to its end.
enum Stop {
    Source(SourceError),
    Run(Error),
}

impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Run(error)
    }
}

impl<'env> Backup<'_, '_, 'env> {
    /// Reads one large file and stores what is new in it.
    pub(super) fn read_large_file(
        &mut self,
        job: &Job,
    ) -> Result<Result<ReadFile, SourceError>, Error> {
        match self.try_large_file(job) {
            Ok(read) => Ok(Ok(read)),
            Err(Stop::Source(error)) => Ok(Err(error)),
            Err(Stop::Run(error)) => Err(error),
        }
    }

    fn try_large_file(&mut self, job: &Job) -> Result<ReadFile, Stop> {
        let looked_at = self.now();
        let file = Arc::new(self.set.source.open_file(&job.path, &job.found.stamp)?);
        let attributes = file.attributes()?;
        let mut list = ListWriter::new();
        let mut at = 0;
        let ranges: Vec<_> = file.data_ranges().collect::<Result<_, _>>()?;
        let mut cut_short = false;
        for (start, length) in ranges {
            if start > at {
                self.push_piece(&mut list, Piece::Hole { length: start - at })?;
            }
            let read = self.read_range(&file, start, length, &mut list)?;
            at = start + read;
            if read < length {
                cut_short = true;
                break;
            }
        }
        let size = file.stamp().size;
        if size > at && !cut_short {
            self.push_piece(&mut list, Piece::Hole { length: size - at })?;
        }
        self.end_of_file()?;
        let content = self.finish_list(list)?;
        let changed = cut_short || file.changed_since(file.stamp())?;
        let stamp = (!changed).then(|| settled(file.stamp(), looked_at)).flatten();
        let metadata = Metadata { attributes, ..job.found.metadata.clone() };
        Ok(ReadFile { content, metadata: at_stamp(metadata, file.stamp()), stamp, changed })
    }

    /// Reads one range of data; answers with how many bytes there were.
    fn read_range(
        &mut self,
        file: &Arc<OpenFile>,
        start: u64,
        length: u64,
        list: &mut ListWriter,
    ) -> Result<u64, Stop> {
        let ahead = self.pool.width() * 2;
        let mut segments = VecDeque::new();
        let mut hashing: VecDeque<Ticket<'env, Chunks>> = VecDeque::new();
        let mut cutter = Cutter::new(self.set.chunker.parameters());
        let mut carry = Vec::new();
        let (mut asked, mut seen) = (0, 0);
        while seen < length {
            while segments.len() < ahead && asked < length {
                let count = SEGMENT.min(length - asked);
                segments.push_back(self.submit_segment(file, start, asked, count));
                asked += count;
            }
            let Some(ticket) = segments.pop_front() else { break };
            let ticket: Ticket<'env, Result<Segment, SourceError>> = ticket;
            let segment = ticket.wait()?;
            let expected = SEGMENT.min(length - seen);
            let mut cuts = Vec::new();
            for candidate in &segment.candidates {
                cutter.candidate(seen + u64::from(*candidate), &mut cuts);
            }
            let here = segment.bytes.len() as u64;
            cutter.no_candidate_until(seen + here, &mut cuts);
            let begun = seen - carry.len() as u64;
            carry.extend_from_slice(&segment.bytes);
            seen += here;
            let last = here < expected || seen == length;
            if last {
                cutter.clone().finish(seen, &mut cuts);
            }
            if let Some(end) = cuts.last() {
                let rest = carry.split_off(usize::try_from(end - begun).unwrap_or(0));
                let whole = std::mem::replace(&mut carry, rest);
                hashing.push_back(self.submit_hashing(whole, begun, &cuts));
            }
            while hashing.len() > if last { 0 } else { ahead } {
                let Some(ticket) = hashing.pop_front() else { break };
                self.store_chunks(ticket.wait(), list)?;
            }
            self.tick()?;
            if here < expected {
                break;
            }
        }
        Ok(seen)
    }

    fn submit_segment(
        &self,
        file: &Arc<OpenFile>,
        start: u64,
        offset: u64,
        count: u64,
    ) -> Ticket<'env, Result<Segment, SourceError>> {
        let file = Arc::clone(file);
        let chunker = self.set.chunker;
        let before = offset.min(WINDOW as u64 - 1);
        let count = usize::try_from(count + before).unwrap_or(usize::MAX);
        let lead = usize::try_from(before).unwrap_or(0);
        self.pool.submit(READING, move |_: &mut Worker| {
            let mut bytes = vec![0; count];
            let mut done = 0;
            while done < count {
                let at = start + offset - before + done as u64;
                match file.read_at(at, &mut bytes[done..])? {
                    0 => break,
                    read => done += read,
                }
            }
            bytes.truncate(done);
            let mut candidates = Vec::new();
            let (window, data) = bytes.split_at(lead.min(bytes.len()));
            chunker.candidates(window, data, &mut candidates);
            bytes.drain(..lead.min(done));
            Ok(Segment { bytes, candidates })
        })
    }

    fn submit_hashing(&self, bytes: Vec<u8>, begun: u64, cuts: &[u64]) -> Ticket<'env, Chunks> {
        let repository = self.set.repository();
        let mut last = begun;
        let lengths: Vec<usize> = cuts
            .iter()
            .map(|cut| {
                let length = usize::try_from(cut - last).unwrap_or(0);
                last = *cut;
                length
            })
            .collect();
        self.pool.submit(HASHING, move |_: &mut Worker| {
            let mut rest = &bytes[..];
            let mut ids = Vec::with_capacity(lengths.len());
            for length in lengths {
                let (chunk, after) = rest.split_at(length.min(rest.len()));
                ids.push((repository.chunk_id(chunk), chunk.len()));
                rest = after;
            }
            Chunks { bytes, ids }
        })
    }

    fn store_chunks(&mut self, chunks: Chunks, list: &mut ListWriter) -> Result<(), Error> {
        let mut rest = &chunks.bytes[..];
        self.report.bytes_read += rest.len() as u64;
        for (id, length) in &chunks.ids {
            let (bytes, after) = rest.split_at(*length);
            self.store_piece(PieceKind::Chunk, *id, bytes)?;
            self.push_piece(list, Piece::Chunk { length: *length as u64, id: *id })?;
            rest = after;
        }
        Ok(())
    }
}
