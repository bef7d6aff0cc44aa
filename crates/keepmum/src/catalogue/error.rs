//! Why the catalogue cannot be used, in the four kinds that call for different answers.

use rusqlite::ErrorCode;

/// The catalogue failed. None of these means that data is lost.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Its content contradicts itself: set it aside with [`super::Catalogue::set_aside`] and
    /// begin a new one.
    #[error("the catalogue is damaged ({0})")]
    Corrupt(String),
    /// The disk it lies on has no space left.
    #[error("the disk that holds the catalogue is full")]
    Full,
    /// Another process uses it.
    #[error("another run uses this catalogue{}", .pid.map(|p| format!(" (process {p})")).unwrap_or_default())]
    Busy {
        /// The process, where it is known.
        pid: Option<u32>,
    },
    /// The system refused, or it was asked for something that cannot be.
    #[error("the catalogue cannot be used: {0}")]
    Io(String),
}

impl CatalogueError {
    /// A row that cannot have been written like this.
    pub(super) fn row(table: &str) -> Self {
        Self::Corrupt(format!("a row of the table \"{table}\" is not as it was written"))
    }
}

impl From<rusqlite::Error> for CatalogueError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        match &error {
            E::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                    Self::Corrupt(error.to_string())
                }
                ErrorCode::DiskFull => Self::Full,
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy { pid: None },
                _ => Self::Io(error.to_string()),
            },
            // The statements are fixed: one that does not fit means other tables than ours.
            E::SqlInputError { .. }
            | E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::InvalidColumnType(..)
            | E::Utf8Error(..) => Self::Corrupt(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<std::io::Error> for CatalogueError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error.to_string()),
        }
    }
}

impl From<CatalogueError> for crate::model::IndexError {
    fn from(error: CatalogueError) -> Self {
        Self(Box::new(error))
    }
}
