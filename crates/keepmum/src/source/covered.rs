//! The rules of a run applied later, and elsewhere: whether it looked at a path.
//!
//! For code that deletes things missing from a snapshot. In doubt, the run did not look.

use std::path::PathBuf;

use super::error::RootProblem;
use super::root::tree_path;
use super::rules::{Patterns, Rules};
use crate::model::{Found, FoundKind, TreePath};

/// The paths that a run with some roots and rules leaves out, as far as the rules alone decide it.
pub struct Covered {
    /// Each root with the patterns that count below it.
    roots: Vec<(TreePath, Patterns)>,
    larger_than: Option<u64>,
}

impl Covered {
    /// Compiles the rules of a run.
    ///
    /// # Errors
    /// A root or a pattern that this version does not understand.
    pub fn new(roots: &[PathBuf], rules: &Rules) -> Result<Self, RootProblem> {
        let compile =
            |root: &PathBuf| Ok((tree_path(root)?, Patterns::new(&rules.excludes, root, roots)?));
        let compiled: Result<Vec<_>, RootProblem> = roots.iter().map(compile).collect();
        Ok(Self { roots: compiled?, larger_than: rules.exclude_larger_than })
    }

    /// Whether a rule leaves out the thing found at a path of the source. The paths above it were
    /// asked before. A pattern for folders counts for files too, and the other way round: nobody
    /// knows which of them had the name when the run was made.
    pub fn leaves_out(&self, path: &TreePath, found: &Found) -> bool {
        let large = |limit| found.kind == FoundKind::File && found.stamp.size > limit;
        self.larger_than.is_some_and(large)
            || self.roots.iter().any(|(root, patterns)| {
                let Some(relative) = beneath(path, root) else { return false };
                [false, true].into_iter().any(|kind| patterns.matching(relative, kind).is_some())
            })
    }
}

/// The path from a root downward; nothing for the root itself and for paths outside it.
fn beneath<'a>(path: &'a TreePath, root: &TreePath) -> Option<&'a [u8]> {
    let path = path.as_bytes();
    if root.is_root() {
        return Some(path).filter(|path| !path.is_empty());
    }
    path.strip_prefix(root.as_bytes())?.strip_prefix(b"/")
}
