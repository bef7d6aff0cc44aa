//! The result of a prune.

use serde::Serialize;

/// What a prune deleted, proposed and stored. Sizes are in bytes.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PruneReport {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Stored files deleted now, or that a run would delete now.
    pub objects_deleted: u64,
    /// Their bytes.
    pub bytes_deleted: u64,
    /// Stored files that are to be deleted once every device has agreed.
    pub objects_waiting: u64,
    /// Their bytes.
    pub bytes_waiting: u64,
    /// The devices that have not agreed yet, by their names.
    pub waiting_for: Vec<String>,
    /// Stored files that were to be deleted and stay, because a snapshot needs them after all.
    pub objects_kept: u64,
    /// Bytes of stored files that hold something unneeded and stay, because storing the rest again
    /// would cost more upload than it is worth.
    pub bytes_unused: u64,
    /// Stored files written.
    pub objects_stored: u64,
    /// Bytes to upload; of a dry run an estimate.
    pub bytes_stored: u64,
    /// Snapshots that cannot be read whole: while there are any, nothing is deleted.
    pub unreadable: Vec<String>,
}
