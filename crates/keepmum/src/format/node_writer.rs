//! Writes the nodes of one directory as its entries become known.

use super::cbor::Writer;
use super::error::FormatError;
use super::tree::Node;
use super::{LEVELS_MAX, NODE_MAX};
use crate::model::{ChunkId, Name};

/// From so many entries or children on a node may end early.
const EARLY_FROM: usize = 64;
/// It ends before a name whose hash has a byte below this one.
const EARLY_BELOW: u8 = 2;
/// Most entries or children of a node.
const MOST: usize = 512;
/// A node ends before an entry with which its entries would be longer, in bytes.
const LONG: usize = 1 << 20;
/// More than the head of a node takes, in bytes.
const HEAD: usize = 16;

/// Takes the entries of one directory in ascending order of their names and gives out nodes as
/// they are full. Where a node ends depends on the names only: a change in a huge directory
/// changes one node of each level.
#[derive(Default)]
pub struct NodeWriter {
    first: Option<Name>,
    last: Option<Name>,
    count: usize,
    /// The entries of the open node, encoded.
    entries: Vec<u8>,
    /// Children of levels 1 and above, the lowest first.
    above: Vec<Vec<(Name, ChunkId)>>,
}

impl NodeWriter {
    /// A writer for one directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next entry. `emit` stores an encoded node and answers with its id. Refused are names
    /// out of order and an entry that no node can hold.
    #[cfg(test)]
    pub fn push<E: From<FormatError>>(
        &mut self,
        entry: &crate::model::Entry,
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        let mut encoded = Vec::new();
        super::encode_entry(entry, &mut encoded);
        self.push_encoded(&entry.name, &encoded, emit)
    }

    /// The next entry, as [`encode_entry`] has it.
    pub fn push_encoded<E: From<FormatError>>(
        &mut self,
        name: &Name,
        encoded: &[u8],
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        if self.last.as_ref().is_some_and(|last| last >= name) {
            return Err(FormatError::BadValue { what: "the order of names" }.into());
        }
        let (value, bound) = (encoded.len() as u64, NODE_MAX - HEAD as u64);
        if value > bound {
            return Err(FormatError::BadLength { what: "an entry", value, bound }.into());
        }
        let long = self.count > 0 && self.entries.len() + encoded.len() > LONG;
        if long || ends(self.count, name, 0) {
            self.end_leaf(emit)?;
        }
        self.first.get_or_insert_with(|| name.clone());
        self.last = Some(name.clone());
        self.count += 1;
        self.entries.extend_from_slice(encoded);
        Ok(())
    }

    /// The id of the directory's node, after the last nodes have been given out.
    pub fn finish<E: From<FormatError>>(
        mut self,
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<ChunkId, E> {
        if self.above.is_empty() {
            return emit(self.take_leaf());
        }
        self.end_leaf(emit)?;
        let mut level = 1;
        while level < self.above.len() {
            self.end_level(level, emit)?;
            level += 1;
        }
        emit(self.take_split(level)?)
    }

    fn take_leaf(&mut self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD + self.entries.len());
        let mut writer = Writer::new(&mut out);
        writer.array(2);
        writer.uint(0);
        writer.array(self.count);
        writer.raw(&self.entries);
        self.count = 0;
        self.entries.clear();
        out
    }

    /// The node of this level, which has at least one child.
    fn take_split(&mut self, level: usize) -> Result<Vec<u8>, FormatError> {
        if level > LEVELS_MAX.into() {
            let (value, bound) = (level as u64, LEVELS_MAX.into());
            return Err(FormatError::BadLength { what: "a split directory", value, bound });
        }
        let children = std::mem::take(&mut self.above[level - 1]);
        Ok(Node::Split { level: level as u8, children }.encode())
    }

    fn end_leaf<E: From<FormatError>>(
        &mut self,
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        let Some(first) = self.first.take() else { return Ok(()) };
        let id = emit(self.take_leaf())?;
        self.child(1, first, id, emit)
    }

    fn end_level<E: From<FormatError>>(
        &mut self,
        level: usize,
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        let children = self.above.get(level - 1).and_then(|children| children.first());
        let Some((first, _)) = children.cloned() else { return Ok(()) };
        let id = emit(self.take_split(level)?)?;
        self.child(level + 1, first, id, emit)
    }

    /// A node that has been given out is a child of the open node of `level`.
    fn child<E: From<FormatError>>(
        &mut self,
        level: usize,
        first: Name,
        id: ChunkId,
        emit: &mut impl FnMut(Vec<u8>) -> Result<ChunkId, E>,
    ) -> Result<(), E> {
        if self.above.len() < level {
            self.above.push(Vec::new());
        }
        if ends(self.above[level - 1].len(), &first, level) {
            self.end_level(level, emit)?;
        }
        self.above[level - 1].push((first, id));
        Ok(())
    }
}

/// Whether a node of this level that holds `count` ends before this name. Each level looks at
/// another byte: the names that begin the nodes of one level have all ended one there already.
fn ends(count: usize, name: &Name, level: usize) -> bool {
    let early = || {
        let hash = blake3::hash(name.as_bytes());
        hash.as_bytes().get(level).is_some_and(|byte| *byte < EARLY_BELOW)
    };
    count >= MOST || (count >= EARLY_FROM && early())
}
