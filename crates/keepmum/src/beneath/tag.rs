//! Folders that say of themselves that they are caches, by the Cache Directory Tagging
//! Specification.

use std::os::fd::BorrowedFd;

use rustix::fs::{Mode, OFlags, openat};

use super::listing::{kind_of, stat_at};
use crate::model::FoundKind;

/// The name of the file that says it.
pub(crate) const TAG: &[u8] = b"CACHEDIR.TAG";
/// The bytes at its beginning.
const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// Whether a directory with a tag in it says of itself that it is a cache.
pub(crate) fn is_cache(directory: BorrowedFd<'_>) -> bool {
    stat_at(directory, TAG).is_ok_and(|tag| kind_of(&tag) == FoundKind::File) && is_tag(directory)
}

/// Whether a file with the name of a tag has its signature.
pub(crate) fn is_tag(directory: BorrowedFd<'_>) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(tag) = openat(directory, TAG, flags | OFlags::NOCTTY, Mode::empty()) else {
        return false;
    };
    let mut start = [0; SIGNATURE.len()];
    rustix::io::pread(&tag, &mut start, 0) == Ok(SIGNATURE.len()) && start == SIGNATURE
}
