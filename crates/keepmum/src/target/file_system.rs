//! The file systems that a target reaches: mostly one. The abilities of each are learnt once.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, fstatfs, makedev, openat, statx};

use crate::model::Time;

/// File systems that a program serves (FUSE).
const SERVED: i64 = 0x6573_5546;
/// File systems that keep metadata alike in all of their folders: ext2 to ext4, xfs, btrfs, f2fs,
/// tmpfs. Times are in seconds or finer there. Others may be put together from several, or keep it
/// by rules of each folder.
const ALIKE: [i64; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994];

/// One mounted file system.
pub(super) struct FileSystem {
    /// Device and mount.
    id: (u32, u32, u64),
    /// A folder on it, held open from the beginning: an error of the disk is reported to
    /// descriptors opened before it.
    directory: OwnedFd,
    served: bool,
    without_unnamed_files: AtomicBool,
    /// Whether open files are named by their descriptor, without a way through `/proc`.
    by_descriptor: AtomicBool,
    /// The metadata that new files have shown to be kept, if all folders are alike.
    kept: Option<Kept>,
}

/// The values set, for comparison with the values kept.
#[derive(Default)]
pub(super) struct Set {
    pub(super) owner: Option<(u32, u32)>,
    pub(super) mode: Option<u16>,
    pub(super) mtime: Option<Time>,
}

/// The metadata of new files that a file system has kept: it is not looked at again.
#[derive(Default)]
struct Kept {
    /// From the first to the last second of times that were kept.
    seconds: Mutex<Option<(i64, i64)>>,
    /// Whether nanoseconds were.
    nanos: AtomicBool,
    /// Permission bits, one bit for each combination.
    modes: [AtomicU64; 8],
    /// User and group that were kept last.
    owner: Mutex<Option<(u32, u32)>>,
}

impl Kept {
    fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_time(&self, time: Time) -> bool {
        let seconds = *Self::lock(&self.seconds);
        let within = seconds.is_some_and(|(from, to)| (from..=to).contains(&time.seconds));
        within && (time.nanos == 0 || self.nanos.load(Ordering::Relaxed))
    }

    /// Where a permission stands among the combinations; nothing for modes with other bits, of
    /// which some depend on who sets them.
    fn bit(&self, mode: u16) -> Option<(&AtomicU64, u64)> {
        let word = self.modes.get(usize::from(mode >> 6))?;
        Some((word, 1 << (mode & 63)))
    }

    fn has_mode(&self, mode: u16) -> bool {
        self.bit(mode).is_some_and(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    fn note(&self, set: &Set) {
        if let Some(time) = set.mtime {
            let mut seconds = Self::lock(&self.seconds);
            let (from, to) = seconds.unwrap_or((time.seconds, time.seconds));
            *seconds = Some((from.min(time.seconds), to.max(time.seconds)));
            // With any coarser step, this is not one of its times.
            if time.nanos % 2 != 0 && time.nanos % 5 != 0 {
                self.nanos.store(true, Ordering::Relaxed);
            }
        }
        if let Some((word, bit)) = set.mode.and_then(|mode| self.bit(mode)) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        if let Some(owner) = set.owner {
            *Self::lock(&self.owner) = Some(owner);
        }
    }
}

impl FileSystem {
    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Whether a program serves it. A sync of the whole does not reach that program, one of a file
    /// does.
    pub(super) fn is_served(&self) -> bool {
        self.served
    }

    /// Whether it is known to keep all of this of a new file.
    pub(super) fn keeps(&self, set: &Set) -> bool {
        self.kept.as_ref().is_some_and(|kept| {
            set.mtime.is_none_or(|time| kept.has_time(time))
                && set.mode.is_none_or(|mode| kept.has_mode(mode))
                && set.owner.is_none_or(|owner| *Kept::lock(&kept.owner) == Some(owner))
        })
    }

    /// Notes that it has kept all of this of a new file.
    pub(super) fn has_kept(&self, set: &Set) {
        if let Some(kept) = &self.kept {
            kept.note(set);
        }
    }

    pub(super) fn names_by_descriptor(&self) -> bool {
        self.by_descriptor.load(Ordering::Relaxed)
    }

    pub(super) fn names_by_proc(&self) {
        self.by_descriptor.store(false, Ordering::Relaxed);
    }

    pub(super) fn has_unnamed_files(&self) -> bool {
        !self.without_unnamed_files.load(Ordering::Relaxed)
    }

    pub(super) fn has_no_unnamed_files(&self) {
        self.without_unnamed_files.store(true, Ordering::Relaxed);
    }
}

/// All that were met.
#[derive(Default)]
pub(super) struct FileSystems(Mutex<Vec<Arc<FileSystem>>>);

impl FileSystems {
    /// The one that a folder lies on.
    pub(super) fn of(&self, folder: BorrowedFd<'_>) -> io::Result<Arc<FileSystem>> {
        let found = statx(folder, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
        let id = (found.stx_dev_major, found.stx_dev_minor, found.stx_mnt_id);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter().find(|known| known.id == id) {
            return Ok(known.clone());
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(folder, c".", flags, Mode::empty())?;
        let kind = fstatfs(&directory).map_or(0, |about| about.f_type);
        let file_system = Arc::new(FileSystem {
            id,
            directory,
            served: kind == SERVED,
            without_unnamed_files: AtomicBool::new(false),
            by_descriptor: AtomicBool::new(true),
            kept: ALIKE.contains(&kind).then(Kept::default),
        });
        all.push(file_system.clone());
        Ok(file_system)
    }

    /// One with this device number.
    pub(super) fn with_device(&self, device: u64) -> Option<Arc<FileSystem>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|one| makedev(one.id.0, one.id.1) == device).cloned()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<FileSystem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, Set};
    use crate::model::Time;

    fn time(seconds: i64, nanos: u32) -> Set {
        Set { mtime: Some(Time { seconds, nanos }), ..Set::default() }
    }

    #[test]
    fn only_kept_times_and_those_between_count_as_kept() {
        let kept = Kept::default();
        let has = |seconds, nanos| kept.has_time(Time { seconds, nanos });
        assert!(!has(10, 0));
        kept.note(&time(10, 0));
        kept.note(&time(20, 500));
        // Two seconds were kept, nanoseconds not for sure.
        assert!(has(10, 0) && has(15, 0) && has(20, 0));
        assert!(!has(9, 0) && !has(21, 0) && !has(15, 7));
        kept.note(&time(20, 123_456_789));
        assert!(has(15, 7) && !has(21, 7));
        kept.note(&Set { mode: Some(0o640), ..Set::default() });
        assert!(kept.has_mode(0o640));
        for other in [0o644, 0o600, 0, 0o4640, 0o1640, 0o7777] {
            assert!(!kept.has_mode(other), "{other:o}");
        }
        kept.note(&Set { mode: Some(0o4755), ..Set::default() });
        assert!(!kept.has_mode(0o4755) && !kept.has_mode(0o755));
    }
}
