//! The part of a snapshot that is restored, as it will lie in the target.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::model::{ChunkId, Entry, Name, Page, PageOf, Side, TreePath};
use crate::repository::{Parts, Refused, RepositoryError, SnapshotTree};
use crate::target::TargetTree;

use crate::session::walk_error::Refusing;

/// A snapshot, or a part of it, as it will lie in the target.
pub(super) struct Part<'a> {
    pub(super) tree: SnapshotTree<'a>,
    /// Where the part lies in the snapshot.
    pub(super) prefix: TreePath,
    /// What lies at the top of the target, if that is not what is in one folder: in order.
    pub(super) given: Option<Vec<Entry>>,
    pub(super) only: Only,
}

/// What is shown of a snapshot: some paths with all beneath them, and the folders above them. By
/// default it is everything.
#[derive(Clone, Default)]
pub(super) struct Only(Arc<HashMap<TreePath, HashSet<Name>>>);

impl Only {
    /// Of these paths none lies in another.
    pub(super) fn new(paths: &[TreePath]) -> Self {
        let mut shown: HashMap<TreePath, HashSet<Name>> = HashMap::new();
        for path in paths {
            let mut here = path.split();
            while let Some((above, name)) = here.take() {
                if !shown.entry(above.clone()).or_default().insert(name) {
                    break;
                }
                here = above.split();
            }
        }
        Self(Arc::new(shown))
    }

    /// Whether a folder is above something that is shown, and only the way to it is.
    pub(super) fn is_above(&self, folder: &TreePath) -> bool {
        self.0.contains_key(folder)
    }

    /// How many folders there are above what is shown, but for the top.
    pub(super) fn folders(&self) -> u64 {
        self.0.keys().filter(|folder| !folder.is_root()).count() as u64
    }
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
        if let Some(names) = self.only.0.get(path) {
            page.entries.retain(|entry| names.contains(&entry.name));
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
        match self.given.take() {
            Some(entries) => Ok(Page::whole(entries)),
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

/// What remains of a path below another one, if it lies there.
pub(super) fn below(path: &TreePath, above: &TreePath) -> Option<TreePath> {
    if !path.is_within(above) {
        return None;
    }
    let rest = path.as_bytes().get(above.as_bytes().len()..)?;
    TreePath::new(rest.strip_prefix(b"/").unwrap_or(rest)).ok()
}
