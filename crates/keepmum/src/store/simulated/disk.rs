//! The simulated disk as the library sees it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::{Arc, Mutex};

use rustix::io::Errno;

use super::fault::Fault;
use super::file::{SimulatedFile, SimulatedNewFile};
use super::state::{Effect, State, lock};
use crate::seam::{Disk, Found, Identity, NewFile, ReadAt, Timestamp};

/// Free space reported while the disk is not full.
const FREE: u64 = 1 << 40;

/// A destination in memory that distinguishes the view of programs from durable data.
///
/// Each create, write, sync, publish, `sync_directory`, list, open, read and remove counts as
/// one operation, from 0; `free_space`, `same_place` and lengths do not.
#[derive(Default)]
pub struct SimulatedDisk {
    pub(super) state: Arc<Mutex<State>>,
}

impl SimulatedDisk {
    /// From now on folders cannot be synced, as on some shared folders.
    pub fn cannot_sync_folders(&self) {
        lock(&self.state).no_folder_sync = true;
    }

    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Plans a fault at operation `number`, counted from 0 since the disk was made or forked.
    pub fn plan(&self, number: u64, fault: Fault) {
        lock(&self.state).plan.insert(number, fault);
    }

    /// Forgets all planned faults and ends fullness, read-only mode and absence.
    pub fn heal(&self) {
        let mut state = lock(&self.state);
        state.plan.clear();
        state.full = false;
        state.read_only = false;
        state.gone = false;
    }

    /// Operations so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        lock(&self.state).operations
    }

    /// Whether power is off.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        lock(&self.state).crashed
    }

    /// Cuts the power now.
    pub fn crash(&self) {
        lock(&self.state).crashed = true;
    }

    /// Power returns. Durable data is there; for the rest `seed` chooses: a new name kept or lost,
    /// a removed one gone or back, unsynced content missing, cut, whole or garbage.
    pub fn restart(&self, seed: u64) {
        lock(&self.state).restart(seed);
    }

    /// While set, everything that writes fails with EROFS.
    pub fn read_only(&self, on: bool) {
        lock(&self.state).read_only = on;
    }

    /// While set, the destination is not there: all fails and its path leads elsewhere.
    pub fn gone(&self, on: bool) {
        lock(&self.state).gone = on;
    }

    /// An independent disk in the same state, its operations counted from 0, nothing planned.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut state = lock(&self.state).clone();
        state.operations = 0;
        state.plan.clear();
        Self { state: Arc::new(Mutex::new(state)) }
    }
}

impl Disk for SimulatedDisk {
    fn create(&self) -> io::Result<Box<dyn NewFile>> {
        let mut state = lock(&self.state);
        let course = state.begin(Effect::Grows)?;
        let id = state.add_file(Vec::new(), false);
        let file = SimulatedNewFile::new(&self.state, id, state.life);
        let finished = state.finish(course, ());
        // The file's drop takes the lock again.
        drop(state);
        finished.map(|()| Box::new(file) as Box<dyn NewFile>)
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.no_folder_sync {
            return Err(io::ErrorKind::Unsupported.into());
        }
        match state.begin(Effect::Settles) {
            Ok(course) => {
                state.settle_entries();
                state.finish(course, ())
            }
            Err(error) => {
                if matches!(Errno::from_io_error(&error), Some(Errno::IO | Errno::NOSPC)) {
                    state.lose_entries();
                }
                Err(error)
            }
        }
    }

    fn list(&self, visit: &mut dyn FnMut(Found) -> io::Result<()>) -> io::Result<()> {
        let mut state = lock(&self.state);
        let course = state.begin(Effect::Reads)?;
        let found: Vec<Found> = state
            .entries
            .iter()
            .filter_map(|(path, id)| {
                let length = state.files.get(id)?.seen.len() as u64;
                Some(Found { path: path.clone(), length })
            })
            .collect();
        let finished = state.finish(course, ());
        drop(state);
        found.into_iter().try_for_each(visit)?;
        finished
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn ReadAt>> {
        let mut state = lock(&self.state);
        let course = state.begin(Effect::Reads)?;
        let (_, content) = state.find(path).ok_or(Errno::NOENT)?;
        let bytes = Arc::clone(&content.seen);
        let file = SimulatedFile::new(&self.state, bytes, state.life);
        state.finish(course, ()).map(|()| Box::new(file) as Box<dyn ReadAt>)
    }

    fn identity(&self, path: &str) -> io::Result<Identity> {
        let state = lock(&self.state);
        state.check_alive()?;
        let (id, content) = state.find(path).ok_or(Errno::NOENT)?;
        let mut hasher = DefaultHasher::new();
        content.seen.hash(&mut hasher);
        let [bytes, zero] = [hasher.finish().cast_signed(), 0];
        let length = content.seen.len() as u64;
        Ok(Identity { file: (0, id), length, changed: [bytes, zero, zero, zero] })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = lock(&self.state);
        let course = state.begin(Effect::Settles)?;
        state.entries.remove(path).ok_or(Errno::NOENT)?;
        state.finish(course, ())
    }

    fn sweep_staging(&self, _now: Timestamp) -> io::Result<u64> {
        // Files here have no name before they are published, so nothing is ever left over.
        lock(&self.state).check_alive()?;
        Ok(0)
    }

    fn free_space(&self) -> io::Result<u64> {
        let state = lock(&self.state);
        state.check_alive()?;
        Ok(if state.full { 0 } else { FREE })
    }

    fn same_place(&self) -> io::Result<bool> {
        let state = lock(&self.state);
        state.check_alive()?;
        Ok(!state.gone)
    }
}
