//! Whether every piece of a snapshot is in some object that is here.
//!
//! The listing alone says which objects are missing. Whether they matter it cannot say: what they
//! held may have been stored again elsewhere. So where objects are missing, the tree is asked.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::format::Backup;
use crate::model::{ChunkId, Kind, Locate, Side, TreePath};
use crate::repository::{ObjectReader, PieceReader, RepositoryError, SeenLists, SnapshotTree};

use super::open::Repository;

/// Looks at snapshots, and at what they share only once.
#[derive(Default)]
pub(super) struct Whole {
    /// Nodes beneath which nothing is missing, as far as no overlay reaches into them.
    nodes: RefCell<HashSet<ChunkId>>,
}

impl Whole {
    /// Whether nothing of a snapshot is missing. Data is not read; metadata is.
    pub(super) fn holds(&self, repository: &Repository, backup: &Backup) -> bool {
        self.walk(repository, backup).unwrap_or(false)
    }

    fn walk(&self, repository: &Repository, backup: &Backup) -> Result<bool, RepositoryError> {
        let catalogue = &repository.catalogue;
        let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
        let mut pieces = PieceReader::new(&objects, catalogue);
        let mut contents = PieceReader::new(&objects, catalogue);
        let mut tree = SnapshotTree::new(&mut pieces, backup.root, backup.overlay.clone());
        let mut seen = HashSet::new();
        let mut lists = SeenLists::default();
        let mut waiting = vec![(TreePath::root(), backup.root)];
        while let Some((path, node)) = waiting.pop() {
            let known = || self.nodes.borrow().contains(&node);
            if !tree.is_overlaid(&path) && (known() || !seen.insert(node)) {
                continue;
            }
            for entry in tree.list(&node, &path)? {
                match &entry.kind {
                    Kind::Directory(node) => waiting.push((path.join(&entry.name), *node)),
                    Kind::File(content) => {
                        lists.each_chunk(
                            &mut contents,
                            content,
                            |_, id, _| match Locate::holds(catalogue, id)? {
                                true => Ok(()),
                                false => Err(RepositoryError::Missing(*id)),
                            },
                        )?;
                    }
                    _ => {}
                }
            }
        }
        self.nodes.borrow_mut().extend(seen);
        Ok(true)
    }
}
