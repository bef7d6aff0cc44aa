//! Finished things that wait for their name: gathered, made durable together, then put in place.
//!
//! A batch is bounded in number, because each file of it is held open, and in bytes. Once it is
//! half full, a thread that waits for the disk empties it while others continue; if that comes too
//! late, the thread that fills it empties it. A failed sync ends the target: the system's later
//! answers about other files cannot be trusted.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{fsync, syncfs};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use super::file_system::FileSystem;
use super::folders::held;
use super::stage::Stage;
use super::{Inner, Target, TargetError, TargetErrorKind};
use crate::model::{FoundKind, TreePath};
use crate::seam::Operation;

/// Most things in a batch, however many files may be open.
const MOST: usize = 8192;
/// Most bytes of files in a batch.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// Up to so many files are synced one by one: a sync of the whole file system would wait for writes
/// of other programs.
const FEW: usize = 8;
/// Open files that are left to all else.
const SPARE: u64 = 256;

/// Something that was whole and did not get its name.
pub struct Unplaced {
    /// The kind of thing.
    pub kind: FoundKind,
    /// Bytes of a file.
    pub size: u64,
    /// A file with further names.
    pub linked: bool,
    /// Its path, and why.
    pub error: TargetError,
}

/// The state of the waiting things.
pub(super) struct Batch {
    waiting: Mutex<Waiting>,
    /// Held while a batch is put in place.
    placing: Mutex<()>,
    unplaced: Mutex<Vec<Unplaced>>,
    /// How many things got their names, and how many bytes they have.
    placed: Mutex<(u64, u64)>,
    /// The sync that failed.
    failed: Mutex<Option<(TargetErrorKind, String)>>,
    /// Batches that were put in place. Who found no space tries again if there was one meanwhile.
    emptied: AtomicU64,
    most: usize,
}

#[derive(Default)]
struct Waiting {
    stages: Vec<Stage>,
    bytes: u64,
}

impl Default for Batch {
    fn default() -> Self {
        // One batch may wait while another is put in place, and each file may be in a folder of
        // its own.
        let open = open_files();
        let spare = SPARE + held(open) as u64;
        let most = usize::try_from(open.saturating_sub(spare) / 4).unwrap_or(MOST);
        Self {
            waiting: Mutex::default(),
            placing: Mutex::default(),
            unplaced: Mutex::default(),
            placed: Mutex::default(),
            failed: Mutex::default(),
            emptied: AtomicU64::new(0),
            most: most.clamp(1, MOST),
        }
    }
}

/// How many files this process may have open.
pub(super) fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Target {
    /// Makes everything that waits durable and gives it its name. [`Self::unplaced`] returns the
    /// things that did not get theirs.
    ///
    /// # Errors
    /// Something could not be made durable; the path of the error is the root's.
    pub fn place(&self) -> Result<(), TargetError> {
        self.0.check_syncs()?;
        self.0.place_all(|_| true).map(drop)
    }

    /// Whether so much waits that a thread which has time for it should call [`Self::place`]. At
    /// twice as much, the writing thread has to wait for it.
    pub fn is_half_full(&self) -> bool {
        let waiting = lock(&self.0.batch.waiting);
        waiting.stages.len() >= self.0.batch.most / 2 || waiting.bytes >= MOST_BYTES / 2
    }

    /// How many things got their names since this was asked last, and how many bytes they have.
    pub fn take_placed(&self) -> (u64, u64) {
        std::mem::take(&mut lock(&self.0.batch.placed))
    }

    /// The things that did not get their name since the last call.
    ///
    /// # Errors
    /// Something could not be made durable: nothing more can be restored.
    pub fn unplaced(&self) -> Result<Vec<Unplaced>, TargetError> {
        self.0.check_syncs()?;
        Ok(std::mem::take(&mut lock(&self.0.batch.unplaced)))
    }
}

impl Inner {
    /// Takes something that is whole; puts the batch in place if that fills it.
    pub(super) fn stage(&self, stage: Stage) -> Result<(), TargetError> {
        self.check_syncs()?;
        let mut waiting = lock(&self.batch.waiting);
        waiting.bytes = waiting.bytes.saturating_add(stage.size);
        waiting.stages.push(stage);
        let full = self.is_full(&waiting);
        drop(waiting);
        if full {
            // Somebody else may have emptied it meanwhile.
            self.place_all(|waiting| self.is_full(waiting))?;
        }
        Ok(())
    }

    fn is_full(&self, waiting: &Waiting) -> bool {
        waiting.stages.len() >= self.batch.most || waiting.bytes >= MOST_BYTES
    }

    /// Repeats an operation as long as there was no space and some has been freed, by any thread: a
    /// replaced file takes its space until the new file has its name.
    pub(super) fn with_space<T>(
        &self,
        mut act: impl FnMut() -> Result<T, TargetError>,
    ) -> Result<T, TargetError> {
        loop {
            let before = self.batch.emptied.load(Ordering::Acquire);
            match act() {
                Err(error) if error.kind == TargetErrorKind::Full => {
                    self.place_all(|_| true)?;
                    if self.batch.emptied.load(Ordering::Acquire) == before {
                        return Err(error);
                    }
                }
                other => return other,
            }
        }
    }

    /// Puts the waiting things in place, if `when` says so; returns their number.
    fn place_all(&self, when: impl Fn(&Waiting) -> bool) -> Result<usize, TargetError> {
        let placing = lock(&self.batch.placing);
        let mut waiting = lock(&self.batch.waiting);
        let batch = if when(&waiting) { std::mem::take(&mut *waiting) } else { Waiting::default() };
        drop(waiting);
        if batch.stages.is_empty() {
            return Ok(0);
        }
        let count = batch.stages.len();
        self.make_durable(&batch.stages)?;
        // Replaced files give space back: the others are put in place before the error is reported.
        let mut full = Vec::new();
        for mut stage in batch.stages {
            match self.name(&mut stage) {
                Ok(()) => self.note_placed(&stage),
                Err(error) if error.kind == TargetErrorKind::Full => full.push(stage),
                Err(error) => self.note_unplaced(&stage, error),
            }
        }
        for mut stage in full {
            match self.name(&mut stage) {
                Ok(()) => self.note_placed(&stage),
                Err(error) => self.note_unplaced(&stage, error),
            }
        }
        self.batch.emptied.fetch_add(1, Ordering::AcqRel);
        drop(placing);
        Ok(count)
    }

    fn note_placed(&self, stage: &Stage) {
        let mut placed = lock(&self.batch.placed);
        *placed = (placed.0 + 1, placed.1.saturating_add(stage.size));
    }

    fn note_unplaced(&self, stage: &Stage, error: TargetError) {
        let unplaced = Unplaced { kind: stage.kind, size: stage.size, linked: stage.linked, error };
        lock(&self.batch.unplaced).push(unplaced);
    }

    /// The error of a sync that failed before.
    fn check_syncs(&self) -> Result<(), TargetError> {
        match &*lock(&self.batch.failed) {
            Some((kind, text)) => {
                Err(TargetError::of(&TreePath::root(), *kind, io::Error::other(text.clone())))
            }
            None => Ok(()),
        }
    }

    fn make_durable(&self, stages: &[Stage]) -> Result<(), TargetError> {
        let done = self.sync_stages(stages);
        if let Err(error) = &done {
            *lock(&self.batch.failed) = Some((error.kind, error.source.to_string()));
        }
        done
    }

    fn sync_stages(&self, stages: &[Stage]) -> Result<(), TargetError> {
        let few = stages.len() <= FEW && stages.iter().all(|stage| stage.file.is_some());
        let mut others: Vec<&FileSystem> = Vec::new();
        for stage in stages {
            let file_system = stage.folder.file_system();
            if let Some(file) = &stage.file
                && (few || file_system.is_served())
            {
                self.ask(Operation::TargetSync, &stage.path)?;
                fsync(file).map_err(|error| TargetError::new(&stage.path, error))?;
            } else if !others.iter().any(|other| std::ptr::eq(*other, file_system)) {
                others.push(file_system);
            }
        }
        for file_system in others {
            self.sync_file_system(file_system)?;
        }
        Ok(())
    }

    /// Makes everything on a file system durable.
    pub(super) fn sync_file_system(&self, file_system: &FileSystem) -> Result<(), TargetError> {
        let root = TreePath::root();
        self.ask(Operation::TargetSync, &root)?;
        let synced = syncfs(file_system.directory());
        synced.map_err(|error: Errno| TargetError::new(&root, error))
    }
}
