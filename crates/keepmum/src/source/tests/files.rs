//! Reading files, links and attributes.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::sync::Arc;

use super::{Folder, Keeper, all, clock, find, open, tree_path};
use crate::model::{FoundKind, Stamp};
use crate::seam::Operation;
use crate::source::{Names, OpenFile, Rules, Source, SourceErrorKind};

fn stamp(source: &Source, path: &Path) -> Stamp {
    find(&all(&mut source.walk(0).0), path).stamp
}

fn sharable<T: Send + Sync>(_: &T) {}

#[test]
fn a_file_is_read_as_it_was_listed() {
    let folder = Folder::new();
    let path = folder.write("f", b"hello world");
    fs::hard_link(&path, folder.join("second")).unwrap();
    let source = open(&[folder.path()], Rules::default());
    sharable(&source);
    let seen = all(&mut source.walk(0).0);
    let found = find(&seen, &path);
    assert_eq!((found.links, found.stamp.size), (2, 11));
    assert_eq!(found.stamp.inode, find(&seen, &folder.join("second")).stamp.inode);
    let file = source.open_file(&tree_path(&path), &found.stamp).unwrap();
    sharable(&file);
    assert_eq!(*file.stamp(), found.stamp);
    let mut part = [0; 5];
    assert_eq!(file.read_at(6, &mut part).unwrap(), 5);
    assert_eq!(&part, b"world");
    assert_eq!(file.read_at(11, &mut part).unwrap(), 0);
    let mut whole = b"left from before, ".to_vec();
    file.append_to(&mut whole, 11).unwrap();
    assert_eq!(whole, b"left from before, hello world");
    assert!(!file.changed_since(&found.stamp).unwrap());
    // A file that has grown returns only the requested bytes.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"!!!").unwrap();
    whole.clear();
    file.append_to(&mut whole, 11).unwrap();
    assert_eq!(whole, b"hello world");
    assert!(file.changed_since(&found.stamp).unwrap());
    whole.clear();
    file.append_to(&mut whole, 100).unwrap();
    assert_eq!(whole, b"hello world!!!");
}

#[test]
fn a_thing_that_took_a_files_place_is_not_read() {
    let folder = Folder::new();
    let source = open(&[folder.path()], Rules::default());
    let kind = |name: &str, swap: &dyn Fn(&Path)| {
        let path = folder.write(name, b"x");
        let stamp = stamp(&source, &path);
        // It stays under another name, so that no new file gets its number.
        fs::rename(&path, folder.join(format!("{name}.old"))).unwrap();
        swap(&path);
        source.open_file(&tree_path(&path), &stamp).err().map(|error| error.kind)
    };
    let changed = Some(SourceErrorKind::Changed);
    assert_eq!(kind("gone", &|_| ()), Some(SourceErrorKind::Vanished));
    assert_eq!(kind("other", &|path| fs::write(path, "y").unwrap()), changed);
    assert_eq!(kind("link", &|path| symlink("/etc/passwd", path).unwrap()), changed);
    assert_eq!(kind("dir", &|path| fs::create_dir(path).unwrap()), changed);
    // Opening a pipe for reading would wait for a writer.
    let pipe = |path: &Path| {
        let mode = rustix::fs::Mode::RWXU;
        rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).unwrap();
    };
    assert_eq!(kind("pipe", &pipe), changed);
    // A link in the middle of the path.
    let deep = folder.write("d/f", b"x");
    let before = stamp(&source, &deep);
    fs::rename(folder.join("d"), folder.join("e")).unwrap();
    symlink("e", folder.join("d")).unwrap();
    let error = source.open_file(&tree_path(&deep), &before).err().unwrap();
    assert_eq!(error.kind, SourceErrorKind::Changed);
}

fn ranges(file: &OpenFile) -> Vec<(u64, u64)> {
    file.data_ranges().map(Result::unwrap).collect()
}

#[test]
fn holes_are_found() {
    let folder = Folder::new();
    let (dense, hole, sparse) =
        (folder.write("dense", &[1; 5000]), folder.join("h"), folder.join("s"));
    fs::File::create(&hole).unwrap().set_len(1 << 30).unwrap();
    let mut file = fs::File::create(&sparse).unwrap();
    file.seek(SeekFrom::Start(1 << 20)).unwrap();
    file.write_all(&[1; 4096]).unwrap();
    file.set_len(3 << 20).unwrap();
    let source = open(&[folder.path()], Rules::default());
    let open = |path: &Path| source.open_file(&tree_path(path), &stamp(&source, path)).unwrap();
    assert_eq!(ranges(&open(&dense)), [(0, 5000)]);
    if fs::metadata(&hole).unwrap().blocks() == 0 {
        assert_eq!(ranges(&open(&hole)), []);
        assert_eq!(ranges(&open(&sparse)), [(1 << 20, 4096)]);
    }
    assert_eq!(ranges(&open(&folder.write("empty", b""))), []);
}

#[test]
fn links_and_attributes_are_read_as_they_are() {
    let folder = Folder::new();
    let path = folder.write("f", b"x");
    let set = |name: &str, value: &[u8]| {
        rustix::fs::setxattr(&path, name, value, rustix::fs::XattrFlags::empty()).unwrap();
    };
    set("user.z", b"last");
    set("user.a", b"\0\xff");
    symlink("f", folder.join("link")).unwrap();
    let source = open(&[folder.path()], Rules::default());
    let read = source.all_attributes(&tree_path(&path), FoundKind::File).unwrap();
    let plain: Vec<_> =
        read.iter().map(|a| (&*a.namespace, &*a.name, a.value().unwrap())).collect();
    let expected = [("xattr", &b"user.a"[..], &b"\0\xff"[..]), ("xattr", b"user.z", b"last")];
    assert_eq!(plain, expected);
    let file = source.open_file(&tree_path(&path), &stamp(&source, &path)).unwrap();
    assert_eq!(file.attributes().whole().unwrap(), read);
    let link = tree_path(&folder.join("link"));
    assert_eq!(source.read_link(&link).unwrap(), b"f");
    assert_eq!(source.all_attributes(&link, FoundKind::Symlink).unwrap(), []);
    let top = tree_path(&folder.path());
    assert_eq!(source.all_attributes(&top, FoundKind::Directory).unwrap(), []);
    let above = top.split().unwrap().0;
    source.all_attributes(&above, FoundKind::Directory).unwrap();
    let file = source.read_link(&tree_path(&path)).unwrap_err();
    assert_eq!(file.kind, SourceErrorKind::Changed);
    let outside = source.all_attributes(&tree_path("/etc/passwd".as_ref()), FoundKind::File);
    assert_eq!(outside.unwrap_err().kind, SourceErrorKind::Vanished);
}

#[test]
fn short_reads_and_failures_pass_the_gate() {
    let folder = Folder::new();
    let path = folder.write("f", &(0..=255).collect::<Vec<u8>>());
    let halving = Arc::new(Keeper { halve: true, ..Keeper::default() });
    let source =
        Source::open(&[folder.path()], Rules::default(), halving.clone(), clock()).unwrap();
    let before = stamp(&source, &path);
    let mut bytes = Vec::new();
    let file = source.open_file(&tree_path(&path), &before).unwrap();
    file.append_to(&mut bytes, 256).unwrap();
    assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
    assert!(halving.count.lock().unwrap()[&Operation::SourceRead] > 5);
    assert_eq!(file.read_at(0, &mut [0; 10]).unwrap(), 5);
    for operation in [Operation::SourceOpen, Operation::SourceRead] {
        let gate = Arc::new(Keeper { refuse: Some((operation, 1)), ..Keeper::default() });
        let source = Source::open(&[folder.path()], Rules::default(), gate, clock()).unwrap();
        let read = || source.open_file(&tree_path(&path), &before)?.append_to(&mut Vec::new(), 256);
        assert_eq!(read().unwrap_err().kind, SourceErrorKind::Io, "{operation:?}");
        read().unwrap();
    }
}

#[test]
fn owners_have_names() {
    let names = Names::default();
    assert_eq!(names.user(0).as_deref(), Some(&b"root"[..]));
    assert_eq!(names.group(0).as_deref(), Some(&b"root"[..]));
    assert_eq!(names.user(4_000_000_000), None);
    assert_eq!(names.user(4_000_000_000), None);
}
