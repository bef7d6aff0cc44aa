//! What is in a target already, as one side of a merge: this is what makes restore incremental.

use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{Inner, TargetError};
use crate::beneath::{Scratch, list};
use crate::model::{Found, FoundKind, Side, TreePath};

/// The tree in a target. A directory that is missing is empty.
pub struct TargetTree {
    inner: Arc<Inner>,
    scratch: Scratch,
}

impl TargetTree {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self { inner, scratch: Scratch::default() }
    }
}

impl Side for TargetTree {
    type Item = Found;
    type Place = ();
    type Error = TargetError;

    fn place(&self, item: &Found) -> Option<()> {
        (item.kind == FoundKind::Directory).then_some(())
    }

    fn list(&mut self, (): &(), path: &TreePath) -> Result<Vec<Found>, TargetError> {
        let problem = |error| TargetError::new(path, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let directory = match self.inner.beneath.open_quietly(path.as_bytes(), flags) {
            Ok(directory) => directory,
            Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(problem(error)),
        };
        let listed = list(directory.as_fd(), &mut self.scratch).map_err(problem)?;
        match listed.problems.into_iter().next() {
            // Of a thing that cannot be looked at, nobody can say whether it is right.
            Some((name, error)) => Err(TargetError::new(&path.join(&name), error)),
            None => Ok(listed.entries),
        }
    }
}
