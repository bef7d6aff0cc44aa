//! The checks of the history: their results, and the damage that is still open.

use rusqlite::OptionalExtension;
use serde::Serialize;

use super::{History, number, whole};
use crate::catalogue::CatalogueError;

/// How much a check looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// A listing, without reading data.
    Listing,
    /// Some of the data too.
    Subset,
    /// All of the data.
    AllData,
}

/// One check as it is remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckRow {
    /// Seconds since 1970 when it began.
    pub time: i64,
    /// How much it looked at.
    pub kind: CheckKind,
    /// 0 all is well, 1 something is pending, 2 something is damaged or lost.
    pub outcome: u8,
    /// The least kind of check that must be clean before all is well again; nothing where all is.
    pub damage: Option<CheckKind>,
    /// Whether it met data that this version does not understand.
    pub unknown: bool,
    /// The keys of objects whose data is damaged, end to end: a subset that reads these again
    /// covers the damage. Empty where a subset cannot.
    pub bad: Vec<u8>,
    /// How many problems it found.
    pub problem_count: u64,
    /// How long it took.
    pub seconds: f64,
}

impl History {
    /// Notes the result of a check. Only the last ones are kept.
    pub fn keep_check(&self, check: &CheckRow) -> Result<(), CatalogueError> {
        self.connection.execute(
            "INSERT INTO checked(time, kind, outcome, damage, bad, problem_count, seconds,
             unknown) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                check.time,
                check.kind as u8,
                check.outcome,
                check.damage.map_or(-1, |kind| i64::from(kind as u8)),
                &check.bad,
                whole(check.problem_count),
                check.seconds,
                check.unknown,
            ),
        )?;
        let oldest = self.connection.last_insert_rowid() - 100;
        self.connection.execute("DELETE FROM checked WHERE id <= ?1", [oldest])?;
        Ok(())
    }

    /// The last check.
    pub fn last_check(&self) -> Result<Option<CheckRow>, CatalogueError> {
        let mut query = self.connection.prepare(
            "SELECT time, kind, outcome, damage, bad, problem_count, seconds, unknown FROM checked
             ORDER BY id DESC LIMIT 1",
        )?;
        let found = query.query_row([], |row| {
            Ok(CheckRow {
                time: row.get(0)?,
                kind: kind(row.get(1)?).unwrap_or(CheckKind::Listing),
                outcome: row.get(2)?,
                damage: kind(row.get(3)?),
                bad: row.get(4)?,
                problem_count: number(row, 5)?,
                seconds: row.get(6)?,
                unknown: row.get(7)?,
            })
        });
        Ok(found.optional()?)
    }
}

fn kind(number: i64) -> Option<CheckKind> {
    [CheckKind::Listing, CheckKind::Subset, CheckKind::AllData]
        .into_iter()
        .find(|kind| i64::from(*kind as u8) == number)
}
