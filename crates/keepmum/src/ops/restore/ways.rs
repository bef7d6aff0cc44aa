//! Links that stand in the target above a root of the snapshot, or in its place.
//!
//! A link that leads to a folder of the target is followed: somebody keeps his folders elsewhere.
//! Any other stays, and everything beneath it is not restored. None is ever replaced.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::model::{Found, TreePath};
use crate::target::{Target, TargetError, Way};

use super::part::below;

/// The links found on the ways to the roots.
#[derive(Default)]
pub(super) struct Ways {
    followed: HashMap<TreePath, Found>,
    astray: HashMap<TreePath, &'static str>,
    roots: HashSet<TreePath>,
}

impl Ways {
    /// Looks at every folder on the way to a root of the snapshot, as the target has it. Folders
    /// beneath a root are not the user's own layout, and are not looked at.
    pub(super) fn new(
        target: &Target,
        home: &Path,
        roots: &[TreePath],
        prefix: &TreePath,
    ) -> Result<Self, TargetError> {
        let mut ways = Self::default();
        let mut seen = HashSet::new();
        for root in roots.iter().filter_map(|root| below(root, prefix)) {
            let mut here = TreePath::root();
            for name in root.names() {
                here = here.join(&name);
                if !seen.insert(here.clone()) {
                    continue;
                }
                match target.follow(&here, home) {
                    Ok(Way::Plain) => {}
                    Ok(Way::Followed(found)) => {
                        ways.followed.insert(here.clone(), *found);
                    }
                    Ok(Way::Astray(sentence)) => {
                        ways.astray.insert(here.clone(), sentence);
                    }
                    // The walk meets it too, and says so.
                    Err(_) => break,
                }
                if ways.astray.contains_key(&here) {
                    break;
                }
            }
            ways.roots.insert(root);
        }
        Ok(ways)
    }

    /// The folder that a link at this path leads to.
    pub(super) fn followed(&self, path: &TreePath) -> Option<&Found> {
        self.followed.get(path)
    }

    /// Where a link at this path leads, if it is not followed.
    pub(super) fn astray(&self, path: &TreePath) -> Option<&'static str> {
        self.astray.get(path).copied()
    }

    /// Whether a root of the snapshot lies here.
    pub(super) fn is_root(&self, path: &TreePath) -> bool {
        self.roots.contains(path)
    }
}
