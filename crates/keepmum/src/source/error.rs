//! The errors of a source, separate from all errors of a destination.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

use crate::model::TreePath;

/// Something in the source that could not be read; everything else still can.
#[derive(Debug, thiserror::Error)]
#[error("/{} {kind} ({source})", String::from_utf8_lossy(path.as_bytes()))]
pub struct SourceError {
    /// The unreadable path.
    pub path: TreePath,
    /// Why, as far as a program has to know.
    pub kind: SourceErrorKind,
    /// The operating system's error.
    pub source: io::Error,
}

/// Why something in the source could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// There is no permission.
    Denied,
    /// It is no longer there.
    Vanished,
    /// Something else lies there than was listed.
    Changed,
    /// Its path is longer than a path can be.
    TooDeep,
    /// The system failed.
    Io,
}

impl std::fmt::Display for SourceErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Denied => "may not be read",
            Self::Vanished => "is no longer there",
            Self::Changed => "was replaced while the source was being read",
            Self::TooDeep => "lies deeper than a path can say",
            Self::Io => "cannot be read",
        })
    }
}

impl SourceError {
    /// The problem in words, without the path.
    pub(crate) fn sentence(&self) -> String {
        let said = self.source.to_string();
        let said = said.split(" (os error").next().unwrap_or_default();
        match self.kind {
            SourceErrorKind::Denied => "permission denied".to_owned(),
            kind => format!("{kind} ({said})"),
        }
    }

    /// The error of a system call about `path`.
    pub(super) fn new(path: &TreePath, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let kind = match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::ACCESS | Errno::PERM) => SourceErrorKind::Denied,
            Some(Errno::NOENT) => SourceErrorKind::Vanished,
            Some(Errno::LOOP | Errno::NOTDIR | Errno::XDEV | Errno::STALE) => {
                SourceErrorKind::Changed
            }
            Some(Errno::NAMETOOLONG) => SourceErrorKind::TooDeep,
            _ => match source.kind() {
                io::ErrorKind::PermissionDenied => SourceErrorKind::Denied,
                io::ErrorKind::NotFound => SourceErrorKind::Vanished,
                _ => SourceErrorKind::Io,
            },
        };
        Self { path: path.clone(), kind, source }
    }

    /// Something else is there than was expected.
    pub(super) fn changed(path: &TreePath) -> Self {
        let source = io::Error::other("it is not the file that was listed");
        Self { path: path.clone(), kind: SourceErrorKind::Changed, source }
    }

    /// A path that cannot be said.
    pub(super) fn too_deep(path: &TreePath) -> Self {
        let source = Errno::NAMETOOLONG.into();
        Self { path: path.clone(), kind: SourceErrorKind::TooDeep, source }
    }
}

/// Why a source cannot be opened at all. The run is refused: a missing root must never look like
/// a root whose files were deleted.
#[derive(Debug, thiserror::Error)]
pub enum RootProblem {
    /// No root was given.
    #[error("no folder to back up is given")]
    NoRoots,
    /// A root is not there.
    #[error("the folder to back up does not exist: {}", path.display())]
    Missing {
        /// The root.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A root is there but may not be read.
    #[error("the folder to back up cannot be read ({source}): {}", path.display())]
    Unreadable {
        /// The root.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A root's path is not absolute, or has `.` or `..` in it.
    #[error("{} is no absolute path", path.display())]
    Invalid {
        /// The root.
        path: PathBuf,
    },
    /// A root is itself, or lies in, something that the rules leave out.
    #[error("{} is to be backed up and left out at once ({by})", path.display())]
    LeftOut {
        /// The root.
        path: PathBuf,
        /// The rule, in words.
        by: String,
    },
    /// A pattern cannot be understood.
    #[error("the pattern \"{pattern}\" cannot be understood: {reason}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// The problem.
        reason: String,
    },
}
