//! Facts about this installation, and the one number that must survive a power cut.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::OptionalExtension;

use super::Catalogue;
use super::error::CatalogueError;
use super::set_aside::{folder_of, sync_folder};
use crate::model::{DeviceId, RecordHash, RecordRef};

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
            Some(file) => read_number(&beside(file, RUN)),
            None => self.reserved.get(),
        }
    }

    /// The last record that a run of this catalogue wrote, by the note beside it: it outlives the
    /// catalogue itself.
    pub fn noted_record(&self) -> Option<RecordRef> {
        self.file.as_ref().and_then(|file| read_record(&beside(file, RECORD)))
    }

    /// Notes the last record. It survives the end of the program; a power cut may undo it, and then
    /// the note names an earlier one.
    pub fn note_record(&self, at: RecordRef) -> Result<(), CatalogueError> {
        let RecordRef { device, run, hash } = at;
        match &self.file {
            Some(file) => write(&beside(file, RECORD), &format!("{device} {run} {hash}\n"), false),
            None => Ok(()),
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
            Some(file) => write(&beside(file, RUN), &format!("{run}\n"), true)?,
            None => self.reserved.set(run),
        }
        Ok(run)
    }
}

/// A small file beside the catalogue.
fn beside(catalogue: &Path, ending: &str) -> PathBuf {
    let mut name = catalogue.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The file that holds the last number reserved.
const RUN: &str = ".run";
/// The file that holds the last record: its device, run and hash, with blanks between them.
const RECORD: &str = ".record";

/// An unreadable number counts as zero: the listing of the destination is asked as well.
fn read_number(file: &Path) -> u32 {
    fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn read_record(file: &Path) -> Option<RecordRef> {
    let text = fs::read_to_string(file).ok()?;
    let mut words = text.split_whitespace();
    let (device, run, hash) = (words.next()?, words.next()?, words.next()?);
    let (device, hash) = (DeviceId::from_hex(device)?, RecordHash::from_hex(hash)?);
    Some(RecordRef { device, run: run.parse().ok()?, hash })
}

/// Replaces a file; durable when this returns, if that is asked.
fn write(file: &Path, text: &str, durably: bool) -> Result<(), CatalogueError> {
    let new = beside(file, ".new");
    let mut options = OpenOptions::new();
    let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    out.write_all(text.as_bytes())?;
    if durably {
        out.sync_all()?;
    }
    fs::rename(&new, file)?;
    match durably {
        true => sync_folder(folder_of(file)),
        false => Ok(()),
    }
}
