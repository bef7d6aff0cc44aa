//! The pieces that snapshots need: each node, list and chunk of their trees, once.
//!
//! Whoever deletes must know all of them. A tree that cannot be read to its end holds back every
//! deletion, because nobody knows its contents.

use std::collections::HashMap;

use crate::format::{ListNode, Node, PieceKind};
use crate::model::{ChunkId, Content, Kind, Piece, Pieces, SnapshotId};
use crate::repository::{Chains, PieceReader, RepositoryError};

use crate::session::error::{Error, ErrorKind};
use crate::session::event::Observer;
use crate::session::open::Repository;

/// The pieces of some snapshots.
#[derive(Default)]
pub(crate) struct Needed {
    /// Their kinds.
    pub(crate) pieces: HashMap<ChunkId, PieceKind>,
    /// Snapshots whose trees cannot be read to their end; those that share the part are not named.
    pub(crate) unreadable: Vec<SnapshotId>,
}

impl Needed {
    /// What all snapshots need that nobody has forgotten, on whichever device.
    pub(crate) fn of_all(
        repository: &Repository,
        chains: &Chains,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let mut needed = Self::default();
        let objects = repository.objects();
        let mut reader = PieceReader::new(&objects, &repository.catalogue);
        for snapshot in chains.snapshots() {
            let id = SnapshotId::from(snapshot.at.hash);
            if repository.standing.is_forgotten(id) {
                continue;
            }
            if !needed.add_tree(snapshot.backup.root, &mut reader, observer)? {
                needed.unreadable.push(id);
            }
        }
        Ok(needed)
    }

    /// Adds a tree; returns whether all of it could be read.
    fn add_tree(
        &mut self,
        root: ChunkId,
        reader: &mut PieceReader<'_>,
        observer: &dyn Observer,
    ) -> Result<bool, Error> {
        let mut waiting = vec![(PieceKind::Node, root)];
        while let Some((kind, id)) = waiting.pop() {
            if self.pieces.insert(id, kind).is_some() || kind == PieceKind::Chunk {
                continue;
            }
            if observer.stopping() {
                let sentence = "stopped before all snapshots were looked at";
                return Err(Error::new(ErrorKind::Interrupted, sentence));
            }
            let beneath = reader.piece(kind, &id).and_then(|bytes| match kind {
                PieceKind::List => beneath_list(&bytes),
                _ => beneath_node(&bytes),
            });
            match beneath {
                Ok(Some(beneath)) => waiting.extend(beneath),
                Ok(None) => return Ok(false),
                Err(RepositoryError::Missing(_)) => return Ok(false),
                Err(error) if error.is_of_one_object() => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }
}

type Beneath = Option<Vec<(PieceKind, ChunkId)>>;

/// The pieces beneath a node; nothing if it has entries that are not understood.
fn beneath_node(bytes: &[u8]) -> Result<Beneath, RepositoryError> {
    Ok(match Node::decode(bytes) {
        Ok(Node::Split { children, .. }) => {
            Some(children.into_iter().map(|(_, id)| (PieceKind::Node, id)).collect())
        }
        Ok(Node::Leaf { entries, refused: 0, .. }) => {
            let mut beneath = Vec::new();
            for entry in &entries {
                entry.metadata.stored().for_each(|content| add_content(content, &mut beneath));
                match &entry.kind {
                    Kind::File(content) => add_content(content, &mut beneath),
                    Kind::Directory(node) => beneath.push((PieceKind::Node, *node)),
                    _ => {}
                }
            }
            Some(beneath)
        }
        Ok(Node::Leaf { .. }) | Err(_) => None,
    })
}

fn beneath_list(bytes: &[u8]) -> Result<Beneath, RepositoryError> {
    let Ok(list) = ListNode::decode(bytes) else { return Ok(None) };
    let mut beneath = Vec::new();
    add_pieces(&list.items, &mut beneath);
    Ok(Some(beneath))
}

fn add_content(content: &Content, beneath: &mut Vec<(PieceKind, ChunkId)>) {
    add_pieces(&content.pieces, beneath);
}

fn add_pieces(pieces: &Pieces, beneath: &mut Vec<(PieceKind, ChunkId)>) {
    match pieces {
        Pieces::Inline(pieces) => beneath.extend(pieces.iter().filter_map(|piece| match piece {
            Piece::Chunk { id, .. } => Some((PieceKind::Chunk, *id)),
            Piece::Hole { .. } => None,
        })),
        Pieces::Lists { nodes, .. } => {
            beneath.extend(nodes.iter().map(|(_, id)| (PieceKind::List, *id)));
        }
    }
}
