//! Links in the target on the way to restored things.
//!
//! Somebody who keeps `home -> data` wants the files of `home` in `data`. A link is followed only
//! if the caller asks for it by its path, before anything is restored, and only to a folder of this
//! target; from then on its path means that folder. Nowhere else is a link followed.

use std::fs::canonicalize;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{OFlags, readlinkat};
use rustix::io::Errno;

use super::{Target, TargetError};
use crate::beneath::{found, is_cache, stat, stat_at};
use crate::model::{Found, FoundKind, Side, TreePath};

/// The thing in the target at a path on the way to restored things.
#[derive(Debug, PartialEq, Eq)]
pub enum Way {
    /// No link.
    Plain,
    /// A link that leads to a folder of the target: that folder.
    Followed(Box<Found>),
    /// A link that leads elsewhere: where to, in words.
    Astray(&'static str),
}

impl Target {
    /// The existing thing, if any: a link itself and not its target.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn look(&self, path: &TreePath) -> Result<Option<Found>, TargetError> {
        let Some((above, name)) = path.split() else { return Ok(None) };
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let folder = match self.0.beneath.open(above.as_bytes(), flags) {
            Ok(folder) => folder,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(TargetError::new(path, error)),
        };
        match stat_at(folder.as_fd(), name.as_bytes()) {
            Ok(stat) => Ok(Some(found(name, &stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(TargetError::new(path, error)),
        }
    }

    /// The target of a link; nothing if it is none.
    pub fn link_text(&self, path: &TreePath) -> Option<Vec<u8>> {
        let (above, name) = path.split()?;
        let folder = self.0.beneath.open(above.as_bytes(), OFlags::PATH | OFlags::DIRECTORY);
        let text = readlinkat(folder.ok()?, name.as_bytes(), Vec::new()).ok()?;
        Some(text.into_bytes())
    }

    /// Whether a folder says of itself that it is a cache.
    pub fn is_cache(&self, path: &TreePath) -> bool {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let folder = self.0.beneath.open_quietly(path.as_bytes(), flags);
        folder.is_ok_and(|folder| is_cache(folder.as_fd()))
    }

    /// Whether a folder has nothing in it. One that cannot be listed has.
    pub fn is_empty(&self, path: &TreePath) -> bool {
        self.tree().list(&(), path).is_ok_and(|page| page.entries.is_empty() && page.rest.is_none())
    }

    /// Looks at a path on the way to restored things; if a link there leads to a folder of the
    /// target, the path means that folder from now on. `home` is the path of the target itself. To
    /// be asked of upper paths first.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn follow(&self, path: &TreePath, home: &Path) -> Result<Way, TargetError> {
        let problem = |error| TargetError::new(path, error);
        let there = self.look(path)?;
        if there.is_none_or(|found| found.kind != FoundKind::Symlink) {
            return Ok(Way::Plain);
        }
        let home = canonicalize(home).map_err(problem)?;
        let real = self.real(path);
        let link = home.join(std::ffi::OsStr::from_bytes(real.as_bytes()));
        let led = match canonicalize(&link) {
            Ok(led) => led,
            Err(error) if is_absent(&error) => return Ok(Way::Astray("leads to nothing")),
            Err(error) => return Err(problem(error)),
        };
        let Ok(rest) = led.strip_prefix(&home) else {
            return Ok(Way::Astray("leads out of the target"));
        };
        let Ok(to) = TreePath::new(rest.as_os_str().as_bytes()) else {
            return Ok(Way::Astray("leads to nothing that can be named"));
        };
        // From here on no link counts: the thing looked at a moment ago may have been replaced.
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let Ok(folder) = self.0.beneath.open(to.as_bytes(), flags) else {
            return Ok(Way::Astray("leads to no folder"));
        };
        let stat = stat(folder.as_fd()).map_err(|error| problem(error.into()))?;
        let Some((_, name)) = path.split() else { return Ok(Way::Plain) };
        self.0.beneath.redirect(path.as_bytes(), to.as_bytes());
        Ok(Way::Followed(Box::new(found(name, &stat))))
    }

    /// The path with its followed links replaced by their targets.
    pub fn real(&self, path: &TreePath) -> TreePath {
        let real = self.0.beneath.redirected(path.as_bytes());
        TreePath::new(&real).unwrap_or_else(|_| path.clone())
    }
}

fn is_absent(error: &io::Error) -> bool {
    let absent = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|number| absent.contains(&number))
}
