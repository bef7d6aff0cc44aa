//! Whether every piece of a snapshot is in some object that is here.
//!
//! The listing alone says which objects are missing. Whether they matter it cannot say: what they
//! held may have been stored again elsewhere. So where objects are missing, the tree is asked.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::format::Backup;
use crate::model::{ChunkId, Kind, Locate, Piece, Side, TreePath};
use crate::repository::{ObjectReader, PieceReader, RepositoryError, SnapshotTree};

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
        let mut tree = SnapshotTree::new(&mut pieces, backup.overlay.clone());
        let touched: HashSet<TreePath> =
            backup.overlay.0.iter().flat_map(|(path, _)| above(path)).collect();
        let mut seen = HashSet::new();
        let mut waiting = vec![(TreePath::root(), backup.root)];
        while let Some((path, node)) = waiting.pop() {
            let known = || self.nodes.borrow().contains(&node);
            if !touched.contains(&path) && (known() || !seen.insert(node)) {
                continue;
            }
            for entry in tree.list(&node, &path)? {
                match &entry.kind {
                    Kind::Directory(node) => waiting.push((path.join(&entry.name), *node)),
                    Kind::File(content) => {
                        for piece in crate::repository::pieces_of(&mut contents, content)? {
                            if let Piece::Chunk { id, .. } = piece
                                && !Locate::holds(catalogue, &id)?
                            {
                                return Ok(false);
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        self.nodes.borrow_mut().extend(seen);
        Ok(true)
    }
}

/// A path and all above it.
pub(super) fn above(path: &TreePath) -> Vec<TreePath> {
    let mut paths = vec![path.clone()];
    let mut at = path.clone();
    while let Some((parent, _)) = at.split() {
        paths.push(parent.clone());
        at = parent;
    }
    paths
}
