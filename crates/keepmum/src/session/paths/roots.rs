//! The roots that a record names, as paths of its tree.

use std::collections::HashSet;

use crate::model::TreePath;

/// The roots of a snapshot, without those that lie in others. A record may name anything: what is
/// no absolute path is no root.
pub(crate) fn tree_paths(recorded: &[Vec<u8>]) -> Vec<TreePath> {
    let mut roots: Vec<TreePath> = recorded.iter().filter_map(|root| tree_path(root)).collect();
    roots.sort();
    roots.dedup();
    let all: HashSet<TreePath> = roots.iter().cloned().collect();
    let is_inner = |root: &TreePath| {
        let above = |path: &TreePath| path.split().map(|(above, _)| above);
        std::iter::successors(above(root), above).any(|above| all.contains(&above))
    };
    roots.retain(|root| !is_inner(root));
    roots
}

/// The path that an absolute one is in a tree.
fn tree_path(root: &[u8]) -> Option<TreePath> {
    let names = root.strip_prefix(b"/")?.split(|byte| *byte == b'/');
    let names: Vec<&[u8]> = names.filter(|name| !name.is_empty()).collect();
    TreePath::new(&names.join(&b'/')).ok()
}

#[cfg(test)]
mod tests {
    use super::tree_paths;

    #[test]
    fn only_absolute_paths_are_roots_and_only_the_outermost() {
        let recorded = ["/b/c", "/a//x/", "/b", "relative", "", "../up", "/e/../f", "/g\0h", "/b"];
        let recorded: Vec<Vec<u8>> = recorded.iter().map(|root| root.as_bytes().to_vec()).collect();
        let roots: Vec<String> = tree_paths(&recorded).iter().map(ToString::to_string).collect();
        assert_eq!(roots, ["/a/x", "/b"]);
        assert_eq!(tree_paths(&[b"/".to_vec(), b"/a".to_vec()]).len(), 1);
    }
}
