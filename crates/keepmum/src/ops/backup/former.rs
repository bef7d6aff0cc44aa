//! The nodes that directories had in the last snapshot, rebuilt from the catalogue's memory.
//! Nothing is fetched for them, and one counts only if its hash is its id.

use std::cell::OnceCell;

use crate::catalogue::{Catalogue, CatalogueError, DirectoryId};
use crate::format::{FormatError, Node, NodeWriter};
use crate::model::{ChunkId, Name};

/// So many bytes of one directory's nodes are made again: those of some 200,000 entries.
const MOST: usize = 16 * 1024 * 1024;

/// The catalogue as the last run left it.
#[derive(Default)]
pub(super) struct Former(OnceCell<Option<Catalogue>>);

/// A node of a directory.
struct FormerNode {
    /// How high it lies among those of a split directory, and the first name in it.
    place: (u8, Option<Name>),
    id: ChunkId,
    bytes: Vec<u8>,
}

/// The nodes that a directory had; none where they are not known.
#[derive(Default)]
pub(super) struct FormerNodes(Vec<FormerNode>);

/// The reasons that end the making of nodes early.
enum Halt {
    /// There are too many, or they cannot be made.
    None,
    Catalogue(CatalogueError),
}

impl From<FormatError> for Halt {
    fn from(_: FormatError) -> Self {
        Self::None
    }
}

impl From<CatalogueError> for Halt {
    fn from(error: CatalogueError) -> Self {
        Self::Catalogue(error)
    }
}

impl Former {
    /// The nodes of a directory, which the run may have changed meanwhile in `now`.
    pub(super) fn nodes(
        &self,
        now: &Catalogue,
        id: DirectoryId,
        id_of: &dyn Fn(&[u8]) -> ChunkId,
    ) -> Result<FormerNodes, CatalogueError> {
        // Where it cannot be read, nodes are stored in full.
        let former = self.0.get_or_init(|| now.committed().ok().flatten());
        let Some(former) = former else { return Ok(FormerNodes::default()) };
        let Some(node) = former.node(id)? else { return Ok(FormerNodes::default()) };
        match again(former, id, id_of) {
            Ok((root, nodes)) if root == node => Ok(FormerNodes(nodes)),
            Ok(_) | Err(Halt::None) => Ok(FormerNodes::default()),
            Err(Halt::Catalogue(error)) => Err(error),
        }
    }
}

fn again(
    former: &Catalogue,
    id: DirectoryId,
    id_of: &dyn Fn(&[u8]) -> ChunkId,
) -> Result<(ChunkId, Vec<FormerNode>), Halt> {
    let (mut nodes, mut length) = (Vec::new(), 0);
    let mut keep = |bytes: Vec<u8>| {
        length += bytes.len();
        let Some(place) = place_of(&bytes).filter(|_| length <= MOST) else {
            return Err(Halt::None);
        };
        let id = id_of(&bytes);
        nodes.push(FormerNode { place, id, bytes });
        Ok(id)
    };
    let mut writer = NodeWriter::new();
    for child in former.children(id) {
        let child = child?;
        writer.push_encoded(&child.name, &child.entry, &mut keep)?;
    }
    let root = writer.finish(&mut keep)?;
    nodes.sort_by(|a, b| a.place.cmp(&b.place));
    Ok((root, nodes))
}

/// Where a node lies among those of its directory.
fn place_of(bytes: &[u8]) -> Option<(u8, Option<Name>)> {
    Some(match Node::decode(bytes).ok()? {
        Node::Leaf { entries, .. } => (0, entries.into_iter().next().map(|first| first.name)),
        Node::Split { level, children } => {
            (level, children.into_iter().next().map(|(first, _)| first))
        }
    })
}

impl FormerNodes {
    /// The node that held the names which a new one begins with.
    pub(super) fn like(&self, bytes: &[u8]) -> Option<(ChunkId, &[u8])> {
        if self.0.is_empty() {
            return None;
        }
        let place = place_of(bytes)?;
        let behind = self.0.partition_point(|node| node.place <= place);
        let before = behind.checked_sub(1).and_then(|at| self.0.get(at));
        let same_level = |node: &&FormerNode| node.place.0 == place.0;
        let node = before.filter(same_level).or(self.0.get(behind).filter(same_level))?;
        Some((node.id, &node.bytes))
    }
}
