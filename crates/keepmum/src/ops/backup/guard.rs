//! Refusals for safety: a source that looks as if a disk were missing.
//!
//! Files that leave the backup by mistake are noticed only when they are needed. So a run that
//! would drop much stops, lists the files, and continues only if that was accepted.

use std::path::{Path, PathBuf};

use crate::catalogue::{Catalogue, DirectoryId, state};
use crate::model::{Name, PAGE, Side, TreePath};
use crate::source::Source;

use super::units::Units;
use crate::session::error::{Error, ErrorKind};
use crate::session::options::{BackupOptions, Deletions};
use crate::session::remember;

const EMPTY: &str = "the folder to back up is empty, so there is nothing to save yet";

/// Most of them that are remembered.
pub(super) const MOUNTS: usize = 4096;

/// The remembered mounts.
pub(super) fn mounts(catalogue: &Catalogue) -> Result<Vec<TreePath>, Error> {
    Ok(catalogue.get(&state::MOUNTS)?.unwrap_or_default())
}

/// Remembers the mounts.
pub(super) fn keep_mounts(catalogue: &Catalogue, mounts: &[TreePath]) -> Result<(), Error> {
    Ok(catalogue.set(&state::MOUNTS, &mounts.iter().take(MOUNTS).cloned().collect())?)
}

/// The parts of a source that are counted separately.
pub(super) fn units(source: &Source, mounts: &[TreePath]) -> Units {
    Units::new(source.roots().cloned(), mounts.iter().cloned())
}

/// Whether a path lies in, or above, something that the config asks for.
pub(super) fn is_asked_for(roots: &[PathBuf], path: &TreePath) -> bool {
    let path = Path::new("/").join(crate::seam::path_from_bytes(path.as_bytes()));
    roots.iter().any(|root| path.starts_with(root) || root.starts_with(&path))
}

/// Refuses a root that is empty, which looks like a disk that is not mounted, unless it is known
/// to be empty; and a file system that was mounted below a root and is not.
pub(super) fn refuse_missing_disks(
    source: &Source,
    options: &BackupOptions,
    catalogue: &Catalogue,
) -> Result<(), Error> {
    if options.accept_deletions != Deletions::Refuse {
        return Ok(());
    }
    // Only a snapshot says that a root is empty: a first run that was killed has not seen all of it.
    let has_snapshot = catalogue.get(&state::ROOT)?.is_some();
    for root in source.roots() {
        let row = remember::directory_at(catalogue, root)?;
        let was_empty = match row {
            Some(row) => catalogue.page(row, None, 1)?.entries.is_empty(),
            None => true,
        };
        let sentence = match was_empty {
            true if has_snapshot && row.is_some() => continue,
            true => EMPTY,
            false => "the folder to back up is empty now, and was not at the last backup",
        };
        let (mut walk, _) = source.walk(0);
        if walk.list(&(), root).is_ok_and(|page| page.entries.is_empty() && page.rest.is_none()) {
            if walk.excluded().total() > 0 {
                let sentence = "the rules of the config leave out everything in this folder";
                return Err(Error::new(ErrorKind::LeftOut, sentence).at(root.to_string()));
            }
            return Err(refusal(sentence, root, files_beneath(catalogue, row)?));
        }
    }
    for mount in mounts(catalogue)? {
        let Some(row) = remember::directory_at(catalogue, &mount)? else { continue };
        let names: Vec<Name> =
            catalogue.page(row, None, PAGE)?.entries.into_iter().map(|entry| entry.name).collect();
        if names.is_empty() || source.leaves_out(&mount) || options.rules.one_file_system {
            continue;
        }
        let Some(is_mount) = source.is_mount(&mount) else { continue };
        let (mut walk, _) = source.walk(0);
        let Ok(page) = walk.list(&(), &mount) else { continue };
        // Excluded files show that the disk is there.
        let shows_nothing = page.entries.is_empty() && walk.excluded().total() == 0;
        let is_known = |name: &Name| names.binary_search(name).is_ok();
        let sentence = match is_mount {
            true if shows_nothing => {
                "the disk that is mounted here is empty now, and was not at the last backup"
            }
            false if !page.entries.iter().any(|entry| is_known(&entry.name)) => {
                "a disk was mounted here at the last backup, and none is now"
            }
            _ => continue,
        };
        return Err(refusal(sentence, &mount, files_beneath(catalogue, Some(row))?));
    }
    Ok(())
}

fn refusal(sentence: &str, path: &TreePath, files: u64) -> Error {
    let error = Error::new(ErrorKind::SourceGone, sentence).at(path.to_string());
    if files > 0 { error.deleting(files) } else { error }
}

/// How many files are remembered beneath a directory.
fn files_beneath(catalogue: &Catalogue, top: Option<DirectoryId>) -> Result<u64, Error> {
    let mut open: Vec<DirectoryId> = top.into_iter().collect();
    let mut files = 0;
    while let Some(id) = open.pop() {
        for child in catalogue.children(id) {
            match child?.directory {
                Some(id) => open.push(id),
                None => files += 1,
            }
        }
    }
    Ok(files)
}
