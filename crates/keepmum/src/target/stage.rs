//! Things that are whole but for their name.
//!
//! A name is given only to what is durable, so that after a power cut a name never stands for
//! zeros. Until then a file has no name at all (`O_TMPFILE`), or, where the file system has no such
//! files and for what is no file, a temporary one that the next restore knows and removes.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, openat, renameat, renameat_with, statat,
    unlinkat,
};
use rustix::io::Errno;

use super::file_system::FileSystem;
use super::folders::{Folder, Habit};
use super::{Inner, TargetError};
use crate::model::{FoundKind, Name, TreePath};
use crate::seam::Operation;

/// What to do with something that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing may be there.
    Refuse,
    /// Replace it, unless it is a folder, once the new one is whole and durable.
    Replace,
}

/// Whether this is the name of something unfinished that an interrupted restore left behind.
pub fn is_temporary(name: &Name) -> bool {
    let middle = name.as_bytes().strip_prefix(b".keepmum-").and_then(|n| n.strip_suffix(b".tmp"));
    middle.is_some_and(|hex| {
        hex.len() == 16 && hex.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// A temporary name. What has it is removed when this is dropped.
pub(super) struct Temporary {
    pub(super) folder: Arc<Folder>,
    pub(super) name: String,
    /// Whether it has become a lasting name.
    renamed: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // Nobody is left to be told; the name says what it is.
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

    /// Makes something under a temporary name. It lies in the target itself, which every restore
    /// looks at, so that leftovers are found; where that cannot be, in the folder that it is for.
    pub(super) fn make_temporary<T>(
        &self,
        folder: &Arc<Folder>,
        make: impl Fn(&Folder, &str) -> Result<T, Errno>,
    ) -> Result<(Temporary, T), Errno> {
        let try_in = |folder: &Arc<Folder>| {
            for _ in 0..ATTEMPTS {
                let name = self.draw_name();
                match make(folder, &name) {
                    Ok(made) => {
                        let folder = folder.clone();
                        return Ok((Temporary { folder, name, renamed: false }, made));
                    }
                    Err(Errno::EXIST) => {}
                    Err(error) => {
                        // Some file systems leave an empty file behind what they could not make.
                        unlinkat(folder.fd(), name.as_str(), AtFlags::empty()).ok();
                        return Err(error);
                    }
                }
            }
            Err(Errno::EXIST)
        };
        if folder.is_beside(&self.top) {
            match try_in(&self.top) {
                Err(Errno::ACCESS | Errno::PERM | Errno::XDEV | Errno::ROFS | Errno::EXIST) => {}
                other => return other,
            }
        }
        try_in(folder)
    }

    /// Opens a new file that has no name, or where there are no such files one with a temporary
    /// name. Answers with the mode that was asked for, too.
    pub(super) fn new_file(
        &self,
        path: &TreePath,
        folder: &Arc<Folder>,
        mode: impl Fn(Habit) -> u16,
    ) -> Result<(OwnedFd, Option<Temporary>, u16), TargetError> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        let raw = |mode: u16| Mode::from_raw_mode(u32::from(mode));
        if self.can_name_open_files && folder.file_system().has_unnamed_files() {
            let wanted = mode(folder.habit());
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
        let made = self.make_temporary(folder, |folder, name| {
            let wanted = mode(folder.habit());
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
        let made =
            self.make_temporary(&self.top, |folder, name| openat(folder.fd(), name, flags, mode));
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
            let (temporary, ()) = self.make_temporary(&stage.folder, link).map_err(problem)?;
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
