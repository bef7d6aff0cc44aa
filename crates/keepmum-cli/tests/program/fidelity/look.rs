//! All that can be seen of a tree from outside, to be compared.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Everything visible of one entry that a backup must keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) kind: &'static str,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) mtime: (i64, i64),
    /// Length and hash of a file, text of a link, number of a device.
    pub(crate) content: String,
    pub(crate) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The first path of the same file, for files with several names.
    pub(crate) same_as: Option<PathBuf>,
}

/// Everything beneath a folder, by its path from there; sockets are not looked at.
pub(crate) fn tree(top: &Path) -> BTreeMap<PathBuf, Look> {
    let mut seen = BTreeMap::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.file_type().is_socket() {
                continue;
            }
            if metadata.is_dir() {
                waiting.push(path.clone());
            }
            seen.insert(path.strip_prefix(top).unwrap().to_owned(), look(&path, &metadata));
        }
    }
    note_links(top, &mut seen);
    seen
}

fn note_links(top: &Path, seen: &mut BTreeMap<PathBuf, Look>) {
    let mut firsts = BTreeMap::new();
    for (path, look) in seen.iter_mut().filter(|(_, look)| look.kind == "file") {
        let metadata = fs::symlink_metadata(top.join(path)).unwrap();
        if metadata.nlink() > 1 {
            let first = firsts.entry((metadata.dev(), metadata.ino()));
            look.same_as = Some(first.or_insert_with(|| path.clone()).clone());
        }
    }
}

fn look(path: &Path, metadata: &fs::Metadata) -> Look {
    let kind = metadata.file_type();
    let (kind, content) = match kind {
        kind if kind.is_file() => ("file", format!("{} {:x}", metadata.len(), hash(path))),
        kind if kind.is_dir() => ("directory", String::new()),
        kind if kind.is_symlink() => {
            ("link", fs::read_link(path).unwrap().as_os_str().as_bytes().escape_ascii().to_string())
        }
        kind if kind.is_fifo() => ("pipe", String::new()),
        kind if kind.is_char_device() => ("character device", metadata.rdev().to_string()),
        kind if kind.is_block_device() => ("block device", metadata.rdev().to_string()),
        _ => ("something else", String::new()),
    };
    Look {
        kind,
        mode: metadata.mode(),
        owner: (metadata.uid(), metadata.gid()),
        mtime: (metadata.mtime(), metadata.mtime_nsec()),
        content,
        attributes: attributes(path),
        same_as: None,
    }
}

/// Read in pieces: there are files larger than memory.
fn hash(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut file = fs::File::open(path).unwrap();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read(&mut buffer[filled..]).unwrap() {
                0 => break,
                count => filled += count,
            }
        }
        if filled == 0 {
            return hasher.finish();
        }
        buffer[..filled].hash(&mut hasher);
    }
}

/// The extended attributes that somebody set; labels that the system gives to all are passed over.
pub(crate) fn attributes(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = vec![0; 64 << 10];
    let length = match rustix::fs::llistxattr(path, &mut names[..]) {
        Ok(length) => length,
        Err(rustix::io::Errno::OPNOTSUPP) => 0,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let names = names.filter(|name| {
        let labels: [&[u8]; 4] =
            [b"security.selinux", b"security.SMACK", b"security.ima", b"security.evm"];
        !labels.iter().any(|label| name.starts_with(label))
    });
    names.map(|name| (name.to_vec(), value(path, &CString::new(name).unwrap()).unwrap())).collect()
}

fn value(path: &Path, name: &CStr) -> io::Result<Vec<u8>> {
    let mut value = vec![0; 64 << 10];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..])?;
    value.truncate(length);
    Ok(value)
}

/// Fails with the first few paths at which two trees differ.
#[track_caller]
pub(crate) fn assert_equal(expected: &BTreeMap<PathBuf, Look>, actual: &BTreeMap<PathBuf, Look>) {
    let paths = expected.keys().chain(actual.keys().filter(|path| !expected.contains_key(*path)));
    let differing = paths.filter(|path| expected.get(*path) != actual.get(*path));
    let said: Vec<_> = differing
        .take(5)
        .map(|path| {
            let path_text = path.as_os_str().as_bytes().escape_ascii().to_string();
            format!("{path_text}:\n  {:?}\n  {:?}", expected.get(path), actual.get(path))
        })
        .collect();
    assert!(said.is_empty(), "what came back differs (saved, restored):\n{}", said.join("\n"));
}
