//! A power cut in a restore: the target, a real folder, loses everything that was not durable.
//!
//! A gate sees each operation before it is done. From these it knows which changes have been
//! synced. When the power goes, the folder is rebuilt in a state that POSIX permits then, chosen by
//! a seed: a name that was not synced is there or not, in its old or its new meaning; content that
//! was not synced is there, in part, or zeros; so are times and modes. The last actions of a killed
//! program do not count: the folder is looked at before.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use keepmum::inside::seam::{Gate, Operation};
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use super::dice::Dice;
use super::tree::{attributes, join};

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    File(Vec<u8>),
    Directory,
    Symlink(Vec<u8>),
    Fifo,
}

/// One thing on the disk; further names have the same inode.
#[derive(Clone, PartialEq, Eq)]
struct Thing {
    inode: u64,
    kind: Kind,
    mode: u32,
    /// None for the time of the power cut.
    mtime: Option<(i64, i64)>,
    attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

/// All names in the target, the empty one left out.
type Disk = BTreeMap<Vec<u8>, Thing>;

#[derive(Default)]
struct State {
    /// At which operation the power goes.
    cut: Option<u64>,
    count: u64,
    only_named: bool,
    /// The state at the last sync of everything.
    durable: Disk,
    /// Files written to since they were synced, by their final path.
    dirty: BTreeSet<Vec<u8>>,
    /// Files synced one by one. For a folder that holds for good: it is never rewritten.
    synced: BTreeSet<Vec<u8>>,
    /// Names that came and went since.
    passing: Disk,
    left: Option<Disk>,
}

/// A gate that knows which data is durable.
pub(crate) struct PowerGate {
    target: PathBuf,
    /// The folder's path as operations name it; empty if it is the target itself.
    inside: Vec<u8>,
    state: Mutex<State>,
}

impl PowerGate {
    /// A gate before a target that is durable as it is. The power goes at the operation of this
    /// number; `only_named` makes it a file system without unnamed files.
    pub(crate) fn new(target: &Path, cut: Option<u64>, only_named: bool) -> Self {
        let durable = read(target);
        let state = State { cut, only_named, durable, ..State::default() };
        Self { target: target.to_owned(), inside: Vec::new(), state: Mutex::new(state) }
    }

    /// The same before a folder of the real root, for a restore to where things came from.
    pub(crate) fn in_place(folder: &Path, cut: Option<u64>, only_named: bool) -> Self {
        let inside = folder.strip_prefix("/").unwrap().as_os_str().as_bytes().to_owned();
        Self { inside, ..Self::new(folder, cut, only_named) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Operations so far.
    pub(crate) fn count(&self) -> u64 {
        self.state().count
    }

    /// The contents of the disk when the power is back. Returns whether it had gone at all.
    pub(crate) fn lose(&self, dice: &mut Dice) -> bool {
        let state = self.state();
        let Some(left) = &state.left else { return false };
        write(&self.target, &state.after(left, dice));
        true
    }
}

impl Gate for PowerGate {
    fn pass(&self, operation: Operation, path: &[u8], bytes: usize) -> io::Result<usize> {
        use Operation::{SourceList, SourceOpen, SourceRead, TargetRename, TargetSync};
        let inner = path.strip_prefix(&*self.inside);
        let path = inner.map_or(path, |inner| inner.strip_prefix(b"/").unwrap_or(inner));
        let mut state = self.state();
        if matches!(operation, SourceList | SourceOpen | SourceRead) {
            return Ok(bytes);
        }
        if state.left.is_none() && state.cut == Some(state.count) {
            state.left = Some(read(&self.target));
        }
        if state.left.is_some() {
            return Err(io::Error::other("the power is gone"));
        }
        state.count += 1;
        match operation {
            Operation::TargetUnnamed if state.only_named => {
                return Err(rustix::io::Errno::OPNOTSUPP.into());
            }
            TargetSync if path.is_empty() => {
                state.durable = read(&self.target);
                state.dirty.clear();
                state.passing.clear();
            }
            TargetSync => {
                state.dirty.remove(path);
                state.synced.insert(path.to_vec());
            }
            TargetRename => {
                let now = read(&self.target);
                state.passing.extend(now.into_iter().filter(|(path, _)| is_temporary(path)));
            }
            // A second name changes nothing in the named file.
            Operation::TargetLink | Operation::TargetRemove => {}
            _ => {
                state.dirty.insert(path.to_vec());
            }
        }
        Ok(bytes)
    }
}

impl State {
    fn after(&self, left: &Disk, dice: &mut Dice) -> Disk {
        let mut lost: HashMap<u64, Thing> = HashMap::new();
        let old: HashMap<u64, &Thing> = self.durable.values().map(|one| (one.inode, one)).collect();
        // By its lasting name it is known whether something was synced, so those come first.
        let lasting = left.iter().filter(|(path, _)| !is_temporary(path));
        let others = left.iter().filter(|(path, _)| is_temporary(path)).chain(&self.passing);
        for (path, thing) in lasting.chain(others) {
            let before = old.get(&thing.inode).copied();
            let Entry::Vacant(free) = lost.entry(thing.inode) else { continue };
            let now = free.insert(thing.clone());
            match before {
                Some(before) if before != thing && dice.one_in(2) => *now = before.clone(),
                Some(_) => {}
                None if now.kind == Kind::Directory && self.synced.contains(path) => {}
                None if is_temporary(path) || self.dirty.contains(path) => damage(now, dice),
                None => {}
            }
        }
        // Else next to nothing that lies deep would ever be there.
        let rare = *dice.pick(&[2, 6, 30]);
        let mut disk = Disk::new();
        let names: BTreeSet<_> = self.durable.keys().chain(left.keys()).collect();
        for path in names {
            let (before, now) = (self.durable.get(path), left.get(path));
            let same = before.is_some_and(|a| now.is_some_and(|b| a.inode == b.inode));
            let chosen = if same || !dice.one_in(rare) { now } else { before };
            let chosen = chosen.map(|one| lost.get(&one.inode).unwrap_or(one).clone());
            put(&mut disk, path, chosen);
        }
        for (path, thing) in &self.passing {
            if !left.contains_key(path) && dice.one_in(3) {
                put(&mut disk, path, lost.get(&thing.inode).cloned());
            }
        }
        disk
    }
}

fn is_temporary(path: &[u8]) -> bool {
    path.rsplit(|byte| *byte == b'/').next().is_some_and(|name| name.starts_with(b".keepmum-"))
}

/// Puts something at a path, if its folder is there.
fn put(disk: &mut Disk, path: &[u8], thing: Option<Thing>) {
    let above = path.iter().rposition(|byte| *byte == b'/').map(|at| &path[..at]);
    let there = above
        .is_none_or(|above| disk.get(above).is_some_and(|folder| folder.kind == Kind::Directory));
    if let Some(thing) = thing.filter(|_| there) {
        disk.insert(path.to_vec(), thing);
    }
}

/// The possible states of something that was never synced.
fn damage(thing: &mut Thing, dice: &mut Dice) {
    if let Kind::File(content) = &mut thing.kind {
        let (length, half) = (content.len(), content.len() / 2);
        match dice.below(6) {
            0 => content.fill(0),
            1 => content.truncate(half),
            2 => content.clear(),
            3 => content[half..].fill(0),
            4 => content[..half].fill(0),
            _ => {}
        }
        debug_assert!(content.len() <= length);
    }
    if dice.one_in(2) {
        thing.mode = if thing.kind == Kind::Directory { 0o700 } else { 0o600 };
        thing.attributes.clear();
    }
    if dice.one_in(2) {
        thing.mtime = None;
    }
}

fn read(target: &Path) -> Disk {
    let mut disk = Disk::new();
    let mut waiting = vec![Vec::new()];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(join(target, &folder)) else { continue };
        for entry in entries {
            let name = entry.unwrap().file_name().into_vec();
            let path = if folder.is_empty() { name } else { [&folder, &b"/"[..], &name].concat() };
            let at = join(target, &path);
            let found = fs::symlink_metadata(&at).unwrap();
            let kind = if found.is_dir() {
                waiting.push(path.clone());
                Kind::Directory
            } else if found.is_symlink() {
                Kind::Symlink(fs::read_link(&at).unwrap().into_os_string().into_vec())
            } else if found.file_type().is_fifo() {
                Kind::Fifo
            } else {
                Kind::File(fs::read(&at).unwrap())
            };
            let mtime = Some((found.mtime(), found.mtime_nsec()));
            let (inode, mode) = (found.ino(), found.mode() & 0o7777);
            disk.insert(path, Thing { inode, kind, mode, mtime, attributes: attributes(&at) });
        }
    }
    disk
}

fn write(target: &Path, disk: &Disk) {
    fs::remove_dir_all(target).ok();
    fs::create_dir_all(target).unwrap();
    let mut made: HashMap<u64, PathBuf> = HashMap::new();
    for (path, thing) in disk {
        let at = join(target, path);
        if let Some(first) = made.get(&thing.inode) {
            fs::hard_link(first, &at).unwrap();
            continue;
        }
        match &thing.kind {
            Kind::File(content) => fs::write(&at, content).unwrap(),
            Kind::Directory => fs::create_dir(&at).unwrap(),
            Kind::Symlink(text) => symlink(OsStr::from_bytes(text), &at).unwrap(),
            Kind::Fifo => rustix::fs::mknodat(CWD, &at, FileType::Fifo, Mode::RUSR, 0).unwrap(),
        }
        if thing.kind != Kind::Directory {
            made.insert(thing.inode, at);
        }
    }
    // The deepest first: making a thing in a folder changes the folder's time.
    for (path, thing) in disk.iter().rev() {
        let at = join(target, path);
        for (name, value) in &thing.attributes {
            let flags = rustix::fs::XattrFlags::empty();
            rustix::fs::lsetxattr(&at, name.as_slice(), value, flags).unwrap();
        }
        if !matches!(thing.kind, Kind::Symlink(_)) {
            fs::set_permissions(&at, fs::Permissions::from_mode(thing.mode)).unwrap();
        }
        let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
        let last_modification = thing.mtime.map_or(time(0, UTIME_NOW), |(s, n)| time(s, n));
        let times = Timestamps { last_access: time(0, UTIME_OMIT), last_modification };
        rustix::fs::utimensat(CWD, &at, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
}
