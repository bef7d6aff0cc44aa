//! The remembered tree against a map from paths to entries.

use std::collections::BTreeMap;

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{cases, children, chunk, name};
use crate::catalogue::{Catalogue, DirectoryId};
use crate::model::{Name, TreePath};

#[derive(Clone, Debug, PartialEq)]
struct Item {
    kind: u8,
    stamp: Option<[u8; 48]>,
    entry: Vec<u8>,
    inode: Option<u64>,
}

type Model = BTreeMap<TreePath, Item>;

#[derive(Clone, Debug)]
enum Op {
    Put(TreePath, Option<u8>, Vec<u8>),
    Directory(TreePath, Option<u8>, Vec<u8>, u64),
    Stamp(TreePath, Option<u8>),
    Remove(TreePath),
    Move(TreePath, TreePath, Vec<u8>),
    Clear,
    Commit,
    Rollback,
}

fn path() -> impl Strategy<Value = TreePath> {
    let name = proptest::sample::select(vec!["a", "b", "a-", "z"]);
    proptest::collection::vec(name, 1..5)
        .prop_map(|names| TreePath::new(names.join("/").as_bytes()).unwrap())
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..9);
    let stamp = || proptest::option::of(any::<u8>());
    prop_oneof![
        6 => (path(), stamp(), bytes()).prop_map(|(p, s, e)| Op::Put(p, s, e)),
        8 => (path(), stamp(), bytes(), 0..5_u64).prop_map(|(p, s, e, i)| Op::Directory(p, s, e, i)),
        2 => (path(), stamp()).prop_map(|(p, s)| Op::Stamp(p, s)),
        3 => path().prop_map(Op::Remove),
        4 => (path(), path(), bytes()).prop_map(|(p, q, e)| Op::Move(p, q, e)),
        1 => proptest::strategy::Just(Op::Clear),
        1 => proptest::strategy::Just(Op::Commit),
        1 => proptest::strategy::Just(Op::Rollback),
    ]
}

/// The row of a directory, found by walking down.
fn find(catalogue: &Catalogue, path: &TreePath) -> Option<DirectoryId> {
    path.names().try_fold(Catalogue::ROOT, |at, name| {
        catalogue.child(at, &name).unwrap().and_then(|found| found.directory)
    })
}

fn is_directory(model: &Model, path: &TreePath) -> bool {
    path.is_root() || model.get(path).is_some_and(|item| item.inode.is_some())
}

fn take_within(model: &mut Model, path: &TreePath) -> Model {
    model.extract_if(.., |found, _| found.is_within(path)).collect()
}

fn walk(catalogue: &Catalogue) -> Model {
    let mut found = Model::new();
    let mut open = vec![(TreePath::root(), Catalogue::ROOT)];
    while let Some((path, id)) = open.pop() {
        assert_eq!(catalogue.path(id).unwrap(), Some(path.clone()));
        let children = children(catalogue, id).unwrap();
        assert!(children.is_sorted_by(|a, b| a.name < b.name));
        for child in children {
            let at = path.join(&child.name);
            let inode = child.directory.map(|id| catalogue.inode(id));
            let (kind, stamp, entry) = (child.kind, child.stamp, child.entry);
            found.insert(at.clone(), Item { kind, stamp, entry, inode });
            open.extend(child.directory.map(|id| (at, id)));
        }
    }
    found
}

fn filled(byte: Option<u8>) -> Option<[u8; 48]> {
    byte.map(|b| [b; 48])
}

fn move_within(catalogue: &Catalogue, model: &mut Model, from: &TreePath, to: &TreePath, e: &[u8]) {
    let Some((parent, at)) = to.split() else { return };
    let Some(id) = find(catalogue, from) else { return };
    let Some(new_parent) = find(catalogue, &parent) else { return };
    let done = catalogue.move_directory(id, new_parent, &at, None, e);
    if parent.is_within(from) {
        return assert!(done.is_err(), "{from:?} moved into itself");
    }
    done.unwrap();
    let moved = take_within(model, from);
    take_within(model, to);
    for (path, item) in moved {
        let rest = path.names().skip(from.names().count());
        model.insert(rest.fold(to.clone(), |path, name| path.join(&name)), item);
    }
    let top = model.get_mut(to).unwrap();
    (top.stamp, top.entry) = (None, e.to_vec());
    assert_eq!(find(catalogue, to), Some(id), "it keeps its row");
}

fn apply(catalogue: &Catalogue, model: &mut Model, op: Op) {
    match op {
        Op::Put(path, stamp, entry) => {
            let (parent, at) = path.split().unwrap();
            let Some(id) = find(catalogue, &parent) else { return };
            let stamp = filled(stamp);
            catalogue.put_entry(id, &at, stamp.as_ref(), &entry, 2).unwrap();
            take_within(model, &path);
            model.insert(path, Item { kind: 2, stamp, entry, inode: None });
        }
        Op::Directory(path, stamp, entry, inode) => {
            let (parent, at) = path.split().unwrap();
            let Some(id) = find(catalogue, &parent) else { return };
            let before = find(catalogue, &path);
            let stamp = filled(stamp);
            let row =
                catalogue.put_directory(id, &at, stamp.as_ref(), &entry, 1, inode, None).unwrap();
            assert!(before.is_none_or(|before| before == row), "it keeps its row");
            model.insert(path, Item { kind: 1, stamp, entry, inode: Some(inode) });
        }
        Op::Stamp(path, stamp) => {
            let (parent, at) = path.split().unwrap();
            let Some(id) = find(catalogue, &parent) else { return };
            catalogue.set_stamp(id, &at, filled(stamp).as_ref()).unwrap();
            if let Some(item) = model.get_mut(&path) {
                item.stamp = filled(stamp);
            }
        }
        Op::Remove(path) => {
            let (parent, at) = path.split().unwrap();
            let Some(id) = find(catalogue, &parent) else { return };
            catalogue.remove(id, &at).unwrap();
            take_within(model, &path);
        }
        Op::Move(from, to, entry) => move_within(catalogue, model, &from, &to, &entry),
        Op::Clear => {
            catalogue.clear_tree().unwrap();
            model.clear();
        }
        Op::Commit | Op::Rollback => unreachable!("the test does these"),
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn it_is_a_map_from_paths(ops in proptest::collection::vec(op(), 1..80)) {
        let catalogue = Catalogue::temporary().unwrap();
        catalogue.begin().unwrap();
        let (mut model, mut committed) = (Model::new(), Model::new());
        for op in ops {
            match op {
                Op::Commit => {
                    catalogue.commit().unwrap();
                    catalogue.begin().unwrap();
                    committed = model.clone();
                }
                Op::Rollback => {
                    catalogue.rollback().unwrap();
                    catalogue.begin().unwrap();
                    model = committed.clone();
                }
                other => apply(&catalogue, &mut model, other),
            }
            prop_assert_eq!(&walk(&catalogue), &model);
            let directories = model.keys().filter(|path| is_directory(&model, path)).count();
            prop_assert_eq!(catalogue.directory_rows(), directories + 1, "rows are left behind");
            prop_assert_eq!(catalogue.entry_rows(), model.len(), "rows are left behind");
            for inode in 0..5 {
                let found = catalogue.directory_by_inode(1, inode).unwrap();
                prop_assert_eq!(
                    found.is_some(),
                    model.values().any(|item| item.inode == Some(inode))
                );
                prop_assert!(found.is_none_or(|id| catalogue.inode(id) == inode));
            }
        }
    }
}

fn directory(catalogue: &Catalogue, parent: DirectoryId, at: &str, node: u64) -> DirectoryId {
    let node = chunk(node);
    catalogue.put_directory(parent, &name(at), None, b"", 1, u64::MAX, Some(&node)).unwrap()
}

#[test]
fn directories_without_a_node_are_known() {
    let catalogue = Catalogue::temporary().unwrap();
    let root = Catalogue::ROOT;
    assert_eq!(catalogue.unwritten().unwrap(), [root]);
    catalogue.set_node(root, Some(&chunk(0))).unwrap();
    assert!(catalogue.unwritten().unwrap().is_empty());
    let b = directory(&catalogue, root, "b", 1);
    let a = directory(&catalogue, root, "a", 2);
    let deep = directory(&catalogue, b, "deep", 3);
    catalogue.move_directory(b, a, &name("b"), None, b"moved").unwrap();
    assert_eq!(catalogue.node(deep).unwrap(), Some(chunk(3)));
    catalogue.set_node(b, None).unwrap();
    assert_eq!(catalogue.node(b).unwrap(), None);
    assert_eq!(catalogue.unwritten().unwrap(), [b]);
    catalogue.set_node(deep, None).unwrap();
    assert_eq!(catalogue.unwritten().unwrap(), [b, deep]);
    assert_eq!(catalogue.directory_by_inode(1, u64::MAX).unwrap(), Some(b));
    assert_eq!(catalogue.path(deep).unwrap(), Some(TreePath::new(b"a/b/deep").unwrap()));
    catalogue.clear_tree().unwrap();
    assert_eq!(catalogue.path(deep).unwrap(), None);
    assert_eq!(catalogue.unwritten().unwrap(), [root]);
}

/// The memory of a source can be read as it was while a run changes it.
#[test]
fn the_last_committed_state_stays_readable_beside_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open(&folder.path().join("catalogue")).unwrap();
    let root = Catalogue::ROOT;
    catalogue.put_entry(root, &name("a"), None, b"before", 0).unwrap();
    catalogue.set_node(root, Some(&chunk(1))).unwrap();
    catalogue.begin().unwrap();
    catalogue.put_entry(root, &name("a"), None, b"after", 0).unwrap();
    let committed = catalogue.committed().unwrap().unwrap();
    catalogue.put_entry(root, &name("b"), None, b"new", 0).unwrap();
    catalogue.set_node(root, None).unwrap();
    let told = |catalogue: &Catalogue| -> Vec<Vec<u8>> {
        children(catalogue, root).unwrap().into_iter().map(|child| child.entry).collect()
    };
    assert_eq!(told(&committed), [b"before"]);
    assert_eq!(committed.node(root).unwrap(), Some(chunk(1)));
    catalogue.commit().unwrap();
    assert_eq!(told(&committed), [b"before"]);
    assert_eq!(told(&catalogue), [&b"after"[..], b"new"]);
    assert!(Catalogue::temporary().unwrap().committed().unwrap().is_none());
}

#[test]
fn a_directory_may_take_the_place_of_the_one_above_it() {
    let catalogue = Catalogue::temporary().unwrap();
    let outer = directory(&catalogue, Catalogue::ROOT, "a", 1);
    let inner = directory(&catalogue, outer, "b", 2);
    catalogue.put_entry(inner, &name("kept"), None, b"kept", 0).unwrap();
    catalogue.put_entry(outer, &name("lost"), None, b"lost", 0).unwrap();
    catalogue.move_directory(inner, Catalogue::ROOT, &name("a"), None, b"").unwrap();
    assert_eq!(walk(&catalogue).len(), 2);
    assert_eq!(children(&catalogue, inner).unwrap()[0].entry, b"kept");
    assert!(children(&catalogue, outer).unwrap().is_empty());
}

#[test]
fn a_very_deep_tree_is_forgotten_without_recursion() {
    let catalogue = Catalogue::temporary().unwrap();
    catalogue.begin().unwrap();
    let mut at = Catalogue::ROOT;
    for _ in 0..20_000 {
        at = directory(&catalogue, at, "d", 1);
    }
    assert_eq!(catalogue.path(at).unwrap().unwrap().as_bytes().len(), 39_999);
    catalogue.remove(Catalogue::ROOT, &Name::new(b"d").unwrap()).unwrap();
    catalogue.commit().unwrap();
    assert_eq!(catalogue.directory_rows(), 1);
}
