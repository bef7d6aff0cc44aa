//! One walk over the tree of a snapshot, for all that read one.
//!
//! Entries come in the order of their paths. A folder that cannot be read, and entries of it that
//! are not understood, come as an error of their path, and the walk continues. It must never read
//! the content of a file.

use crate::model::{ChunkId, Entry, Merge, Nothing, Pair, Side, Step, TreePath};
use crate::repository::RepositoryError;

use super::error::Error;
use super::event::Observer;
use super::walk_error::{Refusing, WalkError};

/// The next step of a walk.
pub(crate) enum Visit {
    /// An entry. A folder is entered next, unless it is skipped.
    Entry(TreePath, Entry),
    /// Something of this folder cannot be read.
    Unread(TreePath, WalkError),
    /// All beneath a folder that was not skipped has come.
    Leave,
}

/// A walk over a snapshot, or over something that looks like one.
pub(crate) struct SnapshotWalk<'w, S: Side> {
    merge: Merge<Nothing, S>,
    /// The folder that is entered next.
    next: Option<(TreePath, ChunkId)>,
    /// The entries before the next step, the first one last.
    ready: Vec<Visit>,
    observer: &'w dyn Observer,
    /// The action on the entries, for the sentence of a walk that is stopped.
    done: &'static str,
}

impl<'w, S> SnapshotWalk<'w, S>
where
    S: Side<Item = Entry, Place = ChunkId, Error = RepositoryError> + Refusing,
{
    /// A walk that begins with the contents of the folder `node` at `path`. If the observer wants
    /// it to stop, it ends with the error that not all was `done`.
    pub(crate) fn new(
        tree: S,
        (path, node): (TreePath, ChunkId),
        (observer, done): (&'w dyn Observer, &'static str),
    ) -> Self {
        let merge = Merge::new(Nothing, tree);
        Self { merge, next: Some((path, node)), ready: Vec::new(), observer, done }
    }

    /// Does not go into the folder that came last.
    pub(crate) fn skip_folder(&mut self) {
        self.next = None;
    }

    fn enter(&mut self, path: TreePath, node: ChunkId) {
        match self.merge.enter::<RepositoryError>(path.clone(), None, Some(&node)) {
            Ok(()) => self.note_refused(None),
            Err(error) => {
                self.ready.push(Visit::Leave);
                self.note_refused(Some(&path));
                self.ready.push(Visit::Unread(path, error.into()));
            }
        }
    }

    /// Entries that were left out of a folder, the one that the walk is in if it is not said.
    fn note_refused(&mut self, folder: Option<&TreePath>) {
        let refused = self.merge.new_side().take_refused();
        if refused.count() > 0 {
            let folder = folder.unwrap_or(self.merge.at()).clone();
            self.ready.push(Visit::Unread(folder, WalkError::Refused(refused)));
        }
    }
}

impl<S> Iterator for SnapshotWalk<'_, S>
where
    S: Side<Item = Entry, Place = ChunkId, Error = RepositoryError> + Refusing,
{
    type Item = Result<Visit, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = self.observer.go_on(self.done) {
            return Some(Err(error));
        }
        if let Some((path, node)) = self.next.take() {
            self.enter(path, node);
        }
        while self.ready.is_empty() {
            let visit = match self.merge.step::<RepositoryError>()? {
                Step::Pair(path, Pair { new: Some(entry), .. }) => Visit::Entry(path, entry),
                Step::Pair(..) => continue,
                Step::Cut(path, error) => Visit::Unread(path, error.into()),
                Step::Leave(_) => Visit::Leave,
            };
            self.ready.push(visit);
            self.note_refused(None);
        }
        let visit = self.ready.pop()?;
        if let Visit::Entry(path, entry) = &visit {
            let place = self.merge.new_side().place(entry);
            self.next = place.map(|node| (path.clone(), node));
        }
        Some(Ok(visit))
    }
}

#[cfg(test)]
mod tests;
