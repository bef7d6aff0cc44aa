//! Directories that lie at another place than before: they keep what was remembered of them, and
//! their nodes.

use crate::catalogue::{Catalogue, DirectoryId};
use crate::format::encode_entry;
use crate::model::{Entry, Found, Kind, TreePath};
use crate::session::error::Error;

use super::Backup;
use super::directory::NO_NODE;

impl Backup<'_, '_, '_> {
    /// A directory that lay at another place before.
    pub(super) fn renamed(
        &mut self,
        path: &TreePath,
        new: &Found,
    ) -> Result<Option<DirectoryId>, Error> {
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
        let known = self.catalogue.node(id)?;
        if known.is_none() {
            self.changed.insert(id);
        }
        let node = known.unwrap_or(NO_NODE);
        let entry = Entry { name: new.name.clone(), kind: Kind::Directory(node), metadata };
        let mut bytes = Vec::new();
        encode_entry(&entry, &mut bytes);
        let stamp = new.lasting_stamp().filter(|_| fits);
        self.catalogue.move_directory(id, parent.id, &new.name, stamp.as_ref(), &bytes)?;
        self.claimed.insert(id);
        self.changed.insert(parent.id);
        // It may not be missed there: the folder that it was in may have moved itself, or stay closed.
        self.changed.extend(place.map(|(above, _)| above));
        self.moved_directory(id, before.as_ref().unwrap_or(path), path);
        Ok(Some(id))
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
}
