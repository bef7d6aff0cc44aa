//! A snapshot as one side of a merge.

use std::collections::HashSet;

use crate::format::{Node, PieceKind};
use crate::model::{ChunkId, Entry, Kind, Name, Page, PageOf, Side, TreePath};

use super::error::RepositoryError;
use super::piece_reader::PieceReader;
use super::tree_size::Size;

/// Most levels of a split directory.
const LEVELS: u8 = 8;
/// Most entries of one directory that are believed.
const DIRECTORY_ENTRIES: usize = 16_000_000;

/// A snapshot being read.
pub struct SnapshotTree<'a> {
    reader: PieceReader<'a>,
    root: ChunkId,
    /// Where the walk begins: at the root, or at the folder that was found.
    begin: ChunkId,
    /// A part of a directory that cannot be read does not end it: those after it are given, too.
    passes_damage: bool,
    refused: Refused,
    /// Of folders listed to their end since it was last asked.
    untold: Refused,
    size: Size,
}

/// Entries that were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Those that this version does not understand.
    pub unknown: u64,
    /// Those that are malformed or not in order.
    pub damaged: u64,
}

impl Refused {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.unknown + self.damaged
    }
}

impl std::ops::AddAssign for Refused {
    fn add_assign(&mut self, other: Self) {
        self.unknown += other.unknown;
        self.damaged += other.damaged;
    }
}

/// The unread rest of a directory: the parts that it was split into.
pub struct Parts {
    node: ChunkId,
    /// Nodes that are still to be read and their levels, the next one last.
    waiting: Vec<(ChunkId, Option<u8>)>,
    /// Parts that came up. Names ascend, so none stands twice; parts of nothing could, for ever.
    seen: HashSet<ChunkId>,
    /// Last name of the parts that were read.
    last: Option<Name>,
    /// Entries that were read, and such as could not be understood.
    count: usize,
    refused: Refused,
    /// Why the first part that was passed over cannot be read: said when all others are given.
    failed: Option<RepositoryError>,
}

impl<'a> SnapshotTree<'a> {
    /// The tree of a snapshot: enter it at its root node.
    pub fn new(reader: PieceReader<'a>, root: ChunkId) -> Self {
        let (refused, untold, size) = Default::default();
        Self { reader, root, begin: root, passes_damage: false, refused, untold, size }
    }

    /// The same, returning all readable parts of a directory before it reports that one is not. For
    /// callers that conclude nothing from a missing name: from such a part on, entries count as
    /// refused.
    pub fn past_damage(self) -> Self {
        Self { passes_damage: true, ..self }
    }

    /// The node of `/`.
    pub fn root(&self) -> ChunkId {
        self.root
    }

    /// Entries that were left out so far.
    pub fn refused(&self) -> u64 {
        self.refused.count()
    }

    /// The same, of folders that were listed to their end, or as far as they could be read, since
    /// this was last asked.
    pub fn take_refused(&mut self) -> Refused {
        std::mem::take(&mut self.untold)
    }

    /// The entry at a path, walking down from the root node. Entries refused on the way are not the
    /// requested one, and not counted.
    pub fn find(&mut self, path: &TreePath) -> Result<Option<Entry>, RepositoryError> {
        let mut at = TreePath::root();
        let mut place = Some(self.root);
        let mut found = None;
        for name in path.names() {
            let Some(node) = place else { return Ok(None) };
            let Some(entry) = self.find_in(&node, &at, &name)? else { return Ok(None) };
            place = self.place(&entry);
            at = at.join(&name);
            found = Some(entry);
        }
        (self.refused, self.untold, self.size) = Default::default();
        self.begin = place.unwrap_or(self.root);
        Ok(found)
    }

    /// The entry of a directory with this name.
    fn find_in(
        &mut self,
        node: &ChunkId,
        path: &TreePath,
        name: &Name,
    ) -> Result<Option<Entry>, RepositoryError> {
        let mut page = self.list(node, path)?;
        loop {
            let past = page.entries.last().is_some_and(|last| last.name >= *name);
            let found = page.entries.into_iter().find(|entry| entry.name == *name);
            match page.rest.filter(|_| !past) {
                Some(rest) => page = self.more(rest, path)?,
                None => return Ok(found),
            }
        }
    }

    /// A part of a directory; nothing if it is passed over.
    fn part(
        &mut self,
        parts: &mut Parts,
        id: &ChunkId,
        is_whole: bool,
    ) -> Result<Option<Node>, RepositoryError> {
        let refused = |error| RepositoryError::refused(format!("piece {id}"), error);
        let node = self.reader.piece(PieceKind::Node, id);
        let node = node.and_then(|bytes| Node::decode(&bytes).map_err(refused));
        let is_lost = |error: &RepositoryError| {
            error.is_of_one_object() || matches!(error, RepositoryError::Missing(_))
        };
        match node {
            Err(error) if self.passes_damage && !is_whole && is_lost(&error) => {
                self.refused.damaged += 1;
                parts.failed.get_or_insert(error);
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// The entries of the next leaf of a directory; nothing after the last.
    fn next_leaf(&mut self, parts: &mut Parts) -> Result<Option<Vec<Entry>>, RepositoryError> {
        while let Some((id, expected)) = parts.waiting.pop() {
            let Some(node) = self.part(parts, &id, expected.is_none())? else { continue };
            let level = match &node {
                Node::Leaf { .. } => 0,
                Node::Split { level, .. } => *level,
            };
            if level > LEVELS || expected.is_some_and(|expected| expected != level) {
                return Err(broken(&id, "a directory's levels do not fit"));
            }
            match node {
                Node::Leaf { mut entries, refused, damaged } => {
                    let read = entries.len();
                    entries
                        .retain(|entry| parts.last.as_ref().is_none_or(|last| *last < entry.name));
                    let damaged = u64::from(damaged) + (read - entries.len()) as u64;
                    let refused = Refused { unknown: refused.into(), damaged };
                    self.refused += refused;
                    parts.refused += refused;
                    if let Some(last) = entries.last() {
                        parts.last = Some(last.name.clone());
                    }
                    parts.count += entries.len();
                    if parts.count > DIRECTORY_ENTRIES {
                        return Err(broken(&id, "a directory has too many entries"));
                    }
                    return Ok(Some(entries));
                }
                Node::Split { children, .. } => {
                    if !children.iter().all(|(_, id)| parts.seen.insert(*id)) {
                        return Err(broken(&id, "a part of a directory stands twice in it"));
                    }
                    // Last in, first out: the order of names comes out right. Each level is
                    // lower than the one above, so a cycle cannot be.
                    let children = children.into_iter().rev();
                    parts.waiting.extend(children.map(|(_, id)| (id, Some(level - 1))));
                }
            }
        }
        Ok(None)
    }

    /// One leaf.
    fn page(&mut self, parts: &mut Parts, path: &TreePath) -> Result<Vec<Entry>, RepositoryError> {
        let entries = self.next_leaf(parts)?.unwrap_or_default();
        let longest = entries.iter().map(|entry| entry.name.as_bytes().len()).max();
        if path.as_bytes().len() + 1 + longest.unwrap_or(0) > TreePath::MAX {
            return Err(broken(&parts.node, "a path is longer than can be"));
        }
        self.size.given += entries.len() as u64;
        let nodes = (&self.begin, &parts.node);
        match self.size.is_believable(&mut self.reader, nodes) {
            true => Ok(entries),
            false => Err(broken(&parts.node, "the tree unfolds into more entries than can be")),
        }
    }
}

impl Side for SnapshotTree<'_> {
    type Item = Entry;
    type Place = ChunkId;
    type Rest = Parts;
    type Error = RepositoryError;

    fn place(&self, item: &Entry) -> Option<ChunkId> {
        match item.kind {
            Kind::Directory(node) => Some(node),
            _ => None,
        }
    }

    fn list(&mut self, place: &ChunkId, path: &TreePath) -> Result<PageOf<Self>, RepositoryError> {
        let parts = Parts {
            node: *place,
            waiting: vec![(*place, None)],
            seen: HashSet::new(),
            last: None,
            count: 0,
            refused: Refused::default(),
            failed: None,
        };
        self.more(parts, path)
    }

    fn more(&mut self, mut parts: Parts, path: &TreePath) -> Result<PageOf<Self>, RepositoryError> {
        let entries = match parts.failed.take_if(|_| parts.waiting.is_empty()) {
            Some(error) => Err(error),
            None => self.page(&mut parts, path),
        };
        let is_done = parts.waiting.is_empty() && parts.failed.is_none();
        if is_done || entries.is_err() {
            self.untold += parts.refused;
        }
        Ok(Page { entries: entries?, rest: Some(parts).filter(|_| !is_done) })
    }
}

fn broken(id: &ChunkId, what: &str) -> RepositoryError {
    RepositoryError::Damaged { object: format!("piece {id}"), what: what.to_owned() }
}
