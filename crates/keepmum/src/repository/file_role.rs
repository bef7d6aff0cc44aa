//! The names that sync clients give to files: copies, files on their way, placeholders, and the
//! folders that clients keep for themselves.
//!
//! Only names are looked at. Bytes are never trusted because of a name.

use crate::format::FileName;

/// What a file with the name of an object in its own is to that object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The object, if its bytes are right: under its own name, or as a copy.
    Bytes,
    /// A client is writing it, or another program keeps notes about it. It is never read: the client
    /// renames it once it is whole.
    OnItsWay,
    /// The sync service has the object, and this computer only a stub of it.
    Placeholder,
}

/// What file names end in while a client writes the file, in lower case.
const UNFINISHED: [&str; 11] = [
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    ".download",
    ".unison",
    ".!sync",
    ".syncpart",
    ".synctemp",
];

/// What the names of placeholders end in: of iCloud, Nextcloud and ownCloud.
const STUBS: [&str; 3] = [".icloud", ".nextcloud", ".owncloud"];

/// Folders in which clients keep deleted files, other than those that begin with a sign.
const BINS: [&str; 3] = ["rubbish", "lost_and_found", "lost+found"];

impl Role {
    /// The role of a file with this name.
    pub(super) fn of(name: &FileName<'_>) -> Self {
        let after = name.after.to_ascii_lowercase();
        let is_hidden = name.before.starts_with(['.', '~']);
        if STUBS.contains(&&*after) && matches!(name.before, "" | ".") {
            return Self::Placeholder;
        }
        match is_hidden || UNFINISHED.iter().any(|end| after.ends_with(end)) {
            true => Self::OnItsWay,
            false => Self::Bytes,
        }
    }
}

/// Whether a file is in a folder that a client keeps for itself: its trash, its old versions or its
/// cache. They are emptied without notice and hardly ever uploaded.
pub(super) fn is_aside(path: &str) -> bool {
    let Some((folders, _)) = path.rsplit_once('/') else { return false };
    folders.split('/').any(|folder| {
        folder.starts_with(['.', '~', '$', '#', '@'])
            || BINS.contains(&&*folder.to_ascii_lowercase())
    })
}

/// The order in which the files of an object are read, and which of them is the original: the first,
/// if it has the object's own name. It depends on paths alone, so all devices agree about it.
pub(super) fn order(path: &str) -> (u8, usize, &str) {
    let is_own = FileName::find(path).is_some_and(|name| name.is_own());
    let group = match (is_aside(path), is_own) {
        (false, true) => 0,
        (false, false) => 1,
        (true, _) => 2,
    };
    (group, path.matches('/').count(), path)
}

/// Whether the object's own name is the name of this file, in a folder that is not a client's own.
pub(super) fn is_original(path: &str) -> bool {
    order(path).0 == 0
}
