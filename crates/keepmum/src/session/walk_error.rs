//! Why a walk does not go on into a folder or a file, and the words for it that verbs share.
//!
//! An error of one path is a problem of that path; a destination that fails as a whole ends the
//! run. It must never turn the second into the first.

use std::convert::Infallible;

use crate::catalogue::CatalogueError;
use crate::model::{Merge, Nothing, Side, TreePath};
use crate::repository::{Refused, RepositoryError, SnapshotTree};
use crate::source::SourceError;
use crate::target::TargetError;

use super::error::{Error, ErrorKind};
use super::report::{Problem, ProblemKind, SnapshotState};

/// Why a walk does not go on into a folder or a file.
pub(crate) enum WalkError {
    /// It cannot be read from the repository.
    Snapshot(RepositoryError),
    /// Some entries of the folder cannot be read; the others come.
    Refused(Refused),
    /// It cannot be read in the source.
    Source(SourceError),
    /// It cannot be used in the target.
    Target(TargetError),
    /// The whole run cannot go on.
    Run(Error),
}

impl From<RepositoryError> for WalkError {
    fn from(error: RepositoryError) -> Self {
        Self::Snapshot(error)
    }
}

impl From<SourceError> for WalkError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<TargetError> for WalkError {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<CatalogueError> for WalkError {
    fn from(error: CatalogueError) -> Self {
        Self::Run(error.into())
    }
}

impl From<Error> for WalkError {
    fn from(error: Error) -> Self {
        Self::Run(error)
    }
}

impl From<Infallible> for WalkError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<WalkError> for Error {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Snapshot(error) => error.into(),
            WalkError::Source(error) => Self::new(ErrorKind::Unusable, error.to_string()),
            WalkError::Target(error) => Self::new(ErrorKind::Target, error.to_string()),
            WalkError::Refused(refused) => {
                Self::new(ErrorKind::Damaged, refused_entries(&refused).1)
            }
            WalkError::Run(error) => error,
        }
    }
}

impl WalkError {
    /// The problem that this is for a path of a snapshot in this state, unless it ends the run.
    pub(crate) fn problem(self, path: &TreePath, state: &SnapshotState) -> Result<Problem, Error> {
        let (kind, sentence) = match self {
            Self::Snapshot(error) => return problem_of(path, error, state),
            Self::Refused(refused) => refused_entries(&refused),
            Self::Source(error) => (ProblemKind::Unreadable, error.sentence()),
            other => return Err(other.into()),
        };
        Ok(Problem { kind, path: path.to_string(), sentence })
    }
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
            SnapshotState::Complete | SnapshotState::Lost { .. } | SnapshotState::Damaged => {
                ProblemKind::Damaged
            }
        },
        RepositoryError::Arriving { .. } => ProblemKind::Pending,
        RepositoryError::NotUnderstood { .. } => ProblemKind::Unknown,
        // An unreadable object counts as damaged; another attempt may find it whole.
        error if error.is_of_one_object() => ProblemKind::Damaged,
        _ => return Err(error.into()),
    };
    Ok(Problem { kind, path: path.to_string(), sentence: error.to_string() })
}

/// The error for an unreadable piece in a snapshot in this state; with a sentence for one that may
/// still arrive.
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

impl Refusing for SnapshotTree<'_> {
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
    let folder = folder.unwrap_or(merge.at());
    let path = folder.to_string();
    let (kind, sentence) = Some(refused_entries(&refused)).filter(|_| refused.count() > 0)?;
    Some(Problem { kind, path, sentence })
}

/// Entries of a folder that were left out: a newer version may understand some.
fn refused_entries(refused: &Refused) -> (ProblemKind, String) {
    let entries = |count: u64, what: &str| match count {
        1 => format!("1 entry in it is {what}"),
        count => format!("{count} entries in it are {what}"),
    };
    let damaged = entries(refused.damaged, "damaged");
    let unknown = entries(refused.unknown, "of a kind that this version does not know");
    match (refused.damaged, refused.unknown) {
        (0, _) => (ProblemKind::Unknown, unknown),
        (_, 0) => (ProblemKind::Damaged, damaged),
        _ => (ProblemKind::Damaged, format!("{damaged}, {unknown}")),
    }
}
