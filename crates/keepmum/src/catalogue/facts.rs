//! Facts about this installation, and the one number that must survive a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::OptionalExtension;

use super::Catalogue;
use super::error::CatalogueError;
use super::set_aside::folder_of;

impl Catalogue {
    /// A fact by its key.
    pub fn fact(&self, key: &str) -> Result<Option<Vec<u8>>, CatalogueError> {
        let mut query = self.connection.prepare_cached("SELECT value FROM fact WHERE key = ?1")?;
        Ok(query.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Sets a fact. The next [`Catalogue::reserve_run`] makes it durable.
    pub fn set_fact(&self, key: &str, value: &[u8]) -> Result<(), CatalogueError> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO fact VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
        )?;
        insert.execute((key, value))?;
        Ok(())
    }

    /// Reserves a run number: above every one reserved before, and at least `at_least`. It is on
    /// the disk when this returns. It stands in a small file of its own, so that it may be
    /// reserved, and stays so, in the middle of a transaction that may yet be given up.
    pub fn reserve_run(&self, at_least: u32) -> Result<u32, CatalogueError> {
        let stored = match &self.file {
            Some(file) => read_number(&run_file(file)),
            None => self.reserved.get(),
        };
        let next = match stored {
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

/// What cannot be read counts as nothing: the listing of the destination is asked as well.
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
    Ok(File::open(folder_of(file))?.sync_all()?)
}
