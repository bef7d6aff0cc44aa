//! The two sides of a backup's merge: what is remembered, and why a directory stays closed.

use crate::catalogue::{Catalogue, CatalogueError, DirectoryId, Remembered};
use crate::model::{Side, TreePath};
use crate::source::SourceError;

use super::super::error::Error;

/// What is remembered, as the old side of the merge.
pub(super) struct Old<'a>(pub(super) &'a Catalogue);

impl Side for Old<'_> {
    type Item = Remembered;
    type Place = DirectoryId;
    type Error = CatalogueError;

    fn place(&self, item: &Self::Item) -> Option<DirectoryId> {
        item.directory
    }

    fn list(&mut self, place: &DirectoryId, _: &TreePath) -> Result<Vec<Self::Item>, Self::Error> {
        self.0.children(*place)
    }
}

/// Why a directory could not be entered.
pub(super) enum Closed {
    /// The source says no; the rest goes on.
    Source(SourceError),
    /// The run cannot go on.
    Run(Error),
}

impl From<SourceError> for Closed {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<CatalogueError> for Closed {
    fn from(error: CatalogueError) -> Self {
        Self::Run(error.into())
    }
}
