//! Opening things below the root without ever leaving it through a link or `..`.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::{Errno, Result};

/// Set once the kernel (before 5.6) or a sandbox has no `openat2`.
static WITHOUT_OPENAT2: AtomicBool = AtomicBool::new(false);

/// Opens `path` below `root`; every component must be a directory, none of them a link.
pub(super) fn open(root: impl AsFd, path: &[u8], flags: OFlags) -> Result<OwnedFd> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if !WITHOUT_OPENAT2.load(Ordering::Relaxed) {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        loop {
            match openat2(&root, path, flags, Mode::empty(), resolve) {
                // A concurrent rename made the kernel unsure; it asks to be called again.
                Err(Errno::AGAIN) => {}
                Err(Errno::NOSYS | Errno::PERM) => break,
                other => return other,
            }
        }
        // A sandbox may answer PERM for the call itself; the plain way then tells the truth.
        WITHOUT_OPENAT2.store(true, Ordering::Relaxed);
    }
    open_by_components(root, path, flags)
}

/// The same without `openat2`: one directory descriptor after the other.
pub(super) fn open_by_components(root: impl AsFd, path: &[u8], flags: OFlags) -> Result<OwnedFd> {
    let mut components = path.split(|byte| *byte == b'/').peekable();
    let mut at: Option<OwnedFd> = None;
    while let Some(component) = components.next() {
        if component.is_empty() || component == b"." || component == b".." {
            return Err(if component == b".." { Errno::XDEV } else { Errno::NOENT });
        }
        let flags = if components.peek().is_some() {
            OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY
        } else {
            flags
        };
        let next = match &at {
            Some(directory) => openat(directory, component, flags, Mode::empty())?,
            None => openat(&root, component, flags, Mode::empty())?,
        };
        at = Some(next);
    }
    at.ok_or(Errno::NOENT)
}

/// Opens the directory that holds the last component of `path`, and names that component.
pub(super) fn open_parent(root: impl AsFd, path: &[u8]) -> Result<(OwnedFd, &[u8])> {
    let directory = OFlags::DIRECTORY | OFlags::RDONLY;
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => Ok((open(root, &path[..at], directory)?, &path[at + 1..])),
        None => Ok((openat(root, ".", directory | OFlags::CLOEXEC, Mode::empty())?, path)),
    }
}

/// Opens the destination itself, which may well be reached through links.
pub(super) fn open_root(path: &std::path::Path) -> Result<OwnedFd> {
    openat(CWD, path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_opening_agree_and_never_leave_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::write(folder.path().join("a/b/file"), b"x").unwrap();
        std::fs::write(outside.path().join("file"), b"x").unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("a/out")).unwrap();
        std::os::unix::fs::symlink("b/file", folder.path().join("a/link")).unwrap();
        let root = open_root(folder.path()).unwrap();
        let opens: [(&str, bool); 9] = [
            ("a/b/file", true),
            ("a/b", true),
            ("a/out/file", false),
            ("a/out", false),
            ("a/link", false),
            ("../file", false),
            ("a/b/file/x", false),
            ("", false),
            ("/etc", false),
        ];
        for (path, expected) in opens {
            let path = path.as_bytes();
            assert_eq!(open(&root, path, OFlags::RDONLY).is_ok(), expected, "{path:?}");
            let plain = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            assert_eq!(open_by_components(&root, path, plain).is_ok(), expected, "{path:?}");
        }
    }
}
