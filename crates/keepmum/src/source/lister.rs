//! Directories listed ahead of the walk.
//!
//! The walk asks for directories one by one, depth first. Listers run ahead of it on other threads:
//! they push the contents of a listed directory on a stack, so that they take nearly the same way.
//! They only save time. If nobody has listed a directory when the walk asks for it, the walk lists
//! it itself, so no number of listers, not even zero, and no limit can make it wait for ever.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Inner;
use super::error::SourceError;
use super::listing::Listing;
use crate::beneath::Scratch;
use crate::model::{FoundKind, Name, TreePath};

/// Entries listed and not yet asked for, at which listers rest.
pub(super) const AHEAD: usize = 64 << 10;

/// A directory that the walk may ask for, by number.
pub(super) type Ticket = u64;

/// The directories in a directory, in ascending order of names.
pub(super) type Children = VecDeque<(Name, Ticket)>;

/// A directory on its way to the walk.
enum Node {
    /// Nobody has begun.
    Waiting(TreePath),
    /// A lister is at it.
    Taken,
    /// Listed.
    Done(Listed),
}

/// A directory as it was found, or why it was not.
pub(super) type Listed = Result<(Listing, Children), SourceError>;

/// The state of a directory's listing.
pub(super) enum Claim<'a> {
    /// It has been listed.
    Listed(Listed),
    /// Nobody has begun: the walk has to list it.
    Unlisted,
    /// A lister is at it; meanwhile the walk may list this one, and claim again.
    Later(Taken<'a>),
}

#[derive(Default)]
struct State {
    /// The directories that the walk has not yet asked for.
    nodes: HashMap<Ticket, Node>,
    /// The listers' next work, taken from the end; tickets without a waiting node are skipped.
    stack: Vec<Ticket>,
    next: Ticket,
    /// Entries in the finished nodes, and the weight of the names behind them.
    ahead: usize,
    /// Whether anything more can come.
    open: bool,
    /// Listers that sleep, and whether the walk does.
    idle: usize,
    awaited: bool,
    /// As `AHEAD`; tests rest earlier.
    limit: usize,
}

/// State shared by the walk and its listers.
pub(super) struct Ahead {
    state: Mutex<State>,
    work: Condvar,
    arrival: Condvar,
}

impl Ahead {
    pub(super) fn new(limit: usize) -> Self {
        let state = State { open: true, limit, ..State::default() };
        Self { state: Mutex::new(state), work: Condvar::new(), arrival: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets all listers go.
    pub(super) fn close(&self) {
        self.lock().open = false;
        self.work.notify_all();
    }

    /// The way to get a directory that the walk asks for.
    pub(super) fn claim(&self, ticket: Ticket) -> Claim<'_> {
        let mut state = self.lock();
        loop {
            match state.nodes.get(&ticket) {
                Some(Node::Taken) => {}
                Some(Node::Waiting(_)) | None => {
                    state.nodes.remove(&ticket);
                    return Claim::Unlisted;
                }
                Some(Node::Done(_)) => break,
            }
            if let Some((ticket, path)) = state.pop() {
                return Claim::Later(Taken { ahead: self, ticket, path });
            }
            state.awaited = true;
            state = self.arrival.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.awaited = false;
        }
        let Some(Node::Done(done)) = state.nodes.remove(&ticket) else { return Claim::Unlisted };
        let entries = done.as_ref().map_or(0, |(listing, _)| listing.weight());
        let was_full = state.ahead >= state.limit;
        state.ahead -= entries;
        if was_full && state.ahead < state.limit && state.idle > 0 {
            self.work.notify_all();
        }
        Claim::Listed(done)
    }

    /// Puts the directories of a page that the walk listed itself on the stack.
    pub(super) fn offer(&self, path: &TreePath, listing: &Listing) -> Children {
        let mut state = self.lock();
        let children = state.push(path, listing);
        if !children.is_empty() && state.idle > 0 {
            self.work.notify_all();
        }
        children
    }

    /// Forgets directories that the walk passed by, with all that was found beneath them.
    pub(super) fn forget(&self, tickets: impl Iterator<Item = Ticket>) {
        let mut gone: Vec<Ticket> = tickets.collect();
        if gone.is_empty() {
            return;
        }
        let mut state = self.lock();
        while let Some(ticket) = gone.pop() {
            if let Some(Node::Done(Ok((listing, children)))) = state.nodes.remove(&ticket) {
                state.ahead -= listing.weight();
                gone.extend(children.into_iter().map(|(_, ticket)| ticket));
            }
        }
        if state.idle > 0 {
            self.work.notify_all();
        }
    }

    /// Lets the listers go once the walk has nothing more to ask for.
    pub(super) fn close_if_through(&self) {
        let mut state = self.lock();
        if state.open && state.nodes.is_empty() {
            state.open = false;
            self.work.notify_all();
        }
    }

    /// The next directory to list; waits for one. Nothing when the walk is over.
    fn take(&self) -> Option<(Ticket, TreePath)> {
        let mut state = self.lock();
        loop {
            if !state.open {
                return None;
            }
            if let Some(next) = state.pop() {
                return Some(next);
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Hands over the result, unless the walk has passed by meanwhile.
    fn deliver(&self, ticket: Ticket, path: &TreePath, found: Result<Listing, SourceError>) {
        let mut state = self.lock();
        if !state.nodes.contains_key(&ticket) {
            return;
        }
        let done = found.map(|listing| {
            let children = state.push(path, &listing);
            state.ahead += listing.weight();
            (listing, children)
        });
        let more = done.as_ref().is_ok_and(|(_, children)| children.len() > 1);
        state.nodes.insert(ticket, Node::Done(done));
        if state.awaited {
            self.arrival.notify_one();
        }
        if more && state.idle > 0 {
            self.work.notify_all();
        }
    }
}

impl State {
    /// The next directory that nobody has begun, unless enough is listed ahead.
    fn pop(&mut self) -> Option<(Ticket, TreePath)> {
        while self.ahead < self.limit {
            let ticket = self.stack.pop()?;
            if let Some(node @ Node::Waiting(_)) = self.nodes.get_mut(&ticket)
                && let Node::Waiting(path) = std::mem::replace(node, Node::Taken)
            {
                return Some((ticket, path));
            }
        }
        None
    }

    fn push(&mut self, path: &TreePath, listing: &Listing) -> Children {
        let mut children = Children::new();
        for entry in listing.entries.iter().filter(|entry| entry.kind == FoundKind::Directory) {
            self.next += 1;
            self.nodes.insert(self.next, Node::Waiting(path.join(&entry.name)));
            children.push_back((entry.name.clone(), self.next));
        }
        self.stack.extend(children.iter().rev().map(|(_, ticket)| *ticket));
        // While listers rest, directories that the walk takes itself stay here as dead tickets.
        if self.stack.len() > 2 * self.nodes.len() + 1024 {
            let nodes = &self.nodes;
            self.stack.retain(|ticket| matches!(nodes.get(ticket), Some(Node::Waiting(_))));
        }
        children
    }
}

/// One helper of a walk: lists directories ahead of it. Run it on a thread of its own.
pub struct Lister {
    pub(super) inner: Arc<Inner>,
    pub(super) ahead: Arc<Ahead>,
    /// Names in a page.
    pub(super) page: usize,
}

/// A directory that a lister is at; if the lister dies, it is given back.
pub(super) struct Taken<'a> {
    ahead: &'a Ahead,
    ticket: Ticket,
    path: TreePath,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.ahead.lock();
        if let Some(node @ Node::Taken) = state.nodes.get_mut(&self.ticket) {
            *node = Node::Waiting(std::mem::take(&mut self.path));
            self.ahead.arrival.notify_one();
        }
    }
}

impl Taken<'_> {
    /// Lists it for a later request.
    pub(super) fn list(self, inner: &Inner, scratch: &mut Scratch) {
        let found = inner.list(&self.path, None, scratch);
        self.ahead.deliver(self.ticket, &self.path, found);
    }
}

impl Lister {
    /// Lists until the walk is through or dropped.
    pub fn run(self) {
        let mut scratch = Scratch::with_pages_of(self.page);
        while let Some((ticket, path)) = self.ahead.take() {
            Taken { ahead: &self.ahead, ticket, path }.list(&self.inner, &mut scratch);
        }
    }
}
