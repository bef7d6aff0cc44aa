//! Whether every piece of a snapshot is in some object that is here.
//!
//! The listing alone says which objects are missing. Whether they matter it cannot say: what they
//! held may have been stored again elsewhere. So where objects are missing, the tree is asked.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::format::Backup;
use crate::model::{ChunkId, Kind, Locate, Merge, Nothing, Pair, Step, TreePath};
use crate::repository::{ObjectReader, PieceReader, RepositoryError, SeenLists, SnapshotTree};

use super::open::Repository;

/// Looks at snapshots, and at what they share only once.
#[derive(Default)]
pub(crate) struct Whole {
    /// Nodes beneath which nothing is missing.
    nodes: RefCell<HashSet<ChunkId>>,
}

impl Whole {
    /// Whether nothing of a snapshot is missing. Data is not read; metadata is.
    pub(crate) fn holds(&self, repository: &Repository, backup: &Backup) -> bool {
        self.walk(repository, backup).unwrap_or(false)
    }

    fn walk(&self, repository: &Repository, backup: &Backup) -> Result<bool, RepositoryError> {
        let catalogue = &repository.catalogue;
        let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
        let mut pieces = PieceReader::new(&objects, catalogue);
        let mut contents = PieceReader::new(&objects, catalogue);
        let tree = SnapshotTree::new(&mut pieces, backup.root);
        let mut merge = Merge::new(Nothing, tree);
        let mut seen = HashSet::new();
        let mut lists = SeenLists::default();
        let mut next = Some((TreePath::root(), backup.root));
        loop {
            if let Some((path, node)) = next.take() {
                let known = || self.nodes.borrow().contains(&node);
                if !known() && seen.insert(node) {
                    merge.enter::<RepositoryError>(path, None, Some(&node))?;
                }
            }
            let entry = match merge.step::<RepositoryError>() {
                None => break,
                Some(Step::Cut(_, error)) => return Err(error),
                Some(Step::Pair(path, Pair { new: Some(entry), .. })) => (path, entry.kind),
                Some(Step::Pair(..) | Step::Leave(_)) => continue,
            };
            match entry {
                (path, Kind::Directory(node)) => next = Some((path, node)),
                (_, Kind::File(content)) => {
                    lists.each_chunk(&mut contents, &content, |_, id, _| {
                        match Locate::holds(catalogue, id)? {
                            true => Ok(()),
                            false => Err(RepositoryError::Missing(*id)),
                        }
                    })?
                }
                _ => {}
            }
        }
        self.nodes.borrow_mut().extend(seen);
        Ok(true)
    }
}
