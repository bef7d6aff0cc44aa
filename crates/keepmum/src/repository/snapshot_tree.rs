//! A snapshot as one side of a merge: its full tree with the overlay laid on it.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::format::{ListNode, Node, Op, Overlay};
use crate::model::{ChunkId, Content, Entry, Kind, Name, Named, Piece, Pieces, Side, TreePath};

use super::error::RepositoryError;
use super::reader::PieceReader;

/// Most levels of a split directory or a list.
const LEVELS: u8 = 8;
/// Most entries of one directory that are believed.
const DIRECTORY_ENTRIES: usize = 16_000_000;

/// A snapshot being read.
pub struct SnapshotTree<'a, 'r> {
    reader: &'r mut PieceReader<'a>,
    overlay: HashMap<TreePath, Vec<(Name, Op)>>,
    /// Folders with something of the overlay anywhere beneath.
    touched: HashSet<TreePath>,
    refused: u64,
}

impl<'a, 'r> SnapshotTree<'a, 'r> {
    /// The tree of a snapshot: enter it at its root node.
    pub fn new(reader: &'r mut PieceReader<'a>, overlay: Overlay) -> Self {
        let mut by_folder: HashMap<TreePath, Vec<(Name, Op)>> = HashMap::new();
        let mut touched = HashSet::new();
        for (path, op) in overlay.0 {
            let mut above = path.split();
            while let Some((folder, _)) = above.take() {
                if touched.insert(folder.clone()) {
                    above = folder.split();
                }
            }
            if let Some((parent, name)) = path.split() {
                by_folder.entry(parent).or_default().push((name, op));
            }
        }
        Self { reader, overlay: by_folder, touched, refused: 0 }
    }

    /// Whether the overlay changes anything beneath a folder. If it does not, two folders with
    /// one node are equal in all that is beneath.
    pub fn is_overlaid(&self, folder: &TreePath) -> bool {
        self.touched.contains(folder)
    }

    /// Entries that could not be understood and were left out so far.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The chunks and holes of a file in order.
    pub fn content(&mut self, content: &Content) -> Result<Vec<Piece>, RepositoryError> {
        pieces_of(self.reader, content)
    }

    /// The entry at a path, walking down from the root node.
    pub fn find(
        &mut self,
        root: ChunkId,
        path: &TreePath,
    ) -> Result<Option<Entry>, RepositoryError> {
        let mut at = TreePath::root();
        let mut place = Some(root);
        let mut found = None;
        for name in path.names() {
            let Some(node) = place else { return Ok(None) };
            let entries = self.list(&node, &at)?;
            let Some(entry) = entries.into_iter().find(|entry| entry.name == name) else {
                return Ok(None);
            };
            place = self.place(&entry);
            at = at.join(&name);
            found = Some(entry);
        }
        Ok(found)
    }

    fn read_node(&mut self, id: &ChunkId) -> Result<Vec<Entry>, RepositoryError> {
        let mut entries = Vec::new();
        let mut waiting = vec![(*id, None)];
        while let Some((id, expected)) = waiting.pop() {
            let bytes = self.reader.piece(&id)?;
            let node = Node::decode(&bytes).map_err(|error| broken(&id, &error.to_string()))?;
            match node {
                Node::Leaf { entries: some, refused } => {
                    if expected.is_some_and(|level| level != 0) {
                        return Err(broken(&id, "a directory's levels do not fit"));
                    }
                    self.refused += u64::from(refused);
                    let follows = |last: &Entry, next: &Entry| last.name < next.name;
                    if let (Some(last), Some(next)) = (entries.last(), some.first())
                        && !follows(last, next)
                    {
                        return Err(broken(&id, "a directory's names are not in order"));
                    }
                    entries.extend(some);
                    if entries.len() > DIRECTORY_ENTRIES {
                        return Err(broken(&id, "a directory has too many entries"));
                    }
                }
                Node::Split { level, children } => {
                    if level > LEVELS || expected.is_some_and(|expected| expected != level) {
                        return Err(broken(&id, "a directory's levels do not fit"));
                    }
                    // Last in, first out: the order of names comes out right. Each level is
                    // lower than the one above, so a cycle cannot be.
                    waiting.extend(children.into_iter().rev().map(|(_, id)| (id, Some(level - 1))));
                }
            }
        }
        if entries.windows(2).any(|two| two[0].name >= two[1].name) {
            return Err(broken(id, "a directory's names are not in order"));
        }
        Ok(entries)
    }
}

/// The chunks and holes of a file in order.
pub fn pieces_of(
    reader: &mut PieceReader<'_>,
    content: &Content,
) -> Result<Vec<Piece>, RepositoryError> {
    if let Pieces::Inline(pieces) = &content.pieces {
        return Ok(pieces.clone());
    }
    let mut walk = PieceWalk::new(content);
    let mut pieces = Vec::new();
    while let Some(piece) = walk.next(reader)? {
        pieces.push(piece);
    }
    Ok(pieces)
}

/// The chunks and holes of a file, one after another: of a list of many, only what is on the way
/// is held.
pub struct PieceWalk {
    ready: VecDeque<Piece>,
    /// Lists that are still to be read, the next one last: id, depth, length.
    waiting: Vec<(ChunkId, u8, u64)>,
}

impl PieceWalk {
    /// A walk through a file's content, from its beginning.
    pub fn new(content: &Content) -> Self {
        let mut walk = Self { ready: VecDeque::new(), waiting: Vec::new() };
        match &content.pieces {
            Pieces::Inline(pieces) => walk.ready.extend(pieces),
            Pieces::Lists { depth, nodes } => walk.push(nodes, *depth),
        }
        walk
    }

    fn push(&mut self, nodes: &[(u64, ChunkId)], depth: u8) {
        let below = depth.saturating_sub(1);
        self.waiting.extend(nodes.iter().rev().map(|(length, id)| (*id, below, *length)));
    }

    /// The next piece; nothing at the end.
    pub fn next(&mut self, reader: &mut PieceReader<'_>) -> Result<Option<Piece>, RepositoryError> {
        while self.ready.is_empty() {
            let Some((id, expected, length)) = self.waiting.pop() else { return Ok(None) };
            let bytes = reader.piece(&id)?;
            let list = ListNode::decode(&bytes).map_err(|error| broken(&id, &error.to_string()))?;
            if list.depth != expected || list.length() != Some(length) {
                return Err(broken(&id, "a list's levels or lengths do not fit"));
            }
            match &list.items {
                Pieces::Inline(some) => self.ready.extend(some),
                Pieces::Lists { nodes, .. } => self.push(nodes, expected),
            }
        }
        Ok(self.ready.pop_front())
    }
}

impl Side for SnapshotTree<'_, '_> {
    type Item = Entry;
    type Place = ChunkId;
    type Error = RepositoryError;

    fn place(&self, item: &Entry) -> Option<ChunkId> {
        match item.kind {
            Kind::Directory(node) => Some(node),
            _ => None,
        }
    }

    fn list(&mut self, place: &ChunkId, path: &TreePath) -> Result<Vec<Entry>, RepositoryError> {
        let mut entries = self.read_node(place)?;
        let Some(ops) = self.overlay.get(path) else { return Ok(entries) };
        for (name, op) in ops {
            let at = entries.binary_search_by(|entry| entry.name().cmp(name));
            match (at, op) {
                (Ok(at), Op::Put(entry)) => entries[at] = entry.clone(),
                (Err(at), Op::Put(entry)) => entries.insert(at, entry.clone()),
                (Ok(at), Op::Remove) => {
                    entries.remove(at);
                }
                (Ok(at), Op::Metadata(_, metadata)) => entries[at].metadata = metadata.clone(),
                (Err(_), Op::Remove | Op::Metadata(..)) => {}
            }
        }
        Ok(entries)
    }
}

fn broken(id: &ChunkId, what: &str) -> RepositoryError {
    RepositoryError::Damaged { object: format!("piece {id}"), what: what.to_owned() }
}
