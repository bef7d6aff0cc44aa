//! The part of a snapshot that is restored, as it will lie in the target.

use crate::model::{ChunkId, Entry, Page, PageOf, Side, TreePath};
use crate::repository::{Parts, Refused, RepositoryError, SnapshotTree};
use crate::target::TargetTree;

use crate::session::walk_error::Refusing;

/// A snapshot, or a part of it, as it will lie in the target.
pub(super) struct Part<'a> {
    pub(super) tree: SnapshotTree<'a>,
    /// Where the part lies in the snapshot.
    pub(super) prefix: TreePath,
    /// The one entry, if the part is not a directory and comes alone.
    pub(super) single: Option<Entry>,
    /// All that is shown is this, and the folders above it; the root for everything.
    pub(super) only: TreePath,
}

impl Refusing for Part<'_> {
    fn take_refused(&mut self) -> Refused {
        self.tree.take_refused()
    }
}

impl Refusing for TargetTree {}

impl Part<'_> {
    /// For a folder above the shown part, only the way to it.
    fn narrow(&self, mut page: PageOf<Self>, path: &TreePath) -> PageOf<Self> {
        if is_above(path, &self.only) {
            let next = self.only.names().nth(path.names().count());
            page.entries.retain(|entry| Some(&entry.name) == next.as_ref());
        }
        page
    }
}

impl Side for Part<'_> {
    type Item = Entry;
    type Place = ChunkId;
    type Rest = Parts;
    type Error = RepositoryError;

    fn place(&self, item: &Entry) -> Option<ChunkId> {
        self.tree.place(item)
    }

    fn list(&mut self, place: &ChunkId, path: &TreePath) -> Result<PageOf<Self>, RepositoryError> {
        match self.single.take() {
            Some(entry) => Ok(Page::whole(vec![entry])),
            None => {
                let page = self.tree.list(place, &path.under(&self.prefix))?;
                Ok(self.narrow(page, path))
            }
        }
    }

    fn more(&mut self, rest: Parts, path: &TreePath) -> Result<PageOf<Self>, RepositoryError> {
        let page = self.tree.more(rest, &path.under(&self.prefix))?;
        Ok(self.narrow(page, path))
    }
}

/// Whether one path lies above another.
pub(super) fn is_above(path: &TreePath, other: &TreePath) -> bool {
    path != other && other.is_within(path)
}

/// The rest of a path below another one, if it lies there.
pub(super) fn below(path: &TreePath, above: &TreePath) -> Option<TreePath> {
    if !path.is_within(above) {
        return None;
    }
    let rest = path.as_bytes().get(above.as_bytes().len()..)?;
    TreePath::new(rest.strip_prefix(b"/").unwrap_or(rest)).ok()
}
