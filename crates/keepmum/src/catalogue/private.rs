//! Reading without writing: a private copy of the catalogue's knowledge.
//!
//! A disk that went read-only, a full one, a folder of another user: commands that only read must
//! be able to continue. The copy vanishes with its value, and the file itself is never touched.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::schema::{APPLICATION, VERSION};
use super::set_aside::beside;
use super::{Catalogue, CatalogueError};

/// The tables that readers need. Entries and their directories are for a backup, which has to write
/// anyway.
const TABLES: [&str; 5] = ["fact", "object", "block", "chunk", "record"];

impl Catalogue {
    /// A private catalogue with this file's knowledge of the destination. If the file cannot be
    /// read either, it is empty: then everything is learnt from the destination.
    pub fn private_copy(file: &Path) -> Result<Self, CatalogueError> {
        for how in ways(file) {
            let copy = Self::temporary()?;
            if copy.take_over(&uri(file, how)).is_ok() {
                return Ok(copy);
            }
        }
        Self::temporary()
    }

    fn take_over(&self, uri: &str) -> Result<(), CatalogueError> {
        self.connection.execute("ATTACH ?1 AS kept", [uri])?;
        let number = |name: &str| {
            self.connection
                .query_row(&format!("PRAGMA kept.{name}"), [], |row| row.get::<_, i64>(0))
        };
        if number("application_id")? != APPLICATION || number("user_version")? != VERSION {
            return Err(CatalogueError::Io("it is not a catalogue of this version".into()));
        }
        let mut all = "BEGIN;".to_owned();
        for table in TABLES {
            all.push_str(&format!("INSERT INTO main.{table} SELECT * FROM kept.{table};"));
        }
        all.push_str("COMMIT; DETACH kept;");
        Ok(self.connection.execute_batch(&all)?)
    }
}

/// Ways to open a database for reading only, the best first. Without a log, nothing can change it,
/// and it can be read without making one. With a log that cannot be used without writing, the
/// contents of the log are ignored.
pub(super) fn ways(file: &Path) -> &'static [&'static str] {
    const UNCHANGING: &str = "mode=ro&immutable=1";
    match fs::metadata(beside(file, "-wal")).is_ok_and(|log| log.len() > 0) {
        true => &["mode=ro", UNCHANGING],
        false => &[UNCHANGING],
    }
}

/// A path as SQLite takes it in a URI, whatever bytes are in it.
pub(super) fn uri(file: &Path, how: &str) -> String {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let mut uri = "file://".to_owned();
    for byte in absolute.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                uri.push(char::from(*byte));
            }
            byte => write!(uri, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    uri.push('?');
    uri.push_str(how);
    uri
}
