//! Known properties of a kind of file system, by the number that the kernel gives it.

use std::os::fd::BorrowedFd;

use rustix::fs::fstatfs;

/// Kinds whose write-back cleans and protects the pages of memory maps, so that the next store
/// to a page changes the time of its file: ext2 to ext4, XFS, Btrfs, F2FS.
const PROTECTS_MAPS: [u64; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010];
/// Further kinds that keep data on a disk or in memory and state sizes that are true: tmpfs,
/// ramfs, overlayfs, ZFS, bcachefs, JFS, NILFS, SquashFS, ISO 9660, UDF, FAT, exFAT, NTFS (in the
/// kernel), EROFS.
const PLAIN: [u64; 15] = [
    0x0102_1994,
    0x8584_58f6,
    0x794c_7630,
    0x2fc1_2fc1,
    0xca45_1a4e,
    0x3153_464a,
    0x3434,
    0x7371_7368,
    0x9660,
    0x1501_3346,
    0x4d44,
    0x2011_bab0,
    0x7366_746e,
    0x5346_544e,
    0xe0f5_e1e2,
];

/// Kinds that give a file another inode number whenever they are mounted, or even earlier: FAT,
/// exFAT, file systems in user space, SMB, 9P, shared folders of VirtualBox.
const RENUMBERS: [u64; 8] =
    [0x4d44, 0x2011_bab0, 0x6573_5546, 0xff53_4d42, 0xfe53_4d42, 0x517b, 0x0102_1997, 0x786f_4256];

/// A kind of file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileSystem(u64);

impl FileSystem {
    /// That of something that is open; an unknown one if the system does not say.
    pub(super) fn of(thing: BorrowedFd<'_>) -> Self {
        let kind = fstatfs(thing).map_or(0, |found| found.f_type.cast_unsigned());
        // Where the number has 32 bits, its sign is no part of it.
        Self(kind & 0xffff_ffff)
    }

    /// Whether a file that was written back shows by its time that it is stored to again.
    pub(super) fn protects_maps(self) -> bool {
        PROTECTS_MAPS.contains(&self.0)
    }

    /// Whether its inode numbers say nothing from one run to the next.
    pub(super) fn renumbers(self) -> bool {
        RENUMBERS.contains(&self.0)
    }

    /// Whether the sizes that it states are true. Those of proc, sysfs and of many file systems in
    /// user space or on a network need not be.
    pub(super) fn states_true_sizes(self) -> bool {
        self.protects_maps() || PLAIN.contains(&self.0)
    }
}
