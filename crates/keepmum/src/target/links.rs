//! Further names of files that are there.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, linkat, openat, renameat};
use rustix::io::Errno;

use super::folders::Folder;
use super::kept::lost;
use super::stage::{Existing, link_open};
use super::{Target, TargetError, TargetErrorKind};
use crate::beneath::{found, stat};
use crate::model::{Found, Name, TreePath};
use crate::seam::Operation;

impl Target {
    /// Makes a second name for a file of the target, at once, because everything that has a name is
    /// durable. `is_it` says whether the first name still belongs to the wanted file: somebody may
    /// have replaced it meanwhile.
    ///
    /// # Errors
    /// [`TargetErrorKind::Occupied`] if something is there that must not be replaced,
    /// [`TargetErrorKind::Unsupported`] where a file cannot have a second name,
    /// [`TargetErrorKind::Replaced`] if the first name belongs to something else.
    pub fn hard_link(
        &self,
        first: &TreePath,
        path: &TreePath,
        existing: Existing,
        is_it: impl Fn(&Found) -> bool,
    ) -> Result<(), TargetError> {
        let inner = &self.0;
        let (from, old) = inner.place(first)?;
        let (folder, name) = inner.place(path)?;
        inner.with_space(|| {
            // A gate may refuse it in the way of a file system that has no second names.
            let asked = inner.gate.pass(Operation::TargetLink, path.as_bytes(), 0);
            asked.map_err(|error| {
                no_link(path, Errno::from_io_error(&error).unwrap_or(Errno::IO))
            })?;
            let held = hold(&from, &old, &is_it).map_err(|error| match error {
                Some(error) => TargetError::new(path, error),
                None => replaced(path),
            })?;
            let link = |folder: &Folder, name: &[u8]| match inner.can_name_open_files {
                // It is the file that was looked at, whatever has its name by now.
                true => link_open(&held, folder, name),
                false => linkat(from.fd(), old.as_bytes(), folder.fd(), name, AtFlags::empty()),
            };
            if existing == Existing::Refuse {
                return link(&folder, name.as_bytes()).map_err(|error| no_link(path, error));
            }
            let made =
                inner.make_temporary(&folder, path, |folder, name| link(folder, name.as_bytes()));
            let (temporary, ()) = made.map_err(|error| no_link(path, error))?;
            inner.ask(Operation::TargetRename, path)?;
            // Where it is a name of this very file already nothing happens, and the temporary one
            // goes with its guard.
            let (from, old) = (temporary.folder.fd(), temporary.name.as_str());
            renameat(from, old, folder.fd(), name.as_bytes())
                .map_err(|error| TargetError::new(path, error))
        })
    }
}

/// Holds the file that has a name, if it is the wanted one; links are not followed.
fn hold(
    folder: &Folder,
    name: &Name,
    is_it: impl Fn(&Found) -> bool,
) -> Result<OwnedFd, Option<Errno>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let held = openat(folder.fd(), name.as_bytes(), flags, Mode::empty()).map_err(Some)?;
    let about = stat(held.as_fd()).map_err(Some)?;
    match is_it(&found(name.clone(), &about)) {
        true => Ok(held),
        false => Err(None),
    }
}

fn replaced(path: &TreePath) -> TargetError {
    let source = std::io::Error::other("its first name belongs to another file by now");
    TargetError::of(path, TargetErrorKind::Replaced, source)
}

/// A second name that could not be given.
fn no_link(path: &TreePath, error: Errno) -> TargetError {
    match error {
        Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK | Errno::XDEV => {
            lost(path, "it is a further name of a file, and becomes a file of its own")
        }
        error => TargetError::new(path, error),
    }
}
