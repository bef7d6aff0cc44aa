//! Changes that a test may make to the simulated disk behind the library's back. None of them
//! counts as an operation, and all of them are durable at once: they stand for a sync client, bad
//! hardware or a person.

use std::sync::Arc;

use super::disk::SimulatedDisk;
use super::state::lock;
use super::state::{Content, State};

impl SimulatedDisk {
    /// Paths of all files, sorted.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        lock(&self.state).entries.keys().cloned().collect()
    }

    /// Paths and contents of all files, sorted by path.
    #[must_use]
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let state = lock(&self.state);
        let content = |path: &String| Some((path.clone(), state.find(path)?.1.seen.to_vec()));
        state.entries.keys().filter_map(content).collect()
    }

    /// The content of one file.
    #[must_use]
    pub fn content(&self, path: &str) -> Option<Vec<u8>> {
        Some(lock(&self.state).find(path)?.1.seen.to_vec())
    }

    /// Whether both the file's name and all of its bytes would survive a power cut.
    #[must_use]
    pub fn is_durable(&self, path: &str) -> bool {
        let state = lock(&self.state);
        state.find(path).is_some_and(|(id, content)| {
            state.durable_entries.get(path) == Some(&id)
                && content.durable.as_ref() == Some(&content.seen)
        })
    }

    /// Adds a file, replacing one of that path.
    pub fn add(&self, path: &str, bytes: &[u8]) {
        let mut state = lock(&self.state);
        let id = state.add_file(bytes.to_vec(), true);
        state.entries.insert(path.to_owned(), id);
        state.durable_entries.insert(path.to_owned(), id);
    }

    /// Takes a file away; returns whether it was there.
    pub fn take(&self, path: &str) -> bool {
        let mut state = lock(&self.state);
        state.durable_entries.remove(path);
        state.entries.remove(path).is_some()
    }

    /// Renames a file, replacing one of the new path; returns whether it was there.
    pub fn rename(&self, from: &str, to: &str) -> bool {
        let mut state = lock(&self.state);
        let Some(id) = state.entries.remove(from) else { return false };
        state.durable_entries.remove(from);
        state.entries.insert(to.to_owned(), id);
        state.durable_entries.insert(to.to_owned(), id);
        true
    }

    /// Changes the bits of `mask` in the byte at `offset`; returns whether there is one.
    pub fn flip(&self, path: &str, offset: usize, mask: u8) -> bool {
        self.damage(path, |bytes| bytes.get_mut(offset).map(|byte| *byte ^= mask).is_some())
    }

    /// Cuts a file to at most `length` bytes; returns whether it was longer.
    pub fn truncate(&self, path: &str, length: usize) -> bool {
        self.damage(path, |bytes| {
            let longer = bytes.len() > length;
            bytes.truncate(length);
            longer
        })
    }

    /// Appends to a file; returns whether it was there.
    pub fn extend(&self, path: &str, more: &[u8]) -> bool {
        self.damage(path, |bytes| {
            bytes.extend_from_slice(more);
            true
        })
    }

    /// The damaged content is a new file: files opened before read the old bytes, and two forks
    /// never share the damage.
    fn damage(&self, path: &str, change: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        let mut state = lock(&self.state);
        let State { files, entries, .. } = &mut *state;
        let Some(content) = entries.get(path).and_then(|id| files.get_mut(id)) else {
            return false;
        };
        let mut bytes = content.seen.to_vec();
        let changed = change(&mut bytes);
        let seen = Arc::new(bytes);
        *content = Content { durable: Some(Arc::clone(&seen)), seen, stuck: false };
        changed
    }
}
