//! The source as one side of a merge.

use std::sync::Arc;

use super::Inner;
use super::error::SourceError;
use super::lister::{Ahead, Children, Claim, Lister, Ticket};
use super::listing::Listing;
use super::rules::{Excluded, ExcludedCounts};
use crate::beneath::{LaterNames, Scratch};
use crate::model::{Found, FoundKind, Page, PageOf, Side, TreePath};

/// A walk through a source. Directories may be asked for in any order, and passed by; listers
/// help as long as they are asked for depth first and in order of names.
pub struct Walk {
    inner: Arc<Inner>,
    scratch: Scratch,
    /// Shared with the listers; nothing if there are none.
    ahead: Option<Arc<Ahead>>,
    /// Path of the last frame's directory; those of the others are its beginnings. A path for
    /// each would cost the square of the depth.
    at: TreePath,
    frames: Vec<Frame>,
    /// How many of them have more pages to come.
    unfinished: usize,
    problems: Vec<SourceError>,
    excluded: Vec<Excluded>,
    counts: ExcludedCounts,
}

/// A directory that the walk is in.
struct Frame {
    /// Bytes of its path.
    length: usize,
    /// The directories in its pages so far that have not been asked for.
    children: Children,
    /// Whether more pages may come.
    more: bool,
}

/// The rest of a directory of which a page has been returned.
pub struct Rest(LaterNames);

impl Walk {
    pub(super) fn new(
        inner: Arc<Inner>,
        listers: usize,
        limit: usize,
        page: usize,
    ) -> (Self, Vec<Lister>) {
        let ahead = (listers > 0).then(|| Arc::new(Ahead::new(limit)));
        let listers = ahead.iter().cycle().take(listers).map(|ahead| {
            let (inner, ahead) = (inner.clone(), ahead.clone());
            Lister { inner, ahead, page }
        });
        let listers = listers.collect();
        let walk = Self {
            inner,
            scratch: Scratch::with_pages_of(page),
            ahead,
            at: TreePath::root(),
            frames: Vec::new(),
            unfinished: 0,
            problems: Vec::new(),
            excluded: Vec::new(),
            counts: ExcludedCounts::default(),
        };
        (walk, listers)
    }

    /// Entries that are there but could not be looked at, and such as vanished after their names
    /// were read, since this was last asked. They are in no listing; their earlier versions stay.
    pub fn take_problems(&mut self) -> Vec<SourceError> {
        std::mem::take(&mut self.problems)
    }

    /// The paths left out since the last call, if [`super::Rules::record_excluded`] is set.
    pub fn take_excluded(&mut self) -> Vec<Excluded> {
        std::mem::take(&mut self.excluded)
    }

    /// How much has been left out so far.
    pub fn excluded(&self) -> ExcludedCounts {
        self.counts
    }

    /// Leaves all directories except those that this one lies in; forgets directories passed by.
    fn climb_to(&mut self, ahead: &Ahead, folder: Option<&TreePath>) -> Option<&mut Frame> {
        let is_it = |at: &TreePath, frame: &Frame| {
            folder
                .is_some_and(|folder| Some(folder.as_bytes()) == at.as_bytes().get(..frame.length))
        };
        while let Some(frame) = self.frames.pop_if(|frame| !is_it(&self.at, frame)) {
            self.unfinished -= usize::from(frame.more);
            ahead.forget(frame.children.into_iter().map(|(_, ticket)| ticket));
        }
        self.frames.last_mut()
    }

    /// The ticket of a directory in the current one. Forgets directories passed by.
    fn ticket(&mut self, ahead: &Ahead, path: &TreePath) -> Option<Ticket> {
        let (folder, name) = path.split().unzip();
        let frame = self.climb_to(ahead, folder.as_ref())?;
        let name = name?;
        let passed = frame.children.partition_point(|(next, _)| *next < name);
        ahead.forget(frame.children.drain(..passed).map(|(_, ticket)| ticket));
        let is_next = frame.children.front().is_some_and(|(next, _)| *next == name);
        let next = if is_next { frame.children.pop_front() } else { None };
        next.map(|(_, ticket)| ticket)
    }

    fn list_with(&mut self, ahead: &Ahead, path: &TreePath) -> Result<Listing, SourceError> {
        let mut claimed = None;
        if let Some(ticket) = self.ticket(ahead, path) {
            claimed = loop {
                match ahead.claim(ticket) {
                    Claim::Listed(found) => break Some(found),
                    Claim::Unlisted => break None,
                    Claim::Later(other) => other.list(&self.inner, &mut self.scratch),
                }
            };
        }
        let found = match claimed {
            Some(found) => found,
            None => self.inner.list(path, None, &mut self.scratch).map(|listing| {
                let children = ahead.offer(path, &listing);
                (listing, children)
            }),
        };
        let listing = found.map(|(listing, children)| {
            // The directory above is the last frame, or there is none.
            let (length, more) = (path.as_bytes().len(), listing.rest.is_some());
            self.frames.push(Frame { length, children, more });
            self.unfinished += usize::from(more);
            self.at = path.clone();
            listing
        });
        self.close_if_through(ahead);
        listing
    }

    /// The next page of a directory; directories in it may be listed ahead as well.
    fn more_with(
        &mut self,
        ahead: &Ahead,
        names: LaterNames,
        path: &TreePath,
    ) -> Result<Listing, SourceError> {
        let listing = self.inner.list(path, Some(names), &mut self.scratch);
        self.climb_to(ahead, Some(path));
        if let Some(frame) = self.frames.last_mut() {
            let more = listing.as_ref().is_ok_and(|listing| listing.rest.is_some());
            self.unfinished -= usize::from(std::mem::replace(&mut frame.more, more));
            self.unfinished += usize::from(more);
            if let Ok(listing) = &listing {
                frame.children.extend(ahead.offer(path, listing));
            }
        }
        self.close_if_through(ahead);
        listing
    }

    /// Lets the listers go at the end. Every remaining directory has a node or is in a page that is
    /// still to come.
    fn close_if_through(&self, ahead: &Ahead) {
        if self.unfinished == 0 {
            ahead.close_if_through();
        }
    }

    fn page(&mut self, listing: Listing) -> PageOf<Self> {
        self.problems.extend(listing.problems);
        self.excluded.extend(listing.excluded);
        self.counts.add(listing.counts);
        Page { entries: listing.entries, rest: listing.rest.map(Rest) }
    }
}

impl Side for Walk {
    type Item = Found;
    type Place = ();
    type Rest = Rest;
    type Error = SourceError;

    fn place(&self, item: &Found) -> Option<()> {
        (item.kind == FoundKind::Directory).then_some(())
    }

    fn list(&mut self, (): &(), path: &TreePath) -> Result<PageOf<Self>, SourceError> {
        let listing = match self.ahead.clone() {
            Some(ahead) => self.list_with(&ahead, path)?,
            None => self.inner.list(path, None, &mut self.scratch)?,
        };
        Ok(self.page(listing))
    }

    fn more(&mut self, Rest(names): Rest, path: &TreePath) -> Result<PageOf<Self>, SourceError> {
        let listing = match self.ahead.clone() {
            Some(ahead) => self.more_with(&ahead, names, path)?,
            None => self.inner.list(path, Some(names), &mut self.scratch)?,
        };
        Ok(self.page(listing))
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if let Some(ahead) = &self.ahead {
            ahead.close();
        }
    }
}
