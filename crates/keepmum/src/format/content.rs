//! The content of a file, and the list nodes of long files (§6.3).

use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::{CHUNK_MAX, LEVELS_MAX, NODE_MAX, SIZE_MAX};
use crate::model::{ChunkId, Content, Piece, Pieces};

/// Most items that stand in an entry itself.
pub const INLINE_MAX: usize = 8;
/// Most items of a list node.
pub const LIST_MAX: usize = 64;

type Result<T> = std::result::Result<T, FormatError>;

/// A node of a list. Its items are those of a [`Content`] of the same depth: at depth 0 chunks
/// and holes, above the list nodes of the next lower depth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListNode {
    /// Levels of list nodes beneath this one; agrees with `items`.
    pub depth: u8,
    /// The items in order, at most 64.
    pub items: Pieces,
}

impl ListNode {
    /// The node with these items.
    pub fn new(items: Pieces) -> Self {
        Self { depth: depth(&items), items }
    }

    /// The node as a piece has it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.array(2);
        write_pieces(&self.items, &mut writer);
        out
    }

    /// The node in these bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Reader::whole(bytes, "a list node", NODE_MAX, |reader| {
            reader.row("a list node", 2, 2, |reader, _| {
                Ok(Self::new(read_pieces(reader, LIST_MAX)?.0))
            })
        })
    }

    /// How many bytes of a file are beneath it; none if that exceeds 64 bits.
    pub fn length(&self) -> Option<u64> {
        let sum = |sum: u64, length| sum.checked_add(length);
        match &self.items {
            Pieces::Inline(pieces) => pieces.iter().map(Piece::length).try_fold(0, sum),
            Pieces::Lists { nodes, .. } => nodes.iter().map(|(length, _)| *length).try_fold(0, sum),
        }
    }
}

fn depth(pieces: &Pieces) -> u8 {
    match pieces {
        Pieces::Inline(_) => 0,
        Pieces::Lists { depth, .. } => *depth,
    }
}

pub(super) fn write_content(content: &Content, out: &mut Writer<'_>) {
    match &content.pieces {
        Pieces::Inline(pieces) => match pieces.as_slice() {
            [] => {
                out.array(1);
                out.uint(content.size);
            }
            [Piece::Chunk { id, .. }] => {
                out.array(2);
                out.uint(content.size);
                out.bytes(&id.0);
            }
            _ => {
                out.array(3);
                out.uint(content.size);
                write_pieces(&content.pieces, out);
            }
        },
        Pieces::Lists { .. } => {
            out.array(3);
            out.uint(content.size);
            write_pieces(&content.pieces, out);
        }
    }
}

/// Depth and items: the last two elements of a content, and all of a list node.
fn write_pieces(pieces: &Pieces, out: &mut Writer<'_>) {
    out.uint(depth(pieces).into());
    match pieces {
        Pieces::Inline(pieces) => {
            out.array(pieces.len());
            pieces.iter().for_each(|piece| match piece {
                Piece::Chunk { length, id } => write_item(*length, Some(id), out),
                Piece::Hole { length } => write_item(*length, None, out),
            });
        }
        Pieces::Lists { nodes, .. } => {
            out.array(nodes.len());
            nodes.iter().for_each(|(length, id)| write_item(*length, Some(id), out));
        }
    }
}

fn write_item(length: u64, id: Option<&ChunkId>, out: &mut Writer<'_>) {
    out.array(if id.is_some() { 2 } else { 1 });
    out.uint(length);
    if let Some(id) = id {
        out.bytes(&id.0);
    }
}

pub(super) fn read_content(reader: &mut Reader<'_>) -> Result<Content> {
    let what = "the content of a file";
    reader.row(what, 1, 3, |reader, elements| {
        let size = reader.up_to("the size of a file", SIZE_MAX)?;
        let (pieces, sum) = match elements {
            1 => (Pieces::Inline(Vec::new()), 0),
            2 => {
                let id = ChunkId(reader.fixed("the id of a chunk")?);
                let piece = Piece::Chunk { length: chunk_length(size)?, id };
                (Pieces::Inline(vec![piece]), size)
            }
            _ => read_pieces(reader, INLINE_MAX)?,
        };
        match sum == size {
            true => Ok(Content { size, pieces }),
            false => Err(FormatError::BadLength { what, value: sum, bound: size }),
        }
    })
}

/// Items and the sum of their lengths, which a file can have; there is at least one.
fn read_pieces(reader: &mut Reader<'_>, most: usize) -> Result<(Pieces, u64)> {
    let depth = reader.up_to("the depth of a list", LEVELS_MAX.into())? as u8;
    let mut sum = 0u64;
    let items = reader.tuple("a list", 1, most as u64, |reader, count| {
        let mut items = Vec::new();
        for _ in 0..count {
            let (length, id) = read_item(reader, if depth == 0 { 1 } else { 2 })?;
            sum = sum.saturating_add(length);
            if sum > SIZE_MAX {
                return Err(FormatError::BadLength { what: "a list", value: sum, bound: SIZE_MAX });
            }
            items.push((length, id));
        }
        Ok(items)
    })?;
    let pieces = match depth {
        0 => Pieces::Inline(items.into_iter().map(piece).collect::<Result<_>>()?),
        _ => {
            let nodes = items.into_iter().filter_map(|(length, id)| Some((length, id?))).collect();
            Pieces::Lists { depth, nodes }
        }
    };
    Ok((pieces, sum))
}

fn read_item(reader: &mut Reader<'_>, least: u64) -> Result<(u64, Option<ChunkId>)> {
    reader.row("an item of a list", least, 2, |reader, elements| {
        let length = reader.uint("the length of an item")?;
        if length == 0 {
            return Err(FormatError::BadValue { what: "the length of an item" });
        }
        let id = match elements {
            2 => Some(ChunkId(reader.fixed("the id of an item")?)),
            _ => None,
        };
        Ok((length, id))
    })
}

fn piece((length, id): (u64, Option<ChunkId>)) -> Result<Piece> {
    Ok(match id {
        Some(id) => Piece::Chunk { length: chunk_length(length)?, id },
        None => Piece::Hole { length },
    })
}

fn chunk_length(length: u64) -> Result<u64> {
    match length {
        0 => Err(FormatError::BadValue { what: "the length of a chunk" }),
        1..=CHUNK_MAX => Ok(length),
        value => Err(FormatError::BadLength { what: "a chunk", value, bound: CHUNK_MAX }),
    }
}
