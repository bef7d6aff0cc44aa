//! The remembered tree as the run changes it, and the changed nodes.
//!
//! A directory's node is written when the walk leaves it; later changes are written at the end. The
//! tree reads nothing of the source and reports nothing: it returns the differences.

use std::collections::{BTreeSet, HashSet};

use crate::catalogue::{Catalogue, DirectoryId, Remembered};
use crate::format::{NodeWriter, decode_entry, encode_entry};
use crate::model::{ChunkId, Entry, Found, Kind, Metadata, Stamp, TreePath};

use super::former::{Former, FormerNodes};
use super::progress::Progress;
use crate::session::error::{Error, ErrorKind};

/// Stands in a row until the node is known.
const NO_NODE: ChunkId = ChunkId([0; 32]);

/// A stamp as a row keeps it.
type KeptStamp = [u8; Stamp::LENGTH];

/// Where nodes are stored.
pub(super) trait Nodes {
    /// The id of a node.
    fn id_of(&self, node: &[u8]) -> ChunkId;

    /// Whether one may be a delta of its former version.
    fn makes_deltas(&self) -> bool;

    /// Stores one, on the one that it is like; answers with its id.
    fn store(&mut self, node: Vec<u8>, on: Option<(ChunkId, &[u8])>) -> Result<ChunkId, Error>;
}

/// The remembered tree under change.
pub(super) struct Tree<'a> {
    catalogue: &'a Catalogue,
    /// Directories with a difference beneath, by row.
    changed: HashSet<DirectoryId>,
    /// Rows that a renamed directory has taken over.
    claimed: HashSet<DirectoryId>,
    /// Every node is written, whether it changed or not.
    is_full: bool,
    former: Former,
}

impl<'a> Tree<'a> {
    /// The tree as it is remembered. If it `is_full`, no node counts as stored.
    pub(super) fn new(catalogue: &'a Catalogue, is_full: bool) -> Result<Self, Error> {
        if is_full {
            catalogue.clear_nodes()?;
        }
        let (changed, claimed, former) = Default::default();
        Ok(Self { catalogue, changed, claimed, is_full, former })
    }

    /// Whether every node is written.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether a renamed directory has taken over this row.
    pub(super) fn is_claimed(&self, id: DirectoryId) -> bool {
        self.claimed.contains(&id)
    }

    /// Puts an entry that is no directory in the place of the `old` one; whether it differs.
    pub(super) fn put(
        &mut self,
        parent: DirectoryId,
        old: Option<&Remembered>,
        entry: &Entry,
        stamp: Option<&KeptStamp>,
    ) -> Result<bool, Error> {
        let bytes = encoded(entry);
        if old.is_some_and(|old| old.entry == bytes) {
            self.catalogue.set_stamp(parent, &entry.name, stamp)?;
            return Ok(false);
        }
        self.catalogue.put_entry(parent, &entry.name, stamp, &bytes, entry.kind.number())?;
        self.changed.insert(parent);
        Ok(true)
    }

    /// Puts a directory. An existing one keeps its node: `before` is its row and its former entry.
    pub(super) fn put_directory(
        &mut self,
        parent: DirectoryId,
        found: &Found,
        (metadata, stamp): (Metadata, Option<&KeptStamp>),
        before: Option<(DirectoryId, Kind)>,
    ) -> Result<DirectoryId, Error> {
        let is_new = before.is_none();
        let (node, kind) = match before {
            Some((id, kind)) => (self.catalogue.node(id)?, kind),
            None => (None, Kind::Directory(NO_NODE)),
        };
        let (name, inode) = (&found.name, found.stamp.inode);
        let bytes = encoded(&Entry { name: name.clone(), kind, metadata });
        let (system, node) = (found.file_system, node.as_ref());
        let row = self.catalogue.put_directory(parent, name, stamp, &bytes, system, inode, node)?;
        self.changed.insert(parent);
        if is_new {
            self.changed.insert(row);
        }
        Ok(row)
    }

    /// Takes an entry out of its folder. All beneath a directory stays, without a place.
    pub(super) fn take_out(&mut self, parent: DirectoryId, old: &Remembered) -> Result<(), Error> {
        match old.directory {
            Some(_) => self.catalogue.detach(parent, &old.name)?,
            None => self.catalogue.remove(parent, &old.name)?,
        }
        self.changed.insert(parent);
        Ok(())
    }

    /// The row that a directory had at another place, as its inode says.
    pub(super) fn known_elsewhere(&self, found: &Found) -> Result<Option<DirectoryId>, Error> {
        if found.renumbers {
            return Ok(None);
        }
        let id = self.catalogue.directory_by_inode(found.file_system, found.stamp.inode)?;
        Ok(id.filter(|id| *id != Catalogue::ROOT && !self.is_claimed(*id)))
    }

    /// Lets a directory that lies at another place now keep its row, with all beneath it, and its
    /// node.
    pub(super) fn take_over(
        &mut self,
        id: DirectoryId,
        parent: DirectoryId,
        found: &Found,
        (metadata, stamp): (Metadata, Option<&KeptStamp>),
    ) -> Result<(), Error> {
        let before = self.catalogue.place(id)?;
        let known = self.catalogue.node(id)?;
        if known.is_none() {
            self.changed.insert(id);
        }
        let kind = Kind::Directory(known.unwrap_or(NO_NODE));
        let bytes = encoded(&Entry { name: found.name.clone(), kind, metadata });
        self.catalogue.move_directory(id, parent, &found.name, stamp, &bytes)?;
        self.claimed.insert(id);
        self.changed.insert(parent);
        // It may not be missed there: the folder that it was in may have moved itself, or stay closed.
        self.changed.extend(before.map(|(above, _)| above));
        Ok(())
    }

    /// Where a directory is remembered to be; nothing if it, or one above it, was gone from its
    /// place already.
    pub(super) fn remembered_at(&self, id: DirectoryId) -> Result<Option<TreePath>, Error> {
        let mut at = id;
        while let Some((parent, name)) = self.catalogue.place(at)? {
            let child = self.catalogue.child(parent, &name)?;
            if child.and_then(|child| child.directory) != Some(at) {
                return Ok(None);
            }
            at = parent;
        }
        Ok(self.catalogue.path(id)?)
    }

    /// All that was beneath a directory has been dealt with.
    pub(super) fn leave(&mut self, id: DirectoryId, nodes: &mut dyn Nodes) -> Result<(), Error> {
        match self.changed.remove(&id) || self.is_full {
            true => self.write_directory(id, nodes),
            false => Ok(()),
        }
    }

    /// The root node of the new state. Writes the nodes that changed after the walk left them, the
    /// deepest first.
    pub(super) fn settle(
        &mut self,
        nodes: &mut dyn Nodes,
        progress: &Progress<'_>,
    ) -> Result<ChunkId, Error> {
        let mut waiting = BTreeSet::new();
        let changed: Vec<DirectoryId> = self.changed.drain().collect();
        for id in changed.into_iter().chain(self.catalogue.unwritten()?) {
            // One that is gone has no place.
            if let Some(path) = self.catalogue.path(id)? {
                waiting.insert((path.names().count(), id));
            }
        }
        while let Some((depth, id)) = waiting.pop_last() {
            progress.go_on()?;
            self.write_directory(id, nodes)?;
            let above = self.changed.drain().map(|above| (depth.saturating_sub(1), above));
            waiting.extend(above);
        }
        let root = self.catalogue.node(Catalogue::ROOT)?;
        root.ok_or_else(|| Error::new(ErrorKind::Local, "the catalogue has lost its root"))
    }

    /// Writes the node of a directory whose subdirectories have theirs. If it differs, so does the
    /// directory above.
    fn write_directory(&mut self, id: DirectoryId, nodes: &mut dyn Nodes) -> Result<(), Error> {
        let node = self.write_node(id, nodes)?;
        if self.put_node(id, &node)?
            && let Some((parent, _)) = self.catalogue.place(id)?
        {
            self.changed.insert(parent);
        }
        Ok(())
    }

    /// Encodes and stores a node.
    fn write_node(&mut self, id: DirectoryId, nodes: &mut dyn Nodes) -> Result<ChunkId, Error> {
        let former = match self.is_full || !nodes.makes_deltas() {
            true => FormerNodes::default(),
            false => self.former.nodes(self.catalogue, id, &|node| nodes.id_of(node))?,
        };
        let mut store = |node: Vec<u8>| {
            let on = former.like(&node);
            nodes.store(node, on)
        };
        let mut node = NodeWriter::new();
        for child in self.catalogue.children(id) {
            let child = child?;
            node.push_encoded(&child.name, &child.entry, &mut store)?;
        }
        node.finish(&mut store)
    }

    /// Puts a node's id into the directory's row and into its entry; whether that says something
    /// else now.
    fn put_node(&mut self, id: DirectoryId, node: &ChunkId) -> Result<bool, Error> {
        self.catalogue.set_node(id, Some(node))?;
        let Some((parent, name)) = self.catalogue.place(id)? else { return Ok(false) };
        let Some(row) = self.catalogue.child(parent, &name)? else { return Ok(false) };
        let damaged = |_| Error::new(ErrorKind::Local, "the catalogue holds a damaged entry");
        let entry = decode_entry(&row.entry).map_err(damaged)?;
        let bytes = encoded(&Entry { kind: Kind::Directory(*node), ..entry });
        if bytes == row.entry {
            return Ok(false);
        }
        self.catalogue.set_entry(parent, &name, &bytes)?;
        Ok(true)
    }
}

fn encoded(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_entry(entry, &mut bytes);
    bytes
}

#[cfg(test)]
mod tests;
