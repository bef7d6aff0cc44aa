//! The folders that are being restored into, held open, so that a file costs no look-up. Files come
//! in the order in which objects hold them, so neighbours may lie in many folders.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::fs::OFlags;

use super::file_system::{FileSystem, FileSystems};
use crate::beneath::{Beneath, Handle, stat};
use crate::model::TreePath;

/// Most folders held open at once, and fewest.
const MOST: usize = 1024;
const FEWEST: usize = 16;
/// Most bytes of their paths.
const PATHS: usize = 4 << 20;

/// How many folders are held open by a process that may have so many open files.
pub(super) fn held(open_files: u64) -> usize {
    usize::try_from(open_files / 16).unwrap_or(MOST).clamp(FEWEST, MOST)
}

/// The attribute that a folder's default access list leaves on a new file.
pub(super) const ACCESS_LIST: &[u8] = b"system.posix_acl_access";

/// The metadata that a folder gives to a new file, as the first ones in it have shown.
#[derive(Clone, Copy, Default)]
pub(super) struct FolderDefaults {
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
    defaults: Mutex<FolderDefaults>,
    /// The folder of temporary names for things that come into it, if not itself.
    temporaries: OnceLock<Arc<Self>>,
    /// Other restores know that temporary names in it are in use.
    pub(super) claimed: OnceLock<()>,
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
        Ok(Self {
            directory,
            file_system,
            defaults: Mutex::default(),
            temporaries: OnceLock::new(),
            claimed: OnceLock::new(),
        })
    }

    pub(super) fn file_system(&self) -> &FileSystem {
        &self.file_system
    }

    /// Whether things can be renamed from one folder to the other.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file_system, &other.file_system)
    }

    /// The folder of temporary names for things that come into it, as far as known.
    pub(super) fn temporaries_lie_in(&self) -> Option<&Arc<Self>> {
        self.temporaries.get()
    }

    /// A folder above it that takes them.
    pub(super) fn set_temporaries_lie_in(&self, place: Arc<Self>) {
        self.temporaries.set(place).ok();
    }

    fn lock(&self) -> MutexGuard<'_, FolderDefaults> {
        self.defaults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Known facts about new files.
    pub(super) fn defaults(&self) -> FolderDefaults {
        *self.lock()
    }

    /// The metadata of a file just made with `mode`. The file is only looked at if earlier ones
    /// have not shown it.
    pub(super) fn learn(&self, file: BorrowedFd<'_>, mode: u16) -> io::Result<FolderDefaults> {
        let known = self.defaults();
        if known.known && mode & !known.asked == 0 {
            return Ok(known);
        }
        let made = stat(file)?;
        let inherits = Handle::open(file).attribute_names()?.iter().any(|name| name == ACCESS_LIST);
        let mut defaults = self.lock();
        defaults.known = true;
        defaults.owner = (made.stx_uid, made.stx_gid);
        defaults.asked |= mode;
        defaults.given |= made.stx_mode & mode;
        defaults.added |= made.stx_mode & 0o7777 & !mode;
        defaults.inherits |= inherits;
        Ok(*defaults)
    }
}

/// Folders held open.
pub(super) struct Folders {
    held: Mutex<Held>,
    most: usize,
}

#[derive(Default)]
struct Held {
    /// Each with the moment of its last use.
    folders: HashMap<TreePath, (u64, Arc<Folder>)>,
    /// How often any was used.
    now: u64,
    /// Bytes of their paths.
    paths: usize,
}

impl Held {
    fn used(&mut self, path: &TreePath) -> Option<Arc<Folder>> {
        self.now += 1;
        let (used, folder) = self.folders.get_mut(path)?;
        *used = self.now;
        Some(folder.clone())
    }

    fn keep(&mut self, path: TreePath, folder: Arc<Folder>, most: usize) {
        let length = path.as_bytes().len();
        while self.folders.len() >= most || self.paths.saturating_add(length) > PATHS {
            let oldest = self.folders.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(path, _)| path.clone()) else { break };
            self.folders.remove(&oldest);
            self.paths = self.paths.saturating_sub(oldest.as_bytes().len());
        }
        if self.folders.insert(path, (self.now, folder)).is_none() {
            self.paths += length;
        }
    }
}

impl Folders {
    /// For a process that may have so many open files.
    pub(super) fn new(open_files: u64) -> Self {
        Self { held: Mutex::default(), most: held(open_files) }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a folder of the target, or finds it open.
    pub(super) fn open(
        &self,
        beneath: &Beneath,
        path: TreePath,
        file_systems: &FileSystems,
    ) -> io::Result<Arc<Folder>> {
        if let Some(folder) = self.lock().used(&path) {
            return Ok(folder);
        }
        let folder = Arc::new(Folder::open(beneath, &path, file_systems)?);
        self.lock().keep(path, folder.clone(), self.most);
        Ok(folder)
    }

    /// Closes everything at or beneath a path, because it is removed or changed.
    pub(super) fn close(&self, path: &TreePath) {
        let mut held = self.lock();
        held.folders.retain(|other, _| !other.is_within(path));
        held.paths = held.folders.keys().map(|path| path.as_bytes().len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::{FEWEST, FileSystems, Folders, PATHS, held};
    use crate::beneath::Beneath;
    use crate::model::TreePath;

    #[test]
    fn folders_held_open_are_bounded_and_the_last_used_stay() {
        assert_eq!([held(0), held(1024), held(u64::MAX)], [FEWEST, 64, super::MOST]);
        let dir = tempfile::tempdir().unwrap();
        let beneath = Beneath::new(OwnedFd::from(std::fs::File::open(dir.path()).unwrap()));
        let (folders, file_systems) = (Folders::new(0), FileSystems::default());
        let path = |number: usize| TreePath::new(format!("d{number:03}").as_bytes()).unwrap();
        let open = |number| folders.open(&beneath, path(number), &file_systems).unwrap();
        for number in 0..100 {
            std::fs::create_dir(dir.path().join(format!("d{number:03}"))).unwrap();
            open(number);
            open(0);
        }
        let held = folders.lock();
        assert_eq!(held.folders.len(), FEWEST);
        assert_eq!(held.paths, FEWEST * 4);
        assert!(held.paths <= PATHS);
        assert!(held.folders.contains_key(&path(0)) && held.folders.contains_key(&path(99)));
        drop(held);
        folders.close(&path(0));
        let held = folders.lock();
        assert_eq!((held.folders.len(), held.paths), (15, 60));
    }
}
