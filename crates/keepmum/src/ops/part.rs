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

/// Entries of a folder that this version does not understand: a newer one may.
pub(super) fn unknown_entries(folder: &TreePath, count: u64) -> Option<Problem> {
    let entries = match count {
        0 => return None,
        1 => "1 entry in it is".to_owned(),
        count => format!("{count} entries in it are"),
    };
    Some(Problem {
        kind: ProblemKind::Unknown,
        path: format!("/{}", display(folder.as_bytes())),
        sentence: format!("{entries} of a kind that this version does not know"),
    })
}
