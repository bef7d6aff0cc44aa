//! The plain inside of an object: the table of its blocks and the footer (§4.4).

use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::{BLOCK_MAX, OBJECT_MAX, TABLE_MAX};
use crate::model::{Bases, ChunkId, REACH_MAX};

/// Codec of a block whose stored bytes are its plain bytes.
pub const CODEC_STORED: u8 = 0;
/// Codec of a block that is one zstd frame on the plain bytes of other pieces.
pub const CODEC_DELTA: u8 = 2;
/// Length of the footer in bytes.
pub const FOOTER_LENGTH: usize = 8;

/// The kind of the pieces of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PieceKind {
    /// Chunks of files.
    Chunk = 0,
    /// Nodes of trees.
    Node = 1,
    /// Nodes of lists.
    List = 2,
    /// Indexes.
    Index = 3,
    /// A record.
    Record = 4,
}

impl PieceKind {
    /// The kind with this number.
    pub fn from_u8(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Chunk,
            1 => Self::Node,
            2 => Self::List,
            3 => Self::Index,
            4 => Self::Record,
            _ => return None,
        })
    }
}

/// A run of bytes in an object that is compressed as one. Lengths are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The kind of its pieces.
    pub kind: PieceKind,
    /// [`CODEC_STORED`], 1 for a zstd frame, or [`CODEC_DELTA`].
    pub codec: u8,
    /// Length in the object.
    pub stored: u32,
    /// Length of its pieces end to end, at most 4 MiB.
    pub plain: u32,
    /// Id and length of each piece in order.
    pub pieces: Vec<(ChunkId, u32)>,
    /// The bases of a delta.
    pub bases: Bases,
}

impl Block {
    /// How many pieces its row of the table is as long as, at most: a delta's bases take an id each
    /// and a few bytes more.
    pub fn ids(&self) -> usize {
        let bases = self.bases.ids.len();
        self.pieces.len() + bases + usize::from(bases > 0)
    }
}

/// All blocks of an object in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The blocks; they lie end to end from offset 0.
    pub blocks: Vec<Block>,
}

impl Table {
    /// The table as the object has it.
    pub fn encode(&self) -> Vec<u8> {
        let pieces = self.blocks.iter().map(Block::ids).sum();
        let mut out = Vec::with_capacity(Self::bound(self.blocks.len(), pieces));
        self.write(&mut Writer::new(&mut out));
        out
    }

    /// The table in these bytes. Every block fits its bound, its pieces are as long as the block,
    /// and all blocks fit an object.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        Reader::whole(bytes, "a table", TABLE_MAX, Self::read)
    }

    /// At least as many bytes as a table with so many blocks and pieces takes. The bases of a delta
    /// count as [`Block::ids`] says.
    pub fn bound(blocks: usize, pieces: usize) -> usize {
        const HEAD: usize = 9;
        // Array, kind, codec, two lengths, and the heads of ids and lengths.
        const BLOCK: usize = 1 + 1 + 1 + 5 + 5 + 9 + 9;
        const PIECE: usize = ChunkId::LENGTH + 5;
        HEAD + blocks * BLOCK + pieces * PIECE
    }

    /// Each block and its offset in the object's plaintext, in bytes. A decoded table never exceeds
    /// the range of the offsets.
    pub fn offsets(&self) -> impl Iterator<Item = (u32, &Block)> {
        self.blocks.iter().scan(0u32, |next, block| {
            let offset = *next;
            *next = next.saturating_add(block.stored);
            Some((offset, block))
        })
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        out.array(self.blocks.len());
        for block in &self.blocks {
            let is_delta = block.codec == CODEC_DELTA;
            out.array(6 + usize::from(is_delta));
            out.uint(block.kind as u64);
            out.uint(block.codec.into());
            out.uint(block.stored.into());
            out.uint(block.plain.into());
            out.bytes_head(block.pieces.len() * ChunkId::LENGTH);
            block.pieces.iter().for_each(|(id, _)| out.raw(&id.0));
            out.array(block.pieces.len());
            block.pieces.iter().for_each(|(_, length)| out.uint((*length).into()));
            if is_delta {
                out.array(2);
                out.uint(block.bases.reach.into());
                out.bytes_head(block.bases.ids.len() * ChunkId::LENGTH);
                block.bases.ids.iter().for_each(|id| out.raw(&id.0));
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let mut total = 0;
        let blocks = reader.list("a table", |reader| {
            let block = read_block(reader)?;
            total += u64::from(block.stored);
            match total > OBJECT_MAX {
                true => Err(too_long("the blocks of an object", total, OBJECT_MAX)),
                false => Ok(block),
            }
        })?;
        Ok(Self { blocks })
    }
}

fn too_long(what: &'static str, value: u64, bound: u64) -> FormatError {
    FormatError::BadLength { what, value, bound }
}

fn read_block(reader: &mut Reader<'_>) -> Result<Block, FormatError> {
    reader.tuple("a block", 6, u64::MAX, |reader, elements| {
        if elements > 7 {
            return Err(FormatError::Unknown { what: "element of a block", value: elements });
        }
        let value = reader.uint("the kind of a block")?;
        let kind = u8::try_from(value).ok().and_then(PieceKind::from_u8);
        let kind = kind.ok_or(FormatError::Unknown { what: "block kind", value })?;
        let value = reader.uint("the codec of a block")?;
        let codec = u8::try_from(value).ok().filter(|codec| *codec <= CODEC_DELTA);
        let codec = codec.ok_or(FormatError::Unknown { what: "codec", value })?;
        if elements == 7 && codec != CODEC_DELTA {
            // Unknown things count before malformed ones.
            return Err(FormatError::Unknown { what: "element of a block", value: elements });
        }
        // Nothing compressed is longer than it was, and a reader holds all of it.
        let stored = reader.up_to("the stored bytes of a block", BLOCK_MAX)?;
        let plain = reader.up_to("a block", BLOCK_MAX)?;
        if codec == CODEC_STORED && stored != plain {
            return Err(too_long("a stored block", stored, plain));
        }
        let ids = read_ids(reader, "the ids of a block")?;
        let pieces = read_pieces(reader, ids, plain)?;
        let bases = match (codec == CODEC_DELTA, elements) {
            (false, _) => Bases::default(),
            (true, 7) if kind <= PieceKind::List => read_bases(reader)?,
            (true, _) => return Err(FormatError::BadValue { what: "a delta" }),
        };
        let narrow =
            |length| u32::try_from(length).map_err(|_| too_long("a block", length, BLOCK_MAX));
        let (stored, plain) = (narrow(stored)?, narrow(plain)?);
        Ok(Block { kind, codec, stored, plain, pieces, bases })
    })
}

fn read_ids<'b>(
    reader: &mut Reader<'b>,
    what: &'static str,
) -> Result<&'b [[u8; ChunkId::LENGTH]], FormatError> {
    let (ids, rest) = reader.bytes(what)?.as_chunks::<{ ChunkId::LENGTH }>();
    if rest.is_empty() { Ok(ids) } else { Err(FormatError::BadValue { what }) }
}

/// Each base costs a block at least, so the reach bounds their number.
fn read_bases(reader: &mut Reader<'_>) -> Result<Bases, FormatError> {
    let what = "the bases of a block";
    reader.tuple(what, 2, 2, |reader, _| {
        let reach: u8 = reader.narrow("the reach of a block")?;
        let ids = read_ids(reader, what)?;
        if reach > REACH_MAX || ids.is_empty() || ids.len() >= usize::from(reach) {
            return Err(FormatError::BadValue { what });
        }
        Ok(Bases { reach, ids: ids.iter().map(|id| ChunkId(*id)).collect() })
    })
}

fn read_pieces(
    reader: &mut Reader<'_>,
    ids: &[[u8; ChunkId::LENGTH]],
    plain: u64,
) -> Result<Vec<(ChunkId, u32)>, FormatError> {
    let count = ids.len() as u64;
    reader.tuple("the lengths of a block", count, count, |reader, _| {
        let mut pieces = Vec::with_capacity(ids.len());
        let mut sum = 0u64;
        for id in ids {
            let length: u32 = reader.narrow("the length of a piece")?;
            sum += u64::from(length);
            pieces.push((ChunkId(*id), length));
        }
        if sum != plain {
            return Err(too_long("the pieces of a block", sum, plain));
        }
        Ok(pieces)
    })
}

/// The footer that ends an object whose table has this many bytes.
pub fn footer(table_length: u32) -> [u8; FOOTER_LENGTH] {
    let mut footer = [0; FOOTER_LENGTH];
    footer[4..].copy_from_slice(&table_length.to_le_bytes());
    footer
}

/// The length of the table according to the footer, in bytes. The caller, who has the object,
/// checks that it also fits the object.
pub fn parse_footer(footer: &[u8; FOOTER_LENGTH]) -> Result<u32, FormatError> {
    let [version @ .., a, b, c, d] = *footer;
    let value = u64::from(u32::from_le_bytes(version));
    if value != 0 {
        return Err(FormatError::Unknown { what: "object version", value });
    }
    let length = u32::from_le_bytes([a, b, c, d]);
    match u64::from(length) > TABLE_MAX {
        true => Err(too_long("a table", length.into(), TABLE_MAX)),
        false => Ok(length),
    }
}
