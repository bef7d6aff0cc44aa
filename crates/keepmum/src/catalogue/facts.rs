//! Facts about this installation, and the one number that must survive a power cut.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::OptionalExtension;

use super::Catalogue;
use super::error::CatalogueError;
use super::set_aside::{folder_of, sync_folder};

impl Catalogue {
    /// A fact by its key.
    pub(super) fn fact(&self, key: &str) -> Result<Option<Vec<u8>>, CatalogueError> {
        let mut query = self.connection.prepare_cached("SELECT value FROM fact WHERE key = ?1")?;
        Ok(query.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Sets a fact. It survives the end of the program, but the next power cut may undo it: if that
    /// must not happen, call [`Catalogue::make_durable`] before relying on it.
    pub(super) fn set_fact(&self, key: &str, value: &[u8]) -> Result<(), CatalogueError> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO fact VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
        )?;
        insert.execute((key, value))?;
        Ok(())
    }

    /// Removes a fact.
    pub(super) fn forget_fact(&self, key: &str) -> Result<(), CatalogueError> {
        let mut delete = self.connection.prepare_cached("DELETE FROM fact WHERE key = ?1")?;
        delete.execute([key])?;
        Ok(())
    }

    /// Makes everything committed until now survive a power cut. Not inside a transaction.
    pub fn make_durable(&self) -> Result<(), CatalogueError> {
        if self.file.is_none() || !self.connection.is_autocommit() {
            return Ok(());
        }
        // Only a commit that changes something is synced, and with it all that came before.
        const CHANGE: &str = "
            BEGIN IMMEDIATE;
            INSERT INTO fact VALUES('synced', x'00') ON CONFLICT(key) DO UPDATE
              SET value = CASE value WHEN x'00' THEN x'01' ELSE x'00' END;
            COMMIT;";
        self.connection.execute_batch("PRAGMA synchronous = FULL;")?;
        let done = self.connection.execute_batch(CHANGE);
        if done.is_err() {
            self.rollback()?;
        }
        self.connection.execute_batch("PRAGMA synchronous = NORMAL;")?;
        Ok(done?)
    }

    /// The last run number that was reserved here; 0 if there is none, or the file is gone.
    pub fn last_reserved(&self) -> u32 {
        match &self.file {
            Some(file) => read_number(&run_file(file)),
            None => self.reserved.get(),
        }
    }

    /// Reserves a run number: above every one reserved before, and at least `at_least`. It is on
    /// the disk when this returns. It stands in a small file of its own, so that it may be
    /// reserved, and stays so, in the middle of a transaction that may yet be given up.
    pub fn reserve_run(&self, at_least: u32) -> Result<u32, CatalogueError> {
        let next = match self.last_reserved() {
            0 => Some(1),
            run => run.checked_add(1),
        };
        let next = next.ok_or_else(|| CatalogueError::Io("no run number is left".into()))?;
        let run = next.max(at_least);
        match &self.file {
            Some(file) => write_number(&run_file(file), run)?,
            None => self.reserved.set(run),
        }
        Ok(run)
    }
}

/// The file that holds the last number reserved.
fn run_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".run");
    name.into()
}

/// An unreadable number counts as zero: the listing of the destination is asked as well.
fn read_number(file: &Path) -> u32 {
    fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn write_number(file: &Path, run: u32) -> Result<(), CatalogueError> {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut options = OpenOptions::new();
    let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    out.write_all(format!("{run}\n").as_bytes())?;
    out.sync_all()?;
    fs::rename(&new, file)?;
    sync_folder(folder_of(file))
}
