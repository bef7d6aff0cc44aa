//! The report of `restore`.

use serde::Serialize;

use crate::session::report::{Outcome, Problem, worst};

/// The result of `restore`.
#[derive(Debug, Default, Serialize)]
pub struct RestoreReport {
    /// From which snapshot.
    pub snapshot: String,
    /// Files written.
    pub files_written: u64,
    /// Entries written or mended in all.
    pub entries_written: u64,
    /// Entries that were right already.
    pub entries_unchanged: u64,
    /// Entries of the target left as they are, though the snapshot has something else.
    pub entries_kept: u64,
    /// Entries of the snapshot passed over, because something above them in the target stays.
    pub entries_passed_over: u64,
    /// Entries removed, with `--delete`.
    pub entries_removed: u64,
    /// Entries that belong to others than in the snapshot, because only root may give them away.
    pub owners_not_given: u64,
    /// Bytes of the files written.
    pub bytes_written: u64,
    /// Bytes read from the destination.
    pub bytes_fetched: u64,
    /// Nothing was written because this was a dry run.
    pub dry_run: bool,
    /// Seconds it took.
    pub seconds: f64,
    /// The problems.
    pub problems: Vec<Problem>,
}

impl RestoreReport {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        worst(&self.problems)
    }
}
