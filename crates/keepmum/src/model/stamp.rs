//! The metadata that the file system reports without reading an entry, and when it proves the entry
//! unchanged.

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
    /// File system, as the system numbers it at this time.
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

    /// Seconds after which the kernel has written back stores through a memory map. Until then
    /// further stores to the same page change no time. The usual age is 30 seconds; laptops wait
    /// for some minutes.
    const WRITE_BACK: i64 = 600;

    /// Whether a stamp that was taken at this moment, or after it, proves something: the last
    /// change is so old by then that a later one cannot have the same time. This holds for things
    /// that nobody can map into memory.
    pub fn is_settled(&self, taken: Time) -> bool {
        self.is_older(taken, Self::GRAIN)
    }

    /// The same for a regular file. The file system of the file may have written everything back:
    /// that began at `written_back`, and was complete before the stamp was taken.
    pub fn is_settled_file(&self, taken: Time, written_back: Option<Time>) -> bool {
        self.is_older(taken, Self::WRITE_BACK)
            || written_back.is_some_and(|begun| self.is_older(begun, Self::GRAIN))
    }

    /// Whether the last change is older than a moment by so many seconds.
    fn is_older(&self, than: Time, seconds: i64) -> bool {
        // A time of the future was given by somebody, and a change would replace it. Else the
        // later one counts: not every file system keeps a change time.
        let last = if self.mtime > than { self.ctime } else { self.ctime.max(self.mtime) };
        last < Time { seconds: than.seconds.saturating_sub(seconds), ..than }
    }

    /// File system and inode in a stamp as the catalogue keeps it.
    pub fn identity_in(bytes: &[u8; Self::LENGTH]) -> (u64, u64) {
        let number = |at: usize| {
            let rest = bytes.get(at..).and_then(|rest| rest.first_chunk());
            rest.map_or(0, |number| u64::from_le_bytes(*number))
        };
        (number(24), number(32))
    }

    /// A fixed form, compared byte by byte.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
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

/// The result of a walk: everything but the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name in the directory.
    pub name: Name,
    /// The kind.
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
    /// Whether something is mounted here, as far as the system tells.
    pub is_mount: bool,
    /// Whether the inode number says nothing from one run to the next.
    pub renumbers: bool,
    /// The number that the catalogue has for the file system. The system's own number changes
    /// with the order of mounting. A backup fills it in.
    pub file_system: u64,
}

impl Found {
    /// The stamp as the catalogue keeps it.
    pub fn kept_stamp(&self) -> [u8; Stamp::LENGTH] {
        let inode = if self.renumbers { 0 } else { self.stamp.inode };
        Stamp { device: self.file_system, inode, ..self.stamp }.to_bytes()
    }

    /// The stamp to be remembered: none if another change could hide behind it.
    pub fn lasting_stamp(&self) -> Option<[u8; Stamp::LENGTH]> {
        self.settled.then(|| self.kept_stamp())
    }

    /// The same for an entry that was read, if it still was the listed one at that time.
    pub fn lasting_stamp_if(&self, read: Option<&Stamp>) -> Option<[u8; Stamp::LENGTH]> {
        self.lasting_stamp().filter(|_| read == Some(&self.stamp))
    }
}

/// The kind, as far as a walk can tell it.
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
