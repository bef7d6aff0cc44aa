//! Owner, attributes, mode and times of restored things, in the order that keeps them: a new owner
//! takes set-id bits away, attributes need a writable thing, and everything moves the times.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::{Gid, Mode, OFlags, Uid, openat};
use rustix::io::Errno;

use super::file_system::FileSystem;
use super::file_system::Set;
use super::folders::{ACCESS_LIST, Folder, FolderDefaults};
use super::kept::{lost, times};
use super::{Inner, Owner, Target, TargetError, TargetErrorKind, kept};
use crate::beneath::{Handle, kind_of, stat};
use crate::model::{Found, FoundKind, Metadata, Time, TreePath};
use crate::seam::Operation;

const SET_ID: u16 = 0o6000;

/// The state of something before its metadata is set.
pub(super) enum CurrentMetadata<'a> {
    /// A file just made in a folder with these defaults, its mode, and its file system.
    New { defaults: FolderDefaults, mode: u16, file_system: &'a FileSystem },
    /// Something that has been there: owner, mode, and the mode that it had at first.
    Known { owner: (u32, u32), mode: u16, first: u16 },
}

/// The differences between something in the target and its wanted state, as far as that can be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// In its mode.
    pub mode: bool,
    /// In the time of the last change.
    pub mtime: bool,
    /// In its owner or group.
    pub owner: bool,
}

impl Differences {
    /// Whether there is any.
    pub fn any(self) -> bool {
        self.mode || self.mtime || self.owner
    }
}

impl Target {
    /// Compares something in the target with its wanted state, no finer than the target keeps it.
    /// Attributes are not looked at.
    pub fn differs(&self, found: &Found, wanted: &Metadata) -> Differences {
        let inner = &self.0;
        let (owner, right) = (found.metadata.owner.numbers, inner.wanted_owner(wanted));
        let mode = inner.right_mode(found, wanted).filter(|_| found.kind != FoundKind::Symlink);
        Differences {
            mode: mode.is_some_and(|mode| {
                found.metadata.mode != Some(mode) && !inner.becomes_mode(found, mode)
            }),
            mtime: wanted
                .mtime
                .is_some_and(|time| time != found.stamp.mtime && !inner.becomes_time(found, time)),
            owner: inner.root
                && right.is_some_and(|right| {
                    owner != Some(right) && !inner.forgets_owner(found, right)
                }),
        }
    }

    /// Sets the metadata of an existing thing: owner, attributes (others of the user are removed),
    /// mode, times. Returns the metadata that could not be set. The target itself is left alone.
    /// For a folder that lay above a source, which has no time, only owner and mode are known: its
    /// attributes are left alone, and another owner is not reported.
    ///
    /// # Errors
    /// It is not there, or something of another kind is.
    pub fn apply_metadata(
        &self,
        path: &TreePath,
        kind: FoundKind,
        metadata: &Metadata,
    ) -> Result<Vec<TargetError>, TargetError> {
        if path.is_root() {
            return Ok(Vec::new());
        }
        let inner = &self.0;
        let problems = inner.hold(path, kind, |handle, mut given| {
            let mut problems = Vec::new();
            let is_saved = kind != FoundKind::Directory || metadata.mtime.is_some();
            let others = match is_saved {
                true => inner.others(handle, path, &metadata.attributes, &mut problems),
                false => Vec::new(),
            };
            if !others.is_empty() || !metadata.attributes.is_empty() {
                inner.make_writable(handle, kind, &mut given);
            }
            inner.remove_attributes(handle, path, &others, &mut problems);
            problems.extend(inner.settle(handle, path, kind, metadata, &given));
            problems.retain(|problem| is_saved || problem.kind != TargetErrorKind::Owner);
            problems
        })?;
        if kind == FoundKind::Directory {
            // New files in it may now get other owners and modes than before.
            inner.folders.close(path);
        }
        Ok(problems)
    }
}

impl Inner {
    /// Holds something open while its metadata is read or set.
    pub(super) fn hold<T>(
        &self,
        path: &TreePath,
        kind: FoundKind,
        act: impl FnOnce(&Handle<'_>, CurrentMetadata<'_>) -> T,
    ) -> Result<T, TargetError> {
        let (folder, name) = self.place(path)?;
        self.hold_in(&folder, name.as_bytes(), path, kind, act)
    }

    /// The same for something that lies under another name until it gets its own.
    pub(super) fn hold_in<T>(
        &self,
        folder: &Folder,
        name: &[u8],
        path: &TreePath,
        kind: FoundKind,
        act: impl FnOnce(&Handle<'_>, CurrentMetadata<'_>) -> T,
    ) -> Result<T, TargetError> {
        let problem = |error: Errno| TargetError::new(path, error);
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let read = flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let open = |flags| openat(folder.fd(), name, flags, Mode::empty());
        let (file, readable) = match kind {
            FoundKind::File | FoundKind::Directory => match open(read) {
                Err(Errno::ACCESS | Errno::PERM | Errno::NXIO) => {
                    (open(flags | OFlags::PATH), false)
                }
                other => (other, true),
            },
            _ => (open(flags | OFlags::PATH), false),
        };
        let file = file.map_err(problem)?;
        let there = stat(file.as_fd()).map_err(problem)?;
        if kind_of(&there) != kind {
            return Err(problem(Errno::EXIST));
        }
        let fd = file.as_fd();
        let handle = if readable { Handle::open(fd) } else { Handle::path(fd) };
        let owner = (there.stx_uid, there.stx_gid);
        let mode = there.stx_mode & 0o7777;
        Ok(act(&handle, CurrentMetadata::Known { owner, mode, first: mode }))
    }

    /// Sets all metadata of an open thing; returns the metadata that could not be set.
    pub(super) fn settle(
        &self,
        handle: &Handle<'_>,
        path: &TreePath,
        kind: FoundKind,
        metadata: &Metadata,
        given: &CurrentMetadata<'_>,
    ) -> Vec<TargetError> {
        let mut problems = Vec::new();
        let (mut owner, mode, first, inherits, file_system) = match given {
            CurrentMetadata::New { defaults, mode, file_system } => {
                (defaults.owner, *mode, *mode, defaults.inherits, Some(*file_system))
            }
            CurrentMetadata::Known { owner, mode, first } => (*owner, *mode, *first, false, None),
        };
        let (before, mut set) = (owner, Set::default());
        self.set_owner(handle, path, metadata, &mut owner).unwrap_or_else(|e| problems.push(e));
        set.owner = Some(owner).filter(|owner| *owner != before);
        if inherits {
            let gone = self.ask(Operation::TargetMetadata, path).and_then(|()| {
                handle.remove_attribute(ACCESS_LIST).map_err(|e| TargetError::new(path, e))
            });
            gone.unwrap_or_else(|error| problems.push(error));
        }
        self.set_attributes(handle, path, &metadata.attributes, &mut problems);
        if kind != FoundKind::Symlink {
            let owned = self.owned_as_recorded(metadata, owner);
            // Where the snapshot has no mode, it stays as it was or was made: its owner's only.
            let wanted = metadata.mode.map(|mode| self.kept_mode(kind, mode, owned));
            let is_less = wanted != metadata.mode.map(|mode| mode & 0o7777);
            let wanted = wanted.unwrap_or(first);
            let touched = before != owner || inherits || !metadata.attributes.is_empty();
            if touched || mode != wanted {
                match self.set_mode(handle, path, wanted) {
                    Ok(()) => set.mode = Some(wanted),
                    Err(error) => problems.push(error),
                }
            }
            if is_less {
                problems.push(self.set_id_left_out(path));
            }
        }
        if let Some(mtime) = metadata.mtime {
            match self.set_mtime(handle, path, mtime) {
                Ok(()) => set.mtime = Some(mtime),
                Err(error) => problems.push(error),
            }
        }
        self.look(handle, path, (&set, file_system), &mut problems);
        problems
    }

    /// User and group that a thing is to have; nothing if that is not known or not to be set.
    pub(super) fn wanted_owner(&self, metadata: &Metadata) -> Option<(u32, u32)> {
        match self.options.owner {
            Owner::Skip => None,
            Owner::Numbers => metadata.owner.numbers,
            Owner::Names => self.owners.numbers(&metadata.owner),
        }
    }

    /// Whether it belongs to whom it belonged. Set-id bits under another owner would give away
    /// that owner's power.
    fn owned_as_recorded(&self, metadata: &Metadata, owner: (u32, u32)) -> bool {
        Some(owner) == self.wanted_owner(metadata).or(metadata.owner.numbers)
    }

    /// The mode that something is to have; nothing if the snapshot has none.
    pub(super) fn right_mode(&self, found: &Found, wanted: &Metadata) -> Option<u16> {
        let owner = found.metadata.owner.numbers;
        let owned = owner.is_some_and(|owner| self.owned_as_recorded(wanted, owner));
        let can_own = owned || (self.root && self.wanted_owner(wanted).is_some());
        Some(self.kept_mode(found.kind, wanted.mode?, can_own))
    }

    /// The mode bits that may be set.
    fn kept_mode(&self, kind: FoundKind, mode: u16, owned: bool) -> u16 {
        let dropped = match kind {
            FoundKind::Directory if self.options.special => 0,
            FoundKind::Directory => 0o4000,
            _ if self.options.special && owned => 0,
            _ => SET_ID,
        };
        mode & 0o7777 & !dropped
    }

    /// Set-id bits that were not given.
    pub(super) fn set_id_left_out(&self, path: &TreePath) -> TargetError {
        if !self.options.special {
            return TargetError::not_permitted(path, "its set-id bits were");
        }
        let source = io::Error::other("its set-id bits were left out under another owner");
        TargetError::of(path, TargetErrorKind::NotPermitted, source)
    }

    fn set_owner(
        &self,
        handle: &Handle<'_>,
        path: &TreePath,
        metadata: &Metadata,
        owner: &mut (u32, u32),
    ) -> Result<(), TargetError> {
        let Some(wanted) = self.wanted_owner(metadata) else { return Ok(()) };
        if wanted == *owner {
            return Ok(());
        }
        let problem = |error: Errno| TargetError::of(path, TargetErrorKind::Owner, error);
        // This number means "leave as it is" to the kernel and belongs to nobody.
        if wanted.0 == u32::MAX || wanted.1 == u32::MAX {
            return Err(problem(Errno::INVAL));
        }
        if !self.root && owner.0 != self.user {
            return Err(TargetError::not_owner(path));
        }
        let user = (wanted.0 != owner.0).then(|| Uid::from_raw(wanted.0)).filter(|_| self.root);
        let group = (wanted.1 != owner.1).then(|| Gid::from_raw(wanted.1));
        if user.is_some() || group.is_some() {
            self.ask(Operation::TargetMetadata, path)?;
            match handle.set_owner(user, group) {
                Err(Errno::PERM) if !self.root => return Err(TargetError::not_owner(path)),
                Err(Errno::PERM | Errno::OPNOTSUPP) => return Err(lost(path, kept::OWNER)),
                other => other.map_err(problem)?,
            }
            owner.1 = wanted.1;
        }
        if !self.root && wanted.0 != owner.0 {
            // A group of one's own may be given, a user never.
            return Err(TargetError::not_owner(path));
        }
        *owner = wanted;
        Ok(())
    }

    fn set_mode(&self, handle: &Handle<'_>, path: &TreePath, mode: u16) -> Result<(), TargetError> {
        self.ask(Operation::TargetMetadata, path)?;
        handle.set_mode(mode).map_err(|error| match error {
            // It is this user's own: the file system has no such mode.
            Errno::PERM if self.root => lost(path, kept::MODE),
            error => TargetError::new(path, error),
        })
    }

    fn set_mtime(
        &self,
        handle: &Handle<'_>,
        path: &TreePath,
        mtime: Time,
    ) -> Result<(), TargetError> {
        // Greater numbers have meanings of their own to the kernel.
        if mtime.nanos >= 1_000_000_000 {
            return Err(TargetError::new(path, io::Error::from(io::ErrorKind::InvalidInput)));
        }
        self.ask(Operation::TargetMetadata, path)?;
        handle.set_times(&times(mtime)).map_err(|error| TargetError::new(path, error))
    }
}
