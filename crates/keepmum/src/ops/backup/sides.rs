//! The old side of a backup's merge: the remembered entries.

use crate::catalogue::{Catalogue, CatalogueError, DirectoryId, Remembered};
use crate::model::{Name, PAGE, Page, PageOf, Side, TreePath};

/// The remembered entries, as the old side of the merge.
pub(super) struct Old<'a>(pub(super) &'a Catalogue);

impl Side for Old<'_> {
    type Item = Remembered;
    type Place = DirectoryId;
    type Rest = (DirectoryId, Name);
    type Error = CatalogueError;

    fn place(&self, item: &Self::Item) -> Option<DirectoryId> {
        item.directory
    }

    fn list(&mut self, place: &DirectoryId, _: &TreePath) -> Result<PageOf<Self>, Self::Error> {
        self.page(*place, None)
    }

    /// Entries that the run has written meanwhile are at names that came already, and are not seen.
    /// Only a renamed directory leaves a place that is still to come: nothing is at it then.
    fn more(
        &mut self,
        (directory, last): Self::Rest,
        _: &TreePath,
    ) -> Result<PageOf<Self>, Self::Error> {
        self.page(directory, Some(&last))
    }
}

impl Old<'_> {
    fn page(
        &self,
        directory: DirectoryId,
        behind: Option<&Name>,
    ) -> Result<PageOf<Self>, CatalogueError> {
        let page = self.0.page(directory, behind, PAGE)?;
        Ok(Page { entries: page.entries, rest: page.rest.map(|last| (directory, last)) })
    }
}
