//! Directories: entering them, and their own metadata.

use std::sync::Arc;

use crate::catalogue::{DirectoryId, Remembered};
use crate::model::{Found, Merge, Metadata, TreePath};
use crate::source::{SourceError, Walk};

use super::Backup;
use super::entry::remembered_entry;
use super::setting::OpenDirectory;
use super::sides::Old;
use crate::session::error::Error;
use crate::session::event::ChangeKind;
use crate::session::walk_error::WalkError;

impl Backup<'_, '_, '_> {
    pub(super) fn directory(
        &mut self,
        merge: &mut Merge<Old<'_>, Walk>,
        path: TreePath,
        old: Option<Remembered>,
        new: &Found,
    ) -> Result<(), Error> {
        self.report.directories += 1;
        let above = self.parent();
        let unit = self.places.units.at(&path, above.unit);
        let device = new.stamp.device;
        if new.is_mount || above.device.is_some_and(|above| above != device) {
            self.note_mount(&path);
        }
        let told = self.problems;
        let known = old.as_ref().and_then(|old| old.directory.map(|id| (old, id)));
        let known = known.filter(|(_, id)| !self.tree.is_claimed(*id));
        let (id, listed) = match known {
            Some((old, id)) => {
                self.known_directory(&path, old, id, new)?;
                (id, Some(id))
            }
            None => match self.renamed(&path, new)? {
                Some(id) => (id, Some(id)),
                None => (self.new_directory(&path, new)?, None),
            },
        };
        match merge.enter::<WalkError>(path.clone(), listed.as_ref(), Some(&())) {
            Ok(()) => {
                let device = Some(device);
                let open = OpenDirectory { id, unit, device };
                self.open.push(Arc::new(open));
                Ok(())
            }
            Err(WalkError::Source(error)) => {
                // One that may not be read keeps its attributes to itself too: one problem.
                if self.problems == told {
                    self.source_problem(&error);
                }
                // The remembered entries beneath it stay; a new directory is empty there.
                Ok(())
            }
            Err(other) => Err(other.into()),
        }
    }

    /// The rest of the current directory cannot be listed: its remembered entries stay.
    pub(super) fn cut(&mut self, error: &SourceError) {
        self.source_problem(error);
    }

    /// A directory that was there before: only its own metadata can differ here.
    fn known_directory(
        &mut self,
        path: &TreePath,
        old: &Remembered,
        id: DirectoryId,
        new: &Found,
    ) -> Result<(), Error> {
        if old.stamp == Some(new.kept_stamp()) {
            return Ok(());
        }
        let parent = self.parent();
        self.catalogue.set_inode(id, new.file_system, new.stamp.inode)?;
        let Some(before) = remembered_entry(old) else {
            return self.put_directory_row(&parent, path, new).map(drop);
        };
        let read = self.directory_metadata(path, new, Some(old))?;
        let Some((mut metadata, fits)) = read else { return Ok(()) };
        if self.set.source.is_unsteady(path) {
            // Its time is that of the last run: a run must not differ because of its own actions.
            metadata.mtime = before.metadata.mtime;
        }
        let stamp = new.lasting_stamp().filter(|_| fits);
        if before.metadata == metadata {
            return Ok(self.catalogue.set_stamp(parent.id, &new.name, stamp.as_ref())?);
        }
        self.report.changed += 1;
        self.report.directories_changed += 1;
        self.change(ChangeKind::Changed, path);
        let (kept, before) = ((metadata, stamp.as_ref()), (id, before.kind));
        self.tree.put_directory(parent.id, new, kept, Some(before)).map(drop)
    }

    fn new_directory(&mut self, path: &TreePath, new: &Found) -> Result<DirectoryId, Error> {
        self.report.new += 1;
        self.report.directories_new += 1;
        self.change(ChangeKind::New, path);
        let parent = self.parent();
        self.put_directory_row(&parent, path, new)
    }

    fn put_directory_row(
        &mut self,
        parent: &OpenDirectory,
        path: &TreePath,
        new: &Found,
    ) -> Result<DirectoryId, Error> {
        let read = self.directory_metadata(path, new, None)?;
        // An unreadable entry is looked at again: a stamp would let it pass for unchanged.
        let is_whole = read.as_ref().is_some_and(|(_, fits)| *fits);
        let stamp = new.lasting_stamp().filter(|_| is_whole);
        let metadata = read.map(|(metadata, _)| metadata).unwrap_or_else(|| {
            let mut found = new.metadata.clone();
            self.names.fill(&mut found.owner);
            found
        });
        self.tree.put_directory(parent.id, new, (metadata, stamp.as_ref()), None)
    }

    /// Attributes and owner names beside the metadata from the walk, and whether all attributes
    /// fit; nothing if they cannot be read.
    pub(super) fn directory_metadata(
        &mut self,
        path: &TreePath,
        new: &Found,
        old: Option<&Remembered>,
    ) -> Result<Option<(Metadata, bool)>, Error> {
        let mut metadata = new.metadata.clone();
        let mut fits = true;
        // Folders above a root are only named, not saved: they come without times.
        if metadata.mtime.is_some() {
            match self.set.source.attributes(path, new.kind) {
                Ok(attributes) => {
                    (metadata.attributes, fits) =
                        self.fit_attributes(path, new.kind, attributes, old)?;
                }
                Err(error) => {
                    self.source_problem(&error);
                    return Ok(None);
                }
            }
        }
        self.names.fill(&mut metadata.owner);
        Ok(Some((metadata, fits)))
    }
}
