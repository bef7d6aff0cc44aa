//! Directories that lie at another place than before.
//!
//! One keeps what was remembered of it. In a folder that is written anew its node stands in that
//! folder's; elsewhere the overlay puts it as its full tree knows it, and the lines of the overlay
//! beneath it go along, so that a rename costs one line whatever changed beneath before.

use std::collections::HashMap;

use crate::catalogue::{Catalogue, DirectoryId, Remembered};
use crate::format::{Op, decode_entry, encode_entry};
use crate::model::{ChunkId, Entry, Found, Kind, TreePath};

use super::Backup;
use super::directory::NO_NODE;
use super::tree::overlay_of;
use crate::session::error::Error;

/// A directory as the tree beneath the overlay knows it, and what the overlay says beneath it.
pub(super) struct Base {
    node: ChunkId,
    /// Paths from the directory on.
    lines: Vec<(TreePath, Op)>,
}

/// The bases of directories that are gone from their place and may turn up at another.
pub(super) type Stranded = HashMap<DirectoryId, Base>;

impl Backup<'_, '_, '_> {
    /// A directory that lay at another place before, and whether it is written anew at this one.
    pub(super) fn renamed(
        &mut self,
        path: &TreePath,
        new: &Found,
    ) -> Result<Option<(DirectoryId, bool)>, Error> {
        if new.renumbers {
            return Ok(None);
        }
        let found = self.catalogue.directory_by_inode(new.file_system, new.stamp.inode)?;
        let Some(id) = found.filter(|id| !self.claimed.contains(id)) else { return Ok(None) };
        let in_use = self.open.iter().any(|open| open.id == id) || self.files.awaits(id);
        if in_use || id == Catalogue::ROOT {
            return Ok(None);
        }
        let from = self.remembered_at(id)?;
        if from.as_ref().is_some_and(|from| from < path) {
            // The walk has been there and it has not left: a second way to one directory.
            return Ok(None);
        }
        let place = self.catalogue.place(id)?;
        let old = match &place {
            Some((above, name)) => self.catalogue.child(*above, name)?,
            None => None,
        };
        let read = self.directory_metadata(path, new, old.as_ref())?;
        let Some((metadata, fits)) = read else { return Ok(None) };
        let parent = self.parent();
        let before = self.catalogue.path(id)?;
        let base = self.take_base(id, from.as_ref())?.filter(|_| !parent.fresh);
        let node = match &base {
            Some(base) => base.node,
            None => self.catalogue.node(id)?.unwrap_or(NO_NODE),
        };
        let entry = Entry { name: new.name.clone(), kind: Kind::Directory(node), metadata };
        let mut bytes = Vec::new();
        encode_entry(&entry, &mut bytes);
        let stamp = new.lasting_stamp().filter(|_| fits);
        self.catalogue.move_directory(id, parent.id, &new.name, stamp.as_ref(), &bytes)?;
        self.claimed.insert(id);
        self.changed.insert(parent.id);
        if let Some((above, _)) = place {
            self.moved_away(from.as_ref(), above)?;
        }
        let fresh = base.is_none();
        if let Some(base) = base {
            self.put_base(path, entry, base)?;
        }
        self.moved_directory(id, before.as_ref().unwrap_or(path), path);
        Ok(Some((id, fresh)))
    }

    /// Puts a directory as it was beneath the overlay, and over it what the overlay said of it.
    fn put_base(&mut self, path: &TreePath, entry: Entry, base: Base) -> Result<(), Error> {
        self.catalogue.remove_overlay_within(path.as_bytes())?;
        self.set_overlay(path, &Op::Put(entry))?;
        for (beneath, op) in base.lines {
            self.set_overlay(&beneath.under(path), &op)?;
        }
        Ok(())
    }

    /// A directory is gone from its place: what is known of it is kept, should it turn up at
    /// another. Called before the overlay beneath it is removed.
    pub(super) fn strand(
        &mut self,
        path: &TreePath,
        id: DirectoryId,
        old: &Remembered,
    ) -> Result<(), Error> {
        // In a folder that is written anew the overlay says nothing of what is beneath.
        if !self.parent().fresh && !self.set.options.dry_run {
            let base = self.base(path, &old.entry)?;
            self.stranded.extend(base.map(|base| (id, base)));
        }
        Ok(())
    }

    /// What the overlay and the tree beneath it have of a directory at a path.
    fn base(&self, path: &TreePath, entry: &[u8]) -> Result<Option<Base>, Error> {
        let Ok(Entry { kind: Kind::Directory(node), .. }) = decode_entry(entry) else {
            return Ok(None);
        };
        if node == NO_NODE || self.full_tree {
            return Ok(None);
        }
        let overlay = overlay_of(self.catalogue.overlay_within(path.as_bytes())?)?.0;
        let lines = overlay.into_iter().filter_map(|(at, op)| Some((beneath(&at, path)?, op)));
        Ok(Some(Base { node, lines: lines.collect() }))
    }

    /// The base of a directory that moves away; nothing where it has none, or none that is known.
    fn take_base(
        &mut self,
        id: DirectoryId,
        from: Option<&TreePath>,
    ) -> Result<Option<Base>, Error> {
        if let Some(base) = self.stranded.remove(&id) {
            return Ok(Some(base));
        }
        let Some((parent, name)) = self.catalogue.place(id)? else { return Ok(None) };
        let Some(row) = self.catalogue.child(parent, &name)? else { return Ok(None) };
        if row.directory != Some(id) {
            return Ok(None);
        }
        if let Some(from) = from {
            return self.base(from, &row.entry);
        }
        let Ok(Entry { kind: Kind::Directory(node), .. }) = decode_entry(&row.entry) else {
            return Ok(None);
        };
        // It lies in one that is gone from its place, and is missed there should that turn up.
        let Some((above, within)) = self.stranded_above(id)? else { return Ok(None) };
        let Some(above) = self.stranded.get_mut(&above) else { return Ok(None) };
        let mut lines = Vec::new();
        above.lines.retain(|(at, op)| {
            lines.extend(beneath(at, &within).map(|at| (at, op.clone())));
            !at.is_within(&within)
        });
        above.lines.push((within, Op::Remove));
        Ok((node != NO_NODE).then_some(Base { node, lines }))
    }

    /// The stranded directory that another one lies in, and the path from there.
    fn stranded_above(&self, id: DirectoryId) -> Result<Option<(DirectoryId, TreePath)>, Error> {
        let (mut at, mut within) = (id, TreePath::root());
        while let Some((parent, name)) = self.catalogue.place(at)? {
            let child = self.catalogue.child(parent, &name)?;
            if child.and_then(|child| child.directory) != Some(at) {
                return Ok(None);
            }
            within = within.under(&TreePath::root().join(&name));
            if self.stranded.contains_key(&parent) {
                return Ok(Some((parent, within)));
            }
            at = parent;
        }
        Ok(None)
    }

    /// Where a directory is remembered to be; nothing if it, or one above it, was gone from its
    /// place already.
    fn remembered_at(&self, id: DirectoryId) -> Result<Option<TreePath>, Error> {
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

    /// A directory left a place that the walk has still to come to. There it will not be missed,
    /// because the folder it was in may be listed, or have moved itself, without it.
    fn moved_away(&mut self, from: Option<&TreePath>, above: DirectoryId) -> Result<(), Error> {
        let mut at = Some(above);
        while let Some(id) = at {
            self.changed.insert(id);
            self.catalogue.set_node(id, None)?;
            at = self.catalogue.place(id)?.map(|(parent, _)| parent);
        }
        let Some(from) = from else { return Ok(()) };
        self.catalogue.remove_overlay_within(from.as_bytes())?;
        if self.full_tree { Ok(()) } else { self.set_overlay(from, &Op::Remove) }
    }
}

/// A path from a directory above it on; nothing for that directory itself and what is elsewhere.
fn beneath(path: &TreePath, above: &TreePath) -> Option<TreePath> {
    let rest = path.is_within(above).then(|| path.as_bytes().get(above.as_bytes().len()..))??;
    let rest = rest.strip_prefix(b"/")?;
    TreePath::new(rest).ok()
}
