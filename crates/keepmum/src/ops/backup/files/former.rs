//! The former content of a file: the bases for its changed chunks and its lists of chunks.
//!
//! Former chunks are read only if the destination's bytes are at hand, and never needed: a chunk
//! without them is stored in full.

use std::collections::{HashMap, VecDeque};

use crate::catalogue::Remembered;
use crate::format::{ListNode, ListWriter, PieceKind, decode_entry};
use crate::model::{ChunkId, Content, Entry, Kind, Piece, Pieces};
use crate::repository::PieceReader;

use super::super::run::Run;
use crate::session::error::Error;

/// Former chunks are known so far ahead of the reading position: a repeated chunk shows how far it
/// has moved.
const AHEAD: u64 = 32 * 1024 * 1024;
/// So many of them are kept, and so many lists of each depth.
const PIECES_KEPT: usize = 4096;
const LISTS_KEPT: usize = 64;
/// A chunk is a delta of at most so many former ones.
const BASES: usize = 3;
/// So many bytes in a few places show whether two chunks are versions of one.
const SAMPLE: usize = 32;
/// After so many chunks in a row that share nothing with the former content, the file counts as
/// another one.
const MISSES: u32 = 4;
/// Shorter chunks save too little.
const SHORTEST: usize = 256;

/// A list of a former content: where it begins, how long it is, its id and bytes.
struct FormerList {
    begin: u64,
    length: u64,
    id: ChunkId,
    bytes: Vec<u8>,
}

/// A former chunk, where it began and how long it was.
#[derive(Clone, Copy)]
struct FormerChunk {
    begin: u64,
    length: u64,
    id: ChunkId,
}

impl FormerChunk {
    fn end(&self) -> u64 {
        self.begin.saturating_add(self.length)
    }
}

/// The former content of a file, followed while the file is read.
#[derive(Default)]
pub(super) struct FormerFile {
    /// Lists that are still to be read, the next one last: id, depth, length.
    waiting: Vec<(ChunkId, u8, u64)>,
    /// As far as the former chunks are known.
    known: u64,
    chunks: VecDeque<FormerChunk>,
    begins: HashMap<ChunkId, u64>,
    /// By their depth.
    lists: Vec<VecDeque<FormerList>>,
    /// How far the following data has moved towards the end.
    moved: i64,
    misses: u32,
    /// Where the file ends that is read, so far.
    end: u64,
}

impl FormerFile {
    /// The memory of a file.
    pub(super) fn of(old: Option<&Remembered>) -> Self {
        let entry = old.and_then(|old| decode_entry(&old.entry).ok());
        let Some(Entry { kind: Kind::File(Content { pieces, .. }), .. }) = entry else {
            return Self { misses: MISSES, ..Self::default() };
        };
        let mut former = Self::default();
        match pieces {
            Pieces::Inline(pieces) => former.take_pieces(&pieces),
            Pieces::Lists { depth, nodes } => former.wait_for(&nodes, depth),
        }
        former
    }

    fn wait_for(&mut self, nodes: &[(u64, ChunkId)], depth: u8) {
        let below = depth.saturating_sub(1);
        self.waiting.extend(nodes.iter().rev().map(|(length, id)| (*id, below, *length)));
    }

    fn take_pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            let (begin, length) = (self.known, piece.length());
            self.known = self.known.saturating_add(length);
            let Piece::Chunk { id, .. } = piece else { continue };
            self.begins.insert(*id, begin);
            self.chunks.push_back(FormerChunk { begin, length, id: *id });
        }
        while self.chunks.len() > PIECES_KEPT
            && let Some(FormerChunk { begin, id, .. }) = self.chunks.pop_front()
        {
            if self.begins.get(&id) == Some(&begin) {
                self.begins.remove(&id);
            }
        }
    }

    /// Reads former lists until all chunks before `to` are known. An unreadable list ends it.
    fn follow(&mut self, reader: &mut PieceReader<'_>, to: u64) {
        while self.known <= to
            && let Some((id, depth, length)) = self.waiting.pop()
        {
            let bytes = reader.piece(PieceKind::List, &id).ok();
            let list = bytes.and_then(|bytes| Some((ListNode::decode(&bytes).ok()?, bytes)));
            let Some((list, bytes)) = list.filter(|(list, _)| list.depth == depth) else {
                self.waiting.clear();
                return;
            };
            while self.lists.len() <= usize::from(depth) {
                self.lists.push(VecDeque::new());
            }
            let level = &mut self.lists[usize::from(depth)];
            level.push_back(FormerList { begin: self.known, length, id, bytes });
            if level.len() > LISTS_KEPT {
                level.pop_front();
            }
            match &list.items {
                Pieces::Inline(pieces) => self.take_pieces(pieces),
                Pieces::Lists { depth, nodes } => self.wait_for(nodes, *depth),
            }
        }
    }

    /// Where something lay before that is at `at` now.
    fn before(&self, at: u64) -> u64 {
        at.saturating_add_signed(self.moved.saturating_neg())
    }

    /// Stores the next chunk of the file, and puts it into its list.
    pub(super) fn store(
        &mut self,
        run: &mut Run<'_, '_, '_>,
        list: &mut ListWriter,
        (id, bytes): (ChunkId, &[u8]),
    ) -> Result<(), Error> {
        let length = bytes.len() as u64;
        if !self.store_on_former(run, id, bytes)? {
            run.store_piece(PieceKind::Chunk, id, bytes)?;
        }
        self.push(run, list, Piece::Chunk { length, id })
    }

    /// Whether the chunk was stored, as a delta or because it had to be.
    fn store_on_former(
        &mut self,
        run: &mut Run<'_, '_, '_>,
        id: ChunkId,
        bytes: &[u8],
    ) -> Result<bool, Error> {
        let is_known = !self.chunks.is_empty() || !self.waiting.is_empty();
        if !is_known || !run.makes_deltas_of_chunks() {
            return Ok(false);
        }
        let to = self.before(self.end).saturating_add(bytes.len() as u64);
        self.follow(run.former(), to.saturating_add(AHEAD));
        if let Some(begin) = self.begins.get(&id) {
            self.moved = self.end.cast_signed().saturating_sub(begin.cast_signed());
            self.misses = 0;
        }
        if self.misses >= MISSES || bytes.len() < SHORTEST || !run.lacks(&id)? {
            return Ok(false);
        }
        let bases = self.read_bases(run.former(), bytes.len() as u64);
        let begin = self.before(self.end);
        if !bases.iter().any(|(former, base)| is_version_of((begin, bytes), (former.begin, base))) {
            self.misses += 1;
            return Ok(false);
        }
        self.misses = 0;
        let like: Vec<_> =
            bases.iter().map(|(former, base)| (former.id, base.as_slice())).collect();
        run.store_on(PieceKind::Chunk, id, bytes.to_vec(), &like)?;
        Ok(true)
    }

    /// The former chunks where the next `length` bytes of the file lay before: those with the most
    /// of it, in their order.
    fn read_bases(&self, reader: &mut PieceReader<'_>, length: u64) -> Vec<(FormerChunk, Vec<u8>)> {
        let begin = self.before(self.end);
        let end = begin.saturating_add(length);
        let first = self.chunks.partition_point(|chunk| chunk.end() <= begin);
        let shared =
            |chunk: &FormerChunk| chunk.end().min(end).saturating_sub(chunk.begin.max(begin));
        let mut there: Vec<FormerChunk> =
            self.chunks.iter().skip(first).take_while(|chunk| chunk.begin < end).copied().collect();
        there.sort_by_key(|chunk| std::cmp::Reverse(shared(chunk)));
        there.truncate(BASES);
        there.sort_by_key(|chunk| chunk.begin);
        let read =
            |chunk: FormerChunk| Some((chunk, reader.piece(PieceKind::Chunk, &chunk.id).ok()?));
        there.into_iter().filter_map(read).collect()
    }

    /// Puts a hole or a chunk into the list of the file.
    pub(super) fn push(
        &mut self,
        run: &mut Run<'_, '_, '_>,
        list: &mut ListWriter,
        piece: Piece,
    ) -> Result<(), Error> {
        self.end = self.end.saturating_add(piece.length());
        let this = &*self;
        list.push(piece, &mut |bytes: Vec<u8>| {
            let like = this.former_list(&bytes);
            run.store_metadata_on(PieceKind::List, bytes, like)
        })
    }

    /// Ends the list of the file.
    pub(super) fn finish(
        &self,
        run: &mut Run<'_, '_, '_>,
        list: ListWriter,
    ) -> Result<Content, Error> {
        list.finish(&mut |bytes: Vec<u8>| {
            let like = self.former_list(&bytes);
            run.store_metadata_on(PieceKind::List, bytes, like)
        })
    }

    /// The former list where one that ends here begins.
    fn former_list(&self, bytes: &[u8]) -> Option<(ChunkId, &[u8])> {
        if self.lists.is_empty() {
            return None;
        }
        let list = ListNode::decode(bytes).ok()?;
        let begin = self.before(self.end.saturating_sub(list.length()?));
        let level = self.lists.get(usize::from(list.depth))?;
        let holds =
            |known: &&FormerList| known.begin <= begin && begin - known.begin < known.length;
        let known = level.iter().rev().find(holds)?;
        Some((known.id, &known.bytes))
    }
}

/// Whether a chunk, which lay at `begin` before if it lay anywhere, has something of a former one
/// that began at `at`: where both begin and end, and in their middle.
fn is_version_of((begin, new): (u64, &[u8]), (at, base): (u64, &[u8])) -> bool {
    let first = begin.max(at);
    let ends = [(begin, new), (at, base)].map(|(at, bytes)| at.saturating_add(bytes.len() as u64));
    let last = ends[0].min(ends[1]);
    let sample = |bytes: &[u8], from: u64, place: u64| -> Option<[u8; SAMPLE]> {
        let offset = usize::try_from(place.checked_sub(from)?).ok()?;
        bytes.get(offset..)?.first_chunk().copied()
    };
    let places = [first, first.midpoint(last), last.saturating_sub(SAMPLE as u64)];
    let is_alike = |place| {
        let there = sample(base, at, place);
        there.is_some() && sample(new, begin, place) == there
    };
    let tail = new.last_chunk::<SAMPLE>();
    places.into_iter().any(is_alike) || tail.is_some_and(|tail| base.ends_with(tail))
}
