//! What a snapshot changes on top of a full tree (§6.4).

use super::OVERLAY_MAX;
use super::cbor::{Reader, Writer};
use super::entry::{read_directory_metadata, read_entry, write_fields};
use super::error::FormatError;
use crate::model::{Entry, Metadata, Name, TreePath};

/// A writer writes a full tree instead of an overlay that is longer, in bytes.
pub const FULL_TREE_FROM: usize = 64 << 10;

/// Changes by path, in ascending order; deeper ones apply to what shallower ones have put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay(pub Vec<(TreePath, Op)>);

/// What happens at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// This entry replaces whatever is there. Its name is the last one of the path.
    Put(Entry),
    /// Nothing is there, nor beneath.
    Remove,
    /// The directory there keeps its children and gets this metadata. The name is the last one
    /// of the path.
    Metadata(Name, Metadata),
}

impl Overlay {
    /// The overlay as a backup item has it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut Writer::new(&mut out));
        out
    }

    /// The overlay in these bytes. There is no telling what is at the path of an entry that is
    /// not understood, so such an entry refuses the whole overlay.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        Reader::whole(bytes, "an overlay", OVERLAY_MAX, Self::read)
    }

    /// Length of the encoded overlay in bytes.
    pub fn encoded_length(&self) -> usize {
        let mut head = Vec::new();
        Writer::new(&mut head).array(self.0.len());
        let changes = self.0.iter().map(|(path, op)| Self::encoded_length_of(path, op));
        head.len() + changes.sum::<usize>()
    }

    /// How many bytes one change takes in an overlay.
    pub fn encoded_length_of(path: &TreePath, op: &Op) -> usize {
        let mut out = Vec::new();
        write_change(path, op, &mut Writer::new(&mut out));
        out.len()
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        out.array(self.0.len());
        self.0.iter().for_each(|(path, op)| write_change(path, op, out));
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let (begin, bound) = (reader.position(), OVERLAY_MAX);
        let mut last: Option<TreePath> = None;
        let changes = reader.list("an overlay", |reader| {
            let (path, op) = reader.tuple("a change of an overlay", 2, 3, read_change)?;
            let value = reader.position() - begin;
            if value > bound {
                return Err(FormatError::BadLength { what: "an overlay", value, bound });
            }
            if last.as_ref().is_some_and(|last| *last >= path) {
                return Err(FormatError::BadValue { what: "the order of paths" });
            }
            last = Some(path.clone());
            Ok((path, op))
        })?;
        Ok(Self(changes))
    }
}

fn write_change(path: &TreePath, op: &Op, out: &mut Writer<'_>) {
    out.array(if matches!(op, Op::Remove) { 2 } else { 3 });
    out.bytes(path.as_bytes());
    match op {
        Op::Put(Entry { name, kind, metadata }) => {
            out.uint(0);
            write_fields(name, Some(kind), metadata, out);
        }
        Op::Remove => out.uint(1),
        Op::Metadata(name, metadata) => {
            out.uint(2);
            write_fields(name, None, metadata, out);
        }
    }
}

fn read_change(reader: &mut Reader<'_>, elements: u64) -> Result<(TreePath, Op), FormatError> {
    let what = "the path of a change";
    let path = TreePath::new(reader.bytes_up_to(what, TreePath::MAX)?);
    let path = path.map_err(|_| FormatError::BadValue { what })?;
    let (_, last) = path.split().ok_or(FormatError::BadValue { what })?;
    let op = match (reader.uint("a change of an overlay")?, elements) {
        (0, 3) => Op::Put(read_entry(reader)?),
        (1, 2) => Op::Remove,
        (2, 3) => {
            let (name, metadata) = read_directory_metadata(reader)?;
            Op::Metadata(name, metadata)
        }
        (0..=2, _) => return Err(FormatError::BadValue { what: "a change of an overlay" }),
        (value, _) => return Err(FormatError::Unknown { what: "change of an overlay", value }),
    };
    let name = match &op {
        Op::Put(Entry { name, .. }) | Op::Metadata(name, _) => name,
        Op::Remove => &last,
    };
    match *name == last {
        true => Ok((path, op)),
        false => Err(FormatError::BadValue { what: "the name of an entry at its path" }),
    }
}
