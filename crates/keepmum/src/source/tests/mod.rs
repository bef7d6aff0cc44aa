//! The source, over real directories.

mod files;
mod rules;
mod walks;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Rules, Source, Walk};
use crate::model::{Found, FoundKind, Side, TreePath};
use crate::seam::{Clock, Gate, OpenGate, Operation, Timestamp};

/// A folder of the file system for one test; its path has no links in it.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    pub(super) fn join(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.path().join(Path::new(&name))
    }

    pub(super) fn write(&self, name: impl AsRef<OsStr>, content: &[u8]) -> PathBuf {
        let path = self.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }
}

pub(super) fn tree_path(path: &Path) -> TreePath {
    TreePath::new(path.as_os_str().as_bytes().strip_prefix(b"/").unwrap()).unwrap()
}

/// One that stands still, so that two walks find the same.
pub(super) fn clock() -> Arc<dyn Clock> {
    struct Still;
    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::default()
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        fn wait(&self, _: Duration) {}
    }
    Arc::new(Still)
}

pub(super) fn open(roots: &[PathBuf], rules: Rules) -> Source {
    Source::open(roots, rules, Arc::new(OpenGate), clock()).unwrap()
}

/// The whole tree in the order of a merge, each entry with its path.
pub(super) fn all(walk: &mut Walk) -> Vec<(TreePath, Found)> {
    let mut seen = Vec::new();
    descend(walk, TreePath::root(), &mut seen, &mut |_| true);
    seen
}

/// Walks without recursion, entering the directories that `enter` wants.
pub(super) fn descend(
    walk: &mut Walk,
    from: TreePath,
    seen: &mut Vec<(TreePath, Found)>,
    enter: &mut dyn FnMut(&TreePath) -> bool,
) {
    let first = walk.list(&(), &from).unwrap();
    let mut open = vec![(from, first.entries.into_iter(), first.rest)];
    while let Some((folder, page, rest)) = open.last_mut() {
        let Some(found) = page.next() else {
            let next = rest.take().map(|rest| walk.more(rest, folder).unwrap());
            match next {
                Some(next) => (*page, *rest) = (next.entries.into_iter(), next.rest),
                None => drop(open.pop()),
            }
            continue;
        };
        let path = folder.join(&found.name);
        let inside = found.kind == FoundKind::Directory && enter(&path);
        seen.push((path.clone(), found));
        if inside {
            let first = walk.list(&(), &path).unwrap();
            open.push((path, first.entries.into_iter(), first.rest));
        }
    }
}

/// Paths beneath a folder, as text.
pub(super) fn beneath(folder: &Folder, seen: &[(TreePath, Found)]) -> Vec<String> {
    let folder = tree_path(&folder.path());
    let skip = folder.as_bytes().len() + 1;
    seen.iter()
        .filter(|(path, _)| path.is_within(&folder) && *path != folder)
        .map(|(path, _)| path.as_bytes()[skip..].escape_ascii().to_string())
        .collect()
}

pub(super) fn find<'a>(seen: &'a [(TreePath, Found)], path: &Path) -> &'a Found {
    let path = tree_path(path);
    &seen.iter().find(|(other, _)| *other == path).unwrap().1
}

/// A gate that refuses one access, or halves reads.
#[derive(Default)]
pub(super) struct Keeper {
    pub(super) refuse: Option<(Operation, usize)>,
    pub(super) halve: bool,
    pub(super) count: Mutex<BTreeMap<Operation, usize>>,
}

impl Gate for Keeper {
    fn pass(&self, operation: Operation, _path: &[u8], bytes: usize) -> io::Result<usize> {
        let mut count = self.count.lock().unwrap();
        let count = count.entry(operation).or_default();
        *count += 1;
        if self.refuse == Some((operation, *count)) {
            return Err(io::Error::from_raw_os_error(5));
        }
        Ok(if self.halve { bytes.div_ceil(2) } else { bytes })
    }
}
