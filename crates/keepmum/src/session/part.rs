//! What is said of one part of a snapshot: that there is none, or that it cannot be read.
//!
//! Several verbs look into snapshots and none calls another, so the words they share lie here.

use crate::model::{Merge, Nothing, Side, TreePath};
use crate::repository::{Refused, RepositoryError, SnapshotTree};

use super::choose::display;
use super::error::{Error, ErrorKind};
use super::report::{Problem, ProblemKind, SnapshotState};

/// There is no such path.
pub(crate) fn no_such_path(path: &TreePath) -> Error {
    Error::new(ErrorKind::Usage, "there is no such path in the snapshot")
        .at(format!("/{}", display(path.as_bytes())))
}

/// A part of a snapshot in this state that cannot be read: a problem of that part, unless the
/// destination itself fails.
pub(crate) fn problem_of(
    path: &TreePath,
    error: RepositoryError,
    state: &SnapshotState,
) -> Result<Problem, Error> {
    let kind = match &error {
        RepositoryError::Missing(_) => match state {
            SnapshotState::Pending { .. } => ProblemKind::Pending,
            SnapshotState::Unknown { .. } => ProblemKind::Unknown,
            // Nothing is on its way that could hold it.
            SnapshotState::Complete | SnapshotState::Lost { .. } => ProblemKind::Damaged,
        },
        RepositoryError::Arriving { .. } => ProblemKind::Pending,
        RepositoryError::NotUnderstood { .. } => ProblemKind::Unknown,
        // What cannot be read is as good as damaged; another attempt may find it whole.
        error if error.is_of_one_object() => ProblemKind::Damaged,
        _ => return Err(error.into()),
    };
    Ok(Problem {
        kind,
        path: format!("/{}", display(path.as_bytes())),
        sentence: error.to_string(),
    })
}

/// What lies between the root of a snapshot in this state and a path in it cannot be read.
pub(crate) fn unreachable(path: &TreePath, error: RepositoryError, state: &SnapshotState) -> Error {
    let error = absent(error, state, "not all of the way to this path is here yet");
    match error.kind() {
        ErrorKind::Pending | ErrorKind::NotUnderstood => {
            error.at(format!("/{}", display(path.as_bytes())))
        }
        _ => error,
    }
}

/// The error that a piece which cannot be had is, in a snapshot in this state; with a sentence for
/// one that may still arrive.
pub(crate) fn absent(error: RepositoryError, state: &SnapshotState, waits: &str) -> Error {
    match (&error, state) {
        (RepositoryError::Missing(_), SnapshotState::Pending { .. })
        | (RepositoryError::Arriving { .. }, _) => Error::new(ErrorKind::Pending, waits),
        (RepositoryError::Missing(_), SnapshotState::Unknown { .. }) => {
            let sentence = "it may lie in an object that this version does not understand";
            Error::new(ErrorKind::NotUnderstood, sentence)
        }
        _ => error.into(),
    }
}

/// A side of a walk that may have entries which are damaged, or which this version does not
/// understand.
pub(crate) trait Refusing {
    /// How many there are in folders that were listed to their end since this was last asked.
    fn take_refused(&mut self) -> Refused {
        Refused::default()
    }
}

impl Refusing for SnapshotTree<'_, '_> {
    fn take_refused(&mut self) -> Refused {
        SnapshotTree::take_refused(self)
    }
}

impl Refusing for Nothing {}

/// Says how many entries of a folder, the one that the walk is in if it is not said, are damaged, or
/// of a kind that this version does not know. To be asked after each step, and for a folder that could not
/// be entered.
pub(crate) fn refused<A: Side + Refusing, B: Side + Refusing>(
    merge: &mut Merge<A, B>,
    folder: Option<&TreePath>,
) -> Option<Problem> {
    let mut refused = merge.old().take_refused();
    refused += merge.new_side().take_refused();
    refused_entries(folder.unwrap_or(merge.at()), refused)
}

/// Entries of a folder that were left out: a newer version may understand some.
fn refused_entries(folder: &TreePath, refused: Refused) -> Option<Problem> {
    let entries = |count: u64, what: &str| match count {
        0 => None,
        1 => Some(format!("1 entry in it is {what}")),
        count => Some(format!("{count} entries in it are {what}")),
    };
    let damaged = entries(refused.damaged, "damaged");
    let unknown = entries(refused.unknown, "of a kind that this version does not know");
    let (kind, sentence) = match (damaged, unknown) {
        (None, None) => return None,
        (None, Some(unknown)) => (ProblemKind::Unknown, unknown),
        (Some(damaged), None) => (ProblemKind::Damaged, damaged),
        (Some(damaged), Some(unknown)) => (ProblemKind::Damaged, format!("{damaged}, {unknown}")),
    };
    Some(Problem { kind, path: format!("/{}", display(folder.as_bytes())), sentence })
}
