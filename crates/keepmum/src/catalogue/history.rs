//! The history of this installation: its runs and its checks, also those that stored nothing.
//!
//! A small separate database beside the catalogue. A run that is refused because another one holds
//! the catalogue must still be able to note that, and the history must outlive a catalogue that is
//! set aside. It is for people: nothing that is stored ever depends on it, it is never sent
//! anywhere, and a run never fails because of it.

mod checks;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use serde::Serialize;

use super::CatalogueError;
use super::private::{uri, ways};
use super::set_aside::beside;
pub use checks::{CheckKind, CheckRow};

/// So many runs are kept, and so many problems of each.
const RUNS: u32 = 1000;
const PROBLEMS: usize = 20;
/// So many bytes of a text are kept.
const TEXT: usize = 2000;
/// `PRAGMA user_version`: a file of another version is replaced by a new one.
const VERSION: i64 = 2;
/// The additions of version 2 to version 1.
const SINCE_1: &str = "
BEGIN IMMEDIATE;
ALTER TABLE run ADD COLUMN error_kind TEXT;
ALTER TABLE checked ADD COLUMN unknown INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 2;
COMMIT;
";
/// The newest backup that did its work and ended, by its number. One that found another run at work
/// says nothing of the state; that other one does. Nor do runs of other commands.
const LAST: &str = "SELECT max(id) FROM run WHERE command = 'backup' AND exit_code IS NOT NULL
  AND error_kind IS NOT 'busy'";
/// A log that is longer, in bytes, is folded into the file.
const LOG: u64 = 256 << 10;
/// So long it is waited for another process that writes.
const PATIENCE: Duration = Duration::from_millis(1000);

const TABLES: &str = "
PRAGMA application_id = 0x6b6d756d;
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL, time INTEGER NOT NULL,
  utc_offset_minutes INTEGER NOT NULL, seconds REAL, exit_code INTEGER, error TEXT, snapshot TEXT,
  files_new INTEGER, files_changed INTEGER, files_moved INTEGER, files_gone INTEGER,
  bytes_stored INTEGER, problem_count INTEGER, error_kind TEXT);
CREATE TABLE problem(run INTEGER NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL,
  path TEXT NOT NULL, sentence TEXT NOT NULL, PRIMARY KEY(run, number)) WITHOUT ROWID;
CREATE TABLE checked(id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, kind INTEGER NOT NULL,
  outcome INTEGER NOT NULL, damage INTEGER NOT NULL, bad BLOB NOT NULL, problem_count INTEGER NOT NULL,
  seconds REAL NOT NULL, unknown INTEGER NOT NULL DEFAULT 0);
PRAGMA user_version = 2;
COMMIT;
";

/// One run as it is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunRow {
    /// Its number in this history; not that of its record.
    pub id: i64,
    /// The command.
    pub command: String,
    /// Seconds since 1970 when it began.
    pub time: i64,
    /// Offset from UTC then, in minutes.
    pub utc_offset_minutes: i16,
    /// How long it took; nothing while it is at work, or if it was killed.
    pub seconds: Option<f64>,
    /// Its exit code; nothing while it is at work, or if it was killed.
    pub exit_code: Option<u8>,
    /// The error that ended it, if it failed.
    pub error: Option<String>,
    /// That as one word; `busy` where another run was at work.
    pub error_kind: Option<String>,
    /// The snapshot it made.
    pub snapshot: Option<String>,
    /// Files that were new.
    pub files_new: u64,
    /// Files that differed.
    pub files_changed: u64,
    /// Files that were moved.
    pub files_moved: u64,
    /// Files that were gone.
    pub files_gone: u64,
    /// Bytes written to the destination.
    pub bytes_stored: u64,
    /// How many problems it had.
    pub problem_count: u64,
    /// The first of them.
    pub problems: Vec<RunProblem>,
}

/// A problem of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunProblem {
    /// Its kind, as one word.
    pub kind: String,
    /// The path of the problem.
    pub path: String,
    /// A plain sentence.
    pub sentence: String,
}

/// The history, open.
pub struct History {
    connection: Connection,
}

impl History {
    /// Where the history of a catalogue lies.
    pub fn file_of(catalogue: &Path) -> PathBuf {
        beside(catalogue, ".runs")
    }

    /// Opens the history beside this catalogue, or begins one. An unusable file is replaced by a
    /// new one.
    pub fn open(catalogue: &Path) -> Result<Self, CatalogueError> {
        let file = Self::file_of(catalogue);
        match Self::connect(&file) {
            Err(CatalogueError::Corrupt(_)) => {}
            other => return other,
        }
        for suffix in ["-wal", "-shm", ""] {
            match std::fs::remove_file(beside(&file, suffix)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Self::connect(&file)
    }

    fn connect(file: &Path) -> Result<Self, CatalogueError> {
        let options =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).clone();
        options.open(file)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(PATIENCE)?;
        // Its log stays where it is: to fold it into the file at each end would cost two syncs.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;")?;
        match Self::version(&connection)? {
            0 => match connection.execute_batch(TABLES) {
                // Another process was faster.
                Err(_) if Self::version(&connection)? == VERSION => {}
                other => other?,
            },
            VERSION => {}
            1 => match connection.execute_batch(SINCE_1) {
                Err(_) if Self::version(&connection)? == VERSION => {}
                other => other?,
            },
            _ => return Err(CatalogueError::Corrupt("it is of another version".into())),
        }
        let log = std::fs::metadata(beside(file, "-wal")).map_or(0, |log| log.len());
        if log > LOG {
            // Left to SQLite, each process would fold the log that it found, and sync it twice.
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").ok();
        }
        Ok(Self { connection })
    }

    /// Opens the history for reading only; nothing if there is no readable one.
    pub fn read(catalogue: &Path) -> Option<Self> {
        let file = Self::file_of(catalogue);
        if !file.is_file() {
            return None;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        ways(&file).iter().find_map(|how| {
            let connection = Connection::open_with_flags(uri(&file, how), flags).ok()?;
            connection.busy_timeout(PATIENCE).ok()?;
            (Self::version(&connection).ok()? == VERSION).then_some(Self { connection })
        })
    }

    fn version(connection: &Connection) -> rusqlite::Result<i64> {
        connection.pragma_query_value(None, "user_version", |row| row.get(0))
    }

    /// Notes that a run begins; answers with its number.
    pub fn begin_run(
        &self,
        command: &str,
        time: i64,
        utc_offset_minutes: i16,
    ) -> Result<i64, CatalogueError> {
        self.connection.execute(
            "INSERT INTO run(command, time, utc_offset_minutes) VALUES(?1, ?2, ?3)",
            (command, time, utc_offset_minutes),
        )?;
        let id = self.connection.last_insert_rowid();
        let oldest = id - i64::from(RUNS);
        self.connection.execute("DELETE FROM run WHERE id <= ?1", [oldest])?;
        self.connection.execute("DELETE FROM problem WHERE run <= ?1", [oldest])?;
        Ok(id)
    }

    /// Notes how the run of this number ended.
    pub fn end_run(&self, run: &RunRow) -> Result<(), CatalogueError> {
        self.connection.execute(
            "UPDATE run SET seconds = ?2, exit_code = ?3, error = ?4, snapshot = ?5, files_new = ?6,
             files_changed = ?7, files_moved = ?8, files_gone = ?9, bytes_stored = ?10,
             problem_count = ?11, error_kind = ?12 WHERE id = ?1",
            (
                run.id,
                run.seconds,
                run.exit_code,
                run.error.as_deref().map(cut),
                &run.snapshot,
                whole(run.files_new),
                whole(run.files_changed),
                whole(run.files_moved),
                whole(run.files_gone),
                whole(run.bytes_stored),
                whole(run.problem_count),
                &run.error_kind,
            ),
        )?;
        let insert = "INSERT OR REPLACE INTO problem VALUES(?1, ?2, ?3, ?4, ?5)";
        let mut insert = self.connection.prepare(insert)?;
        for (number, problem) in (0_i64..).zip(run.problems.iter().take(PROBLEMS)) {
            let (path, sentence) = (cut(&problem.path), cut(&problem.sentence));
            insert.execute((run.id, number, &problem.kind, path, sentence))?;
        }
        Ok(())
    }

    /// The last runs, newest first.
    pub fn runs(&self, most: u32) -> Result<Vec<RunRow>, CatalogueError> {
        let mut query = self.connection.prepare("SELECT * FROM run ORDER BY id DESC LIMIT ?1")?;
        let rows = query.query_map([most], run)?;
        let mut runs = rows.collect::<Result<Vec<_>, _>>()?;
        for run in &mut runs {
            self.problems_of(run)?;
        }
        Ok(runs)
    }

    /// The run of this number.
    pub fn run(&self, id: i64) -> Result<Option<RunRow>, CatalogueError> {
        let mut query = self.connection.prepare("SELECT * FROM run WHERE id = ?1")?;
        let mut found = query.query_row([id], run).optional()?;
        if let Some(run) = &mut found {
            self.problems_of(run)?;
        }
        Ok(found)
    }

    /// The newest backup that has ended, whatever came of it, unless it found another run at work;
    /// dry runs are none.
    pub fn last_run(&self) -> Result<Option<RunRow>, CatalogueError> {
        let last: Option<i64> = self.connection.query_row(LAST, [], |row| row.get(0))?;
        last.map_or(Ok(None), |id| self.run(id))
    }

    /// The newest backup after that one that has not ended: it is at work, or was killed.
    pub fn unended_run(&self) -> Result<Option<RunRow>, CatalogueError> {
        let sql = format!(
            "SELECT * FROM run WHERE command = 'backup' AND exit_code IS NULL AND id > coalesce(({LAST}), 0)
             ORDER BY id DESC LIMIT 1"
        );
        Ok(self.connection.prepare(&sql)?.query_row([], run).optional()?)
    }

    /// When the newest backup began that looked at all that is to be saved: it ended well, or some
    /// files could not be read. By the order of runs: one under a clock that was wrong must not hide
    /// for years that none came after it.
    pub fn last_saved(&self) -> Result<Option<i64>, CatalogueError> {
        let sql = "SELECT time FROM run WHERE command = 'backup' AND exit_code IN (0, 3)
                   AND error IS NULL ORDER BY id DESC LIMIT 1";
        Ok(self.connection.query_row(sql, [], |row| row.get(0)).optional()?)
    }

    fn problems_of(&self, run: &mut RunRow) -> Result<(), CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT kind, path, sentence FROM problem WHERE run = ?1 ORDER BY number",
        )?;
        let rows = query.query_map([run.id], |row| {
            Ok(RunProblem { kind: row.get(0)?, path: row.get(1)?, sentence: row.get(2)? })
        })?;
        run.problems = rows.collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn run(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        id: row.get(0)?,
        command: row.get(1)?,
        time: row.get(2)?,
        utc_offset_minutes: row.get(3)?,
        seconds: row.get(4)?,
        exit_code: row.get(5)?,
        error: row.get(6)?,
        snapshot: row.get(7)?,
        files_new: number(row, 8)?,
        files_changed: number(row, 9)?,
        files_moved: number(row, 10)?,
        files_gone: number(row, 11)?,
        bytes_stored: number(row, 12)?,
        problem_count: number(row, 13)?,
        error_kind: row.get(14)?,
        problems: Vec::new(),
    })
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: Option<i64> = row.get(column)?;
    Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn cut(text: &str) -> &str {
    let end = (0..=TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
