//! Things that stay in the target, and their treatment.

use std::collections::HashSet;

use crate::model::TreePath;

use super::part::Only;
use super::ways::Ways;

/// What stays in the target, and what waits for something to go.
#[derive(Default)]
pub(super) struct Stays {
    pub(super) ways: Ways,
    /// All that is restored.
    pub(super) only: Only,
    /// Folders in the way that a deletion will empty.
    pub(super) freed: HashSet<TreePath>,
    /// How many entries wait for that.
    pub(super) waiting: u64,
    /// While something is passed over: in how many folders the walk was before.
    pub(super) passing: Option<usize>,
    /// Something could not be restored.
    pub(super) failed: bool,
    /// Only places that were freed are filled: all else was decided before.
    pub(super) filling: bool,
    /// The first entry that could not be given to its owner.
    pub(super) owner: Option<TreePath>,
}

/// The fate of something that is not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Replace,
    Keep,
    Both,
}
