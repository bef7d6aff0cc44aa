//! Directories that lie at another place than before: they keep their remembered entries, and their
//! nodes.

use crate::catalogue::DirectoryId;
use crate::model::{Found, TreePath};
use crate::session::error::Error;

use super::Backup;

impl Backup<'_, '_, '_> {
    /// A directory that lay at another place before.
    pub(super) fn renamed(
        &mut self,
        path: &TreePath,
        new: &Found,
    ) -> Result<Option<DirectoryId>, Error> {
        let Some(id) = self.tree.known_elsewhere(new)? else { return Ok(None) };
        if self.open.iter().any(|open| open.id == id) || self.files.awaits(id) {
            return Ok(None);
        }
        let from = self.tree.remembered_at(id)?;
        if from.as_ref().is_some_and(|from| from < path) {
            // The walk has been there and it has not left: a second way to one directory.
            return Ok(None);
        }
        let old = match self.catalogue.place(id)? {
            Some((above, name)) => self.catalogue.child(above, &name)?,
            None => None,
        };
        let read = self.directory_metadata(path, new, old.as_ref())?;
        let Some((metadata, fits)) = read else { return Ok(None) };
        let before = self.catalogue.path(id)?;
        let stamp = new.lasting_stamp().filter(|_| fits);
        self.tree.take_over(id, self.parent().id, new, (metadata, stamp.as_ref()))?;
        self.moved_directory(id, before.as_ref().unwrap_or(path), path);
        Ok(Some(id))
    }
}
