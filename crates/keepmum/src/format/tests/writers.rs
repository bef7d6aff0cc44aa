//! The writers of lists and of directories: nothing is lost, bounds hold, edits stay local.

use std::collections::{BTreeMap, BTreeSet};

use crate::format::{FormatError, ListNode, ListWriter, Node, NodeWriter};
use crate::model::{
    Attribute, ChunkId, Content, Entry, Kind, Metadata, Name, Piece, Pieces, Value,
};

/// A store of pieces by their hash.
#[derive(Default)]
struct Store(BTreeMap<ChunkId, Vec<u8>>);

impl Store {
    fn put(&mut self, bytes: Vec<u8>) -> Result<ChunkId, FormatError> {
        let id = ChunkId(*blake3::hash(&bytes).as_bytes());
        self.0.insert(id, bytes);
        Ok(id)
    }

    fn ids(&self) -> BTreeSet<ChunkId> {
        self.0.keys().copied().collect()
    }

    /// All pieces beneath; checks the depths and lengths on the way.
    fn read_list(&self, pieces: &Pieces, out: &mut Vec<Piece>) {
        match pieces {
            Pieces::Inline(pieces) => out.extend(pieces),
            Pieces::Lists { depth, nodes } => {
                for (length, id) in nodes {
                    let node = ListNode::decode(&self.0[id]).unwrap();
                    assert_eq!(node.depth, depth - 1);
                    assert_eq!(node.length(), Some(*length));
                    self.read_list(&node.items, out);
                }
            }
        }
    }

    /// All entries beneath a node, and the level it is on.
    fn read_tree(&self, id: &ChunkId, out: &mut Vec<Entry>) -> u8 {
        match Node::decode(&self.0[id]).unwrap() {
            Node::Leaf { entries, refused, damaged } => {
                assert_eq!((refused, damaged), (0, 0));
                out.extend(entries);
                0
            }
            Node::Split { level, children } => {
                for (first, child) in children {
                    let at = out.len();
                    assert_eq!(self.read_tree(&child, out), level - 1);
                    assert_eq!(out[at].name, first);
                }
                level
            }
        }
    }
}

fn chunk(number: u64) -> Piece {
    let id = ChunkId(*blake3::hash(&number.to_le_bytes()).as_bytes());
    Piece::Chunk { length: 1 + number % 1000, id }
}

fn write_list(pieces: &[Piece], store: &mut Store) -> Content {
    let mut writer = ListWriter::new();
    let mut emit = |bytes| store.put(bytes);
    pieces.iter().for_each(|piece| writer.push(*piece, &mut emit).unwrap());
    writer.finish(&mut emit).unwrap()
}

#[test]
fn lists_of_every_size_are_read_again() {
    for count in (0..150).chain([1000, 5000, 60_000]) {
        let pieces: Vec<_> = (0..count).map(chunk).collect();
        let mut store = Store::default();
        let content = write_list(&pieces, &mut store);
        assert_eq!(content.size, pieces.iter().map(Piece::length).sum::<u64>());
        let mut read = Vec::new();
        store.read_list(&content.pieces, &mut read);
        assert!(read == pieces, "{count}");
        match &content.pieces {
            Pieces::Inline(_) => assert!(count <= 8 && store.0.is_empty()),
            Pieces::Lists { nodes, .. } => assert!(count > 8 && (1..=8).contains(&nodes.len())),
        }
    }
}

#[test]
fn an_insertion_into_a_long_list_changes_few_nodes() {
    let mut pieces: Vec<_> = (0..60_000).map(chunk).collect();
    let (mut before, mut after) = (Store::default(), Store::default());
    let old = write_list(&pieces, &mut before);
    pieces.insert(20_000, chunk(1 << 40));
    let new = write_list(&pieces, &mut after);
    assert_ne!(old, new);
    let added = after.ids().difference(&before.ids()).count();
    assert!((1..=8).contains(&added), "{added} of {} nodes are new", after.0.len());
}

#[test]
fn holes_never_end_a_list_node_early() {
    let hole = Piece::Hole { length: 1 << 40 };
    let mut store = Store::default();
    let content = write_list(&vec![hole; 128], &mut store);
    assert_eq!(store.0.len(), 1, "two equal nodes of 64 holes");
    let Pieces::Lists { depth: 1, nodes } = &content.pieces else { panic!() };
    assert_eq!(nodes.len(), 2);
    assert_eq!(content.size, 128 << 40);
    let nothing = write_list(&[Piece::Hole { length: 0 }], &mut store);
    assert_eq!(nothing, Content::empty());
}

#[test]
fn a_list_node_ends_after_a_low_id_once_sixteen_items_are_in_it() {
    let piece = |last: u8| {
        let mut id = [0x55; 32];
        id[31] = last;
        Piece::Chunk { length: 1, id: ChunkId(id) }
    };
    let count = |low_at: usize| {
        let pieces: Vec<_> = (0..40).map(|at| piece(if at == low_at { 7 } else { 8 })).collect();
        let content = write_list(&pieces, &mut Store::default());
        let Pieces::Lists { depth: 1, nodes } = content.pieces else { panic!() };
        nodes.iter().map(|(length, _)| *length).collect::<Vec<_>>()
    };
    assert_eq!(count(14), [40], "fifteen items are too few");
    assert_eq!(count(15), [16, 24]);
    assert_eq!(count(30), [31, 9]);
}

fn entry(number: u64, attribute: usize) -> Entry {
    let name = format!("file {number:07}");
    let value = vec![7; attribute].into();
    let value = Value::Inline(value);
    let attribute = Attribute { namespace: "xattr".into(), name: (*b"user.x").into(), value };
    let attributes =
        if attribute.value().is_none_or(<[u8]>::is_empty) { Vec::new() } else { vec![attribute] };
    Entry {
        name: Name::new(name.as_bytes()).unwrap(),
        kind: Kind::File(Content::empty()),
        metadata: Metadata { mode: Some(0o644), attributes, ..Metadata::default() },
    }
}

fn write_tree(entries: &[Entry], store: &mut Store) -> Result<ChunkId, FormatError> {
    let mut writer = NodeWriter::new();
    let mut emit = |bytes| store.put(bytes);
    entries.iter().try_for_each(|entry| writer.push(entry, &mut emit))?;
    writer.finish(&mut emit)
}

#[test]
fn directories_of_every_size_are_read_again() {
    for count in [0, 1, 63, 64, 65, 200, 700, 5000, 80_000] {
        let entries: Vec<_> = (0..count).map(|number| entry(number, 0)).collect();
        let mut store = Store::default();
        let root = write_tree(&entries, &mut store).unwrap();
        let mut read = Vec::new();
        let level = store.read_tree(&root, &mut read);
        assert!(read == entries, "{count}");
        assert!(count > 64 || level == 0);
        assert!(count <= 512 || level > 0);
        assert!(count < 80_000 || level == 2, "{level}");
    }
}

#[test]
fn an_insertion_into_a_huge_directory_changes_few_nodes() {
    let mut entries: Vec<_> = (0..80_000).map(|number| entry(2 * number, 0)).collect();
    let (mut before, mut after) = (Store::default(), Store::default());
    let old = write_tree(&entries, &mut before).unwrap();
    entries.insert(1000, entry(1999, 0));
    let new = write_tree(&entries, &mut after).unwrap();
    assert_ne!(old, new);
    let added: Vec<_> = after.ids().difference(&before.ids()).copied().collect();
    let bytes: usize = added.iter().map(|id| after.0[id].len()).sum();
    assert!(added.len() <= 5, "{} of {} nodes are new", added.len(), after.0.len());
    assert!(bytes < 100_000, "{bytes}");
}

#[test]
fn a_node_ends_before_a_low_name_once_sixty_four_entries_are_in_it() {
    let low = |entry: &Entry| blake3::hash(entry.name.as_bytes()).as_bytes()[0] < 2;
    let (mut lows, mut others): (Vec<_>, Vec<_>) =
        (0..5000).map(|number| entry(number, 0)).partition(low);
    let low = lows.pop().unwrap();
    others.retain(|entry| entry.name < low.name);
    for before in [63, 64, 512, 513] {
        let entries = [&others[..before], std::slice::from_ref(&low)].concat();
        let mut store = Store::default();
        let root = write_tree(&entries, &mut store).unwrap();
        let split = store.read_tree(&root, &mut Vec::new()) > 0;
        assert_eq!(split, before >= 64, "{before}");
        assert_eq!(
            store.0.len(),
            [1, 3, 3, 3][[63, 64, 512, 513].iter().position(|n| *n == before).unwrap()]
        );
    }
}

#[test]
fn a_node_stays_below_its_bound() {
    let entries: Vec<_> = (0..40).map(|number| entry(number, 65_000)).collect();
    let mut store = Store::default();
    let root = write_tree(&entries, &mut store).unwrap();
    let mut read = Vec::new();
    assert_eq!(store.read_tree(&root, &mut read), 1);
    assert!(read == entries);
    assert!(store.0.values().all(|node| node.len() <= (1 << 20) + 16));
    let large = [entry(1, 3 << 20), entry(2, 3 << 20)];
    write_tree(&large, &mut store).unwrap();
    let too_large = write_tree(&[entry(1, 4 << 20)], &mut store);
    assert!(matches!(too_large, Err(FormatError::BadLength { what: "an entry", .. })));
}

#[test]
fn names_out_of_order_are_refused() {
    let refused = Err(FormatError::BadValue { what: "the order of names" });
    let mut store = Store::default();
    assert_eq!(write_tree(&[entry(2, 0), entry(1, 0)], &mut store), refused);
    assert_eq!(write_tree(&[entry(2, 0), entry(2, 0)], &mut store), refused);
}

#[test]
fn a_failing_store_is_reported() {
    let mut fail = |_: Vec<u8>| Err(FormatError::Truncated);
    let mut writer = NodeWriter::new();
    writer.push(&entry(1, 0), &mut fail).unwrap();
    assert_eq!(writer.finish(&mut fail), Err(FormatError::Truncated));
    let mut writer = ListWriter::new();
    let result = (0..64).try_for_each(|number| writer.push(chunk(number), &mut fail));
    assert_eq!(result, Err(FormatError::Truncated));
}
