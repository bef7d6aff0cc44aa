//! The catalogue: this machine's memory, in one local SQLite database.
//!
//! It is disposable. Losing it costs time, never data, and the destination always wins over it:
//! a chunk is held only by objects that the last listing showed. Only the reserved run number is
//! trusted, and that is durable before it is used. It must never be the one copy of anything, and
//! it must never believe a row that fails its check sum.

mod check;
mod chunks;
mod error;
mod facts;
mod filter;
mod first_names;
mod history;
mod lock;
mod moves;
mod objects;
mod open;
mod presence;
mod private;
mod records;
mod remembered;
mod rename;
mod schema;
mod set_aside;
mod standing;
pub mod state;
#[cfg(test)]
mod tests;
mod tree;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;

pub use error::CatalogueError;
pub use first_names::{FirstName, FirstNames, LinkKey};
pub use history::{CheckKind, CheckRow, History, RunProblem, RunRow};
pub use lock::RunLock;
pub use moves::{Likeness, Move, Passage, Sighting};
pub use objects::ImportedBlock;
pub use presence::ListedObject;
pub use remembered::{DirectoryId, Remembered};
pub use set_aside::ResetReason;

use chunks::Chunks;
use presence::Presence;

/// The local database of one installation. It belongs to one thread at a time.
pub struct Catalogue {
    connection: Connection,
    /// The file; none for a temporary catalogue, of which nothing need survive.
    file: Option<PathBuf>,
    /// The last run number of a temporary catalogue.
    reserved: Cell<u32>,
    reset: Option<ResetReason>,
    presence: RefCell<Presence>,
    chunks: RefCell<Chunks>,
    /// Whether chunk rows of forgotten objects wait for the next commit to be swept.
    orphans: Cell<bool>,
    /// Whether one state is read until [`Catalogue::reading`] ends.
    is_reading: Cell<bool>,
    /// Where rows of entries are put together, so that a first run need not allocate for each.
    body: RefCell<Vec<u8>>,
}

impl Catalogue {
    /// The directory `/`, whose row always exists.
    pub const ROOT: DirectoryId = DirectoryId(schema::ROOT);

    /// Whether it is a file of its own, and no copy for one command.
    pub fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// Why an earlier catalogue was set aside when this one was opened, if it was.
    pub fn was_reset(&self) -> Option<ResetReason> {
        self.reset
    }

    /// Whether it vanishes with this value.
    pub fn is_private(&self) -> bool {
        self.file.is_none()
    }

    /// How long to wait for another process that writes, before it is [`CatalogueError::Busy`].
    pub fn wait_at_most(&self, time: Duration) -> Result<(), CatalogueError> {
        Ok(self.connection.busy_timeout(time)?)
    }

    /// Begins the write transaction of a run. There is one at a time, on the whole machine.
    pub fn begin(&self) -> Result<(), CatalogueError> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Ends the write transaction. After a power cut it is there whole or not at all.
    /// After an error the transaction is to be given up with [`Catalogue::rollback`].
    pub fn commit(&self) -> Result<(), CatalogueError> {
        self.flush()?;
        self.sweep_orphans()?;
        self.save_listed()?;
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Gives up whatever was written since [`Catalogue::begin`]; harmless without a transaction.
    pub fn rollback(&self) -> Result<(), CatalogueError> {
        self.chunks.borrow_mut().discard();
        self.orphans.set(false);
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.refresh_presence()
    }

    /// Reads one unchanging state while `work` runs: many look-ups are quicker so, because each
    /// alone would lock and unlock the file. Nothing may be written meanwhile. Other processes are
    /// not held up: where a reader would hold up a writer, for want of a write-ahead log, each
    /// look-up reads for itself. Inside a run's transaction that is the state which is read.
    pub fn reading<T, E: From<CatalogueError>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.connection.is_autocommit() || !self.has_a_log()? {
            return work();
        }
        self.begin_reading()?;
        self.is_reading.set(true);
        let done = work();
        self.is_reading.set(false);
        let ended = self.end_reading();
        let done = done?;
        ended?;
        Ok(done)
    }

    /// Inside [`Self::reading`], sees from here on the changes that others have committed
    /// meanwhile. A state that is held for long keeps their log from being folded.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn read_anew(&self) -> Result<(), CatalogueError> {
        if self.is_reading.get() {
            self.end_reading()?;
            self.begin_reading()?;
        }
        Ok(())
    }

    fn has_a_log(&self) -> Result<bool, CatalogueError> {
        let mode: String =
            self.connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        Ok(mode == "wal")
    }

    fn begin_reading(&self) -> Result<(), CatalogueError> {
        Ok(self.connection.execute_batch("BEGIN DEFERRED")?)
    }

    fn end_reading(&self) -> Result<(), CatalogueError> {
        match self.connection.is_autocommit() {
            true => Ok(()),
            false => Ok(self.connection.execute_batch("ROLLBACK")?),
        }
    }

    /// Runs several statements as one: inside the run's transaction if there is one, else in one
    /// of their own.
    fn together<T>(
        &self,
        work: impl FnOnce() -> Result<T, CatalogueError>,
    ) -> Result<T, CatalogueError> {
        if !self.connection.is_autocommit() {
            return work();
        }
        self.begin()?;
        let done = work().and_then(|value| self.commit().map(|()| value));
        if done.is_err() {
            self.rollback()?;
        }
        done
    }
}
