//! A snapshot as one side of a merge: its full tree with the overlay laid on it.

use std::collections::{HashMap, HashSet};

use crate::format::{Node, Op, Overlay};
use crate::model::{ChunkId, Entry, Kind, Name, Side, TreePath};

use super::error::RepositoryError;
use super::reader::PieceReader;
use super::tree_size::Size;

/// Most levels of a split directory.
const LEVELS: u8 = 8;
/// Most entries of one directory that are believed.
const DIRECTORY_ENTRIES: usize = 16_000_000;

/// A snapshot being read.
pub struct SnapshotTree<'a, 'r> {
    reader: &'r mut PieceReader<'a>,
    root: ChunkId,
    /// Where the walk begins: at the root, or at the folder that was found.
    begin: ChunkId,
    /// The paths of the overlay, in their order.
    changed: Vec<TreePath>,
    overlay: HashMap<TreePath, Vec<(Name, Op)>>,
    refused: Refused,
    size: Size,
}

/// Entries that this version does not understand.
#[derive(Default)]
struct Refused {
    all: u64,
    /// Of folders listed since it was last asked.
    untold: u64,
}

impl<'a, 'r> SnapshotTree<'a, 'r> {
    /// The tree of a snapshot: enter it at its root node.
    pub fn new(reader: &'r mut PieceReader<'a>, root: ChunkId, overlay: Overlay) -> Self {
        let mut by_folder: HashMap<TreePath, Vec<(Name, Op)>> = HashMap::new();
        let mut changed = Vec::with_capacity(overlay.0.len());
        for (path, op) in overlay.0 {
            if let Some((parent, name)) = path.split() {
                by_folder.entry(parent).or_default().push((name, op));
            }
            changed.push(path);
        }
        let (refused, size) = (Refused::default(), Size::default());
        Self { reader, root, begin: root, changed, overlay: by_folder, refused, size }
    }

    /// The node of `/`.
    pub fn root(&self) -> ChunkId {
        self.root
    }

    /// Whether the overlay changes anything beneath a folder. If it does not, two folders with
    /// one node are equal in all that is beneath.
    pub fn is_overlaid(&self, folder: &TreePath) -> bool {
        // Paths are in order, so what lies beneath a folder follows it.
        let next = self.changed.partition_point(|path| path <= folder);
        self.changed.get(next).is_some_and(|path| path.is_within(folder))
    }

    /// Entries that could not be understood and were left out so far.
    pub fn refused(&self) -> u64 {
        self.refused.all
    }

    /// The same, of the folders that were listed since this was last asked.
    pub fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused.untold)
    }

    /// The entry at a path, walking down from the root node. What is refused on the way is not
    /// what was asked for, and not counted.
    pub fn find(&mut self, path: &TreePath) -> Result<Option<Entry>, RepositoryError> {
        let mut at = TreePath::root();
        let mut place = Some(self.root);
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
        (self.refused, self.size) = (Refused::default(), Size::default());
        self.begin = place.unwrap_or(self.root);
        Ok(found)
    }

    fn read_node(&mut self, id: &ChunkId) -> Result<Vec<Entry>, RepositoryError> {
        let mut entries = Vec::new();
        let mut waiting = vec![(*id, None)];
        let mut parts = HashSet::new();
        while let Some((id, expected)) = waiting.pop() {
            let bytes = self.reader.piece(&id)?;
            let node = Node::decode(&bytes).map_err(|error| broken(&id, &error.to_string()))?;
            match node {
                Node::Leaf { entries: some, refused } => {
                    if expected.is_some_and(|level| level != 0) {
                        return Err(broken(&id, "a directory's levels do not fit"));
                    }
                    self.refused.all += u64::from(refused);
                    self.refused.untold += u64::from(refused);
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
                    // Names ascend, so no part stands twice; parts of nothing could, for ever.
                    if !children.iter().all(|(_, id)| parts.insert(*id)) {
                        return Err(broken(&id, "a part of a directory stands twice in it"));
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
        let entries = self.read_node(place)?;
        let entries = match self.overlay.get(path) {
            Some(ops) => overlaid(entries, ops),
            None => entries,
        };
        let longest = entries.iter().map(|entry| entry.name.as_bytes().len()).max();
        if path.as_bytes().len() + 1 + longest.unwrap_or(0) > TreePath::MAX {
            return Err(broken(place, "a path is longer than can be"));
        }
        self.size.given += entries.len() as u64;
        let nodes = (&self.begin, place);
        match self.size.is_believable(self.reader, nodes, &self.overlay) {
            true => Ok(entries),
            false => Err(broken(place, "the tree unfolds into more entries than can be")),
        }
    }
}

/// Lays the changes of a folder on its entries; both are in order of their names.
fn overlaid(entries: Vec<Entry>, ops: &[(Name, Op)]) -> Vec<Entry> {
    let mut laid = Vec::with_capacity(entries.len() + ops.len());
    let mut ops = ops.iter().peekable();
    let put = |laid: &mut Vec<Entry>, op: &Op| {
        if let Op::Put(entry) = op {
            laid.push(entry.clone());
        }
    };
    for mut entry in entries {
        while let Some((_, op)) = ops.next_if(|(name, _)| *name < entry.name) {
            put(&mut laid, op);
        }
        match ops.next_if(|(name, _)| *name == entry.name) {
            Some((_, Op::Metadata(_, metadata))) => {
                entry.metadata = metadata.clone();
                laid.push(entry);
            }
            Some((_, op)) => put(&mut laid, op),
            None => laid.push(entry),
        }
    }
    for (_, op) in ops {
        put(&mut laid, op);
    }
    laid
}

fn broken(id: &ChunkId, what: &str) -> RepositoryError {
    RepositoryError::Damaged { object: format!("piece {id}"), what: what.to_owned() }
}
