//! What only moved between two sides: lines are held back until all are there, so that what is
//! gone at one place can be found at another.
//!
//! Memory is bounded: where there are too many lines, they are let go as they are, and no moves are
//! found.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use super::report::{Aspect, DiffKind, DiffLine};
use crate::model::{Entry, TreePath};
use crate::session::report::EntryKind;

/// Most lines that are held back, and most bytes of their paths. Of a path there are several copies
/// while moves are looked for.
const LINES: usize = 250_000;
const BYTES: usize = 10 << 20;

/// By what something that moved is known again: by what it holds. What holds nothing is known by
/// its name, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Likeness {
    id: u128,
    /// All that is in a folder is the same; else it is only if there is nothing in it.
    proves_folder: bool,
}

impl Likeness {
    /// That of equal values.
    pub(super) fn of(value: &impl Hash, proves_folder: bool) -> Self {
        let half = |number: u8| {
            let mut hasher = DefaultHasher::new();
            number.hash(&mut hasher);
            value.hash(&mut hasher);
            u128::from(hasher.finish())
        };
        Self { id: half(0) << 64 | half(1), proves_folder }
    }
}

/// A difference that is held back: of an entry of one side, with that entry.
pub(super) struct Held<I> {
    pub(super) path: TreePath,
    /// Where it was before, if it moved.
    pub(super) from: Option<TreePath>,
    pub(super) kind: EntryKind,
    pub(super) change: DiffKind,
    pub(super) aspects: Vec<Aspect>,
    pub(super) old_size: Option<u64>,
    pub(super) new_size: Option<u64>,
    pub(super) likeness: Option<Likeness>,
    /// The entry, if only the older side has it.
    pub(super) old: Option<Box<Entry>>,
    /// The item, if only the newer side has it.
    pub(super) new: Option<Box<I>>,
}

impl<I> Held<I> {
    /// The difference as it is reported.
    pub(super) fn into_line(self) -> DiffLine {
        let bytes = |path: &TreePath| [b"/", path.as_bytes()].concat();
        DiffLine {
            path: self.path.to_string(),
            path_bytes: bytes(&self.path),
            from: self.from.as_ref().map(ToString::to_string),
            from_bytes: self.from.as_ref().map(bytes),
            kind: self.kind,
            change: self.change,
            aspects: self.aspects,
            old_size: self.old_size,
            new_size: self.new_size,
        }
    }
}

/// Tells in which metadata an entry differs that is now at this path.
pub(super) type About<'a, I, E> =
    &'a mut dyn FnMut(&TreePath, &Entry, &I) -> Result<Vec<Aspect>, E>;

/// Lines in the order of their paths.
pub(super) struct HeldBack<I> {
    lines: Vec<Held<I>>,
    bytes: usize,
}

impl<I> Default for HeldBack<I> {
    fn default() -> Self {
        Self { lines: Vec::new(), bytes: 0 }
    }
}

impl<I> HeldBack<I> {
    /// Holds a line back; whether there are too many now.
    pub(super) fn add(&mut self, held: Held<I>) -> bool {
        self.bytes += held.path.as_bytes().len();
        self.lines.push(held);
        self.lines.len() > LINES || self.bytes > BYTES
    }

    /// The lines so far.
    pub(super) fn lines(&mut self) -> &mut [Held<I>] {
        &mut self.lines
    }

    /// All lines as they are.
    pub(super) fn let_go(&mut self) -> Vec<Held<I>> {
        self.bytes = 0;
        std::mem::take(&mut self.lines)
    }

    /// All lines, where what moved is one line at its new place, and entries in a folder that moved
    /// are left out unless their metadata differs.
    pub(super) fn with_moves<E>(&mut self, about: About<'_, I, E>) -> Result<Vec<Held<I>>, E> {
        let mut lines = self.let_go();
        let from: BTreeMap<usize, usize> = folders(&lines, pairs(&lines)).into_iter().collect();
        let moved_to: Vec<TreePath> = tops(&lines, from.keys().copied());
        let moved_from: Vec<TreePath> = tops(&lines, from.values().copied());
        let gone: HashSet<usize> = from.values().copied().collect();
        for (at, before) in &from {
            let (old, new) = (lines[*before].old.take(), lines[*at].new.take());
            if let (Some(old), Some(new)) = (old, new) {
                lines[*at].aspects = about(&lines[*at].path, &old, &new)?;
            }
            lines[*at].from = Some(lines[*before].path.clone());
            lines[*at].old_size = lines[*before].old_size;
        }
        let mut kept = Vec::new();
        let (mut within_to, mut within_from) = (Within::new(&moved_to), Within::new(&moved_from));
        for (at, mut held) in lines.into_iter().enumerate() {
            // What lies in a folder that moved went with it.
            let inner_to = within_to.holds(&held.path) && held.change == DiffKind::Added;
            let inner_from = within_from.holds(&held.path) && held.change == DiffKind::Removed;
            if gone.contains(&at) || inner_from || (inner_to && held.aspects.is_empty()) {
                continue;
            }
            if held.from.is_some() {
                held.change = if inner_to { DiffKind::Metadata } else { DiffKind::Moved };
            }
            kept.push(held);
        }
        Ok(kept)
    }
}

/// Which line that came up was which line that went away.
type From = HashMap<usize, usize>;

/// Lines of files that went away and of which it is not known where to.
type Gone = HashMap<Likeness, Vec<usize>>;

fn is_folder<I>(held: &Held<I>) -> bool {
    held.kind == EntryKind::Directory
}

/// How many lines of this kind lie directly in each folder.
fn counts<I>(lines: &[Held<I>], change: DiffKind) -> HashMap<TreePath, usize> {
    let mut counts = HashMap::new();
    for held in lines.iter().filter(|held| held.change == change) {
        if let Some((above, _)) = held.path.split() {
            *counts.entry(above).or_default() += 1;
        }
    }
    counts
}

/// Lines by their likeness, the first one last.
fn by_likeness<I>(lines: &[Held<I>], is_meant: impl Fn(&Held<I>) -> bool) -> Gone {
    let mut gone = Gone::new();
    for (at, held) in lines.iter().enumerate().rev() {
        if held.change == DiffKind::Removed
            && is_meant(held)
            && let Some(likeness) = held.likeness
        {
            gone.entry(likeness).or_default().push(at);
        }
    }
    gone
}

/// Folders that are known as a whole, the outermost only.
fn whole_folders<I>(lines: &[Held<I>]) -> From {
    let (in_gone, in_new) = (counts(lines, DiffKind::Removed), counts(lines, DiffKind::Added));
    let is_known = |held: &Held<I>, counts: &HashMap<TreePath, usize>| {
        let proves = held.likeness.is_some_and(|likeness| likeness.proves_folder);
        is_folder(held) && (proves || !counts.contains_key(&held.path))
    };
    let mut gone = by_likeness(lines, |held| is_known(held, &in_gone));
    let mut from = From::new();
    // The outermost folders that moved away.
    let (mut within, mut taken): (Option<&TreePath>, BTreeSet<&TreePath>) = (None, BTreeSet::new());
    for (at, held) in lines.iter().enumerate() {
        let is_inside = within.is_some_and(|folder| held.path.is_within(folder));
        if held.change != DiffKind::Added || is_inside || !is_known(held, &in_new) {
            continue;
        }
        let alike = held.likeness.and_then(|likeness| gone.get_mut(&likeness));
        // What lies in a folder that moved already moved with it.
        let is_left = |at: &usize| {
            let path = &lines[*at].path;
            let before = taken.range::<TreePath, _>(..=path).next_back();
            let is_free = before.is_none_or(|folder| !path.is_within(folder));
            // One empty folder is as good as another.
            is_free && (in_new.contains_key(&held.path) || name(&lines[*at]) == name(held))
        };
        if let Some(found) = alike.and_then(Vec::pop).filter(is_left) {
            let path = &lines[found].path;
            let inner = taken.range::<TreePath, _>(path..).take_while(|one| one.is_within(path));
            let inner: Vec<&TreePath> = inner.copied().collect();
            for one in inner {
                taken.remove(one);
            }
            taken.insert(path);
            from.insert(at, found);
            within = Some(&held.path);
        }
    }
    from
}

/// For each line that came up, the line that went away and was the same.
fn pairs<I>(lines: &[Held<I>]) -> From {
    let mut from = whole_folders(lines);
    let new = tops(lines, from.keys().copied());
    let old = tops(lines, from.values().copied());
    let outside = |folders: &[TreePath], change: DiffKind| -> HashSet<usize> {
        let mut within = Within::new(folders);
        let all = lines.iter().enumerate();
        all.filter(|(_, held)| !within.holds(&held.path) && held.change == change)
            .map(|(at, _)| at)
            .collect()
    };
    let (new, old) = (outside(&new, DiffKind::Added), outside(&old, DiffKind::Removed));
    let mut left: Vec<usize> = new.into_iter().filter(|at| !from.contains_key(at)).collect();
    left.sort_unstable();
    let taken: HashSet<usize> = from.values().copied().collect();
    let mut gone: Vec<usize> = old.into_iter().filter(|at| !taken.contains(at)).collect();
    gone.sort_unstable();
    // Among files that are alike, one with the same name is the same first.
    for same_name in [true, false] {
        let key = |at: &usize| {
            let held = &lines[*at];
            let name = if same_name { name(held) } else { Vec::new() };
            held.likeness.filter(|_| !is_folder(held)).map(|likeness| (likeness, name))
        };
        let mut alike: HashMap<_, Vec<usize>> = HashMap::new();
        for at in gone.iter().rev() {
            if let Some(key) = key(at) {
                alike.entry(key).or_default().push(*at);
            }
        }
        left.retain(|at| {
            let found = key(at).and_then(|key| alike.get_mut(&key)?.pop());
            found.is_none_or(|found| {
                from.insert(*at, found);
                false
            })
        });
        let taken: HashSet<usize> = from.values().copied().collect();
        gone.retain(|at| !taken.contains(at));
    }
    from
}

fn name<I>(held: &Held<I>) -> Vec<u8> {
    held.path.split().map(|(_, name)| name.as_bytes().to_vec()).unwrap_or_default()
}

/// What is known of the lines in a folder.
#[derive(Default)]
struct Folder {
    /// Lines directly in it.
    count: usize,
    /// The one folder that all of them come from; nothing if there is none such.
    from: Option<TreePath>,
    is_mixed: bool,
}

/// Adds folders all of whose lines came from one folder that is gone, and that had no others.
fn folders<I>(lines: &[Held<I>], mut from: From) -> From {
    let gone = lines.iter().enumerate().filter(|(_, one)| one.change == DiffKind::Removed);
    let gone: HashMap<&TreePath, usize> = gone.map(|(at, held)| (&held.path, at)).collect();
    let in_gone = counts(lines, DiffKind::Removed);
    let mut folders: HashMap<TreePath, Folder> = HashMap::new();
    // From below: what is in a folder comes after it.
    for (at, held) in lines.iter().enumerate().rev() {
        if held.change != DiffKind::Added {
            continue;
        }
        if is_folder(held) && !from.contains_key(&at) {
            let inside = folders.remove(&held.path).unwrap_or_default();
            let source = inside.from.filter(|_| !inside.is_mixed);
            let source = source.and_then(|source| Some((gone.get(&source).copied()?, source)));
            let is_all = |source: &TreePath| in_gone.get(source) == Some(&inside.count);
            if let Some((source_at, source)) = source
                && is_all(&source)
                && is_folder(&lines[source_at])
            {
                from.insert(at, source_at);
            }
        }
        let Some((above, name)) = held.path.split() else { continue };
        let folder = folders.entry(above).or_default();
        folder.count += 1;
        let came = from.get(&at).and_then(|from| lines[*from].path.split());
        match came.filter(|(_, before)| *before == name) {
            Some((source, _)) => match &folder.from {
                Some(known) => folder.is_mixed |= *known != source,
                None => folder.from = Some(source),
            },
            None => folder.is_mixed = true,
        }
    }
    from
}

/// The folders among these lines.
fn tops<I>(lines: &[Held<I>], at: impl Iterator<Item = usize>) -> Vec<TreePath> {
    let folders = at.map(|at| &lines[at]).filter(|held| held.kind == EntryKind::Directory);
    let mut paths: Vec<TreePath> = folders.map(|held| held.path.clone()).collect();
    paths.sort();
    paths.dedup_by(|inner, outer| inner.is_within(outer));
    paths
}

/// Whether paths that come in order lie in one of some folders, which are in order too.
struct Within<'a>(std::iter::Peekable<std::slice::Iter<'a, TreePath>>);

impl<'a> Within<'a> {
    fn new(folders: &'a [TreePath]) -> Self {
        Self(folders.iter().peekable())
    }

    fn holds(&mut self, path: &TreePath) -> bool {
        while let Some(folder) = self.0.peek() {
            if path.is_within(folder) {
                return path != *folder;
            }
            if path < *folder {
                return false;
            }
            self.0.next();
        }
        false
    }
}

#[cfg(test)]
mod tests;
