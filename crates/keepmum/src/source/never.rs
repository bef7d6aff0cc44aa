//! Things that are never backed up: the backup itself.
//!
//! The destination and the catalogue are left out by path and by identity, so that they are found
//! under a second path too, and also when they do not exist yet while the walk begins.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::canonicalize;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::root::{Root, tree_path};
use super::rules::Rules;
use crate::model::{Found, Name, TreePath};

/// Paths and identities that are left out.
#[derive(Default)]
pub(super) struct SelfExclusion {
    identities: Vec<(u64, u64)>,
    paths: Vec<TreePath>,
    by_folder: HashMap<TreePath, Vec<Name>>,
    /// Folders in which files come and go that are left out.
    unsteady: Vec<TreePath>,
}

impl SelfExclusion {
    /// Determines the identity of these paths, as seen from the roots.
    pub(super) fn new(rules: &Rules, roots: &[Root]) -> Self {
        let mut never = Self::default();
        let lasting = rules.never.iter().map(|path| (path, true));
        for (path, lasts) in lasting.chain(rules.beside.iter().map(|path| (path, false))) {
            let real = real(path);
            let mut is_folder = false;
            if let Ok(metadata) = std::fs::metadata(&real) {
                if lasts {
                    never.identities.push((metadata.dev(), metadata.ino()));
                }
                is_folder = metadata.is_dir();
            }
            never.add(tree_path(path).ok(), is_folder);
            never.add(tree_path(&real).ok(), is_folder);
            for root in roots {
                if let Ok(rest) = real.strip_prefix(&root.real) {
                    let named = absolute(&root.path).join(rest);
                    never.add(tree_path(&named).ok(), is_folder);
                }
            }
        }
        never
    }

    fn add(&mut self, path: Option<TreePath>, is_folder: bool) {
        let Some(path) = path else { return };
        if let Some((folder, name)) = path.split() {
            if !is_folder && !self.unsteady.contains(&folder) {
                self.unsteady.push(folder.clone());
            }
            self.by_folder.entry(folder).or_default().push(name);
        }
        self.paths.push(path);
    }

    /// All paths that are left out.
    pub(super) fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.paths.iter()
    }

    /// Whether a root is, or lies in, something left out.
    pub(super) fn holds_root(&self, root: &Root) -> bool {
        let real = tree_path(&root.real).ok();
        self.identities.contains(&(root.device, root.inode))
            || self.paths.iter().any(|path| {
                root.path.is_within(path) || real.as_ref().is_some_and(|real| real.is_within(path))
            })
    }

    /// Whether files that are left out come and go in this folder.
    pub(super) fn is_unsteady(&self, folder: &TreePath) -> bool {
        self.unsteady.contains(folder)
    }

    /// The names in this folder that are left out.
    pub(super) fn names_in(&self, folder: &TreePath) -> &[Name] {
        self.by_folder.get(folder).map_or(&[], Vec::as_slice)
    }

    /// Whether this is one of the things themselves, whatever its path.
    pub(super) fn is(&self, entry: &Found) -> bool {
        let stamp = &entry.stamp;
        self.identities
            .iter()
            .any(|(device, inode)| *inode == stamp.inode && *device == stamp.device)
    }
}

/// A path of the tree as the system says it.
pub(super) fn absolute(path: &TreePath) -> PathBuf {
    Path::new("/").join(OsStr::from_bytes(path.as_bytes()))
}

/// The path with links followed as far as it exists.
fn real(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|above| {
            let real = canonicalize(above).ok()?;
            let rest = path.strip_prefix(above).ok()?;
            Some(if rest.as_os_str().is_empty() { real } else { real.join(rest) })
        })
        .unwrap_or_else(|| path.to_owned())
}
