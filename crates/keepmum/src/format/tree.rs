//! Nodes of directory trees (§6.1).

use super::cbor::{Reader, Writer};
use super::entry::{read_entry, write_entry};
use super::error::FormatError;
use super::{LEVELS_MAX, NODE_MAX};
use crate::model::{ChunkId, Entry, Name};

/// A directory, or a part of one that is split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Entries.
    Leaf {
        /// In ascending order of their names.
        entries: Vec<Entry>,
        /// How many more there are that this version does not understand; never written.
        refused: u32,
        /// How many more there are that are malformed or not in order; never written.
        damaged: u32,
    },
    /// The nodes of the parts of a directory.
    Split {
        /// Levels beneath this one, 1 to 8.
        level: u8,
        /// The first name of each part and its node of level `level - 1`, in order.
        children: Vec<(Name, ChunkId)>,
    },
}

impl Node {
    /// The node as a piece has it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.array(2);
        match self {
            Self::Leaf { entries, .. } => {
                writer.uint(0);
                writer.array(entries.len());
                entries.iter().for_each(|entry| write_entry(entry, &mut writer));
            }
            Self::Split { level, children } => {
                writer.uint((*level).into());
                writer.array(children.len());
                for (name, id) in children {
                    writer.array(2);
                    writer.bytes(name.as_bytes());
                    writer.bytes(&id.0);
                }
            }
        }
        out
    }

    /// The node in these bytes. An entry with something critical and unknown in it, or with
    /// something malformed, or that is not in order, is refused alone and counted.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        Reader::whole(bytes, "a tree node", NODE_MAX, |reader| {
            reader.row("a tree node", 2, 2, |reader, _| {
                match reader.up_to("the level of a tree node", LEVELS_MAX.into())? {
                    0 => read_leaf(reader),
                    level => read_split(reader, level as u8),
                }
            })
        })
    }
}

fn read_leaf(reader: &mut Reader<'_>) -> Result<Node, FormatError> {
    let (mut refused, mut damaged) = (0, 0);
    let entries = reader.tuple("the entries of a tree node", 0, u64::MAX, |reader, count| {
        let mut entries: Vec<Entry> = Vec::new();
        for _ in 0..count {
            match reader.by_itself("an entry", read_entry)? {
                Ok(entry) if entries.last().is_none_or(|last| last.name < entry.name) => {
                    entries.push(entry);
                }
                Err(FormatError::Unknown { .. }) => refused += 1,
                Ok(_) | Err(_) => damaged += 1,
            }
        }
        Ok(entries)
    })?;
    Ok(Node::Leaf { entries, refused, damaged })
}

/// First names out of order refuse nothing: no reader relies on them, and entries out of order
/// are refused one by one.
fn read_split(reader: &mut Reader<'_>, level: u8) -> Result<Node, FormatError> {
    let what = "the children of a tree node";
    let children = reader.tuple(what, 1, u64::MAX, |reader, count| {
        let mut children: Vec<(Name, ChunkId)> = Vec::new();
        for _ in 0..count {
            let (name, id) = reader.row(what, 2, 2, |reader, _| {
                let name = Name::new(reader.bytes_up_to(what, Name::MAX)?);
                let name = name.map_err(|_| FormatError::BadValue { what })?;
                Ok((name, ChunkId(reader.fixed("the id of a node")?)))
            })?;
            children.push((name, id));
        }
        Ok(children)
    })?;
    Ok(Node::Split { level, children })
}
