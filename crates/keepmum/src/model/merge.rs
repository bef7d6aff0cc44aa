//! The one merge. Backup, diff, restore and check are this walk with different ends.
//!
//! Walks two trees side by side in the order of paths; each name comes out once, with the entries
//! of both sides. A directory comes page by page, as its entries are asked for: for each level of
//! the walk, at most one page of either side is held.

use std::cmp::Ordering;
use std::convert::Infallible;
use std::vec::IntoIter;

use super::entry::Entry;
use super::path::{Name, TreePath};

/// About so many entries make a page: few enough that the pages of many levels take little
/// memory, and so many that nearly every directory is one page.
pub const PAGE: usize = 1024;

/// Something with a name in a directory.
pub trait Named {
    /// The name.
    fn name(&self) -> &Name;
}

impl Named for Entry {
    fn name(&self) -> &Name {
        &self.name
    }
}

impl Named for super::stamp::Found {
    fn name(&self) -> &Name {
        &self.name
    }
}

/// Some consecutive entries of a directory, and the position at which the next ones begin.
#[derive(Debug)]
pub struct Page<I, R> {
    /// In ascending order of their names, behind all that came before; there may be none.
    pub entries: Vec<I>,
    /// Nothing after the last page.
    pub rest: Option<R>,
}

impl<I, R> Page<I, R> {
    /// The only page of a directory.
    pub fn whole(entries: Vec<I>) -> Self {
        Self { entries, rest: None }
    }
}

/// A page of a side.
pub type PageOf<S> = Page<<S as Side>::Item, <S as Side>::Rest>;

/// One tree of a merge.
pub trait Side {
    /// The listed item.
    type Item: Named;
    /// How it finds a directory's entries again (a row, a node, a path).
    type Place;
    /// The state of a directory that has been delivered in part.
    type Rest;
    /// Why it cannot be read at all.
    type Error;

    /// The place of a listed item, if it is a directory that can be entered.
    fn place(&self, item: &Self::Item) -> Option<Self::Place>;

    /// The first page of a directory.
    fn list(&mut self, place: &Self::Place, path: &TreePath) -> Result<PageOf<Self>, Self::Error>;

    /// The page after those that came already. After an error there are no more.
    fn more(&mut self, rest: Self::Rest, path: &TreePath) -> Result<PageOf<Self>, Self::Error>;
}

/// The other side of a walk through one tree: there is nothing on it.
pub struct Nothing;

impl Side for Nothing {
    type Item = Entry;
    type Place = ();
    type Rest = Infallible;
    type Error = Infallible;

    fn place(&self, _: &Entry) -> Option<()> {
        None
    }

    fn list(&mut self, (): &(), _: &TreePath) -> Result<PageOf<Self>, Infallible> {
        Ok(Page::whole(Vec::new()))
    }

    fn more(&mut self, rest: Infallible, _: &TreePath) -> Result<PageOf<Self>, Infallible> {
        match rest {}
    }
}

/// The entries that two directories have under one name; at least one is there.
#[derive(Debug, PartialEq, Eq)]
pub struct Pair<A, B> {
    /// The old side.
    pub old: Option<A>,
    /// The new side.
    pub new: Option<B>,
}

/// One step of a merge.
pub enum Step<A, B, E> {
    /// A name. Answer with [`Merge::enter`] to walk the entries beneath it next.
    Pair(TreePath, Pair<A, B>),
    /// One side cannot go on with this directory: of its names that did not come yet, nothing is
    /// known. The end of the directory comes next.
    Cut(TreePath, E),
    /// Everything beneath this directory has been given.
    Leave(TreePath),
}

/// The rest of a directory on one side.
struct Rows<S: Side> {
    page: IntoIter<S::Item>,
    rest: Option<S::Rest>,
}

impl<S: Side> Rows<S> {
    fn of(page: Option<PageOf<S>>) -> Self {
        let page = page.unwrap_or_else(|| Page::whole(Vec::new()));
        Self { page: page.entries.into_iter(), rest: page.rest }
    }

    /// Sees to it that the next entry is in the page, if there is one.
    fn fill(&mut self, side: &mut S, path: &TreePath) -> Result<(), S::Error> {
        while self.page.as_slice().is_empty()
            && let Some(rest) = self.rest.take()
        {
            *self = Self::of(Some(side.more(rest, path)?));
        }
        Ok(())
    }

    fn next_name(&self) -> Option<&Name> {
        self.page.as_slice().first().map(Named::name)
    }
}

/// A directory that the walk is in.
struct Level<O: Side, N: Side> {
    /// Bytes of its path. A path for each level would cost the square of the depth.
    length: usize,
    old: Rows<O>,
    new: Rows<N>,
}

impl<O: Side, N: Side> Level<O, N> {
    /// The next name, of pages that are filled.
    fn next(&mut self) -> Option<Pair<O::Item, N::Item>> {
        let order = match (self.old.next_name(), self.new.next_name()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.cmp(new),
        };
        Some(Pair {
            old: if order.is_le() { self.old.page.next() } else { None },
            new: if order.is_ge() { self.new.page.next() } else { None },
        })
    }
}

/// The walk of two trees. It enters no directory unless its driver says so, so that equal subtrees
/// and vanished ones cost nothing.
pub struct Merge<O: Side, N: Side> {
    old: O,
    new: N,
    /// Path of the directory entered last; those above it are its beginnings.
    at: TreePath,
    /// The directories that are open.
    open: Vec<Level<O, N>>,
}

impl<O: Side, N: Side> Merge<O, N> {
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
        let old = old.map(|place| self.old.list(place, &path)).transpose()?;
        let new = new.map(|place| self.new.list(place, &path)).transpose()?;
        let (old, new) = (Rows::of(old), Rows::of(new));
        self.open.push(Level { length: path.as_bytes().len(), old, new });
        self.at = path;
        Ok(())
    }

    /// The next name or the end of a directory; nothing when all that was entered is done.
    pub fn step<E>(&mut self) -> Option<Step<O::Item, N::Item, E>>
    where
        E: From<O::Error> + From<N::Error>,
    {
        let level = self.open.last_mut()?;
        self.at.shorten(level.length);
        let filled = level.old.fill(&mut self.old, &self.at).map_err(E::from);
        let filled = filled.and_then(|()| level.new.fill(&mut self.new, &self.at).map_err(E::from));
        if let Err(error) = filled {
            (level.old, level.new) = (Rows::of(None), Rows::of(None));
            return Some(Step::Cut(self.at.clone(), error));
        }
        if let Some(pair) = level.next() {
            let name = pair.new.as_ref().map(Named::name);
            let name = name.or_else(|| pair.old.as_ref().map(Named::name))?;
            return Some(Step::Pair(self.at.join(name), pair));
        }
        self.open.pop().map(|_| Step::Leave(self.at.clone()))
    }

    /// The directory that the last step was in, or that was entered since.
    pub fn at(&self) -> &TreePath {
        &self.at
    }

    /// The old side.
    pub fn old(&mut self) -> &mut O {
        &mut self.old
    }

    /// The new side.
    pub fn new_side(&mut self) -> &mut N {
        &mut self.new
    }

    /// The new side, after the walk.
    pub fn into_new_side(self) -> N {
        self.new
    }
}

#[cfg(test)]
mod tests;
