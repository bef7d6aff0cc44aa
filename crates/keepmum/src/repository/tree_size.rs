//! How many entries a snapshot has, directories that stand in several places counted each time.
//!
//! Nodes may be shared, and so a few of them can unfold into more entries than could ever be
//! listed. A walk does not count beforehand, because that would read every tree twice; only one
//! that has come far does.

use std::collections::HashMap;

use crate::format::{Node, PieceKind};
use crate::model::{ChunkId, Kind};

use super::piece_reader::PieceReader;

/// So many entries are walked before they are counted: reading the directories of that many a
/// second time costs little beside the work for each entry.
const WALKED: u64 = 1 << 16;
/// More entries than any snapshot has.
pub const ENTRIES_MAX: u64 = 1 << 32;
/// In a larger snapshot, only folders with so few entries beneath them are entered, and so many
/// entries are returned in all: intact entries beside the rest shall come back.
const SMALL_FOLDER: u64 = 1 << 12;
const GIVEN: u64 = 1 << 17;

/// The state of a walk so far, and whether it may continue.
#[derive(Default)]
pub(super) struct Size {
    pub(super) given: u64,
    /// Entries beneath each node, once they had to be counted and were too many.
    counted: Option<HashMap<ChunkId, u64>>,
    believed: bool,
}

impl Size {
    /// Whether a folder may be entered.
    pub(super) fn is_believable(
        &mut self,
        reader: &mut PieceReader<'_>,
        (root, folder): (&ChunkId, &ChunkId),
    ) -> bool {
        if self.given < WALKED || self.believed {
            return true;
        }
        let given = self.given;
        let small = |counted: &HashMap<ChunkId, u64>| {
            given < GIVEN && counted.get(folder).is_some_and(|count| *count <= SMALL_FOLDER)
        };
        if let Some(counted) = &self.counted {
            return small(counted);
        }
        let mut counted = HashMap::new();
        self.believed = count(reader, *root, &mut counted) <= ENTRIES_MAX;
        if self.believed {
            return true;
        }
        let small = small(&counted);
        self.counted = Some(counted);
        small
    }
}

/// A node that is being counted.
struct Open {
    id: ChunkId,
    below: Vec<ChunkId>,
    entries: u64,
}

/// Entries beneath a node. An unreadable node has none: the walk will report it.
fn count(reader: &mut PieceReader<'_>, node: ChunkId, known: &mut HashMap<ChunkId, u64>) -> u64 {
    let mut open = vec![read(reader, node)];
    loop {
        let Some(last) = open.last_mut() else { return known.get(&node).copied().unwrap_or(0) };
        match last.below.pop() {
            Some(child) => match known.get(&child) {
                Some(entries) => last.entries = last.entries.saturating_add(*entries),
                None => {
                    // It is asked for once more when it is known.
                    last.below.push(child);
                    let child = read(reader, child);
                    open.push(child);
                }
            },
            None => {
                known.insert(last.id, last.entries);
                open.pop();
            }
        }
    }
}

/// The parts of a split directory count like directories without an entry of their own.
fn read(reader: &mut PieceReader<'_>, id: ChunkId) -> Open {
    let node = reader.piece(PieceKind::Node, &id).ok().and_then(|bytes| Node::decode(&bytes).ok());
    let (below, entries) = match node {
        Some(Node::Leaf { entries, .. }) => {
            let count = entries.len() as u64;
            let below = entries.into_iter().filter_map(|entry| match entry.kind {
                Kind::Directory(node) => Some(node),
                _ => None,
            });
            (below.collect(), count)
        }
        Some(Node::Split { children, .. }) => (children.into_iter().map(|(_, id)| id).collect(), 0),
        None => (Vec::new(), 0),
    };
    Open { id, below, entries }
}
