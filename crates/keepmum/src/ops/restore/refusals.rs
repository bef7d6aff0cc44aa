//! Why a restore, or a deletion in it, is refused as a whole.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::target::TargetError;

use crate::session::error::{Error, ErrorKind};
use crate::session::options::RestoreOptions;
use crate::session::report::display;

/// The target as a whole cannot be used.
pub(super) fn target_failed(error: &TargetError, options: &RestoreOptions) -> Error {
    let target = options.target.as_deref().unwrap_or(Path::new("/"));
    let path = display(target.as_os_str().as_bytes());
    Error::new(ErrorKind::Target, format!("the target {}: {}", error.kind, error.source)).at(path)
}

/// A deletion is refused.
pub(super) fn refused(sentence: &str) -> Error {
    Error::new(ErrorKind::DeletionRefused, sentence)
}

/// The backup's own files are within reach.
pub(super) fn reaches(stay: &Path) -> Error {
    let sentence = "--delete is refused: it could reach what belongs to the backup itself";
    refused(sentence).at(display(stay.as_os_str().as_bytes()))
}

/// The target cannot be looked at.
pub(super) fn unreadable(error: &TargetError) -> Error {
    let sentence = format!("--delete is refused: the target {}: {}", error.kind, error.source);
    refused(&sentence).at(error.path.to_string())
}
