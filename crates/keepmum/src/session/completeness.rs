//! Whether every piece of a snapshot is in some object that is here.
//!
//! The listing alone says which objects are missing, but not whether they matter: their contents
//! may have been stored again elsewhere. So if objects are missing, the tree is asked.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::format::Backup;
use crate::model::{ChunkId, Content, Kind, Locate, TreePath};
use crate::repository::{PieceReader, RepositoryError, SeenLists, SnapshotTree};

use super::event::Silent;
use super::open::Repository;
use super::walk::{SnapshotWalk, Visit};
use super::walk_error::WalkError;

/// Looks at snapshots, and at shared parts only once.
#[derive(Default)]
pub(crate) struct Completeness {
    /// Nodes beneath which nothing is missing.
    nodes: RefCell<HashSet<ChunkId>>,
}

impl Completeness {
    /// Whether nothing of a snapshot is missing. Data is not read; metadata is.
    pub(crate) fn holds(&self, repository: &Repository, backup: &Backup) -> bool {
        self.walk(repository, backup).unwrap_or(false)
    }

    fn walk(&self, repository: &Repository, backup: &Backup) -> Result<bool, WalkError> {
        let catalogue = &repository.catalogue;
        let objects = repository.objects();
        let mut contents = PieceReader::new(&objects, catalogue);
        let tree =
            SnapshotTree::new(PieceReader::new(&objects, catalogue), backup.root).past_damage();
        let mut seen = HashSet::from([backup.root]);
        let mut lists = SeenLists::default();
        if self.nodes.borrow().contains(&backup.root) {
            return Ok(true);
        }
        let begin = (TreePath::root(), backup.root);
        let mut walk = SnapshotWalk::new(tree, begin, (&Silent, "looked at"));
        while let Some(visit) = walk.next() {
            match visit? {
                Visit::Entry(_, entry) => {
                    let mut has_place = |content: &Content| {
                        lists.each_chunk(&mut contents, content, |_, id, _| {
                            match Locate::holds(catalogue, id)? {
                                true => Ok(()),
                                false => Err(RepositoryError::Missing(*id)),
                            }
                        })
                    };
                    entry.metadata.stored().try_for_each(&mut has_place)?;
                    match entry.kind {
                        Kind::File(content) => has_place(&content)?,
                        Kind::Directory(node)
                            if self.nodes.borrow().contains(&node) || !seen.insert(node) =>
                        {
                            walk.skip_folder();
                        }
                        _ => {}
                    }
                }
                Visit::Unread(_, error @ WalkError::Snapshot(_)) => return Err(error),
                Visit::Unread(..) | Visit::Leave => {}
            }
        }
        self.nodes.borrow_mut().extend(seen);
        Ok(true)
    }
}
