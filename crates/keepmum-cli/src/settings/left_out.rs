//! The backup's own files, which are never saved: the destination and the catalogue.
//!
//! `db_path` is left out as a whole only while nothing else lies in it. Somebody who names a
//! folder full of other things there must not lose them from the backup.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use keepmum::Catalogue;

/// How a catalogue's name ends.
const EXTENSION: &str = ".sqlite";
/// The suffixes of temporary and further files beside it: those of the database, the last run
/// number, the lock of runs and the history of runs.
const BESIDE: [&str; 11] = [
    "-wal",
    "-shm",
    "-journal",
    ".run",
    ".run.new",
    ".record",
    ".record.new",
    ".lock",
    ".runs",
    ".runs-wal",
    ".runs-shm",
];

/// The paths that are left out automatically.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Absolute paths.
    pub(crate) paths: Vec<PathBuf>,
    /// Those of files that come and go.
    pub(crate) beside: Vec<PathBuf>,
    /// Those of them that lie in a root, with their kind, for a message.
    pub(crate) told: Vec<(PathBuf, &'static str)>,
}

impl LeftOut {
    /// The paths never to be saved from these roots.
    pub(crate) fn of(roots: &[PathBuf], destination: &Path, catalogue: Option<&Path>) -> Self {
        let roots: Vec<_> = roots.iter().map(|root| real(root)).collect();
        let within = |path: &Path| roots.iter().any(|root| path.starts_with(root));
        let mut left_out = Self::default();
        let mut add = |path: PathBuf, what| {
            if within(&path) {
                left_out.told.push((path.clone(), what));
            }
            left_out.paths.push(path);
        };
        add(real(destination), "the destination");
        if let Some(file) = catalogue {
            let folder = file.parent().map_or_else(|| real(Path::new(".")), real);
            let around_a_root = roots.iter().any(|root| root.starts_with(&folder));
            match others_in(&folder) {
                false if !around_a_root => add(folder, "the catalogue"),
                _ => {
                    add(folder.join(file.file_name().unwrap_or_default()), "the catalogue");
                    left_out.beside = beside(&folder, file);
                }
            }
        }
        left_out
    }
}

/// Where the unlocked keyring may be kept: beside the catalogue.
pub(super) fn key_cache(catalogue: &Path) -> PathBuf {
    catalogue.with_extension("keys")
}

/// The files that come and go beside the catalogue, and other configs' catalogues.
fn beside(folder: &Path, file: &Path) -> Vec<PathBuf> {
    let base = folder.join(file.file_name().unwrap_or_default());
    let with = |suffix: &str| {
        let mut name = OsString::from(base.as_os_str());
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut paths: Vec<_> = BESIDE.iter().map(|suffix| with(suffix)).collect();
    paths.extend([key_cache(&base), base.with_extension("new")]);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let others = entries.map(|entry| entry.path()).filter(|path| is_ours(path) && *path != base);
    paths.extend(others);
    paths.sort();
    paths.dedup();
    paths
}

/// Whether this is a catalogue, or one of the files beside one: nothing else, however alike its
/// name is, since our own files are not saved.
fn is_ours(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else { return false };
    if !name.starts_with("catalogue-") {
        return false;
    }
    let of = |name: &str| Catalogue::is_one(&path.with_file_name(name));
    if let Some((stem, suffix)) = name.split_once(EXTENSION) {
        let damaged = suffix.strip_prefix(".damaged-").is_some_and(|n| n.parse::<u32>().is_ok());
        let is_history = suffix.starts_with(".runs");
        return match suffix {
            "" => of(name),
            // It may be there before the catalogue.
            _ if is_history && BESIDE.contains(&suffix) => of(&format!("{stem}{EXTENSION}.runs")),
            _ if damaged => of(name),
            _ => BESIDE.contains(&suffix) && of(&format!("{stem}{EXTENSION}")),
        };
    }
    let stem = name.strip_suffix(".keys").or_else(|| name.strip_suffix(".new"));
    stem.is_some_and(|stem| of(&format!("{stem}{EXTENSION}")))
}

/// Whether anything lies in a folder that is not ours.
fn others_in(folder: &Path) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| !is_ours(&entry.path()))
}

/// The path with links followed, or as it is where that cannot be done.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
