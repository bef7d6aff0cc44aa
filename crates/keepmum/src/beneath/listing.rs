//! Listing one directory: its names by `getdents64`, then one `statx` a name and nothing else.
//!
//! The names are read at once, because only together can they be sorted, and kept in little memory.
//! The files themselves are looked at page by page.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, RawDir, Statx, StatxAttributes, StatxFlags, makedev, statx};
use rustix::io::Errno;

use crate::model::{DeviceNumber, Found, FoundKind, Metadata, Name, Owner, PAGE, Stamp, Time};

/// Bytes of directory entries taken from the kernel at once.
const BUFFER: usize = 64 << 10;

/// State reused from directory to directory: a buffer, and the size of a page.
pub(crate) struct Scratch {
    buffer: Vec<u8>,
    page: usize,
}

impl Default for Scratch {
    fn default() -> Self {
        Self::with_pages_of(PAGE)
    }
}

impl Scratch {
    /// One that makes pages of so many names.
    pub(crate) fn with_pages_of(page: usize) -> Self {
        Self { buffer: Vec::with_capacity(BUFFER), page }
    }
}

/// A page of a directory's contents.
pub(crate) struct Listed {
    /// In ascending order of names, none twice.
    pub(crate) entries: Vec<Found>,
    /// Names that are there but of which nothing can be learned.
    pub(crate) problems: Vec<(Name, io::Error)>,
    /// Names of a later page that existed when they were read and are gone now. None are reported
    /// for the first page: that was the same moment.
    pub(crate) vanished: Vec<Name>,
    /// The names still to be looked at.
    pub(crate) rest: Option<LaterNames>,
}

/// The names in a directory, in ascending order, none twice.
pub(crate) struct NameList {
    /// Names one after another, each behind its length: few bytes, in one piece.
    bytes: Vec<u8>,
    /// Where they begin, in the order of the names.
    order: Vec<u32>,
}

impl NameList {
    /// Reads the names in an open directory.
    pub(crate) fn read(directory: BorrowedFd<'_>, scratch: &mut Scratch) -> io::Result<Self> {
        let mut names = Self { bytes: Vec::new(), order: Vec::new() };
        let mut rows = RawDir::new(directory, scratch.buffer.spare_capacity_mut());
        while let Some(row) = rows.next() {
            let row = row?;
            let name = row.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(name)?;
            }
        }
        let bytes = &names.bytes;
        names.order.sort_unstable_by(|a, b| name_at(bytes, *a).cmp(name_at(bytes, *b)));
        // A directory that changes while it is read may show a name twice.
        names.order.dedup_by(|a, b| name_at(bytes, *a) == name_at(bytes, *b));
        Ok(names)
    }

    /// Just this name.
    pub(crate) fn only(name: &[u8]) -> io::Result<Self> {
        let mut names = Self { bytes: Vec::new(), order: Vec::new() };
        names.push(name)?;
        Ok(names)
    }

    fn push(&mut self, name: &[u8]) -> io::Result<()> {
        let impossible = |sentence| io::Error::new(io::ErrorKind::InvalidData, sentence);
        Name::check(name).map_err(|_| impossible("the file system gives an impossible name"))?;
        let at = u32::try_from(self.bytes.len());
        let length = u8::try_from(name.len());
        let (Ok(at), Ok(length)) = (at, length) else {
            return Err(impossible("the folder has more names than can be listed"));
        };
        self.order.push(at);
        self.bytes.push(length);
        self.bytes.extend_from_slice(name);
        Ok(())
    }

    /// Whether this is one of them.
    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        self.order.binary_search_by(|at| name_at(&self.bytes, *at).cmp(name)).is_ok()
    }

    /// All of them, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.order.iter().map(|at| name_at(&self.bytes, *at))
    }

    /// Looks at the first names in the directory.
    pub(crate) fn page(self, directory: BorrowedFd<'_>, scratch: &Scratch) -> io::Result<Listed> {
        let page = self.order.get(..scratch.page).unwrap_or(&self.order);
        let mut listed = Listed::of(page.len());
        for at in page {
            listed.look(directory, name_at(&self.bytes, *at))?;
        }
        if page.len() == self.order.len() {
            // All names were read a moment ago.
            listed.vanished.clear();
        } else {
            let later = self.order.iter().skip(page.len());
            let names = later.map(|at| name_at(&self.bytes, *at));
            listed.rest = Some(LaterNames::new(directory, names)?);
        }
        Ok(listed)
    }
}

/// The name that begins here.
fn name_at(bytes: &[u8], at: u32) -> &[u8] {
    let rest = bytes.get(at as usize..).unwrap_or_default();
    let Some((length, rest)) = rest.split_first() else { return rest };
    rest.get(..usize::from(*length)).unwrap_or(rest)
}

impl Listed {
    fn of(count: usize) -> Self {
        let entries = Vec::with_capacity(count);
        Self { entries, problems: Vec::new(), vanished: Vec::new(), rest: None }
    }

    fn look(&mut self, directory: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<()> {
        let name = Name::new(bytes).map_err(|_| Errno::INVAL)?;
        match stat_at(directory, bytes) {
            Ok(stat) => self.entries.push(found(name, &stat)),
            Err(Errno::NOENT) => self.vanished.push(name),
            Err(error) => self.problems.push((name, error.into())),
        }
        Ok(())
    }
}

/// The names of a large directory behind its first page, in ascending order. Neighbours begin
/// alike, and that is not kept twice.
pub(crate) struct LaterNames {
    /// For each name how many bytes of the one before it begin it, how many follow, and these.
    bytes: Vec<u8>,
    /// How far they have been looked at, and how many are left.
    at: usize,
    left: usize,
    /// The name that was looked at last.
    name: Vec<u8>,
    /// Device and inode of the directory.
    directory: (u64, u64),
}

impl LaterNames {
    fn new<'a>(
        directory: BorrowedFd<'_>,
        names: impl Iterator<Item = &'a [u8]>,
    ) -> io::Result<Self> {
        let stamp = stamp(&stat(directory)?);
        let (mut bytes, mut left, mut last) = (Vec::new(), 0, &[][..]);
        for name in names {
            let alike = last.iter().zip(name).take_while(|(a, b)| a == b).count();
            let (_, rest) = name.split_at(alike);
            for length in [alike, rest.len()] {
                bytes.push(u8::try_from(length).map_err(|_| Errno::NAMETOOLONG)?);
            }
            bytes.extend_from_slice(rest);
            left += 1;
            last = name;
        }
        bytes.shrink_to_fit();
        let directory = (stamp.device, stamp.inode);
        Ok(Self { bytes, at: 0, left, name: Vec::new(), directory })
    }

    /// How many are left.
    pub(crate) fn len(&self) -> usize {
        self.left
    }

    /// Looks at the next names in the directory, which was opened again. Another one at its path
    /// is an error: it would be taken for the one whose names these are.
    pub(crate) fn page(
        mut self,
        directory: BorrowedFd<'_>,
        scratch: &Scratch,
    ) -> io::Result<Listed> {
        let stamp = stamp(&stat(directory)?);
        if self.directory != (stamp.device, stamp.inode) {
            return Err(Errno::STALE.into());
        }
        let count = self.left.min(scratch.page);
        let mut listed = Listed::of(count);
        for _ in 0..count {
            self.step().ok_or(Errno::INVAL)?;
            listed.look(directory, &self.name)?;
        }
        listed.rest = Some(self).filter(|names| names.left > 0);
        Ok(listed)
    }

    fn step(&mut self) -> Option<()> {
        let (head, rest) = self.bytes.get(self.at..)?.split_at_checked(2)?;
        let [alike, length] = [head[0], head[1]].map(usize::from);
        self.name.truncate(alike);
        self.name.extend_from_slice(rest.get(..length)?);
        self.at += 2 + length;
        self.left -= 1;
        Some(())
    }
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

/// The known data about a name in an open directory; for a link, about the link itself and not its
/// target.
pub(crate) fn stat_at(directory: BorrowedFd<'_>, name: &[u8]) -> Result<Statx, Errno> {
    statx(directory, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, mask())
}

/// The known data about an open file or directory, including its allocated blocks.
pub(crate) fn stat(file: BorrowedFd<'_>) -> Result<Statx, Errno> {
    statx(file, c"", AtFlags::EMPTY_PATH, mask() | StatxFlags::BLOCKS)
}

/// The kind.
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
    let numbers = Some((stat.stx_uid, stat.stx_gid));
    let owner = Owner { numbers, user: None, group: None };
    Found {
        name,
        kind: kind_of(stat),
        metadata: Metadata {
            mode: Some(stat.stx_mode & 0o7777),
            mtime: Some(stamp.mtime),
            owner,
            link: None,
            attributes: Vec::new(),
        },
        stamp,
        links: u64::from(stat.stx_nlink),
        settled: false,
        is_mount: stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
        renumbers: false,
        file_system: 0,
    }
}
