//! Opening: a usable catalogue, whatever lay there before.
//!
//! Only content that cannot be ours or cannot be whole leads to a new file. If the system refuses
//! (a folder in its place, no permission, a full disk), that is an error and changes nothing.

use std::cell::{Cell, RefCell};
use std::fs::{self, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::chunks::Chunks;
use super::presence::Presence;
use super::schema::{APPLICATION, SANITY, TABLES, VERSION};
use super::set_aside::{ResetReason, folder_of, is_catalogue, sync_folder};
use super::{Catalogue, CatalogueError, RunLock};

/// The settings of every connection: 8 MiB of cache, and a log that shrinks again after a first
/// run.
const EVERY_TIME: &str = "
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -8192;
PRAGMA journal_size_limit = 16777216;
PRAGMA trusted_schema = OFF;
";

enum Trouble {
    Reset(ResetReason),
    Error(CatalogueError),
}

impl From<CatalogueError> for Trouble {
    fn from(error: CatalogueError) -> Self {
        match error {
            CatalogueError::Corrupt(_) => Self::Reset(ResetReason::Damaged),
            other => Self::Error(other),
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        CatalogueError::from(error).into()
    }
}

impl Catalogue {
    /// Opens the catalogue in this file, or begins one; its folder must exist. A damaged file, a
    /// foreign one and one of another version are set aside first, see [`Catalogue::was_reset`].
    /// Only the holder of the run lock may do that, so it is taken meanwhile: the file and its log
    /// may be those of a run that another version of this program is in the middle of.
    pub fn open(file: &Path) -> Result<Self, CatalogueError> {
        match open_as_it_is(file)? {
            Ok(catalogue) => Ok(catalogue),
            Err(_) => {
                let lock = Self::lock_for_run(file)?;
                Self::open_for_run(file, &lock)
            }
        }
    }

    /// The same for a run, which holds the lock.
    pub fn open_for_run(file: &Path, _held: &RunLock) -> Result<Self, CatalogueError> {
        let reason = match open_as_it_is(file)? {
            Ok(catalogue) => return Ok(catalogue),
            Err(reason) => reason,
        };
        Self::set_aside(file)?;
        match open_as_it_is(file)? {
            Ok(catalogue) => Ok(Self { reset: Some(reason), ..catalogue }),
            Err(_) => Err(CatalogueError::Io("a new file does not last".into())),
        }
    }

    /// A private catalogue that vanishes with this value, for work on a destination of which this
    /// machine shall remember nothing.
    pub fn temporary() -> Result<Self, CatalogueError> {
        let connection = Connection::open("")?;
        settle_plans(&connection)?;
        connection.execute_batch("PRAGMA page_size = 8192; PRAGMA synchronous = OFF;")?;
        connection.execute_batch("PRAGMA cache_size = -8192;")?;
        connection.execute_batch(TABLES)?;
        Ok(Self::around(connection, None))
    }

    /// The last committed state, to be read while this catalogue is written to; nothing if a reader
    /// would hold up the writer.
    pub fn committed(&self) -> Result<Option<Self>, CatalogueError> {
        let Some(file) = &self.file else { return Ok(None) };
        if !self.has_a_log()? {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        settle_plans(&connection)?;
        connection.execute_batch("BEGIN DEFERRED")?;
        // From the first look on it stays the same.
        connection.query_row("SELECT count(*) FROM fact", [], |_| Ok(()))?;
        Ok(Some(Self::around(connection, None)))
    }

    /// The catalogue in this file as it is now, to be looked at without waiting and without changing
    /// anything; none where that cannot be.
    pub fn glance(file: &Path) -> Option<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags).ok()?;
        connection.busy_timeout(Duration::ZERO).ok()?;
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let is_ours = number("application_id").ok()? == APPLICATION;
        (is_ours && number("user_version").ok()? == VERSION).then(|| Self::around(connection, None))
    }

    fn around(connection: Connection, file: Option<&Path>) -> Self {
        connection.set_prepared_statement_cache_capacity(64);
        Self {
            connection,
            file: file.map(PathBuf::from),
            reserved: Cell::new(0),
            reset: None,
            presence: RefCell::new(Presence::default()),
            chunks: RefCell::new(Chunks::default()),
            orphans: Cell::new(false),
            is_reading: Cell::default(),
            body: RefCell::new(Vec::new()),
        }
    }
}

/// Opens the file if it is a catalogue of ours that can be used; else says why it is not.
fn open_as_it_is(file: &Path) -> Result<Result<Catalogue, ResetReason>, CatalogueError> {
    match connect(file) {
        Ok(connection) => Ok(Ok(Catalogue::around(connection, Some(file)))),
        Err(Trouble::Error(error)) => Err(error),
        // Without our mark in its header it may be anything.
        Err(Trouble::Reset(_)) if !is_catalogue(file)? => Ok(Err(ResetReason::Foreign)),
        Err(Trouble::Reset(reason)) => Ok(Err(reason)),
    }
}

fn connect(file: &Path) -> Result<Connection, Trouble> {
    prepare_file(file).map_err(Trouble::Error)?;
    // Without the URI flag a path that begins with "file:" is a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    // If SQLite may not write a file, it silently opens it for reading only.
    if connection.is_readonly("main")? {
        return Err(Trouble::Error(CatalogueError::Io("it may not be written".into())));
    }
    if is_empty(&connection)? {
        connection.execute_batch("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;")?;
        create(&connection)?;
    }
    let application: i64 = connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
    if application != APPLICATION {
        return Err(Trouble::Reset(ResetReason::Foreign));
    }
    let version: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if version != VERSION {
        return Err(Trouble::Reset(ResetReason::OtherVersion));
    }
    settle_plans(&connection)?;
    connection.execute_batch(EVERY_TIME)?;
    match connection.query_row(SANITY, [], |row| row.get::<_, i64>(7)) {
        Ok(1) => Ok(connection),
        Ok(_) => Err(Trouble::Reset(ResetReason::Damaged)),
        // A table or a column is missing.
        Err(rusqlite::Error::SqliteFailure(failure, _))
            if failure.code == rusqlite::ErrorCode::Unknown =>
        {
            Err(Trouble::Reset(ResetReason::Damaged))
        }
        Err(error) => Err(error.into()),
    }
}

/// Keeps plans whatever values are bound: otherwise SQLite compiles a statement again for each
/// directory, to see whether statistics, which do not exist, suggest another plan.
fn settle_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Makes sure that there is a regular file that nobody else may read, because it contains names of
/// files.
fn prepare_file(file: &Path) -> Result<(), CatalogueError> {
    let new = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(file);
    match new {
        Ok(_) => return sync_folder(folder_of(file)),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
        Err(e) => return Err(e.into()),
    }
    let found = fs::metadata(file)?;
    if !found.is_file() {
        return Err(CatalogueError::Io(format!("{} is not a file", file.display())));
    }
    // Anything that is not ours keeps its permissions.
    if found.permissions().mode() & 0o077 != 0 && is_catalogue(file)? {
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let count = "SELECT count(*) FROM sqlite_schema";
    Ok(connection.query_row(count, [], |row| row.get::<_, i64>(0))? == 0)
}

/// Makes the tables, unless another process was faster.
fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let made = is_empty(connection)
        .and_then(|empty| if empty { connection.execute_batch(TABLES) } else { Ok(()) });
    connection.execute_batch(if made.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    made
}
