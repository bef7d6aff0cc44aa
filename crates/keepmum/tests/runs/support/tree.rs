//! A tree as the system shows it: the plain copy that a restored one is compared with.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// The kind of an entry.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Length and hash of the content.
    File(u64, blake3::Hash),
    Directory,
    Symlink(Vec<u8>),
    Fifo,
    Other,
}

/// One entry. Holes do not matter, nor do access and change times.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) what: What,
    pub(crate) mode: u32,
    pub(crate) mtime: (i64, i64),
    pub(crate) owner: (u32, u32),
    /// The first path of the same file, if it has several in the tree.
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.what {
            What::File(length, hash) => format!("file of {length} ({})", &hash.to_hex()[..8]),
            What::Directory => "directory".to_owned(),
            What::Symlink(text) => format!("link to {:?}", String::from_utf8_lossy(text)),
            What::Fifo => "pipe".to_owned(),
            What::Other => "other".to_owned(),
        };
        let link = self.link.as_ref().map(|path| String::from_utf8_lossy(path).into_owned());
        let (mode, mtime, owner) = (self.mode, self.mtime, self.owner);
        let names: Vec<_> =
            self.attributes.iter().map(|(name, _)| String::from_utf8_lossy(name)).collect();
        write!(f, "{what} {mode:o} {mtime:?} {owner:?} {link:?} {names:?}")
    }
}

/// All entries by path; the empty path is the folder itself.
pub(crate) type Tree = BTreeMap<Vec<u8>, Node>;

/// Reads a tree.
pub(crate) fn scan(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut inodes: HashMap<(u64, u64), Vec<Vec<u8>>> = HashMap::new();
    let mut waiting = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        let at = join(root, &path);
        let metadata = fs::symlink_metadata(&at).unwrap();
        let kind = metadata.file_type();
        let what = if kind.is_dir() {
            for entry in fs::read_dir(&at).unwrap() {
                let name = entry.unwrap().file_name().into_vec();
                let inside =
                    if path.is_empty() { name } else { [&path, &b"/"[..], &name].concat() };
                waiting.push(inside);
            }
            What::Directory
        } else if kind.is_file() {
            let content = fs::read(&at).unwrap();
            inodes.entry((metadata.dev(), metadata.ino())).or_default().push(path.clone());
            What::File(content.len() as u64, blake3::hash(&content))
        } else if kind.is_symlink() {
            What::Symlink(fs::read_link(&at).unwrap().into_os_string().into_vec())
        } else if kind.is_fifo() {
            What::Fifo
        } else {
            What::Other
        };
        let node = Node {
            what,
            mode: metadata.mode() & 0o7777,
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            owner: (metadata.uid(), metadata.gid()),
            link: None,
            attributes: attributes(&at),
        };
        tree.insert(path, node);
    }
    for mut paths in inodes.into_values().filter(|paths| paths.len() > 1) {
        paths.sort();
        for path in &paths {
            tree.get_mut(path).unwrap().link = Some(paths[0].clone());
        }
    }
    tree
}

pub(crate) fn join(root: &Path, path: &[u8]) -> std::path::PathBuf {
    if path.is_empty() { root.to_owned() } else { root.join(std::ffi::OsStr::from_bytes(path)) }
}

/// Attributes of the user; others are the system's.
pub(crate) fn attributes(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut list = vec![0; 64 * 1024];
    let Ok(length) = rustix::fs::llistxattr(path, list.as_mut_slice()) else { return Vec::new() };
    let names = list[..length].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user."));
    let mut found: Vec<_> = names
        .map(|name| {
            let mut value = vec![0; 64 * 1024];
            let length = rustix::fs::lgetxattr(path, name, value.as_mut_slice()).unwrap();
            (name.to_vec(), value[..length].to_vec())
        })
        .collect();
    found.sort();
    found
}

/// The differences of two trees, in words; empty if they are equal.
pub(crate) fn differences(expected: &Tree, found: &Tree) -> Vec<String> {
    let mut all = Vec::new();
    for (path, node) in expected {
        let name = String::from_utf8_lossy(path);
        match found.get(path) {
            None => all.push(format!("{name:?} is missing: {node:?}")),
            Some(other) if other != node => {
                all.push(format!("{name:?} is {other:?} and should be {node:?}"));
            }
            Some(_) => {}
        }
    }
    let surplus = found.keys().filter(|path| !expected.contains_key(*path));
    all.extend(surplus.map(|path| format!("{:?} is there", String::from_utf8_lossy(path))));
    all
}
