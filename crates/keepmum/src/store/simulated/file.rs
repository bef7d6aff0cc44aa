//! Files of the simulated disk, while written and while read.

use std::io;
use std::sync::{Arc, Mutex};

use rustix::io::Errno;

use super::state::{Course, Effect, FileId, State, crashed};
use super::state::{lock, share};
use crate::seam::{NewFile, ReadAt};

/// A file without a name yet.
pub(super) struct SimulatedNewFile {
    state: Arc<Mutex<State>>,
    id: FileId,
    life: u64,
    published: bool,
}

impl SimulatedNewFile {
    pub(super) fn new(state: &Arc<Mutex<State>>, id: FileId, life: u64) -> Self {
        Self { state: Arc::clone(state), id, life, published: false }
    }
}

/// A descriptor does not outlive the machine it was opened on.
fn check_life(state: &State, life: u64) -> io::Result<()> {
    if state.life == life { Ok(()) } else { Err(crashed()) }
}

impl NewFile for SimulatedNewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = lock(&self.state);
        check_life(&state, self.life)?;
        let course = state.begin(Effect::Grows)?;
        let count = share(course, bytes.len());
        let content = state.files.get_mut(&self.id).ok_or(Errno::BADF)?;
        Arc::make_mut(&mut content.seen).extend_from_slice(&bytes[..count]);
        state.finish(course, count)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = lock(&self.state);
        check_life(&state, self.life)?;
        let begun = state.begin(Effect::Settles);
        let content = state.files.get_mut(&self.id).ok_or(Errno::BADF)?;
        match begun {
            Ok(course) => {
                if !content.stuck {
                    content.durable = Some(Arc::clone(&content.seen));
                }
                state.finish(course, ())
            }
            Err(error) => {
                content.stuck = true;
                Err(error)
            }
        }
    }

    fn publish(&mut self, name: &str) -> io::Result<()> {
        let mut state = lock(&self.state);
        check_life(&state, self.life)?;
        let course = state.begin(Effect::Grows)?;
        if name.is_empty() || name == "." || name == ".." || name.contains('/') {
            return Err(Errno::INVAL.into());
        }
        if state.entries.contains_key(name) {
            return Err(Errno::EXIST.into());
        }
        state.entries.insert(name.to_owned(), self.id);
        let finished = state.finish(course, ());
        drop(state);
        self.published = true;
        finished
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = lock(&self.state);
        check_life(&state, self.life)?;
        let course = state.begin(Effect::Reads)?;
        let bytes = state.files.get(&self.id).map(|content| Arc::clone(&content.seen));
        let count = copy_part(&bytes.ok_or(Errno::BADF)?, offset, buffer, course);
        state.finish(course, count)
    }
}

/// Copies as much as the course of a read lets through; says how much that is.
fn copy_part(bytes: &[u8], offset: u64, buffer: &mut [u8], course: Course) -> usize {
    let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..));
    let rest = rest.unwrap_or_default();
    let count = share(course, rest.len().min(buffer.len()));
    buffer[..count].copy_from_slice(&rest[..count]);
    count
}

impl Drop for SimulatedNewFile {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if !self.published && state.life == self.life {
            state.files.remove(&self.id);
        }
    }
}

/// A file opened for reading; like a descriptor it stays readable after a removal.
pub(super) struct SimulatedFile {
    state: Arc<Mutex<State>>,
    bytes: Arc<Vec<u8>>,
    life: u64,
}

impl SimulatedFile {
    pub(super) fn new(state: &Arc<Mutex<State>>, bytes: Arc<Vec<u8>>, life: u64) -> Self {
        Self { state: Arc::clone(state), bytes, life }
    }
}

impl ReadAt for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        let state = lock(&self.state);
        state.check_alive()?;
        check_life(&state, self.life)?;
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = lock(&self.state);
        check_life(&state, self.life)?;
        let course = state.begin(Effect::Reads)?;
        let count = copy_part(&self.bytes, offset, buffer, course);
        state.finish(course, count)
    }
}
