//! The one merge. Backup, diff, restore and check are this walk with different ends.
//!
//! Two trees are walked side by side in the order of paths; each name comes out once, with what
//! either side has of it. The walk never holds more than one directory of each level.

use std::cmp::Ordering;

use super::path::{Name, TreePath};

/// Something with a name in a directory.
pub trait Named {
    /// The name.
    fn name(&self) -> &Name;
}

impl Named for super::entry::Entry {
    fn name(&self) -> &Name {
        &self.name
    }
}

impl Named for super::stamp::Found {
    fn name(&self) -> &Name {
        &self.name
    }
}

/// One tree of a merge.
pub trait Side {
    /// What it lists.
    type Item: Named;
    /// How it finds a directory's entries again (a row, a node, a path).
    type Place;
    /// Why it cannot be read at all.
    type Error;

    /// The place of a listed item, if it is a directory that can be entered.
    fn place(&self, item: &Self::Item) -> Option<Self::Place>;

    /// The entries of a directory, in ascending order of their names.
    fn list(
        &mut self,
        place: &Self::Place,
        path: &TreePath,
    ) -> Result<Vec<Self::Item>, Self::Error>;
}

/// What two directories have of one name; at least one is there.
#[derive(Debug, PartialEq, Eq)]
pub struct Pair<A, B> {
    /// The old side.
    pub old: Option<A>,
    /// The new side.
    pub new: Option<B>,
}

/// Joins two sorted listings by name.
pub fn pairs<A: Named, B: Named>(old: Vec<A>, new: Vec<B>) -> impl Iterator<Item = Pair<A, B>> {
    let mut old = old.into_iter().peekable();
    let mut new = new.into_iter().peekable();
    std::iter::from_fn(move || {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.name().cmp(b.name()),
        };
        Some(Pair {
            old: if order.is_le() { old.next() } else { None },
            new: if order.is_ge() { new.next() } else { None },
        })
    })
}

/// One step of a merge.
pub enum Step<A, B> {
    /// A name. Answer with [`Merge::enter`] to walk what is beneath it next.
    Pair(TreePath, Pair<A, B>),
    /// Everything beneath this directory has been given.
    Leave(TreePath),
}

type Row<A, B> = Box<dyn Iterator<Item = Pair<A, B>> + Send>;
type Rows<O, N> = Vec<(usize, Row<<O as Side>::Item, <N as Side>::Item>)>;

/// The walk of two trees. It goes nowhere by itself: who drives it says which directories to
/// enter, so that equal subtrees and vanished ones cost nothing.
pub struct Merge<O: Side, N: Side> {
    old: O,
    new: N,
    /// Path of the directory entered last; those above it are its beginnings.
    at: TreePath,
    /// What is still to come of each directory that is open, and the length of its path. A path
    /// for each would cost the square of the depth.
    open: Rows<O, N>,
}

impl<O: Side, N: Side> Merge<O, N>
where
    O::Item: Send + 'static,
    N::Item: Send + 'static,
{
    /// A walk over two trees, not yet anywhere: enter a directory to begin.
    pub fn new(old: O, new: N) -> Self {
        Self { old, new, at: TreePath::root(), open: Vec::new() }
    }

    /// Lists a directory on either or both sides; its pairs are the next steps. It lies in the
    /// directory that the walk is in.
    pub fn enter<E>(
        &mut self,
        path: TreePath,
        old: Option<&O::Place>,
        new: Option<&N::Place>,
    ) -> Result<(), E>
    where
        E: From<O::Error> + From<N::Error>,
    {
        let before = match old {
            Some(place) => self.old.list(place, &path)?,
            None => Vec::new(),
        };
        let after = match new {
            Some(place) => self.new.list(place, &path)?,
            None => Vec::new(),
        };
        self.open.push((path.as_bytes().len(), Box::new(pairs(before, after))));
        self.at = path;
        Ok(())
    }

    /// The next name or the end of a directory; nothing when all that was entered is done.
    pub fn step(&mut self) -> Option<Step<O::Item, N::Item>> {
        let (length, row) = self.open.last_mut()?;
        self.at.shorten(*length);
        if let Some(pair) = row.next() {
            let name = pair.new.as_ref().map(Named::name);
            let name = name.or_else(|| pair.old.as_ref().map(Named::name))?;
            return Some(Step::Pair(self.at.join(name), pair));
        }
        self.open.pop().map(|_| Step::Leave(self.at.clone()))
    }

    /// The old side.
    pub fn old(&mut self) -> &mut O {
        &mut self.old
    }

    /// The new side.
    pub fn new_side(&mut self) -> &mut N {
        &mut self.new
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use super::{Merge, Named, Side, Step};
    use crate::model::{Name, TreePath};

    #[derive(Clone, PartialEq, Debug)]
    struct Item(Name, bool);

    impl Named for Item {
        fn name(&self) -> &Name {
            &self.0
        }
    }

    /// A tree as a map from a directory's path to names; a trailing `/` marks directories.
    struct Tree(BTreeMap<&'static str, Vec<&'static str>>);

    impl Side for Tree {
        type Item = Item;
        type Place = ();
        type Error = Infallible;

        fn place(&self, item: &Item) -> Option<()> {
            item.1.then_some(())
        }

        fn list(&mut self, (): &(), path: &TreePath) -> Result<Vec<Item>, Infallible> {
            let key = std::str::from_utf8(path.as_bytes()).unwrap();
            let names = self.0.get(key).cloned().unwrap_or_default();
            Ok(names
                .into_iter()
                .map(|n| {
                    Item(Name::new(n.trim_end_matches('/').as_bytes()).unwrap(), n.ends_with('/'))
                })
                .collect())
        }
    }

    #[test]
    fn every_name_comes_once_with_what_either_side_has() {
        let old = Tree([("", vec!["a", "d/", "gone/"]), ("d", vec!["x", "z"])].into());
        let new = Tree([("", vec!["b", "d/"]), ("d", vec!["x", "y"])].into());
        let mut merge = Merge::new(old, new);
        merge.enter::<Infallible>(TreePath::root(), Some(&()), Some(&())).unwrap();
        let mut seen = Vec::new();
        while let Some(step) = merge.step() {
            match step {
                Step::Leave(path) => seen.push(format!("leave {path:?}")),
                Step::Pair(path, pair) => {
                    seen.push(format!("{path:?} {} {}", pair.old.is_some(), pair.new.is_some()));
                    if pair.new.as_ref().is_some_and(|item| item.1) {
                        merge.enter::<Infallible>(path, Some(&()), Some(&())).unwrap();
                    }
                }
            }
        }
        let expected = "/a true false|/b false true|/d true true|/d/x true true|/d/y false true|\
                        /d/z true false|leave /d|/gone true false|leave /";
        assert_eq!(seen.join("|"), expected);
    }
}
