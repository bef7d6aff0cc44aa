//! The end of a deletion: one thing after the other goes, or stays and is reported.

use crate::model::{FoundKind, TreePath};
use crate::repository::RepositoryError;
use crate::target::{TargetError, TargetErrorKind};

use super::delete::{Deletion, Folder};
use super::refusals::refused;
use crate::session::error::Error;
use crate::session::event::{ChangeKind, Event};
use crate::session::options::Overwrite;
use crate::session::report::{Problem, ProblemKind, note};
use crate::session::walk_error::WalkError;

impl Deletion<'_> {
    /// Gives a folder its time again, and the other metadata it had before something in it went.
    pub(super) fn mend(&mut self, path: &TreePath, folder: &Folder) {
        let never = self.set.options.overwrite == Overwrite::Never;
        let Some(metadata) = folder.metadata.as_ref().filter(|_| folder.touched && !never) else {
            return;
        };
        let path = self.set.target.real(path);
        let applied = self.set.target.apply_metadata(&path, FoundKind::Directory, metadata);
        if let Err(error) = applied {
            let sentence = format!("{}: {}", error.kind, error.source);
            self.tell(Problem::at(ProblemKind::Metadata, &path, sentence));
        }
    }

    fn remove(&self, path: &TreePath, is_folder: bool) -> Result<(), TargetError> {
        match is_folder {
            true => self.set.target.remove_empty(path),
            false => self.set.target.remove_file(path),
        }
    }

    /// Removes one thing, or says that it would go.
    pub(super) fn goes(&mut self, path: &TreePath, is_folder: bool) -> Result<(), Error> {
        if let Some(counted) = self.doing {
            if !self.set.options.deletions.accept(self.tally.gone + 1, counted) {
                self.stays(path, "more would go than was counted before");
                return Ok(());
            }
            let mut removed = self.remove(path, is_folder);
            if let Err(error) = &removed
                && error.kind == TargetErrorKind::Denied
                && let Some((above, _)) = path.split()
            {
                // The folder may shut its owner out; the restore has made it so.
                self.set.target.make_directory(&self.set.target.real(&above)).ok();
                removed = self.remove(path, is_folder);
            }
            if let Some(above) = self.folders.last_mut() {
                above.touched = true;
            }
            if let Err(error) = removed {
                let sentence = error.source.to_string();
                self.stays(path, &sentence);
                return Ok(());
            }
        }
        self.tally.gone += 1;
        let listed = self.doing.is_some() && self.set.options.list_changes;
        if listed || self.set.options.dry_run {
            let (kind, path) = (ChangeKind::Removed, path.clone());
            self.set.observer.event(Event::Change { kind, path, reason: String::new() });
        }
        Ok(())
    }

    /// Something that was to go and does not.
    pub(super) fn stays(&mut self, path: &TreePath, why: &str) {
        self.something_stays();
        let problem =
            Problem::at(ProblemKind::NotRemoved, path, format!("could not be removed: {why}"));
        self.tell(problem);
    }

    fn tell(&mut self, problem: Problem) {
        self.set.observer.event(Event::Problem(problem.clone()));
        note(&mut self.tally.problems, problem);
    }

    /// A folder that cannot be listed. An unreadable part of the snapshot may be just the thing
    /// that seems to be missing.
    pub(super) fn closed(&mut self, error: WalkError) -> Result<(), Error> {
        match error {
            WalkError::Target(error) => {
                if self.doing.is_some() {
                    let sentence = error.source.to_string();
                    self.stays(&error.path, &sentence);
                }
                Ok(())
            }
            WalkError::Snapshot(error)
                if error.is_of_one_object() || matches!(error, RepositoryError::Missing(_)) =>
            {
                Err(refused("--delete is refused: not all of the snapshot can be read")
                    .because(error))
            }
            other => Err(other.into()),
        }
    }
}
