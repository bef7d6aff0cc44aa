//! The source as one side of a merge.

use std::sync::Arc;

use super::Inner;
use super::error::SourceError;
use super::lister::{Ahead, Children, Claim, Lister, Ticket};
use super::listing::Listing;
use super::rules::{Excluded, ExcludedCounts};
use crate::beneath::Scratch;
use crate::model::{Found, FoundKind, Side, TreePath};

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
    problems: Vec<SourceError>,
    excluded: Vec<Excluded>,
    counts: ExcludedCounts,
}

/// A directory that the walk is in.
struct Frame {
    /// Bytes of its path.
    length: usize,
    /// The directories in it that have not been asked for, the last name first.
    children: Children,
}

impl Walk {
    pub(super) fn new(inner: Arc<Inner>, listers: usize, limit: usize) -> (Self, Vec<Lister>) {
        let ahead = (listers > 0).then(|| Arc::new(Ahead::new(limit)));
        let listers = match &ahead {
            Some(ahead) => {
                std::iter::repeat_with(|| Lister { inner: inner.clone(), ahead: ahead.clone() })
                    .take(listers)
                    .collect()
            }
            None => Vec::new(),
        };
        let walk = Self {
            inner,
            scratch: Scratch::default(),
            ahead,
            at: TreePath::root(),
            frames: Vec::new(),
            problems: Vec::new(),
            excluded: Vec::new(),
            counts: ExcludedCounts::default(),
        };
        (walk, listers)
    }

    /// Entries that are there but could not be looked at, since this was last asked. They are in
    /// no listing; their earlier versions stay.
    pub fn take_problems(&mut self) -> Vec<SourceError> {
        std::mem::take(&mut self.problems)
    }

    /// What was left out since this was last asked, if [`super::Rules::record_excluded`] is set.
    pub fn take_excluded(&mut self) -> Vec<Excluded> {
        std::mem::take(&mut self.excluded)
    }

    /// How much has been left out so far.
    pub fn excluded(&self) -> ExcludedCounts {
        self.counts
    }

    /// The ticket of a directory in the one that the walk is in. Forgets what was passed by.
    fn ticket(&mut self, ahead: &Ahead, path: &TreePath) -> Option<Ticket> {
        let parent = path.split();
        let mut passed = Children::new();
        let mut ticket = None;
        while let Some(frame) = self.frames.last_mut() {
            if let Some((folder, name)) = &parent
                && Some(folder.as_bytes()) == self.at.as_bytes().get(..frame.length)
            {
                while let Some((next, _)) = frame.children.last()
                    && next < name
                {
                    passed.extend(frame.children.pop());
                }
                if frame.children.last().is_some_and(|(next, _)| next == name) {
                    ticket = frame.children.pop().map(|(_, ticket)| ticket);
                }
                break;
            }
            passed.append(&mut frame.children);
            self.frames.pop();
        }
        ahead.forget(passed.into_iter().map(|(_, ticket)| ticket));
        ticket
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
            None => self.inner.list(path, &mut self.scratch).map(|listing| {
                let children = ahead.offer(path, &listing);
                (listing, children)
            }),
        };
        let listing = found.map(|(listing, mut children)| {
            children.reverse();
            // The directory above is the last frame, or there is none.
            self.frames.push(Frame { length: path.as_bytes().len(), children });
            self.at = path.clone();
            listing
        });
        // What is still to be asked for has a node, so none means that the walk is at its end.
        ahead.close_if_through();
        listing
    }
}

impl Side for Walk {
    type Item = Found;
    type Place = ();
    type Error = SourceError;

    fn place(&self, item: &Found) -> Option<()> {
        (item.kind == FoundKind::Directory).then_some(())
    }

    fn list(&mut self, (): &(), path: &TreePath) -> Result<Vec<Found>, SourceError> {
        let listing = match self.ahead.clone() {
            Some(ahead) => self.list_with(&ahead, path)?,
            None => self.inner.list(path, &mut self.scratch)?,
        };
        self.problems.extend(listing.problems);
        self.excluded.extend(listing.excluded);
        self.counts.add(listing.counts);
        Ok(listing.entries)
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if let Some(ahead) = &self.ahead {
            ahead.close();
        }
    }
}
