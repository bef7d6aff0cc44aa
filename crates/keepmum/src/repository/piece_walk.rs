//! The content of a file: its chunks and holes one after another, however many there are.
//!
//! A list of many pieces is never held whole. Lists may share parts, and a hostile one so many that
//! its pieces cannot be counted one by one: a caller that only counts the pieces looks at each part
//! once.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::format::{ListNode, PieceKind};
use crate::model::{ChunkId, Content, Piece, Pieces};

use super::error::RepositoryError;
use super::piece_reader::PieceReader;

/// Lists that are remembered at once: those of a file of a hundred gigabytes.
const REMEMBERED: usize = 1 << 16;

/// A list where it is used: its id, its depth and how many bytes are beneath it.
type Used = (ChunkId, u8, u64);

/// The chunks and holes of a file, one after another: of a list of many, only the current path is
/// held.
pub struct PieceWalk {
    ready: VecDeque<Piece>,
    /// Lists that are still to be read, the next one last.
    waiting: Vec<Used>,
}

impl PieceWalk {
    /// A walk through a file's content, from its beginning.
    pub fn new(content: &Content) -> Self {
        let mut walk = Self { ready: VecDeque::new(), waiting: Vec::new() };
        match &content.pieces {
            Pieces::Inline(pieces) => walk.ready.extend(pieces),
            Pieces::Lists { depth, nodes } => walk.push(nodes, *depth),
        }
        walk
    }

    fn push(&mut self, nodes: &[(u64, ChunkId)], depth: u8) {
        self.waiting.extend(used(nodes, depth).rev());
    }

    /// The next piece; nothing at the end.
    pub fn next(&mut self, reader: &mut PieceReader<'_>) -> Result<Option<Piece>, RepositoryError> {
        self.next_of(reader, &mut |_| true)
    }

    /// The next piece of lists that are to be entered.
    fn next_of(
        &mut self,
        reader: &mut PieceReader<'_>,
        enter: &mut dyn FnMut(Used) -> bool,
    ) -> Result<Option<Piece>, RepositoryError> {
        while self.ready.is_empty() {
            let Some(list) = self.waiting.pop() else { return Ok(None) };
            if !enter(list) {
                continue;
            }
            match &read(reader, &list)?.items {
                Pieces::Inline(some) => self.ready.extend(some),
                Pieces::Lists { depth, nodes } => self.push(nodes, *depth),
            }
        }
        Ok(self.ready.pop_front())
    }
}

fn used(nodes: &[(u64, ChunkId)], depth: u8) -> impl DoubleEndedIterator<Item = Used> + '_ {
    let below = depth.saturating_sub(1);
    nodes.iter().map(move |(length, id)| (*id, below, *length))
}

/// Reads a list, which must match its use. Each is one level lower than the one that names it, so a
/// walk comes to an end.
fn read(
    reader: &mut PieceReader<'_>,
    (id, depth, length): &Used,
) -> Result<ListNode, RepositoryError> {
    let broken = |what: String| RepositoryError::Damaged { object: format!("piece {id}"), what };
    let refused = |error| RepositoryError::refused(format!("piece {id}"), error);
    let list = ListNode::decode(&reader.piece(PieceKind::List, id)?).map_err(refused)?;
    if list.depth != *depth || list.length() != Some(*length) {
        return Err(broken("a list's levels or lengths do not fit".to_owned()));
    }
    Ok(list)
}

/// Looks at the chunks of many files, and at shared parts once.
#[derive(Default)]
pub struct SeenLists {
    well: HashSet<Used>,
    fresh: Vec<Used>,
}

impl SeenLists {
    /// Calls `each` with the chunks of a file and their lengths in bytes, but not with those of lists that it was called for
    /// before without an error. The first error ends it.
    pub fn each_chunk<E: From<RepositoryError>>(
        &mut self,
        reader: &mut PieceReader<'_>,
        content: &Content,
        mut each: impl FnMut(&mut PieceReader<'_>, &ChunkId, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut walk = PieceWalk::new(content);
        self.fresh.clear();
        loop {
            let next = walk.next_of(reader, &mut |list| self.is_new(list));
            let done = match next {
                Ok(None) => return Ok(()),
                Ok(Some(Piece::Chunk { id, length })) => each(reader, &id, length),
                Ok(Some(Piece::Hole { .. })) => Ok(()),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = done {
                for list in self.fresh.drain(..) {
                    self.well.remove(&list);
                }
                return Err(error);
            }
        }
    }

    /// Within one file a list counts as looked at once it is entered: the walk is through with it
    /// before it comes to the next use, or has ended with an error.
    fn is_new(&mut self, list: Used) -> bool {
        if self.well.contains(&list) {
            return false;
        }
        if self.well.len() >= REMEMBERED {
            self.well.clear();
            self.fresh.clear();
        }
        self.fresh.push(list);
        self.well.insert(list)
    }
}

/// How much of a file is stored: the sum of all its uses of chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Chunks, each use counted.
    pub chunks: u64,
    /// Their bytes; holes do not count.
    pub bytes: u64,
}

impl Extent {
    fn and(self, other: Self) -> Self {
        Self {
            chunks: self.chunks.saturating_add(other.chunks),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// Counts the size of files, and shared parts once.
#[derive(Default)]
pub struct Extents(HashMap<Used, Extent>);

impl Extents {
    /// How much of a file is stored. Every list of it is read and checked.
    pub fn of(
        &mut self,
        reader: &mut PieceReader<'_>,
        content: &Content,
    ) -> Result<Extent, RepositoryError> {
        self.of_pieces(reader, &content.pieces)
    }

    fn of_pieces(
        &mut self,
        reader: &mut PieceReader<'_>,
        pieces: &Pieces,
    ) -> Result<Extent, RepositoryError> {
        let mut sum = Extent::default();
        match pieces {
            Pieces::Inline(pieces) => {
                for piece in pieces {
                    if let Piece::Chunk { length, .. } = piece {
                        sum = sum.and(Extent { chunks: 1, bytes: *length });
                    }
                }
            }
            Pieces::Lists { depth, nodes } => {
                for list in used(nodes, *depth) {
                    sum = sum.and(self.of_list(reader, list)?);
                }
            }
        }
        Ok(sum)
    }

    fn of_list(
        &mut self,
        reader: &mut PieceReader<'_>,
        list: Used,
    ) -> Result<Extent, RepositoryError> {
        if let Some(known) = self.0.get(&list) {
            return Ok(*known);
        }
        let node = read(reader, &list)?;
        let extent = self.of_pieces(reader, &node.items)?;
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(list, extent);
        Ok(extent)
    }
}
