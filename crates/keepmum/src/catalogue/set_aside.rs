//! Setting a catalogue aside that cannot be used.
//!
//! It is renamed, never opened again, and kept until the next one is set aside, so that somebody
//! can look at it. A file that is not recognisably a catalogue may be somebody's: it is renamed
//! too, but never deleted.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::schema::APPLICATION;
use super::{Catalogue, CatalogueError};

/// The reason why a new catalogue was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// It contradicted itself.
    Damaged,
    /// The file was not a catalogue.
    Foreign,
    /// Another version of the program wrote it.
    OtherVersion,
}

impl std::fmt::Display for ResetReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Damaged => "the catalogue was damaged; a new one was begun",
            Self::Foreign => "the file was not a catalogue; it was renamed and a new one begun",
            Self::OtherVersion => "another version wrote the catalogue; a new one was begun",
        })
    }
}

impl Catalogue {
    /// Whether this file is certainly a catalogue of ours, of whatever version: it begins with
    /// SQLite's header and our mark, or holds nothing but the zeros that a power cut leaves.
    pub fn is_one(file: &Path) -> bool {
        is_catalogue(file).unwrap_or(false)
    }

    /// Renames the catalogue to `FILE.damaged-N`, so that the next [`Catalogue::open`] begins a
    /// new one. For callers that met [`CatalogueError::Corrupt`]; drop the open one first.
    pub fn set_aside(file: &Path) -> Result<(), CatalogueError> {
        let (mut earlier, mut last) = (Vec::new(), 0);
        let prefix = file_name(&beside(file, ".damaged-"))?;
        for found in fs::read_dir(folder_of(file))? {
            let name = found?.file_name();
            let number = name.to_str().zip(prefix.to_str()).and_then(|(n, p)| n.strip_prefix(p));
            if let Some(number) = number.and_then(|n| n.parse::<u32>().ok()) {
                last = last.max(number);
                earlier.push(file.with_file_name(name));
            }
        }
        // The rest of the write-ahead log is deleted: replayed into the new file, it would damage
        // that one too.
        for suffix in ["-wal", "-shm", "-journal"] {
            match fs::remove_file(beside(file, suffix)) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(e.into()),
                _ => {}
            }
        }
        fs::rename(file, beside(file, &format!(".damaged-{}", last.saturating_add(1))))?;
        for path in earlier {
            if is_catalogue(&path)? {
                fs::remove_file(path)?;
            }
        }
        sync_folder(folder_of(file))
    }
}

/// The folder a file lies in.
pub(super) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the names in a folder durable, where the file system can sync a folder at all.
pub(super) fn sync_folder(folder: &Path) -> Result<(), CatalogueError> {
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Ok(())
        }
        other => Ok(other?),
    }
}

/// The path of a file with something appended to its name.
pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(file);
    path.push(suffix);
    path.into()
}

fn file_name(path: &Path) -> Result<OsString, CatalogueError> {
    let name = path.file_name().map(OsString::from);
    name.ok_or_else(|| CatalogueError::Io("its path has no file name".into()))
}

/// Whether a file set aside earlier was certainly ours: SQLite's header with our mark, or nothing
/// but the zeros that a power cut leaves.
pub(super) fn is_catalogue(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(100).read_to_end(&mut head)?;
    let ours = head.starts_with(b"SQLite format 3\0")
        && head.get(68..72) == Some(&(APPLICATION as u32).to_be_bytes()[..]);
    Ok(ours || head.iter().all(|b| *b == 0))
}
