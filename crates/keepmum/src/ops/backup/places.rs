//! The known changes of places: entries that left one, and entries that arrived at another.

use std::collections::HashMap;

use crate::catalogue::DirectoryId;
use crate::model::{FoundKind, Time, TreePath};

use super::units::Units;

/// A directory that is gone from its place and may turn up at another.
pub(super) struct Vanished {
    pub(super) path: TreePath,
    pub(super) unit: u32,
    /// It is still there: the config leaves it out now.
    pub(super) is_left_out: bool,
}

/// The changes of places known so far.
pub(super) struct Places {
    pub(super) units: Units,
    /// File systems mounted below the roots: those that were remembered, and those met.
    pub(super) mounts: Vec<TreePath>,
    pub(super) mounts_met: Vec<TreePath>,
    /// Those of the remembered ones that are gone with all that was on them.
    pub(super) unmounted: Vec<TreePath>,
    pub(super) vanished: HashMap<DirectoryId, Vanished>,
    /// Folders that are something else now.
    pub(super) turned: Vec<(DirectoryId, TreePath, FoundKind)>,
    /// Whether something was saved before that can be gone or have moved.
    pub(super) is_known: bool,
    pub(super) has_tables: bool,
    /// Files that were saved before and are left out by the config now.
    pub(super) left_out: u64,
    /// New files that a dry run reads.
    pub(super) candidates: HashMap<TreePath, Candidate>,
}

impl Places {
    pub(super) fn new(units: Units, mounts: Vec<TreePath>, is_known: bool) -> Self {
        Self {
            units,
            mounts,
            mounts_met: Vec::new(),
            unmounted: Vec::new(),
            vanished: HashMap::new(),
            turned: Vec::new(),
            is_known,
            has_tables: false,
            left_out: 0,
            candidates: HashMap::new(),
        }
    }
}

/// A new file that may have been somewhere else before.
pub(super) struct Candidate {
    /// Its row among the arrivals.
    pub(super) row: i64,
    pub(super) unit: u32,
    pub(super) mtime: Option<Time>,
}
