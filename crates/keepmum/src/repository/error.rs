//! The errors between the engine and its objects.

use std::convert::Infallible;
use std::io;

use crate::crypto::PasswordError;
use crate::format::FormatError;
use crate::model::{ChunkId, IndexError};
use crate::store::{StoreError, StoreErrorKind};

/// A failure of the repository. None of these is the fault of a source file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// The destination itself failed.
    #[error(transparent)]
    Destination(#[from] StoreError),
    /// An object of the right length does not open, or has wrong contents.
    #[error("object {object} is damaged: {what}")]
    Damaged {
        /// Its file name at the destination.
        object: String,
        /// The problem.
        what: String,
    },
    /// A file of an object has its length and not yet its bytes: a sync client is at work on it.
    #[error("object {object} has not arrived in full: {what}")]
    Arriving {
        /// Its file name at the destination.
        object: String,
        /// The sign by which it is seen.
        what: String,
    },
    /// A later version wrote it, or no key block here holds its key: nothing is damaged, and
    /// nothing is known about its contents.
    #[error("object {object} is not understood: {what}")]
    NotUnderstood {
        /// Its file name at the destination.
        object: String,
        /// The unknown item.
        what: String,
    },
    /// No object that is here holds this piece.
    #[error("no object that is here holds the piece {0}")]
    Missing(ChunkId),
    /// The catalogue could not be asked.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The operating system gave no randomness.
    #[error("no randomness can be had: {0}")]
    Random(io::Error),
    /// The password opens no key block.
    #[error("wrong password{}", untried(*tried, *of))]
    WrongPassword {
        /// How many blocks were tried.
        tried: usize,
        /// How many there are.
        of: usize,
        /// Where what was given opened this repository once: the file of the key block that took its
        /// place, if that is here.
        replaced_by: Option<String>,
    },
    /// The block that the password opens is of a later version.
    #[error("the key block was made by a later version of keepmum; this one cannot read it")]
    KeysNotUnderstood,
    /// There are no key blocks and no objects.
    #[error("there is no repository")]
    NoRepository,
    /// There are objects, and no key block has arrived.
    #[error("objects are here, but no key block")]
    KeysPending,
    /// The password's key could not be derived.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The slots of the key blocks cannot be changed in this way.
    #[error("{0}")]
    Slots(&'static str),
    /// The value to write does not fit the format.
    #[error("this cannot be written: {0}")]
    Unwritable(#[from] FormatError),
}

/// The addition to the message if not all blocks were tried.
fn untried(tried: usize, of: usize) -> String {
    if tried < of {
        format!(" (tried {tried} of {of} files that may be one)")
    } else {
        String::new()
    }
}

impl From<Infallible> for RepositoryError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl RepositoryError {
    /// The meaning of refused bytes for an object: unknown items may be understood by a later
    /// version, everything else is damage.
    pub fn refused(object: String, error: FormatError) -> Self {
        let what = error.to_string();
        match error {
            FormatError::Unknown { .. } => Self::NotUnderstood { object, what },
            _ => Self::Damaged { object, what },
        }
    }

    /// The same once more, where one stored file is the reason for several problems.
    pub fn again(&self, object: &str) -> Self {
        match self {
            Self::Damaged { object, what } => {
                Self::Damaged { object: object.clone(), what: what.clone() }
            }
            Self::Arriving { object, what } => {
                Self::Arriving { object: object.clone(), what: what.clone() }
            }
            Self::NotUnderstood { object, what } => {
                Self::NotUnderstood { object: object.clone(), what: what.clone() }
            }
            other => Self::Damaged { object: object.to_owned(), what: other.to_string() },
        }
    }

    /// Whether it concerns one stored file only: a copy of it may be whole, and a restore continues
    /// with the others. A destination that failed as a whole has another kind.
    pub fn is_of_one_object(&self) -> bool {
        use StoreErrorKind::{Denied, Io, Missing, Truncated};
        match self {
            Self::Damaged { .. } | Self::Arriving { .. } | Self::NotUnderstood { .. } => true,
            Self::Destination(error) => {
                error.path.is_some() && matches!(error.kind, Missing | Truncated | Denied | Io)
            }
            _ => false,
        }
    }
}
