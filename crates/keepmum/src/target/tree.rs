//! The present contents of a target, as one side of a merge: this is what makes restore
//! incremental.

use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{Inner, TargetError};
use crate::beneath::{LaterNames, NameList, Scratch};
use crate::model::{Found, FoundKind, Page, PageOf, Side, TreePath};

/// The tree in a target. A directory that is missing is empty.
pub struct TargetTree {
    inner: Arc<Inner>,
    scratch: Scratch,
}

/// The rest of a directory of which a page has been returned.
pub struct Rest(LaterNames);

impl TargetTree {
    pub(super) fn new(inner: Arc<Inner>, scratch: Scratch) -> Self {
        Self { inner, scratch }
    }

    fn page(
        &mut self,
        rest: Option<LaterNames>,
        path: &TreePath,
    ) -> Result<PageOf<Self>, TargetError> {
        let problem = |error| TargetError::new(path, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let directory = match self.inner.beneath.open_quietly(path.as_bytes(), flags) {
            Ok(directory) => directory,
            Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {
                return Ok(Page::whole(Vec::new()));
            }
            Err(error) => return Err(problem(error)),
        };
        let directory = directory.as_fd();
        self.inner.file_systems.of(directory).map_err(problem)?;
        let listed = match rest {
            Some(names) => names.page(directory, &self.scratch),
            None => NameList::read(directory, &mut self.scratch)
                .and_then(|names| names.page(directory, &self.scratch)),
        };
        let listed = listed.map_err(problem)?;
        match listed.problems.into_iter().next() {
            // Of a thing that cannot be looked at, nobody can say whether it is right.
            Some((name, error)) => Err(TargetError::new(&path.join(&name), error)),
            None => Ok(Page { entries: listed.entries, rest: listed.rest.map(Rest) }),
        }
    }
}

impl Side for TargetTree {
    type Item = Found;
    type Place = ();
    type Rest = Rest;
    type Error = TargetError;

    fn place(&self, item: &Found) -> Option<()> {
        (item.kind == FoundKind::Directory).then_some(())
    }

    fn list(&mut self, (): &(), path: &TreePath) -> Result<PageOf<Self>, TargetError> {
        self.page(None, path)
    }

    fn more(&mut self, Rest(names): Rest, path: &TreePath) -> Result<PageOf<Self>, TargetError> {
        self.page(Some(names), path)
    }
}
