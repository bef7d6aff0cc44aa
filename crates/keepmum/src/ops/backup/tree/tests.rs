//! The tree alone: a catalogue of its own, and nodes that go into a map.

use std::collections::BTreeMap;

use super::super::progress::Progress;
use super::{Nodes, Tree};
use crate::catalogue::{Catalogue, DirectoryId};
use crate::format::Node;
use crate::model::{ChunkId, Entry, Found, FoundKind, Kind, Metadata, Name, Stamp, Time, TreePath};
use crate::session::error::Error;
use crate::session::event::Silent;

/// Nodes by an id that is a count of those that differ.
#[derive(Default)]
struct Kept {
    ids: BTreeMap<Vec<u8>, ChunkId>,
    /// How many were written, equal ones too.
    written: usize,
}

impl Nodes for Kept {
    fn id_of(&self, node: &[u8]) -> ChunkId {
        self.ids.get(node).copied().unwrap_or(ChunkId([0; 32]))
    }

    fn makes_deltas(&self) -> bool {
        true
    }

    fn store(&mut self, node: Vec<u8>, _: Option<(ChunkId, &[u8])>) -> Result<ChunkId, Error> {
        self.written += 1;
        let next = u8::try_from(self.ids.len() + 1).unwrap();
        Ok(*self.ids.entry(node).or_insert(ChunkId([next; 32])))
    }
}

impl Kept {
    /// All paths beneath a node.
    fn paths(&self, node: &ChunkId, at: &TreePath) -> Vec<String> {
        let (bytes, _) = self.ids.iter().find(|(_, id)| *id == node).expect("a stored node");
        let Node::Leaf { entries, .. } = Node::decode(bytes).unwrap() else { panic!("a leaf") };
        let mut paths = Vec::new();
        for entry in entries {
            let path = at.join(&entry.name);
            paths.push(String::from_utf8(path.as_bytes().to_vec()).unwrap());
            if let Kind::Directory(node) = entry.kind {
                paths.extend(self.paths(&node, &path));
            }
        }
        paths
    }
}

fn name(name: &str) -> Name {
    Name::new(name.as_bytes()).unwrap()
}

fn found(text: &str, inode: u64) -> Found {
    let time = Time { seconds: 1, nanos: 0 };
    Found {
        name: name(text),
        kind: FoundKind::Directory,
        metadata: Metadata::default(),
        stamp: Stamp { size: 0, mtime: time, ctime: time, device: 1, inode },
        links: 1,
        settled: true,
        is_mount: false,
        renumbers: false,
        file_system: 1,
    }
}

/// A tree in which the folders `a/b` and `c` lie, and a pipe in `a/b`.
struct Planted<'a> {
    tree: Tree<'a>,
    nodes: Kept,
    rows: [DirectoryId; 3],
}

fn plant(catalogue: &Catalogue) -> Planted<'_> {
    let mut tree = Tree::new(catalogue, false).unwrap();
    let mut put = |parent, text: &str, inode| {
        let metadata = (Metadata::default(), None);
        tree.put_directory(parent, &found(text, inode), metadata, None).unwrap()
    };
    let a = put(Catalogue::ROOT, "a", 10);
    let b = put(a, "b", 11);
    let c = put(Catalogue::ROOT, "c", 12);
    let pipe = Entry { name: name("pipe"), kind: Kind::Fifo, metadata: Metadata::default() };
    assert!(tree.put(b, None, &pipe, None).unwrap());
    let mut nodes = Kept::default();
    for left in [b, a, c, Catalogue::ROOT] {
        tree.leave(left, &mut nodes).unwrap();
    }
    Planted { tree, nodes, rows: [a, b, c] }
}

fn settled(tree: &mut Tree<'_>, nodes: &mut Kept) -> Vec<String> {
    let root = tree.settle(nodes, &Progress::new(&Silent)).unwrap();
    nodes.paths(&root, &TreePath::root())
}

#[test]
fn a_folder_that_did_not_change_is_not_written() {
    let catalogue = Catalogue::temporary().unwrap();
    let Planted { mut tree, mut nodes, rows: [a, b, c] } = plant(&catalogue);
    assert_eq!(nodes.written, 4);
    assert_eq!(settled(&mut tree, &mut nodes), ["a", "a/b", "a/b/pipe", "c"]);
    assert_eq!(nodes.written, 4, "nothing was left to settle");
    let old = catalogue.child(b, &name("pipe")).unwrap();
    let same = Entry { name: name("pipe"), kind: Kind::Fifo, metadata: Metadata::default() };
    assert!(!tree.put(b, old.as_ref(), &same, None).unwrap());
    let other = Entry { kind: Kind::Symlink(b"to".to_vec().into()), ..same };
    assert!(tree.put(b, old.as_ref(), &other, None).unwrap());
    for left in [b, a, c, Catalogue::ROOT] {
        tree.leave(left, &mut nodes).unwrap();
    }
    // The folder that changed and those above it, and not the one beside it.
    assert_eq!(nodes.written, 7);
}

#[test]
fn directories_changed_after_the_walk_left_them_are_written_last() {
    let catalogue = Catalogue::temporary().unwrap();
    let Planted { mut tree, mut nodes, rows: [_, b, _] } = plant(&catalogue);
    let old = catalogue.child(b, &name("pipe")).unwrap().unwrap();
    tree.take_out(b, &old).unwrap();
    assert_eq!(settled(&mut tree, &mut nodes), ["a", "a/b", "c"]);
    assert_eq!(nodes.written, 7);
}

#[test]
fn a_folder_that_moved_keeps_its_node() {
    let catalogue = Catalogue::temporary().unwrap();
    let Planted { mut tree, mut nodes, rows: [_, b, c] } = plant(&catalogue);
    let moved = found("moved", 11);
    assert_eq!(tree.known_elsewhere(&moved).unwrap(), Some(b));
    let at = |path: &[u8]| Some(TreePath::new(path).unwrap());
    assert_eq!(tree.remembered_at(b).unwrap(), at(b"a/b"));
    tree.take_over(b, c, &moved, (Metadata::default(), None)).unwrap();
    assert_eq!(tree.known_elsewhere(&moved).unwrap(), None, "nobody else may have it");
    assert!(tree.is_claimed(b));
    assert_eq!(settled(&mut tree, &mut nodes), ["a", "c", "c/moved", "c/moved/pipe"]);
    // Both folders and the root, and not the one that moved.
    assert_eq!(nodes.written, 7);
}

#[test]
fn a_full_tree_is_written_even_if_nodes_were_known() {
    let catalogue = Catalogue::temporary().unwrap();
    let Planted { nodes: first, rows: [a, b, c], .. } = plant(&catalogue);
    let (mut tree, mut nodes) = (Tree::new(&catalogue, true).unwrap(), Kept::default());
    for left in [b, a, c, Catalogue::ROOT] {
        tree.leave(left, &mut nodes).unwrap();
    }
    assert_eq!(nodes.written, 4);
    assert_eq!(nodes.ids.len(), first.ids.len());
}
