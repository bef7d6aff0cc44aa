//! Work that waits until the files before it are written: links to them, and metadata of folders.

use std::collections::HashMap;

use crate::catalogue::{FirstNames, LinkKey};
use crate::model::{Content, FoundKind, Metadata, TreePath};

/// A further name of a file.
pub(super) struct Link {
    pub(super) key: LinkKey,
    pub(super) content: Content,
    pub(super) path: TreePath,
    pub(super) metadata: Metadata,
    pub(super) there: Option<FoundKind>,
    /// Whether the existing thing is right except that it is not the same file.
    pub(super) right: bool,
}

/// Why a file could not be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Its content is unreadable: no other name of it can be written either.
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

/// All that waits.
#[derive(Default)]
pub(super) struct Waiting {
    /// Directories that the walk has left, to get their metadata.
    pub(super) directories: Vec<(TreePath, Metadata)>,
    pub(super) links: Vec<Link>,
    /// Bytes of the paths of both.
    pub(super) bytes: usize,
    /// First name of each file with several, and the file if it was right already.
    pub(super) firsts: FirstNames,
    /// First names of hard link groups that could not be written.
    pub(super) unwritten: HashMap<TreePath, Cause>,
}
