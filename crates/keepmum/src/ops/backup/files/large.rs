//! Large files: segments are read and scanned by all workers at once, cut in order, hashed by all
//! workers again. One file of any size keeps every core busy and needs the memory of a few
//! segments.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::chunk::{Chunker, Cutter, WINDOW};
use crate::format::{ListWriter, PieceKind};
use crate::model::{ChunkId, Piece};
use crate::pipeline::{Stage, Ticket};
use crate::source::{OpenFile, SourceError};

use super::super::run::Run;
use super::super::setting::Worker;
use super::Files;
use super::batch::{Job, ReadFile};
use super::former::FormerFile;
use super::small::READING;
use crate::session::error::Error;
use crate::session::walk_error::WalkError;

/// Hashing comes after reading.
const HASHING: Stage = Stage(3);
/// The most that is read of a file beyond the size that it states: it may have no end.
const BEYOND: u64 = 1 << 30;
/// Bytes of a segment.
const SEGMENT: u64 = 1024 * 1024;

/// A scanned segment. Before its bytes there is room for the piece of a chunk that the segments
/// before it left, so that whole chunks come to lie in one run of bytes.
struct Segment {
    buffer: Vec<u8>,
    /// Where the bytes lie that its first windows reach back to.
    before: Range<usize>,
    /// Where its own bytes lie.
    data: Range<usize>,
    /// Offsets in them before which a cut may be made.
    marks: Vec<u32>,
}

impl Segment {
    /// Appends the cuts in it; it begins at `start`.
    fn cut(&self, chunker: &Chunker, cutter: &mut Cutter, start: u64, cuts: &mut Vec<u64>) {
        let bytes = &self.buffer[self.before.start..self.data.end];
        cutter.marked(chunker, (bytes, self.data.len()), start, &self.marks, cuts);
    }
}

/// Whole chunks, end to end from `start` on, with their ids and lengths.
struct Chunks {
    buffer: Vec<u8>,
    start: usize,
    ids: Vec<(ChunkId, usize)>,
}

/// Where the pieces of a file go.
struct Out {
    former: FormerFile,
    list: ListWriter,
}

impl Out {
    fn new(job: &Job) -> Self {
        Self { former: FormerFile::of(job.old.as_deref()), list: ListWriter::new() }
    }

    fn hole(&mut self, run: &mut Run<'_, '_, '_>, length: u64) -> Result<(), Error> {
        self.former.push(run, &mut self.list, Piece::Hole { length })
    }
}

impl<'a, 'p, 'env> Files<'a, 'p, 'env> {
    /// Reads one large file and stores its new chunks.
    pub(super) fn read_large_file(
        &self,
        run: &mut Run<'a, 'p, 'env>,
        job: &Job,
    ) -> Result<Result<ReadFile, SourceError>, Error> {
        match self.try_large_file(run, job) {
            Ok(read) => Ok(Ok(read)),
            Err(WalkError::Source(error)) => Ok(Err(error)),
            Err(other) => Err(other.into()),
        }
    }

    fn try_large_file(
        &self,
        run: &mut Run<'a, 'p, 'env>,
        job: &Job,
    ) -> Result<ReadFile, WalkError> {
        let file = Arc::new(self.set.source.open_file(&job.path, &job.found.stamp)?);
        let attributes = file.attributes();
        let mut to = Out::new(job);
        let mut at = 0;
        let ranges: Vec<_> = file.data_ranges().collect::<Result<_, _>>()?;
        let mut cut_short = false;
        for (start, length) in ranges {
            if start > at {
                to.hole(run, start - at)?;
            }
            let read = self.read_range(run, &file, start, length, &mut to)?;
            at = start + read;
            if read < length {
                cut_short = true;
                break;
            }
        }
        let size = file.stamp().size;
        if at == size && file.may_be_longer() && file.read_at(at, &mut [0])? > 0 {
            at += self.read_range(run, &file, at, BEYOND, &mut to)?;
        }
        if size > at && !cut_short {
            to.hole(run, size - at)?;
        }
        run.end_of_file()?;
        let content = to.former.finish(run, to.list)?;
        let changed = file.changed_since(file.stamp())?;
        let untrue = Some(content.size).filter(|read| !changed && *read != size);
        let stamp = (!changed && untrue.is_none()).then_some(*file.stamp());
        let mtime = Some(file.stamp().mtime);
        Ok(ReadFile { content, attributes, mtime, stamp, changed, untrue })
    }

    /// Reads one range of data; answers with how many bytes there were.
    fn read_range(
        &self,
        run: &mut Run<'a, 'p, 'env>,
        file: &Arc<OpenFile>,
        start: u64,
        length: u64,
        to: &mut Out,
    ) -> Result<u64, WalkError> {
        let ahead = self.pool.width() * 2;
        let mut segments = VecDeque::new();
        let mut hashing: VecDeque<Ticket<'env, Chunks>> = VecDeque::new();
        let mut cutter = Cutter::new(self.set.chunker.parameters());
        let mut rest = Vec::new();
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
            let here = segment.data.len() as u64;
            segment.cut(self.set.chunker, &mut cutter, seen, &mut cuts);
            let begun = seen - rest.len() as u64;
            seen += here;
            let last = here < expected || seen == length;
            if last {
                cutter.clone().finish(seen, &mut cuts);
            }
            match whole_chunks(segment, &mut rest, begun, &cuts) {
                Ok(whole) => hashing.push_back(self.submit_hashing(whole)),
                Err(unused) => self.buffers.give(unused),
            }
            while hashing.len() > if last { 0 } else { ahead } {
                let Some(ticket) = hashing.pop_front() else { break };
                self.store_chunks(run, ticket.wait(), to)?;
            }
            self.set.progress.tick()?;
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
        let buffers = Arc::clone(&self.buffers);
        let lead = usize::try_from(offset).map_or(WINDOW - 1, |offset| offset.min(WINDOW - 1));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.pool.submit(READING, move |_: &mut Worker| {
            let room = chunker.parameters().maximum();
            let begin = room - lead;
            let mut buffer = buffers.take();
            if buffer.len() < room + count {
                buffer.resize(room + count, 0);
            }
            let wanted = &mut buffer[begin..room + count];
            let mut done = 0;
            while done < wanted.len() {
                let at = start + offset - lead as u64 + done as u64;
                match file.read_at(at, &mut wanted[done..])? {
                    0 => break,
                    read => done += read,
                }
            }
            let (before, data) = (begin..room, room..room.max(begin + done));
            let mut marks = Vec::new();
            chunker.marks(&buffer[before.clone()], &buffer[data.clone()], &mut marks);
            Ok(Segment { buffer, before, data, marks })
        })
    }

    fn submit_hashing(&self, (mut whole, lengths): (Chunks, Vec<usize>)) -> Ticket<'env, Chunks> {
        let repository = self.set.repository();
        self.pool.submit(HASHING, move |_: &mut Worker| {
            let mut rest = &whole.buffer[whole.start..];
            for length in lengths {
                let (chunk, after) = rest.split_at(length.min(rest.len()));
                whole.ids.push((repository.piece_id(PieceKind::Chunk, chunk), chunk.len()));
                rest = after;
            }
            whole
        })
    }

    fn store_chunks(
        &self,
        run: &mut Run<'a, 'p, 'env>,
        chunks: Chunks,
        to: &mut Out,
    ) -> Result<(), Error> {
        let mut rest = &chunks.buffer[chunks.start..];
        for (id, length) in &chunks.ids {
            let (bytes, after) = rest.split_at(*length);
            self.set.progress.read(*length as u64);
            to.former.store(run, &mut to.list, (*id, bytes))?;
            rest = after;
        }
        self.buffers.give(chunks.buffer);
        Ok(())
    }
}

/// The chunks that end in this segment, the first of them begun by `rest` at offset `begun`, with
/// their lengths; the data after the last cut becomes the new `rest`. The buffer if none ends here.
fn whole_chunks(
    segment: Segment,
    rest: &mut Vec<u8>,
    begun: u64,
    cuts: &[u64],
) -> Result<(Chunks, Vec<usize>), Vec<u8>> {
    let Segment { mut buffer, data, .. } = segment;
    // A chunk is never longer than the room before the segment, hence neither is its beginning.
    let start = data.start - rest.len();
    buffer[start..data.start].copy_from_slice(rest);
    let mut last = begun;
    let mut lengths = Vec::with_capacity(cuts.len());
    for cut in cuts {
        lengths.push(usize::try_from(cut - last).expect("a chunk fits memory"));
        last = *cut;
    }
    let end = start + lengths.iter().sum::<usize>();
    rest.clear();
    rest.extend_from_slice(&buffer[end..data.end]);
    if lengths.is_empty() {
        Err(buffer)
    } else {
        Ok((Chunks { buffer, start, ids: Vec::new() }, lengths))
    }
}
