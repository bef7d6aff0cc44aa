//! Things that are whole but for their name.
//!
//! Only durable things get a name, so that after a power cut a name never stands for zeros. Until
//! then a file has no name at all (`O_TMPFILE`) or, if the file system has no such files, and for
//! things that are not files, a temporary one that the next restore knows and removes.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, openat, renameat, renameat_with, statat,
    unlinkat,
};
use rustix::io::Errno;

use super::file_system::FileSystem;
use super::folders::{Folder, FolderDefaults};
use super::{Inner, TargetError};
use crate::model::{FoundKind, Name, TreePath};
use crate::seam::Operation;

/// The treatment of an existing thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing may be there.
    Refuse,
    /// Replace it, unless it is a folder, once the new one is whole and durable.
    Replace,
}

/// A temporary name. Its file is removed when this is dropped.
pub(super) struct Temporary {
    pub(super) folder: Arc<Folder>,
    pub(super) name: String,
    /// Whether it has become a lasting name.
    renamed: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // There is nobody to report to; the name tells the purpose.
            if unlinkat(self.folder.fd(), self.name.as_str(), AtFlags::empty()).is_err() {
                unlinkat(self.folder.fd(), self.name.as_str(), AtFlags::REMOVEDIR).ok();
            }
        }
    }
}

/// Something whole that waits for its name.
pub(super) struct Stage {
    pub(super) path: TreePath,
    pub(super) kind: FoundKind,
    pub(super) existing: Existing,
    /// Bytes of a file.
    pub(super) size: u64,
    /// A file with further names.
    pub(super) linked: bool,
    /// The folder that it is to lie in, and its name there.
    pub(super) folder: Arc<Folder>,
    pub(super) name: Name,
    /// The open file.
    pub(super) file: Option<Arc<OwnedFd>>,
    /// Its name until then, if it has one.
    pub(super) temporary: Option<Temporary>,
}

impl Inner {
    /// A temporary name that nothing has.
    fn draw_name(&self) -> String {
        let number = self.names_from.wrapping_add(self.names.fetch_add(1, Ordering::Relaxed));
        format!(".keepmum-{number:016x}.tmp")
    }

    /// Whether this restore has drawn this temporary name.
    pub(super) fn has_drawn(&self, name: &Name) -> bool {
        let drawn = self.names.load(Ordering::Relaxed);
        let digits = name.as_bytes().get(9..25).and_then(|hex| std::str::from_utf8(hex).ok());
        let number = digits.and_then(|hex| u64::from_str_radix(hex, 16).ok());
        number.is_some_and(|number| number.wrapping_sub(self.names_from) < drawn)
    }

    /// Makes something under a temporary name, for a path in this folder. It lies in the highest
    /// folder above that path that will take it and that it can be renamed from: the target itself,
    /// or where a disk is mounted. Every restore into that folder or beneath it lists it, so that
    /// leftovers are found.
    pub(super) fn make_temporary<T>(
        &self,
        folder: &Arc<Folder>,
        path: &TreePath,
        make: impl Fn(&Folder, &str) -> Result<T, Errno>,
    ) -> Result<(Temporary, T), Errno> {
        let mut above = path.split().map_or_else(TreePath::root, |(above, _)| above);
        if let Some(known) = folder.temporaries_lie_in() {
            match self.try_in(known, &make) {
                Err(error) if will_not_take(error) => {}
                other => return other,
            }
        } else {
            let depth = above.names().count();
            let mut here = TreePath::root();
            for name in std::mem::take(&mut above).names().take(depth) {
                if let Ok(place) =
                    self.folders.open(&self.beneath, here.clone(), &self.file_systems)
                    && folder.is_beside(&place)
                {
                    match self.try_in(&place, &make) {
                        Err(error) if will_not_take(error) => {}
                        other => {
                            if other.is_ok() {
                                folder.set_temporaries_lie_in(place);
                            }
                            return other;
                        }
                    }
                }
                here = here.join(&name);
            }
        }
        self.try_in(folder, &make)
    }

    fn try_in<T>(
        &self,
        folder: &Arc<Folder>,
        make: &impl Fn(&Folder, &str) -> Result<T, Errno>,
    ) -> Result<(Temporary, T), Errno> {
        folder.claimed.get_or_init(|| self.claims.hold(folder.fd()));
        for _ in 0..ATTEMPTS {
            let name = self.draw_name();
            match make(folder, &name) {
                Ok(made) => {
                    let folder = folder.clone();
                    return Ok((Temporary { folder, name, renamed: false }, made));
                }
                Err(Errno::EXIST) => {}
                Err(error) => {
                    // Some file systems leave an empty file behind when making one fails.
                    unlinkat(folder.fd(), name.as_str(), AtFlags::empty()).ok();
                    return Err(error);
                }
            }
        }
        Err(Errno::EXIST)
    }

    /// Opens a new file that has no name, or where there are no such files one with a temporary
    /// name. Answers with the mode that was asked for, too.
    pub(super) fn new_file(
        &self,
        path: &TreePath,
        folder: &Arc<Folder>,
        mode: impl Fn(FolderDefaults) -> u16,
    ) -> Result<(OwnedFd, Option<Temporary>, u16), TargetError> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        let raw = |mode: u16| Mode::from_raw_mode(u32::from(mode));
        if self.can_name_open_files && folder.file_system().has_unnamed_files() {
            let wanted = mode(folder.defaults());
            let opened = self.ask(Operation::TargetUnnamed, path).and_then(|()| {
                openat(folder.fd(), c".", flags | OFlags::TMPFILE, raw(wanted))
                    .map_err(|error| TargetError::new(path, error))
            });
            match opened {
                Ok(file) => return Ok((file, None, wanted)),
                Err(error) if has_none(&error) => folder.file_system().has_no_unnamed_files(),
                Err(error) => return Err(error),
            }
        }
        self.ask(Operation::TargetCreate, path)?;
        let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let made = self.make_temporary(folder, path, |folder, name| {
            let wanted = mode(folder.defaults());
            Ok((openat(folder.fd(), name, flags, raw(wanted))?, wanted))
        });
        let (temporary, (file, wanted)) = made.map_err(|error| TargetError::new(path, error))?;
        Ok((file, Some(temporary), wanted))
    }

    /// A file to try things on. In a dry run nothing that has a name is made.
    pub(super) fn probe_file(
        &self,
        file_system: &FileSystem,
    ) -> Option<(OwnedFd, Option<Temporary>)> {
        let mode = Mode::RUSR | Mode::WUSR;
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let unnamed = openat(file_system.directory(), c".", flags | OFlags::TMPFILE, mode);
        if let Ok(file) = unnamed {
            return Some((file, None));
        }
        if self.options.dry_run || !std::ptr::eq(self.top.file_system(), file_system) {
            return None;
        }
        let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let open = |folder: &Folder, name: &str| openat(folder.fd(), name, flags, mode);
        let made = self.make_temporary(&self.top, &TreePath::root(), open);
        made.ok().map(|(temporary, file)| (file, Some(temporary)))
    }

    /// Gives something durable its name.
    pub(super) fn name(&self, stage: &mut Stage) -> Result<(), TargetError> {
        let problem = |error: Errno| TargetError::new(&stage.path, error);
        let name = stage.name.as_bytes();
        if stage.temporary.is_none()
            && let Some(file) = &stage.file
        {
            self.ask(Operation::TargetLink, &stage.path)?;
            if stage.existing == Existing::Refuse {
                return link_open(file, &stage.folder, name).map_err(problem);
            }
            let link = |folder: &Folder, name: &str| link_open(file, folder, name.as_bytes());
            let (temporary, ()) =
                self.make_temporary(&stage.folder, &stage.path, link).map_err(problem)?;
            stage.temporary = Some(temporary);
        }
        let Some(temporary) = &mut stage.temporary else { return Ok(()) };
        self.ask(Operation::TargetRename, &stage.path)?;
        let (from, old) = (temporary.folder.fd(), temporary.name.as_str());
        let renamed = match stage.existing {
            Existing::Replace => renameat(from, old, stage.folder.fd(), name),
            Existing::Refuse => rename_new(&temporary.folder, old, &stage.folder, name),
        };
        renamed.map_err(problem)?;
        temporary.renamed = true;
        Ok(())
    }
}

impl Temporary {
    /// Renames it to a name that nothing has.
    pub(super) fn rename_new(mut self, folder: &Folder, name: &[u8]) -> Result<(), Errno> {
        rename_new(&self.folder, &self.name, folder, name)?;
        self.renamed = true;
        Ok(())
    }
}

/// Whether a folder takes nothing of this user, or nothing that can leave it.
fn will_not_take(error: Errno) -> bool {
    use Errno as E;
    matches!(error, E::ACCESS | E::PERM | E::XDEV | E::ROFS | E::EXIST)
}

/// How many names are tried before they count as taken.
const ATTEMPTS: usize = 8;

/// Whether a file system has no files without a name.
fn has_none(error: &TargetError) -> bool {
    let errno = error.source.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS))
}

/// Gives an open file a name that nothing has.
pub(super) fn link_open(file: &OwnedFd, folder: &Folder, name: &[u8]) -> Result<(), Errno> {
    let itself = || linkat(file, c"", folder.fd(), name, AtFlags::EMPTY_PATH);
    if folder.file_system().names_by_descriptor() {
        match itself() {
            // That takes a right, or a newer system; the way through /proc takes none.
            Err(Errno::NOENT | Errno::PERM | Errno::ACCESS | Errno::INVAL) => {}
            other => return other,
        }
    }
    let by_proc = format!("/proc/self/fd/{}", file.as_raw_fd());
    match linkat(CWD, by_proc, folder.fd(), name, AtFlags::SYMLINK_FOLLOW) {
        Err(Errno::NOENT) => itself(),
        other => {
            if other.is_ok() {
                folder.file_system().names_by_proc();
            }
            other
        }
    }
}

/// Renames to a name that nothing has.
fn rename_new(from: &Folder, old: &str, to: &Folder, name: &[u8]) -> Result<(), Errno> {
    match renameat_with(from.fd(), old, to.fd(), name, RenameFlags::NOREPLACE) {
        // Some file systems cannot refuse; looking first is the best that is left.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
        other => return other,
    }
    match statat(to.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Err(Errno::EXIST),
        Err(Errno::NOENT) => renameat(from.fd(), old, to.fd(), name),
        Err(error) => Err(error),
    }
}
