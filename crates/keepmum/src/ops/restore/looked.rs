//! The paths that the run of a snapshot looked at. Only of these can a program say that they were
//! gone.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::format::{Backup, LeftOut};
use crate::model::{Found, FoundKind, TreePath};
use crate::source::{Covered, Rules};

use crate::session::error::{Error, ErrorKind};

/// By the record of the run.
pub(super) struct Looked {
    covered: Covered,
    /// A path left out for itself, with everything beneath it.
    left: HashSet<TreePath>,
    /// Content of tagged caches was left out.
    pub(super) caches: bool,
}

impl Looked {
    pub(super) fn new(backup: &Backup) -> Result<Self, Error> {
        let refused = |sentence| Err(Error::new(ErrorKind::DeletionRefused, sentence));
        let Some(left_out) = &backup.left_out else {
            return refused(
                "--delete is refused: the snapshot does not say what was left out of it, and what \
                 it does not have may never have been saved",
            );
        };
        if left_out.incomplete {
            return refused(
                "--delete is refused: more was left out of the snapshot than it says, and what it \
                 does not have may never have been saved",
            );
        }
        let path = |bytes: &Vec<u8>| PathBuf::from(OsStr::from_bytes(bytes));
        if backup.source.roots.iter().any(|root| !root.starts_with(b"/")) {
            return refused(
                "--delete is refused: the snapshot names a root that is no absolute path",
            );
        }
        let roots: Vec<PathBuf> = backup.source.roots.iter().map(path).collect();
        let rules = Rules {
            excludes: left_out.patterns.clone(),
            exclude_larger_than: left_out.larger_than,
            ..Rules::default()
        };
        let Ok(covered) = Covered::new(&roots, &rules) else {
            return refused(
                "--delete is refused: the snapshot was made by rules that this version does not \
                 understand",
            );
        };
        Ok(Self { covered, left: paths(left_out), caches: left_out.caches })
    }

    /// Whether this path was looked at, as far as it alone is concerned: the paths above it were
    /// asked before.
    pub(super) fn at(&self, path: &TreePath, found: &Found) -> bool {
        // A backup stores no sockets.
        found.kind != FoundKind::Other
            && !self.left.contains(path)
            && !self.covered.leaves_out(path, found)
    }

    /// Whether a path, or one above it, was left out for itself.
    pub(super) fn leaves_out_above(&self, path: &TreePath) -> bool {
        let above = |path: &TreePath| path.split().map(|(above, _)| above);
        std::iter::successors(Some(path.clone()), above).any(|path| self.left.contains(&path))
    }
}

fn paths(left_out: &LeftOut) -> HashSet<TreePath> {
    let LeftOut { own, unread, mounts, large, .. } = left_out;
    let all = own.iter().chain(unread).chain(mounts).chain(large);
    let relative = all.map(|path| path.strip_prefix(b"/").unwrap_or(path));
    relative.filter_map(|path| TreePath::new(path).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::Looked;
    use crate::format::{Backup, LeftOut, SourceName, Summary};
    use crate::model::ChunkId;
    use crate::session::error::ErrorKind;

    fn backup(left_out: Option<LeftOut>) -> Backup {
        Backup {
            root: ChunkId([0; 32]),
            source: SourceName::default(),
            needs: Vec::new(),
            unread: 0,
            summary: Summary::default(),
            left_out,
        }
    }

    /// Such a record is of an earlier program, or of another one.
    #[test]
    fn by_a_record_that_does_not_say_what_was_left_out_nothing_is_deleted() {
        let incomplete = LeftOut { incomplete: true, ..LeftOut::default() };
        for left_out in [None, Some(incomplete)] {
            let error = Looked::new(&backup(left_out)).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::DeletionRefused, "{error}");
        }
        assert!(Looked::new(&backup(Some(LeftOut::default()))).is_ok());
    }
}
