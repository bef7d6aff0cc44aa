//! The few folders that are being restored into, held open, so that a file costs no look-up.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::OFlags;

use super::file_system::{FileSystem, FileSystems};
use crate::beneath::{Beneath, Handle, stat};
use crate::model::TreePath;

/// Folders held open at once.
const HELD: usize = 16;

/// The attribute that a folder's default access list leaves on a new file.
pub(super) const ACCESS_LIST: &[u8] = b"system.posix_acl_access";

/// What a folder makes of a new file, as the first ones in it have shown.
#[derive(Clone, Copy, Default)]
pub(super) struct Habit {
    /// Whether anything is known yet.
    pub(super) known: bool,
    /// Owner and group that new files get.
    pub(super) owner: (u32, u32),
    /// Mode bits that have been asked for.
    pub(super) asked: u16,
    /// Those of them that were given.
    pub(super) given: u16,
    /// Mode bits that were given and not asked for.
    pub(super) added: u16,
    /// Whether new files inherit an access list.
    pub(super) inherits: bool,
}

/// An open folder.
pub(super) struct Folder {
    directory: OwnedFd,
    file_system: Arc<FileSystem>,
    habit: Mutex<Habit>,
}

impl Folder {
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Opens a folder of the target.
    pub(super) fn open(
        beneath: &Beneath,
        path: &TreePath,
        file_systems: &FileSystems,
    ) -> io::Result<Self> {
        let directory = beneath.open(path.as_bytes(), OFlags::PATH | OFlags::DIRECTORY)?;
        let file_system = file_systems.of(directory.as_fd())?;
        Ok(Self { directory, file_system, habit: Mutex::default() })
    }

    pub(super) fn file_system(&self) -> &FileSystem {
        &self.file_system
    }

    /// Whether things can be renamed from one folder to the other.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file_system, &other.file_system)
    }

    fn lock(&self) -> MutexGuard<'_, Habit> {
        self.habit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of new files.
    pub(super) fn habit(&self) -> Habit {
        *self.lock()
    }

    /// What a file that was just made with `mode` has got. The file is only looked at if earlier
    /// ones have not shown it.
    pub(super) fn learn(&self, file: BorrowedFd<'_>, mode: u16) -> io::Result<Habit> {
        let known = self.habit();
        if known.known && mode & !known.asked == 0 {
            return Ok(known);
        }
        let made = stat(file)?;
        let inherits = Handle::open(file).attribute_names()?.iter().any(|name| name == ACCESS_LIST);
        let mut habit = self.lock();
        habit.known = true;
        habit.owner = (made.stx_uid, made.stx_gid);
        habit.asked |= mode;
        habit.given |= made.stx_mode & mode;
        habit.added |= made.stx_mode & 0o7777 & !mode;
        habit.inherits |= inherits;
        Ok(*habit)
    }
}

/// Folders held open, the one used last at the end.
#[derive(Default)]
pub(super) struct Folders(Mutex<Vec<(TreePath, Arc<Folder>)>>);

impl Folders {
    fn lock(&self) -> MutexGuard<'_, Vec<(TreePath, Arc<Folder>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a folder of the target, or finds it open.
    pub(super) fn open(
        &self,
        beneath: &Beneath,
        path: TreePath,
        file_systems: &FileSystems,
    ) -> io::Result<Arc<Folder>> {
        let mut held = self.lock();
        if let Some(at) = held.iter().rposition(|(other, _)| *other == path) {
            if at + 1 < held.len() {
                let used = held.remove(at);
                held.push(used);
            }
            if let Some((_, folder)) = held.last() {
                return Ok(folder.clone());
            }
        }
        drop(held);
        let folder = Arc::new(Folder::open(beneath, &path, file_systems)?);
        let mut held = self.lock();
        if held.len() >= HELD {
            held.remove(0);
        }
        held.push((path, folder.clone()));
        Ok(folder)
    }

    /// Closes what lies at or beneath a path, because it is removed or changed.
    pub(super) fn close(&self, path: &TreePath) {
        self.lock().retain(|(other, _)| !other.is_within(path));
    }
}
