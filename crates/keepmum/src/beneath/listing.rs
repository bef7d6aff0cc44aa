//! Listing one directory: its names by `getdents64`, then one `statx` a name and nothing else.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, RawDir, Statx, StatxFlags, makedev, statx};
use rustix::io::Errno;

use crate::model::{DeviceNumber, Found, FoundKind, Metadata, Name, Owner, Stamp, Time};

/// Bytes of directory entries taken from the kernel at once.
const BUFFER: usize = 64 << 10;

/// A buffer that is used again from directory to directory.
pub(crate) struct Scratch(Vec<u8>);

impl Default for Scratch {
    fn default() -> Self {
        Self(Vec::with_capacity(BUFFER))
    }
}

/// What a directory holds.
pub(crate) struct Listed {
    /// In ascending order of names, none twice.
    pub(crate) entries: Vec<Found>,
    /// Names that are there but of which nothing can be learned.
    pub(crate) problems: Vec<(Name, io::Error)>,
}

/// Lists an open directory. Names that vanish meanwhile are left out.
pub(crate) fn list(directory: BorrowedFd<'_>, scratch: &mut Scratch) -> io::Result<Listed> {
    let mut names = Vec::new();
    let mut rows = RawDir::new(directory, scratch.0.spare_capacity_mut());
    while let Some(row) = rows.next() {
        let row = row?;
        let bytes = row.file_name().to_bytes();
        if bytes == b"." || bytes == b".." {
            continue;
        }
        let name = Name::new(bytes).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "the file system gives an impossible name")
        })?;
        names.push(name);
    }
    names.sort_unstable();
    // A directory that changes while it is read may show a name twice.
    names.dedup();
    let mut listed = Listed { entries: Vec::with_capacity(names.len()), problems: Vec::new() };
    for name in names {
        match stat_at(directory, name.as_bytes()) {
            Ok(stat) => listed.entries.push(found(name, &stat)),
            Err(Errno::NOENT) => {}
            Err(error) => listed.problems.push((name, error.into())),
        }
    }
    Ok(listed)
}

fn mask() -> StatxFlags {
    StatxFlags::TYPE
        | StatxFlags::MODE
        | StatxFlags::NLINK
        | StatxFlags::UID
        | StatxFlags::GID
        | StatxFlags::MTIME
        | StatxFlags::CTIME
        | StatxFlags::INO
        | StatxFlags::SIZE
}

/// What is known of a name in an open directory, of a link itself and not of what it names.
pub(crate) fn stat_at(directory: BorrowedFd<'_>, name: &[u8]) -> Result<Statx, Errno> {
    statx(directory, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, mask())
}

/// What is known of an open file or directory, its allocated blocks too.
pub(crate) fn stat(file: BorrowedFd<'_>) -> Result<Statx, Errno> {
    statx(file, c"", AtFlags::EMPTY_PATH, mask() | StatxFlags::BLOCKS)
}

/// What it is.
pub(crate) fn kind_of(stat: &Statx) -> FoundKind {
    let numbers = DeviceNumber { major: stat.stx_rdev_major, minor: stat.stx_rdev_minor };
    match FileType::from_raw_mode(u32::from(stat.stx_mode)) {
        FileType::RegularFile => FoundKind::File,
        FileType::Directory => FoundKind::Directory,
        FileType::Symlink => FoundKind::Symlink,
        FileType::Fifo => FoundKind::Fifo,
        FileType::CharacterDevice => FoundKind::CharacterDevice(numbers),
        FileType::BlockDevice => FoundKind::BlockDevice(numbers),
        _ => FoundKind::Other,
    }
}

/// Size, times and identity.
pub(crate) fn stamp(stat: &Statx) -> Stamp {
    let time = |seconds, nanos| Time { seconds, nanos };
    Stamp {
        size: stat.stx_size,
        mtime: time(stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
        ctime: time(stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
        device: makedev(stat.stx_dev_major, stat.stx_dev_minor),
        inode: stat.stx_ino,
    }
}

/// A listed entry.
pub(crate) fn found(name: Name, stat: &Statx) -> Found {
    let stamp = stamp(stat);
    let owner = Owner { uid: stat.stx_uid, gid: stat.stx_gid, user: None, group: None };
    Found {
        name,
        kind: kind_of(stat),
        metadata: Metadata {
            mode: stat.stx_mode & 0o7777,
            mtime: Some(stamp.mtime),
            owner,
            link: None,
            attributes: Vec::new(),
        },
        stamp,
        links: u64::from(stat.stx_nlink),
    }
}
