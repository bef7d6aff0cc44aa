//! What the file system says of an entry without reading it, and when that proves it unchanged.

use super::entry::{DeviceNumber, Metadata, Time};
use super::path::Name;

/// Size, times and identity of something on a file system. Equal stamps mean unchanged, provided
/// the change time was already old when the stamp was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Last change of the content.
    pub mtime: Time,
    /// Last change of anything; only the kernel sets it.
    pub ctime: Time,
    /// File system.
    pub device: u64,
    /// Number on that file system.
    pub inode: u64,
}

impl Stamp {
    /// Length of [`Stamp::to_bytes`].
    pub const LENGTH: usize = 48;

    /// Seconds within which two changes may carry the same time: file systems keep times in
    /// grains of up to so many.
    const GRAIN: i64 = 2;

    /// Whether a stamp that was taken at this moment, or after it, proves something: the last
    /// change is so old by then that a later one cannot have the same time.
    pub fn is_settled(&self, taken: Time) -> bool {
        let seconds = taken.seconds.saturating_sub(Self::GRAIN);
        self.ctime < Time { seconds, ..taken }
    }

    /// A fixed form for the catalogue, compared byte by byte.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let fields: [(usize, &[u8]); 7] = [
            (0, &self.size.to_le_bytes()),
            (8, &self.mtime.seconds.to_le_bytes()),
            (16, &self.ctime.seconds.to_le_bytes()),
            (24, &self.device.to_le_bytes()),
            (32, &self.inode.to_le_bytes()),
            (40, &self.mtime.nanos.to_le_bytes()),
            (44, &self.ctime.nanos.to_le_bytes()),
        ];
        for (at, field) in fields {
            bytes[at..at + field.len()].copy_from_slice(field);
        }
        bytes
    }
}

/// What a walk found: everything but the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name in the directory.
    pub name: Name,
    /// What it is.
    pub kind: FoundKind,
    /// Mode, times, owner by number. Names of the owner, attributes and link group are not filled
    /// in by a walk: they cost system calls that only changed entries are worth.
    pub metadata: Metadata,
    /// Size, times and identity.
    pub stamp: Stamp,
    /// How many names the file has.
    pub links: u64,
    /// Whether the stamp was settled when it was taken. Only the walk of a source says so.
    pub settled: bool,
}

impl Found {
    /// The stamp to be remembered: none if another change could hide behind it.
    pub fn lasting_stamp(&self) -> Option<[u8; Stamp::LENGTH]> {
        self.settled.then(|| self.stamp.to_bytes())
    }
}

/// What a walk can tell of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A character device.
    CharacterDevice(DeviceNumber),
    /// A block device.
    BlockDevice(DeviceNumber),
    /// A socket, or a thing this system knows and the format does not.
    Other,
}
