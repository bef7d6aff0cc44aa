//! The report of `forget`: plain values whose field names are those of `--json`.

use serde::Serialize;

use crate::session::report::{Outcome, Problem, SnapshotLine};

/// What happens to a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It stays.
    Kept,
    /// It is forgotten.
    Forgotten,
    /// It was forgotten, and is listed again.
    BroughtBack,
}

/// Why a snapshot stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptBecause {
    /// It is the newest complete one of its device and source.
    Newest,
    /// It is pinned.
    Pinned,
    /// Not all of it is here, or something of it is damaged.
    NotComplete,
    /// Other devices have to run first.
    Unconfirmed,
    /// It is the last one before most files went from the source.
    BeforeLoss,
    /// It is among the last.
    Last,
    /// It is the newest of its hour.
    Hourly,
    /// It is the newest of its day.
    Daily,
    /// It is the newest of its week.
    Weekly,
    /// It is the newest of its month.
    Monthly,
    /// It is the newest of its year.
    Yearly,
    /// It is young enough.
    Within,
}

/// One snapshot, and what happens to it.
#[derive(Clone, Debug, Serialize)]
pub struct ForgetLine {
    /// The snapshot.
    #[serde(flatten)]
    pub snapshot: SnapshotLine,
    /// What happens to it.
    pub decision: Decision,
    /// Why it stays; empty if it does not.
    pub reasons: Vec<KeptBecause>,
}

/// The result of `forget`.
#[derive(Debug, Default, Serialize)]
pub struct ForgetReport {
    /// The snapshots that were looked at: oldest first, each device in the order of its chain.
    pub snapshots: Vec<ForgetLine>,
    /// How many are forgotten.
    pub forgotten: u64,
    /// How many of those that were looked at stay.
    pub kept: u64,
    /// How many were brought back.
    pub brought_back: u64,
    /// Bytes written to the destination.
    pub bytes_stored: u64,
    /// Nothing was written because this was a dry run.
    pub dry_run: bool,
    /// Of a dry run: without the dry run it would be refused, unless so many were accepted.
    pub to_accept: Option<u64>,
    /// The problems.
    pub problems: Vec<Problem>,
}

impl ForgetReport {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        match self.problems.is_empty() {
            true => Outcome::Complete,
            false => Outcome::Partial,
        }
    }

    pub(super) fn count(mut self) -> Self {
        let of = |decision| {
            let lines = self.snapshots.iter().filter(|line| line.decision == decision);
            lines.count() as u64
        };
        let (kept, forgotten) = (of(Decision::Kept), of(Decision::Forgotten));
        self.brought_back = of(Decision::BroughtBack);
        (self.kept, self.forgotten) = (kept, forgotten);
        self
    }
}
