//! A path that is not there: the nearest name, and the nearest snapshot that has it.
//!
//! The work is bounded: so many names of a folder, so many snapshots, so much time.

use std::time::Duration;

use crate::model::{ChunkId, Entry, Side, TreePath};
use crate::repository::{PieceReader, SnapshotTree};

use super::expand::{Group, Names, tree_path};
use super::nearest::distance;
use super::resolver::Resolver;
use crate::session::descent::Candidate;
use crate::session::error::{Error, ErrorKind};
use crate::session::missing_path::MissingPath;

/// Most names of one folder that are compared with the one that was typed.
const NAMES: usize = 100_000;
/// Most places in which nearest names are sought.
const PLACES: usize = 16;
/// Most other snapshots that are looked at, and for how long.
const SNAPSHOTS: u64 = 1000;
const TIME: Duration = Duration::from_secs(5);

/// The error that a missing path is.
pub(super) fn error(
    resolver: &Resolver<'_, '_>,
    typed: &[u8],
    tried: &[Group],
    is_pattern: bool,
) -> Error {
    let all: Vec<&Names> =
        tried.iter().flat_map(|group| &group.0).map(|place| &place.names).collect();
    let paths: Vec<TreePath> = all.iter().filter_map(|names| tree_path(names)).collect();
    let mut missing = MissingPath {
        typed: typed.to_vec(),
        snapshot: resolver.chosen.line.clone(),
        nearest: None,
        held: None,
        is_older: false,
        looked_at: 0,
        others: 0,
        is_outside: is_outside(&paths, &resolver.roots),
        roots: resolver.roots.clone(),
        is_pattern,
    };
    if !is_pattern {
        let nearest = nearest(resolver, &all);
        // What differs in case only is what is meant, so there is no need to look further.
        if nearest.as_ref().is_none_or(|(cost, _)| *cost > 0) {
            look_elsewhere(resolver, &paths, &mut missing);
        }
        missing.nearest = nearest.map(|(_, path)| path);
    }
    let shown = String::from_utf8_lossy(typed).into_owned();
    let sentence = "there is no such path in the snapshot";
    Error::new(ErrorKind::NoSuchPath, sentence).at(shown).missing(missing)
}

/// Whether no place is in a root, and none above one.
fn is_outside(paths: &[TreePath], roots: &[TreePath]) -> bool {
    let is_of = |path: &TreePath, root: &TreePath| path.is_within(root) || root.is_within(path);
    let is_inside = |path: &&TreePath| roots.iter().any(|root| is_of(path, root));
    !roots.is_empty() && !paths.is_empty() && paths.iter().find(is_inside).is_none()
}

/// The path with the nearest names, and how much they differ in all.
fn nearest(resolver: &Resolver<'_, '_>, places: &[&Names]) -> Option<(usize, TreePath)> {
    let places = places.iter().take(PLACES);
    places.filter_map(|names| nearest_of(resolver, names)).min_by_key(|(cost, _)| *cost)
}

fn nearest_of(resolver: &Resolver<'_, '_>, names: &Names) -> Option<(usize, TreePath)> {
    let mut tree = resolver.chosen.tree().past_damage();
    let (mut path, mut node, mut cost) = (TreePath::root(), Some(tree.root()), 0);
    for typed in names {
        let mut best: Option<(usize, Entry)> = None;
        let mut left = NAMES;
        each_name(&mut tree, &path, &node?, |entry| {
            left -= 1;
            let name = entry.name.as_bytes();
            let apart = if name == typed { Some(0) } else { distance(typed, name).map(|d| d + 1) };
            if let Some(apart) = apart
                && best.as_ref().is_none_or(|(least, _)| apart < *least)
            {
                best = Some((apart, entry));
            }
            left > 0 && !resolver.observer.stopping() && best.as_ref().is_none_or(|b| b.0 > 0)
        });
        let (apart, entry) = best?;
        // One is for a name that differs in case only.
        cost += apart.saturating_sub(1);
        node = tree.place(&entry);
        path = path.join(&entry.name);
    }
    Some((cost, path))
}

/// Looks at snapshots of the same source before the one that was chosen, the nearest first, and
/// then at those after it.
fn look_elsewhere(resolver: &Resolver<'_, '_>, paths: &[TreePath], missing: &mut MissingPath) {
    let chosen = &resolver.chosen.line;
    let is_same = |one: &Candidate<'_>| {
        one.device.to_string() == chosen.device_id
            && one.snapshot.backup.source.name == chosen.source
    };
    let all: Vec<Candidate<'_>> = resolver.known.candidates().filter(is_same).collect();
    missing.others = (all.len() as u64).saturating_sub(1);
    let Some(at) = all.iter().position(|one| one.id() == chosen.id) else { return };
    let older = all[..at].iter().rev().map(|one| (one, true));
    let newer = all[at + 1..].iter().map(|one| (one, false));
    let started = resolver.access.seam.clock.elapsed();
    let mut last = resolver.chosen.backup.root;
    for (one, is_older) in older.chain(newer) {
        let spent = resolver.access.seam.clock.elapsed().saturating_sub(started);
        if missing.looked_at >= SNAPSHOTS || spent > TIME || resolver.observer.stopping() {
            return;
        }
        missing.looked_at += 1;
        let root = one.snapshot.backup.root;
        if std::mem::replace(&mut last, root) == root {
            continue;
        }
        let objects = resolver.known.repository.objects();
        let reader = PieceReader::new(&objects, &resolver.known.repository.catalogue);
        let mut tree = SnapshotTree::new(reader, root);
        // Of one that cannot be read nothing is said.
        let held = paths.iter().find(|path| matches!(tree.find(path), Ok(Some(_))));
        if let Some(path) = held {
            missing.held = Some((resolver.known.line_of(one), path.clone()));
            missing.is_older = is_older;
            return;
        }
    }
}

/// The entries of one folder, as far as they can be read, until `each` answers `false`.
fn each_name(
    tree: &mut SnapshotTree<'_>,
    path: &TreePath,
    node: &ChunkId,
    mut each: impl FnMut(Entry) -> bool,
) {
    let mut page = tree.list(node, path).ok();
    while let Some(entries) = page.take() {
        if !entries.entries.into_iter().all(&mut each) {
            return;
        }
        page = entries.rest.and_then(|rest| tree.more(rest, path).ok());
    }
}
