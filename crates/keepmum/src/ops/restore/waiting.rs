//! What waits until the files before it are written: links to them, and metadata of folders.

use std::collections::HashMap;

use crate::model::{Content, Entry, FoundKind, Kind, Metadata, TreePath};

/// A hard link group and the content of its names.
pub(super) type Group = (u64, Content);

/// A further name of a file.
pub(super) struct Link {
    pub(super) group: Group,
    pub(super) path: TreePath,
    pub(super) metadata: Metadata,
    pub(super) there: Option<FoundKind>,
    /// Whether what is there is right but for not being the same file.
    pub(super) right: bool,
}

/// Why a file could not be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its content cannot be had: no other name of it can be written either.
    Content,
    /// Its place cannot be written; other names of it can.
    Place,
}

/// A file that could not be written.
pub(super) struct Unwritten<'a> {
    pub(super) path: &'a TreePath,
    pub(super) size: u64,
    /// It is the first name of a hard link group.
    pub(super) linked: bool,
}

/// What a file system knows a file by: device and inode.
type Identity = (u64, u64);

/// All that waits.
#[derive(Default)]
pub(super) struct Waiting {
    /// Directories that the walk has left, to get their metadata.
    pub(super) directories: Vec<(TreePath, Metadata)>,
    pub(super) links: Vec<Link>,
    /// Bytes of the paths of both.
    pub(super) bytes: usize,
    /// First name of each hard link group with this content, and the file if it was right already.
    /// Names whose content differs cannot be one file, whatever their group says.
    pub(super) firsts: HashMap<Group, (TreePath, Option<Identity>)>,
    /// First names of hard link groups that could not be written.
    pub(super) unwritten: HashMap<TreePath, Cause>,
}

pub(super) fn group_of(entry: &Entry) -> Option<Group> {
    match (&entry.kind, entry.metadata.link) {
        (Kind::File(content), Some(group)) => Some((group, content.clone())),
        _ => None,
    }
}
