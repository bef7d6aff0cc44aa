//! From what was typed to the places where it may lie, in the order in which they are tried.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::model::{Name, TreePath};

use super::asked::Around;

/// Most roots that a relative path is tried against: a record may name very many.
const ROOTS: usize = 256;

/// The names of a path from the top down. They may be patterns, or such as no snapshot can have.
pub(super) type Names = Vec<Vec<u8>>;

/// A place where a typed path may lie.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) names: Names,
    /// So many of them, from the top down, were not typed: the folder that the path counts from.
    /// They are never a pattern, whatever they contain.
    pub(super) given: usize,
}

impl Place {
    /// The names that were typed.
    pub(super) fn typed(&self) -> &[Vec<u8>] {
        &self.names[self.given..]
    }
}

/// Places that are tried together. Of those in which something is, all are meant, and that may be
/// too many.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group(pub(super) Vec<Place>);

/// Where a typed path may lie.
pub(super) fn groups(typed: &[u8], around: &Around, roots: &[TreePath]) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut add = |places: Vec<Place>| {
        let group = Group(places);
        if !group.0.is_empty() && !groups.contains(&group) {
            groups.push(group);
        }
    };
    let roots = || roots.iter().take(ROOTS).map(|root| names(root.as_bytes()));
    if typed.starts_with(b"/") {
        add(vec![join(Vec::new(), typed)]);
        return groups;
    }
    if let Some(rest) = below_home(typed) {
        add(around.home.iter().map(|home| join(of(home), rest)).collect());
        // On another machine the home may be called something else.
        let mut homes: Vec<Names> = roots().filter_map(|root| home_above(&root)).collect();
        homes.dedup();
        add(homes.into_iter().map(|home| join(home, rest)).collect());
        return groups;
    }
    for folder in &around.folders {
        add(vec![join(of(folder), typed)]);
    }
    add(roots().filter_map(|root| join_within(root, typed)).collect());
    // `Documents/letter` is found in the root `/home/anna/Documents`, too.
    let first = names(typed).into_iter().next();
    let beside = roots().filter(|root| root.last() == first.as_ref());
    add(beside.filter_map(|mut root| root.pop().and_then(|_| join_within(root, typed))).collect());
    add(vec![join(Vec::new(), typed)]);
    groups
}

/// What follows the `~` of a path that begins at the home. `~anna` and `~$letter.docx` are names.
fn below_home(typed: &[u8]) -> Option<&[u8]> {
    match typed.strip_prefix(b"~")? {
        [] => Some(&[]),
        rest => rest.strip_prefix(b"/"),
    }
}

/// The home that a root lies in, by where systems have homes.
fn home_above(root: &Names) -> Option<Names> {
    let length = match root.first()?.as_slice() {
        b"home" | b"Users" => 2,
        b"root" => 1,
        _ => return None,
    };
    root.get(..length).map(<[Vec<u8>]>::to_vec)
}

/// The names of a path on this machine.
fn of(path: &Path) -> Names {
    join(Vec::new(), path.as_os_str().as_bytes()).names
}

fn names(path: &[u8]) -> Names {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect()
}

/// A path from there, with `.` and `..` worked out by name; `..` of the top is the top.
fn join(from: Names, path: &[u8]) -> Place {
    let mut place = Place { given: from.len(), names: from };
    for name in names(path) {
        match name.as_slice() {
            b"." => {}
            b".." => {
                place.names.pop();
                place.given = place.given.min(place.names.len());
            }
            _ => place.names.push(name),
        }
    }
    place
}

/// The same, if it does not lead out of there.
fn join_within(from: Names, path: &[u8]) -> Option<Place> {
    let joined = join(from.clone(), path);
    joined.names.starts_with(&from).then_some(joined)
}

/// The path of these names, if a snapshot can have it.
pub(super) fn tree_path(names: &Names) -> Option<TreePath> {
    let all = names.iter().all(|name| Name::check(name).is_ok());
    TreePath::new(&names.join(&b'/')).ok().filter(|_| all)
}
