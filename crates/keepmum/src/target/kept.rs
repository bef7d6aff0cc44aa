//! The metadata that a target keeps. Not every file system keeps all: times are rounded or limited,
//! modes and owners are accepted and forgotten, attributes refused.
//!
//! Set values are read again, so that losses are reported. And before something counts as
//! different, the right value is given to a hidden file, to see the target's version of it:
//! otherwise each restore would write everything again, for ever.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{Gid, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::io::Errno;

use super::file_system::{FileSystem, Set};
use super::stage::Temporary;
use super::{Inner, TargetError, TargetErrorKind};
use crate::beneath::{Handle, stamp};
use crate::model::{Attribute, Found, FoundKind, Metadata, Time, TreePath};

/// A hidden file that shows which values the target keeps.
struct Probe {
    file: OwnedFd,
    /// Goes with the probe.
    _temporary: Option<Temporary>,
}

/// The files to try things on, by device; none where there can be none.
#[derive(Default)]
pub(super) struct Probes(Mutex<HashMap<u64, Option<Probe>>>);

impl Probes {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Option<Probe>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of them.
    pub(super) fn drop_all(&self) {
        self.lock().clear();
    }
}

/// Times to set: the last change only.
pub(super) fn times(mtime: Time) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: mtime.seconds, tv_nsec: mtime.nanos.into() },
    }
}

/// Something that the target did not keep.
pub(super) fn lost(path: &TreePath, what: &str) -> TargetError {
    TargetError::of(path, TargetErrorKind::Unsupported, io::Error::other(what.to_owned()))
}

pub(super) const MODE: &str = "its mode";
pub(super) const TIME: &str = "the exact time of its last change";
pub(super) const OWNER: &str = "its owner";

impl Inner {
    /// Reads values again after setting them and reports those that were not kept. For a new file
    /// this is known if its file system has kept the like for another one.
    pub(super) fn look(
        &self,
        handle: &Handle<'_>,
        path: &TreePath,
        (set, file_system): (&Set, Option<&FileSystem>),
        problems: &mut Vec<TargetError>,
    ) {
        if set.mode.is_none() && set.mtime.is_none() && set.owner.is_none() {
            return;
        }
        if file_system.is_some_and(|one| one.keeps(set)) {
            return;
        }
        let Ok(found) = handle.stat() else { return };
        let before = problems.len();
        if set.mode.is_some_and(|mode| mode != found.stx_mode & 0o7777) {
            problems.push(lost(path, MODE));
        }
        if set.mtime.is_some_and(|mtime| mtime != stamp(&found).mtime) {
            problems.push(lost(path, TIME));
        }
        if set.owner.is_some_and(|owner| owner != (found.stx_uid, found.stx_gid)) {
            problems.push(lost(path, OWNER));
        }
        if let Some(file_system) = file_system.filter(|_| problems.len() == before) {
            file_system.has_kept(set);
        }
    }

    /// The metadata lost in something that is otherwise as right as the target allows.
    pub(super) fn lacking(
        &self,
        path: &TreePath,
        found: &Found,
        wanted: &Metadata,
        problems: &mut Vec<TargetError>,
    ) {
        if wanted.mtime.is_some_and(|mtime| mtime != found.stamp.mtime) {
            problems.push(lost(path, TIME));
        }
        let (owner, right) = (found.metadata.owner.numbers, self.wanted_owner(wanted));
        if self.root && right.is_some() && right != owner {
            problems.push(lost(path, OWNER));
        }
    }

    /// Whether the existing time is the target's version of this one.
    pub(super) fn becomes_time(&self, found: &Found, mtime: Time) -> bool {
        // Greater numbers have meanings of their own to the kernel.
        mtime.nanos < 1_000_000_000
            && self.tried(found, |probe| {
                probe.set_times(&times(mtime)).ok();
                let kept = stamp(&probe.stat().ok()?).mtime;
                Some(kept == found.stamp.mtime)
            })
    }

    /// Whether the existing mode is the target's version of this one. The hidden thing is a file:
    /// for a folder it only shows whether modes are kept at all.
    pub(super) fn becomes_mode(&self, found: &Found, mode: u16) -> bool {
        self.tried(found, |probe| {
            probe.set_mode(mode).ok();
            let kept = probe.stat().ok()?.stx_mode & 0o7777;
            Some(match found.kind {
                FoundKind::Directory => kept != mode,
                _ => Some(kept) == found.metadata.mode,
            })
        })
    }

    /// Whether the target keeps owners at all.
    pub(super) fn forgets_owner(&self, found: &Found, owner: (u32, u32)) -> bool {
        self.tried(found, |probe| {
            probe.set_owner(Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1))).ok();
            let kept = probe.stat().ok()?;
            Some((kept.stx_uid, kept.stx_gid) != owner)
        })
    }

    /// For each attribute that something with `present` lacks, why the target does not keep it
    /// beside these; nothing for one that it would keep, and where that cannot be tried.
    pub(super) fn refusals(
        &self,
        device: u64,
        present: &[Attribute],
        missing: &[Attribute],
    ) -> Vec<Option<Errno>> {
        let tried = self.tried_on(device, |probe| {
            // Attributes need a writable thing.
            probe.set_mode(0o600).ok();
            let set =
                |one: &Attribute| probe.set_attribute(&one.name, one.value().unwrap_or_default());
            let remove = |one: &Attribute| probe.remove_attribute(&one.name).ok();
            let known = present.iter().all(|one| set(one).is_ok());
            let try_it = |one: &Attribute| {
                let refused = match set(one) {
                    Err(error) => Some(error),
                    Ok(()) if probe.attributes().read.contains(one) => None,
                    Ok(()) => Some(Errno::OPNOTSUPP),
                };
                // One of the same name with another value stays out of the way.
                remove(one);
                present.iter().filter(|other| other.name == one.name).for_each(|other| {
                    set(other).ok();
                });
                refused
            };
            let refused = known.then(|| missing.iter().map(try_it).collect());
            present.iter().for_each(|one| {
                remove(one);
            });
            refused
        });
        tried.unwrap_or_else(|| vec![None; missing.len()])
    }

    fn tried(&self, found: &Found, act: impl FnOnce(&Handle<'_>) -> Option<bool>) -> bool {
        self.tried_on(found.stamp.device, act).unwrap_or(false)
    }

    /// Tries something on a file of the file system; nothing where it cannot be tried.
    fn tried_on<T>(&self, device: u64, act: impl FnOnce(&Handle<'_>) -> Option<T>) -> Option<T> {
        let file_system = self.file_systems.with_device(device)?;
        let mut probes = self.probes.lock();
        let probe = probes.entry(device).or_insert_with(|| {
            let (file, temporary) = self.probe_file(&file_system)?;
            Some(Probe { file, _temporary: temporary })
        });
        probe.as_ref().and_then(|probe| act(&Handle::open(probe.file.as_fd())))
    }
}
