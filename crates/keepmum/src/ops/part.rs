//! What is said of one part of a snapshot: that there is none, or that it cannot be read.
//!
//! Several verbs look into snapshots and none calls another, so the words they share lie here.

use crate::model::TreePath;
use crate::repository::RepositoryError;

use super::choose::display;
use super::error::{Error, ErrorKind};
use super::report::{Problem, ProblemKind};

/// There is no such path.
pub(super) fn no_such_path(path: &TreePath) -> Error {
    Error::new(ErrorKind::Usage, "there is no such path in the snapshot")
        .at(format!("/{}", display(path.as_bytes())))
}

/// A part of a snapshot that cannot be read: a problem of that part, unless the destination
/// itself fails.
pub(super) fn problem_of(path: &TreePath, error: RepositoryError) -> Result<Problem, Error> {
    let kind = match &error {
        RepositoryError::Missing(_) => ProblemKind::Pending,
        RepositoryError::Damaged { .. } => ProblemKind::Damaged,
        _ => return Err(error.into()),
    };
    Ok(Problem {
        kind,
        path: format!("/{}", display(path.as_bytes())),
        sentence: error.to_string(),
    })
}
