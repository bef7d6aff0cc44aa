//! The error that ends a run: a kind for programs, a sentence for people, the path, the cause.
//! Hints for the next step are added at the edge, never here.

use std::fmt;

use crate::catalogue::CatalogueError;
use crate::repository::RepositoryError;

use super::missing_path::MissingPath;

/// What went wrong, for programs. The command line maps each to an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request makes no sense (no such snapshot, an ambiguous prefix).
    Usage,
    /// A path that was asked for is not in the snapshot.
    NoSuchPath,
    /// There is no snapshot yet.
    NoSnapshot,
    /// The snapshot was forgotten.
    Forgotten,
    /// The given values (roots, patterns, a password) cannot be used.
    Unusable,
    /// The password opens no key block.
    WrongPassword,
    /// There is no repository at the destination.
    NoRepository,
    /// Key blocks have not arrived yet, though objects have.
    Pending,
    /// A newer version wrote the requested data, or the key blocks, and this one does not
    /// understand it.
    NotUnderstood,
    /// Key blocks were here, and are gone.
    KeysGone,
    /// The destination failed: full, gone, read-only, input/output error.
    Destination,
    /// Refused for safety.
    Refused,
    /// Refused for safety: the source, or much of it, is gone.
    SourceGone,
    /// The rules leave out all of a folder that is to be backed up.
    LeftOut,
    /// Refused for safety: the deletion could reach something protected, or mistake something for
    /// gone.
    DeletionRefused,
    /// Refused for safety: more would be deleted than was accepted.
    ManyDeletions,
    /// The catalogue belongs to another source of the same name.
    OtherSource,
    /// Refused for safety: these snapshots are not forgotten, or not brought back.
    ForgetRefused,
    /// Refused for safety: most snapshots would be forgotten at once.
    ManyForgotten,
    /// Refused because there is a repository already.
    Exists,
    /// Refused because another run is at work.
    Busy,
    /// The slots of the key cannot be changed in this way.
    KeySlots,
    /// Damaged or lost data.
    Damaged,
    /// The catalogue or another local file cannot be used.
    Local,
    /// The target of a restore failed as a whole.
    Target,
    /// Stopped at the user's wish.
    Interrupted,
}

/// The error that ended a run.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    sentence: String,
    path: Option<String>,
    deletions: Option<u64>,
    missing: Option<Box<MissingPath>>,
    replaced_by: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a sentence that needs no more explanation.
    pub fn new(kind: ErrorKind, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            sentence: sentence.into(),
            path: None,
            deletions: None,
            missing: None,
            replaced_by: None,
            source: None,
        }
    }

    /// Names the path it happened to.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Says how many files would have to be accepted as gone.
    #[must_use]
    pub(crate) fn deleting(mut self, files: u64) -> Self {
        self.deletions = Some(files);
        self
    }

    /// Says where a path that was asked for can be found instead.
    #[must_use]
    pub(crate) fn missing(mut self, missing: MissingPath) -> Self {
        self.missing = Some(Box::new(missing));
        self
    }

    /// Names the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// How many files would have to be accepted as gone for the run to go on, if that would help.
    pub fn deletions(&self) -> Option<u64> {
        self.deletions
    }

    /// Where a path that was asked for can be found instead, if it is that which is missing.
    pub fn missing_path(&self) -> Option<&MissingPath> {
        self.missing.as_deref()
    }

    /// Where a password or code opened the repository once and does not now: the file of the key
    /// block that took its place.
    pub fn replaced_by(&self) -> Option<&str> {
        self.replaced_by.as_deref()
    }

    /// The path it happened to.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)?;
        if let Some(path) = &self.path {
            write!(f, ": {path}")?;
        }
        if let Some(source) = &self.source {
            write!(f, " ({source})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<RepositoryError> for Error {
    fn from(error: RepositoryError) -> Self {
        let kind = match &error {
            RepositoryError::Destination(_) => ErrorKind::Destination,
            RepositoryError::WrongPassword { .. } => ErrorKind::WrongPassword,
            RepositoryError::NoRepository => ErrorKind::NoRepository,
            RepositoryError::KeysPending | RepositoryError::Arriving { .. } => ErrorKind::Pending,
            RepositoryError::KeysNotUnderstood | RepositoryError::NotUnderstood { .. } => {
                ErrorKind::NotUnderstood
            }
            RepositoryError::Damaged { .. } | RepositoryError::Missing(_) => ErrorKind::Damaged,
            RepositoryError::Slots(_) => ErrorKind::KeySlots,
            _ => ErrorKind::Local,
        };
        let sentence = error.to_string();
        let replaced_by = match error {
            RepositoryError::WrongPassword { replaced_by, .. } => replaced_by,
            _ => None,
        };
        Self { replaced_by, ..Self::new(kind, sentence) }
    }
}

impl From<crate::format::FormatError> for Error {
    fn from(error: crate::format::FormatError) -> Self {
        RepositoryError::from(error).into()
    }
}

impl From<CatalogueError> for Error {
    fn from(error: CatalogueError) -> Self {
        let kind = match error {
            CatalogueError::Busy { .. } => ErrorKind::Busy,
            _ => ErrorKind::Local,
        };
        Self::new(kind, error.to_string())
    }
}
