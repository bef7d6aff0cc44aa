//! A path that was asked for and is not in the snapshot: where it is, or what may be meant.

use crate::model::TreePath;

use super::report::SnapshotLine;

/// A path that is not in the snapshot that was chosen.
#[derive(Clone, Debug)]
pub struct MissingPath {
    /// As it was typed.
    pub typed: Vec<u8>,
    /// The snapshot that was chosen.
    pub snapshot: SnapshotLine,
    /// The path in it whose name is the nearest.
    pub nearest: Option<TreePath>,
    /// The nearest snapshot of the same source that has the path, and where.
    pub held: Option<(SnapshotLine, TreePath)>,
    /// Whether that one is older than the one that was chosen.
    pub is_older: bool,
    /// Other snapshots that were looked at.
    pub looked_at: u64,
    /// Other snapshots of the same source.
    pub others: u64,
    /// The roots of the snapshot.
    pub roots: Vec<TreePath>,
    /// It lies neither in a root nor above one.
    pub is_outside: bool,
    /// It has wildcards.
    pub is_pattern: bool,
}
