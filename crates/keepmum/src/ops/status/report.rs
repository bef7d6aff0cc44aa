//! The report of `status`: plain values whose field names are those of `--json`.

use serde::Serialize;

use crate::catalogue::{CheckKind, RunRow};

use crate::session::report::{Outcome, SnapshotLine};

/// One device.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceStatus {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is this one.
    pub own: bool,
    /// Its last run.
    pub last_run: u32,
    /// Seconds since 1970 of its last record.
    pub last_time: i64,
    /// Seconds since 1970 of its last snapshot, which is its last change.
    pub last_change: Option<i64>,
    /// How many snapshots it has.
    pub snapshots: u64,
    /// Whether another device has said that it will not run again.
    pub retired: bool,
}

/// The last check, and the open findings of all checks.
#[derive(Clone, Debug, Serialize)]
pub struct CheckLine {
    /// Seconds since 1970 when it began.
    pub time: i64,
    /// How much it looked at.
    pub kind: CheckKind,
    /// How it ended.
    pub outcome: Outcome,
    /// How many problems it found.
    pub problem_count: u64,
    /// The least kind of check that must be clean before all is well; nothing where all is.
    pub damage_until: Option<CheckKind>,
    /// Whether it met data that this version does not understand.
    pub unknown: bool,
}

/// The result of `status`.
#[derive(Debug, Default, Serialize)]
pub struct StatusReport {
    /// The devices.
    pub devices: Vec<DeviceStatus>,
    /// This device's last snapshot.
    pub last_snapshot: Option<SnapshotLine>,
    /// Objects here.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects not here yet.
    pub objects_pending: u64,
    /// Objects that were here and are gone or shorter.
    pub objects_lost: u64,
    /// Objects that a newer version wrote and that this one does not understand.
    pub objects_unknown: u64,
    /// Files in the destination that are not ours.
    pub foreign_files: u64,
    /// Stored files of a keyring that the recovery code which was given does not open.
    pub unopened_files: u64,
    /// Nobody has seen the recovery code, as far as this machine knows.
    pub recovery_code_unseen: bool,
    /// Names of the first few of them.
    pub foreign_names: Vec<String>,
    /// Copies that a sync client made.
    pub conflict_copies: u64,
    /// Names of the first few of them.
    pub copy_names: Vec<String>,
    /// Free bytes at the destination.
    pub free_bytes: u64,
    /// Bytes written by this device's last runs, newest first.
    pub recent_uploads: Vec<u64>,
    /// Bytes that this device has written in the last day.
    pub uploaded_1_day: u64,
    /// The same in the last 7 days.
    pub uploaded_7_days: u64,
    /// The same in the last 30 days.
    pub uploaded_30_days: u64,
    /// This machine's last run that has ended, whatever came of it, unless it found another run at
    /// work.
    pub last_run: Option<RunRow>,
    /// A run after that one that has not ended: it is at work, or was killed.
    pub unended_run: Option<RunRow>,
    /// Whether a run of this device is at work now.
    pub run_at_work: bool,
    /// When this device's files were last saved, as far as is known: seconds since 1970. Where no
    /// backup of this device is known, that of the newest of all devices.
    pub last_saved: Option<i64>,
    /// Whether that was a backup of this device.
    pub last_saved_own: bool,
    /// Copies of the key block that are missing.
    pub key_copies_missing: u64,
    /// The last check.
    pub last_check: Option<CheckLine>,
}
