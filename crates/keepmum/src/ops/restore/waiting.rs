//! What waits until the files before it are written: links to them, and metadata of folders.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use crate::catalogue::{FirstNames, LinkKey};
use crate::crypto::CiphertextHasher;
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
    pub(super) firsts: FirstNames,
    /// First names of hard link groups that could not be written.
    pub(super) unwritten: HashMap<TreePath, Cause>,
}

/// Gives what is hashed to the hasher that makes 16 bytes of it.
struct Feed(CiphertextHasher);

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0.finish();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// By what the first name of a group is kept: contents may be long, and groups many.
pub(super) fn key_of((group, content): &Group) -> LinkKey {
    let mut feed = Feed(CiphertextHasher::new());
    content.hash(&mut feed);
    (*group, feed.0.finish())
}

pub(super) fn group_of(entry: &Entry) -> Option<Group> {
    match (&entry.kind, entry.metadata.link) {
        (Kind::File(content), Some(group)) => Some((group, content.clone())),
        _ => None,
    }
}
