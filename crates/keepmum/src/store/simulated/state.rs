//! The contents of the simulated disk: the view of programs and, separately, the data that would
//! still be there after a power cut.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::fault::Fault;
use super::random::Dice;

pub(super) type FileId = u64;

/// The two contents of one file. They are shared until changed, so a fork copies no bytes.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) seen: Arc<Vec<u8>>,
    /// The data made durable by the last good sync; `None` before the first.
    pub(super) durable: Option<Arc<Vec<u8>>>,
    /// A sync failed: the kernel has forgotten that the pages are not written.
    pub(super) stuck: bool,
}

#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) files: BTreeMap<FileId, Content>,
    pub(super) next_file: FileId,
    /// Directory entries as programs see them.
    pub(super) entries: BTreeMap<String, FileId>,
    /// Directory entries that survive a power cut.
    pub(super) durable_entries: BTreeMap<String, FileId>,
    /// Changed entries that a failed directory sync has lost sight of.
    pub(super) stuck_entries: BTreeSet<String>,
    pub(super) operations: u64,
    pub(super) plan: BTreeMap<u64, Fault>,
    /// How many power cuts there were; files opened before the last are dead.
    pub(super) life: u64,
    pub(super) crashed: bool,
    pub(super) full: bool,
    pub(super) read_only: bool,
    /// It has no way to sync a folder.
    pub(super) no_folder_sync: bool,
    pub(super) gone: bool,
}

/// The operation's result after the faults were looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    Normal,
    /// Take effect, then report EIO.
    LateError,
    /// Do half of it.
    Half,
    /// Do half of it, then lose power.
    HalfThenCrash,
}

/// Whether an operation changes the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    /// Frees space or only reorders existing data.
    Settles,
    Grows,
}

pub(super) fn crashed() -> io::Error {
    io::Error::other("the simulated machine has lost power")
}

impl State {
    /// Counts one operation and says how it goes.
    pub(super) fn begin(&mut self, effect: Effect) -> io::Result<Course> {
        self.check_alive()?;
        let fault = self.plan.remove(&self.operations).unwrap_or(Fault::None);
        self.operations += 1;
        if fault == Fault::Crash {
            self.crashed = true;
            return Err(crashed());
        }
        if fault == Fault::Full {
            self.full = true;
        }
        if self.gone {
            return Err(Errno::NOENT.into());
        }
        if self.read_only && effect != Effect::Reads {
            return Err(Errno::ROFS.into());
        }
        // The very operation that finds the disk full may also be a sync (delayed allocation).
        let finds_full = fault == Fault::Full && effect == Effect::Settles;
        if self.full && (effect == Effect::Grows || finds_full) {
            return Err(Errno::NOSPC.into());
        }
        match fault {
            Fault::Error => Err(Errno::IO.into()),
            Fault::LateError => Ok(Course::LateError),
            Fault::ShortWrite => Ok(Course::Half),
            Fault::Torn => Ok(Course::HalfThenCrash),
            Fault::None | Fault::Crash | Fault::Full => Ok(Course::Normal),
        }
    }

    /// Ends an operation that took effect.
    pub(super) fn finish<T>(&mut self, course: Course, value: T) -> io::Result<T> {
        match course {
            Course::Normal | Course::Half => Ok(value),
            Course::LateError => Err(Errno::IO.into()),
            Course::HalfThenCrash => {
                self.crashed = true;
                Err(crashed())
            }
        }
    }

    pub(super) fn check_alive(&self) -> io::Result<()> {
        if self.crashed { Err(crashed()) } else { Ok(()) }
    }

    pub(super) fn add_file(&mut self, bytes: Vec<u8>, durable: bool) -> FileId {
        let id = self.next_file;
        self.next_file += 1;
        let seen = Arc::new(bytes);
        let durable = durable.then(|| Arc::clone(&seen));
        self.files.insert(id, Content { seen, durable, stuck: false });
        id
    }

    pub(super) fn find(&self, path: &str) -> Option<(FileId, &Content)> {
        let id = *self.entries.get(path)?;
        Some((id, self.files.get(&id)?))
    }

    /// Makes all entries durable but those that a failed sync lost.
    pub(super) fn settle_entries(&mut self) {
        let names: BTreeSet<String> =
            self.entries.keys().chain(self.durable_entries.keys()).cloned().collect();
        for name in names.difference(&self.stuck_entries) {
            match self.entries.get(name) {
                Some(id) => self.durable_entries.insert(name.clone(), *id),
                None => self.durable_entries.remove(name),
            };
        }
    }

    /// A directory sync failed: changes made until now will not be written by a later one.
    pub(super) fn lose_entries(&mut self) {
        let names = self.entries.keys().chain(self.durable_entries.keys());
        let changed =
            names.filter(|name| self.entries.get(*name) != self.durable_entries.get(*name));
        let changed: Vec<String> = changed.cloned().collect();
        self.stuck_entries.extend(changed);
    }

    /// The contents after the power cut, chosen by `seed` wherever the disk was free to choose.
    pub(super) fn restart(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        let names: BTreeSet<String> =
            self.entries.keys().chain(self.durable_entries.keys()).cloned().collect();
        let mut entries = BTreeMap::new();
        for name in names {
            let (seen, durable) = (self.entries.get(&name), self.durable_entries.get(&name));
            let survivor = if seen == durable || dice.up_to(1) == 0 { durable } else { seen };
            if let Some(id) = survivor {
                entries.insert(name, *id);
            }
        }
        let kept: BTreeSet<FileId> = entries.values().copied().collect();
        self.files.retain(|id, _| kept.contains(id));
        for content in self.files.values_mut() {
            let left = content.survivor(&mut dice);
            *content = Content { seen: Arc::clone(&left), durable: Some(left), stuck: false };
        }
        self.durable_entries.clone_from(&entries);
        self.entries = entries;
        self.stuck_entries.clear();
        self.plan.clear();
        self.life += 1;
        self.crashed = false;
    }
}

impl Content {
    fn survivor(&self, dice: &mut Dice) -> Arc<Vec<u8>> {
        let durable = self.durable.clone().unwrap_or_default();
        if *durable == *self.seen {
            return durable;
        }
        let seen = &*self.seen;
        // Synced bytes in front stay; bytes appended after them may come out in any state.
        let safe = if seen.starts_with(&durable) { durable.len() } else { 0 };
        let cut = safe + dice.up_to(seen.len() - safe);
        match dice.up_to(3) {
            0 => durable,
            1 => Arc::new(seen[..cut].to_vec()),
            2 => Arc::clone(&self.seen),
            _ => {
                let mut bytes = seen.clone();
                dice.fill(&mut bytes[cut..]);
                Arc::new(bytes)
            }
        }
    }
}

pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many of `count` bytes (at least one of some) an operation moves.
pub(super) fn share(course: Course, count: usize) -> usize {
    match course {
        Course::Normal | Course::LateError => count,
        Course::Half | Course::HalfThenCrash => count.div_ceil(2),
    }
}
