//! Directory nodes: written when a new directory is left, or all together for a new full tree.

use crate::catalogue::{Catalogue, DirectoryId, state};
use crate::format::overlay::FULL_TREE_FROM;
use crate::format::{NodeWriter, Op, Overlay, PieceKind, decode_entry, encode_entry};
use crate::model::{ChunkId, Entry, Kind, TreePath};

use super::{Backup, OpenDirectory};
use crate::session::error::{Error, ErrorKind};

impl Backup<'_, '_, '_> {
    /// All that was beneath a directory has been dealt with.
    pub(super) fn left(&mut self, directory: &OpenDirectory) -> Result<(), Error> {
        if self.set.options.dry_run {
            return Ok(());
        }
        if self.unwalked.remove(&directory.id) {
            self.write_unwalked(directory.id)?;
        }
        let differs = self.changed.remove(&directory.id);
        if !directory.fresh {
            if differs {
                self.catalogue.set_node(directory.id, None)?;
                self.mark_parent(directory.id)?;
            }
            return Ok(());
        }
        let known = self.catalogue.node(directory.id)?;
        let node = match known {
            Some(node) if !differs => node,
            _ => self.write_node(directory.id)?,
        };
        self.mark_parent(directory.id)?;
        let Some(entry) = self.put_node(directory.id, &node)? else { return Ok(()) };
        if !directory.in_fresh {
            self.catalogue.remove_overlay_within(directory.path.as_bytes())?;
            self.set_overlay(&directory.path, &Op::Put(entry))?;
        }
        Ok(())
    }

    /// Writes the nodes that are missing beneath a directory which could not be walked.
    fn write_unwalked(&mut self, top: DirectoryId) -> Result<(), Error> {
        let mut order = vec![top];
        let mut next = 0;
        while let Some(at) = order.get(next) {
            let children = self.catalogue.children(*at);
            for child in children {
                order.extend(child?.directory);
            }
            next += 1;
        }
        // Whatever is beneath comes before what is above.
        for id in order.into_iter().skip(1).rev() {
            if self.changed.remove(&id) || self.catalogue.node(id)?.is_none() {
                let node = self.write_node(id)?;
                self.put_node(id, &node)?;
                self.mark_parent(id)?;
            }
        }
        Ok(())
    }

    fn mark_parent(&mut self, id: DirectoryId) -> Result<(), Error> {
        if let Some((parent, _)) = self.catalogue.place(id)? {
            self.changed.insert(parent);
        }
        Ok(())
    }

    /// Encodes and stores the node of a directory whose subdirectories have theirs.
    fn write_node(&mut self, id: DirectoryId) -> Result<ChunkId, Error> {
        let mut node = NodeWriter::new();
        for child in self.catalogue.children(id) {
            let child = child?;
            node.push_encoded(&child.name, &child.entry, &mut |bytes: Vec<u8>| {
                self.run.store_metadata(PieceKind::Node, &bytes)
            })?;
        }
        node.finish(&mut |bytes: Vec<u8>| self.run.store_metadata(PieceKind::Node, &bytes))
    }

    /// Puts a node's id into the directory's row and into its entry.
    fn put_node(&mut self, id: DirectoryId, node: &ChunkId) -> Result<Option<Entry>, Error> {
        self.catalogue.set_node(id, Some(node))?;
        let Some((parent, name)) = self.catalogue.place(id)? else { return Ok(None) };
        let Some(row) = self.catalogue.child(parent, &name)? else { return Ok(None) };
        let damaged = |_| Error::new(ErrorKind::Local, "the catalogue holds a damaged entry");
        let entry = decode_entry(&row.entry).map_err(damaged)?;
        let entry = Entry { kind: Kind::Directory(*node), ..entry };
        let mut bytes = Vec::new();
        encode_entry(&entry, &mut bytes);
        if bytes != row.entry {
            self.catalogue.set_entry(parent, &name, &bytes)?;
        }
        Ok(Some(entry))
    }

    /// The root and overlay of the new state. Writes a new full tree where the overlay has grown
    /// too long.
    pub(super) fn settle_tree(&mut self) -> Result<(ChunkId, Overlay), Error> {
        let root = self.base_root()?;
        // Of each row no more than its few bytes of frame are not in the overlay: one that is
        // much too long need not be read.
        if let Some(root) = root
            && !self.full_tree
            && self.catalogue.overlay_bytes()? <= 4 * FULL_TREE_FROM as u64
        {
            let overlay = overlay_of(self.catalogue.overlay()?)?;
            if overlay.encoded_length() <= FULL_TREE_FROM {
                return Ok((root, overlay));
            }
        }
        for id in self.catalogue.dirty_directories()? {
            self.set.progress.go_on()?;
            let node = self.write_node(id)?;
            self.put_node(id, &node)?;
        }
        self.catalogue.clear_overlay()?;
        let root = match self.catalogue.node(Catalogue::ROOT)? {
            Some(root) => root,
            None => {
                let root = self.write_node(Catalogue::ROOT)?;
                self.catalogue.set_node(Catalogue::ROOT, Some(&root))?;
                root
            }
        };
        self.catalogue.set(&state::ROOT, &root)?;
        Ok((root, Overlay(Vec::new())))
    }

    /// The root of the full tree that the overlay lies on.
    fn base_root(&self) -> Result<Option<ChunkId>, Error> {
        Ok(self.catalogue.get(&state::ROOT)?)
    }

    pub(super) fn set_overlay(&mut self, path: &TreePath, op: &Op) -> Result<(), Error> {
        if self.set.options.dry_run {
            return Ok(());
        }
        let one = Overlay(vec![(path.clone(), op.clone())]);
        self.overlay_changed = true;
        Ok(self.catalogue.set_overlay(path.as_bytes(), &one.encode())?)
    }

    pub(super) fn overlay_at(&self, path: &TreePath) -> Result<Option<Op>, Error> {
        let Some(bytes) = self.catalogue.overlay_at(path.as_bytes())? else { return Ok(None) };
        Ok(overlay_of(vec![(path.as_bytes().to_vec(), bytes)])?.0.pop().map(|(_, op)| op))
    }
}

/// The overlay in the catalogue's rows; each holds an overlay of one operation.
pub(super) fn overlay_of(rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Overlay, Error> {
    let mut ops = Vec::with_capacity(rows.len());
    for (_, bytes) in rows {
        let damaged = |_| Error::new(ErrorKind::Local, "the catalogue holds a damaged overlay");
        ops.extend(Overlay::decode(&bytes).map_err(damaged)?.0);
    }
    Ok(Overlay(ops))
}
