//! Dumb durable bytes: objects are put once under a new name, read, listed and deleted.
//!
//! The store knows nothing of keys, kinds or chains. It must never replace an object, never
//! name one whose bytes are not durable, and never go on after a failed sync.

#[cfg(test)]
mod conformance;
mod deleting;
mod error;
mod handles;
mod local;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;
#[cfg(test)]
mod tests;
mod twins;

pub use error::{StoreError, StoreErrorKind};
pub use local::LocalStore;
pub use twins::{Comparison, Deletion, Twins};

/// The result of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Put {
    /// The object is new; its name is durable after [`Store::sync`].
    Stored,
    /// An object of that name with the same bytes was there already. Its name too counts as
    /// durable only after [`Store::sync`]: an interrupted run may have left it.
    Existed,
}

/// One file at the destination, whatever its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Path relative to the destination, `/` between components; the object's name is the
    /// last component.
    pub path: String,
    /// Length in bytes.
    pub length: u64,
}

/// An object on its way to the store. Dropped unfinished, it leaves nothing.
pub trait NewObject: Send {
    /// Appends bytes.
    ///
    /// # Errors
    /// The error of the store. The object must be dropped.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Makes the content durable, then names it, never replacing anything.
    ///
    /// # Errors
    /// [`StoreErrorKind::Differs`] when other bytes lie under that name. After any error the
    /// object is not counted as stored; after a failed sync every later put and sync fails.
    fn finish(self: Box<Self>, name: &str) -> Result<Put, StoreError>;
}

/// A place that holds objects. All calls block and may come from several threads at once.
pub trait Store: Send + Sync {
    /// Begins an object whose name comes with its last bytes.
    ///
    /// # Errors
    /// The error of the store, and always after a failed sync.
    fn begin(&self) -> Result<Box<dyn NewObject + '_>, StoreError>;

    /// A whole object at once.
    ///
    /// # Errors
    /// Those of [`Store::begin`] and of [`NewObject`].
    fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Put, StoreError> {
        let mut object = self.begin()?;
        object.write(bytes)?;
        object.finish(name)
    }

    /// Makes the names of everything put or deleted before durable. Costs nothing when
    /// nothing was.
    ///
    /// # Errors
    /// Nothing since the last successful sync may be relied on.
    fn sync(&self) -> Result<(), StoreError>;

    /// Whether a sync of names failed: they may be lost by the next power cut, whatever a later
    /// sync answers.
    fn names_are_doubtful(&self) -> bool;

    /// Whether the place cannot make names durable on their own; known after a sync.
    fn cannot_sync_names(&self) -> bool {
        false
    }

    /// Announces that found names will be relied on. The run that made them may have been
    /// interrupted before its own sync: the next sync makes them durable, whatever was put since.
    fn rely_on_found(&self);

    /// The whole object, at most `limit` bytes.
    ///
    /// # Errors
    /// [`StoreErrorKind::Missing`], or [`StoreErrorKind::TooLong`] without reading it.
    fn get(&self, path: &str, limit: u64) -> Result<Vec<u8>, StoreError>;

    /// Exactly `length` bytes from `offset` on.
    ///
    /// # Errors
    /// [`StoreErrorKind::Truncated`] when the object ends before.
    fn get_range(&self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>, StoreError>;

    /// Whether all bytes of an object are on this machine, so that to read them costs no more than
    /// a disk.
    fn is_at_hand(&self, _: &str) -> bool {
        false
    }

    /// Visits every file at the destination, in no order. A file that arrives or vanishes
    /// meanwhile may or may not be visited.
    ///
    /// # Errors
    /// After an error the files that were visited say nothing: they may be a part of all.
    fn list(&self, visit: &mut dyn FnMut(Listed)) -> Result<(), StoreError>;

    /// Compares two files byte for byte. `hear` is given the bytes of the original in order, as far
    /// as they are the same.
    ///
    /// # Errors
    /// [`StoreErrorKind::Missing`] when one of them is not there.
    fn compare(
        &self,
        original: &str,
        copy: &str,
        hear: &mut dyn FnMut(&[u8]),
    ) -> Result<Comparison, StoreError>;

    /// Deletes the copy of two files that were compared, unless one of them was changed since.
    ///
    /// # Errors
    /// [`StoreErrorKind::Missing`] when one of them is not there.
    fn delete_twin(&self, twins: &Twins) -> Result<Deletion, StoreError>;

    /// Deletes one object; durable after [`Store::sync`].
    ///
    /// # Errors
    /// [`StoreErrorKind::Missing`] when it is not there.
    fn delete(&self, path: &str) -> Result<(), StoreError>;
}
