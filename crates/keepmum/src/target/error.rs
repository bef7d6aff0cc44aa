//! The errors of a restore target.

use std::io;

use rustix::io::Errno;

use crate::model::TreePath;

/// Something in the target could not be made, changed or removed.
#[derive(Debug, thiserror::Error)]
#[error("{} {kind}: {source}", String::from_utf8_lossy(path.as_bytes()))]
pub struct TargetError {
    /// The path concerned, from the target downward.
    pub path: TreePath,
    /// Why, as far as a program has to know.
    pub kind: TargetErrorKind,
    /// The operating system's error, or the reason why it was not asked.
    pub source: io::Error,
}

/// Why something in a target could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetErrorKind {
    /// There is no space left.
    Full,
    /// There is no permission, or the target is read-only.
    Denied,
    /// Something of another kind is in the way, a link for example.
    Occupied,
    /// A folder on the way is missing.
    Missing,
    /// Somebody has put something else there meanwhile.
    Replaced,
    /// It is left out unless it is asked for: devices, set-id bits, privileged attributes.
    NotPermitted,
    /// The owner could not be set.
    Owner,
    /// The file system cannot keep it.
    Unsupported,
    /// Its path or name is longer than the file system takes.
    TooDeep,
    /// The system failed.
    Io,
}

impl std::fmt::Display for TargetErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "could not be restored because the target is full",
            Self::Denied => "could not be restored for want of permission",
            Self::Occupied => "could not be restored because something else is in the way",
            Self::Missing => "could not be restored because a folder above it is missing",
            Self::Replaced => "was replaced while it was restored",
            Self::NotPermitted => "was not restored in all",
            Self::Owner => "could not be given to its owner",
            Self::Unsupported => "has something that the target cannot keep",
            Self::TooDeep => "is too long a path for the target",
            Self::Io => "could not be restored",
        })
    }
}

impl TargetError {
    /// The error of a system call about `path`.
    pub(super) fn new(path: &TreePath, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let kind = match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => TargetErrorKind::Full,
            Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => TargetErrorKind::Denied,
            Some(
                Errno::EXIST
                | Errno::NOTDIR
                | Errno::ISDIR
                | Errno::LOOP
                | Errno::NOTEMPTY
                | Errno::XDEV
                | Errno::BUSY,
            ) => TargetErrorKind::Occupied,
            Some(Errno::NOENT) => TargetErrorKind::Missing,
            Some(Errno::NAMETOOLONG) => TargetErrorKind::TooDeep,
            Some(Errno::OPNOTSUPP | Errno::NOSYS) => TargetErrorKind::Unsupported,
            _ => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => TargetErrorKind::Full,
                io::ErrorKind::PermissionDenied => TargetErrorKind::Denied,
                _ => TargetErrorKind::Io,
            },
        };
        Self { path: path.clone(), kind, source }
    }

    /// The same once more.
    pub fn same(&self) -> Self {
        let source = io::Error::new(self.source.kind(), self.source.to_string());
        Self { path: self.path.clone(), kind: self.kind, source }
    }

    /// The same error under a kind that the caller knows better.
    pub(super) fn of(path: &TreePath, kind: TargetErrorKind, source: impl Into<io::Error>) -> Self {
        Self { path: path.clone(), kind, source: source.into() }
    }

    /// Something that would have to be given to somebody else.
    pub(super) fn not_owner(path: &TreePath) -> Self {
        let source = io::Error::other("only root may give files to other users and groups");
        Self::of(path, TargetErrorKind::Owner, source)
    }

    /// Something that is left out without `special`.
    pub(super) fn not_permitted(path: &TreePath, what: &str) -> Self {
        let source = io::Error::other(format!("{what} left out without --special"));
        Self::of(path, TargetErrorKind::NotPermitted, source)
    }
}
