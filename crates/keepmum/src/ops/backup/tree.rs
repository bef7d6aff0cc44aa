//! Directory nodes: each is written when the walk leaves its directory, and what changed after that
//! at the end.

use std::collections::BTreeSet;

use crate::catalogue::{Catalogue, DirectoryId};
use crate::format::{NodeWriter, PieceKind, decode_entry, encode_entry};
use crate::model::{ChunkId, Entry, Kind};

use super::former::FormerNodes;
use super::{Backup, OpenDirectory};
use crate::session::error::{Error, ErrorKind};

impl Backup<'_, '_, '_> {
    /// All that was beneath a directory has been dealt with.
    pub(super) fn left(&mut self, directory: &OpenDirectory) -> Result<(), Error> {
        if self.set.options.dry_run {
            return Ok(());
        }
        match self.changed.remove(&directory.id) || self.full_tree {
            true => self.write_directory(directory.id),
            false => Ok(()),
        }
    }

    /// Writes the node of a directory whose subdirectories have theirs. If it differs, so does the
    /// directory above.
    fn write_directory(&mut self, id: DirectoryId) -> Result<(), Error> {
        let node = self.write_node(id)?;
        if self.put_node(id, &node)?
            && let Some((parent, _)) = self.catalogue.place(id)?
        {
            self.changed.insert(parent);
        }
        Ok(())
    }

    /// Encodes and stores a node.
    fn write_node(&mut self, id: DirectoryId) -> Result<ChunkId, Error> {
        let former = match self.full_tree || !self.run.makes_deltas() {
            true => FormerNodes::default(),
            false => self.former.nodes(self.catalogue, id, self.set.repository())?,
        };
        let run = &mut self.run;
        let mut store = |bytes: Vec<u8>| {
            let on = former.like(&bytes);
            run.store_metadata_on(PieceKind::Node, bytes, on)
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
        let entry = Entry { kind: Kind::Directory(*node), ..entry };
        let mut bytes = Vec::new();
        encode_entry(&entry, &mut bytes);
        if bytes == row.entry {
            return Ok(false);
        }
        self.catalogue.set_entry(parent, &name, &bytes)?;
        Ok(true)
    }

    /// The root node of the new state. Writes what the walk has not left since it changed, the
    /// deepest first.
    pub(super) fn settle_tree(&mut self) -> Result<ChunkId, Error> {
        let mut waiting = BTreeSet::new();
        let changed: Vec<DirectoryId> = self.changed.drain().collect();
        for id in changed.into_iter().chain(self.catalogue.unwritten()?) {
            // One that is gone has no place.
            if let Some(path) = self.catalogue.path(id)? {
                waiting.insert((path.names().count(), id));
            }
        }
        while let Some((depth, id)) = waiting.pop_last() {
            self.set.progress.go_on()?;
            self.write_directory(id)?;
            let above = self.changed.drain().map(|above| (depth.saturating_sub(1), above));
            waiting.extend(above);
        }
        let root = self.catalogue.node(Catalogue::ROOT)?;
        root.ok_or_else(|| Error::new(ErrorKind::Local, "the catalogue has lost its root"))
    }
}
