//! How far a backup is.

use std::cell::Cell;

use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer};

/// Counts the entries seen and bytes read, reports them, and ends the run on request.
pub(super) struct Progress<'env> {
    observer: &'env dyn Observer,
    /// Entries there were last time.
    expected: Cell<u64>,
    seen: Cell<u64>,
    read: Cell<u64>,
}

impl<'env> Progress<'env> {
    /// Nothing has been seen.
    pub(super) fn new(observer: &'env dyn Observer) -> Self {
        Self { observer, expected: Cell::new(0), seen: Cell::new(0), read: Cell::new(0) }
    }

    /// So many entries there were last time.
    pub(super) fn expect(&self, entries: u64) {
        self.expected.set(entries);
    }

    /// Counts an entry; how many there have been.
    pub(super) fn saw(&self) -> u64 {
        self.seen.set(self.seen.get() + 1);
        self.seen.get()
    }

    /// Counts bytes that were read.
    pub(super) fn read(&self, bytes: u64) {
        self.read.set(self.read.get() + bytes);
    }

    /// Bytes read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.get()
    }

    /// Stops the run if the user wants that.
    pub(super) fn go_on(&self) -> Result<(), Error> {
        match self.observer.stopping() {
            true => Err(Error::new(ErrorKind::Interrupted, "stopped before the run was complete")),
            false => Ok(()),
        }
    }

    /// Says how far the run is, and stops it if the user wants that.
    pub(super) fn tick(&self) -> Result<(), Error> {
        self.go_on()?;
        let (entries, expected) = (self.seen.get(), self.expected.get());
        self.observer.event(Event::Progress {
            entries,
            // As long as that says something of this time.
            entries_total: if entries < expected { expected } else { 0 },
            bytes: self.read.get(),
            bytes_total: 0,
        });
        Ok(())
    }
}
