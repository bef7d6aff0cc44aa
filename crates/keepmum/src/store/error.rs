//! The errors of a store, in words for the person who reads them.

use std::fmt;
use std::io;

use rustix::io::Errno;

/// Errors of the destination, distinguished by their remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// There is no such object.
    Missing,
    /// No space, quota used up, or a file larger than the file system allows.
    Full,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The destination itself is no longer there, or another folder is in its place.
    Gone,
    /// Permission denied.
    Denied,
    /// The object ends before the range asked for.
    Truncated,
    /// The object is longer than the reader is willing to take.
    TooLong,
    /// Other bytes already lie under the name of a new object.
    Differs,
    /// Anything else.
    Io,
}

/// A failure of the destination, never of the source.
#[derive(Debug, thiserror::Error)]
#[error("{}", Sentence(self))]
pub struct StoreError {
    /// The remedy.
    pub kind: StoreErrorKind,
    /// The object concerned, if one is.
    pub path: Option<String>,
    /// The system's error.
    pub source: io::Error,
}

impl StoreError {
    /// An error of a given kind that the system did not report itself.
    #[must_use]
    pub fn new(kind: StoreErrorKind, path: Option<&str>, words: &str) -> Self {
        Self { kind, path: path.map(str::to_owned), source: io::Error::other(words.to_owned()) }
    }

    /// Classifies the system's error about `path`.
    #[must_use]
    pub fn from_io(source: io::Error, path: Option<&str>) -> Self {
        Self { kind: kind_of(&source), path: path.map(str::to_owned), source }
    }
}

fn kind_of(error: &io::Error) -> StoreErrorKind {
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => StoreErrorKind::Missing,
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => StoreErrorKind::Full,
        Some(Errno::ROFS) => StoreErrorKind::ReadOnly,
        Some(
            Errno::NOTCONN
            | Errno::STALE
            | Errno::NODEV
            | Errno::NXIO
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::SHUTDOWN,
        ) => StoreErrorKind::Gone,
        Some(Errno::ACCESS | Errno::PERM) => StoreErrorKind::Denied,
        _ if error.kind() == io::ErrorKind::NotFound => StoreErrorKind::Missing,
        _ => StoreErrorKind::Io,
    }
}

struct Sentence<'a>(&'a StoreError);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StoreError { kind, path, source } = self.0;
        let object = path.as_deref().map_or_else(String::new, |path| format!(" (object {path})"));
        match kind {
            StoreErrorKind::Missing => write!(out, "not found at the destination{object}"),
            StoreErrorKind::Full => {
                write!(out, "the destination has no space left{object}: {source}")
            }
            StoreErrorKind::ReadOnly => write!(out, "the destination is read-only{object}"),
            StoreErrorKind::Gone => {
                write!(out, "the destination is no longer there{object}: {source}")
            }
            StoreErrorKind::Denied => {
                write!(out, "permission denied at the destination{object}: {source}")
            }
            StoreErrorKind::Truncated => write!(out, "an object is cut short{object}: {source}"),
            StoreErrorKind::TooLong => write!(out, "an object is too long{object}: {source}"),
            StoreErrorKind::Differs => {
                write!(out, "a file with other content is in the place of a new object{object}")
            }
            StoreErrorKind::Io => write!(out, "the destination failed{object}: {source}"),
        }
    }
}
