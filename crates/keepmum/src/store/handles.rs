//! A few open files kept for the next range of the same object.

use std::sync::{Arc, Mutex, PoisonError};

use crate::seam::ReadAt;

/// Enough for the objects that a restore reads from at once, far below any descriptor limit.
const CAPACITY: usize = 16;

/// The most recently used open files, the latest last.
#[derive(Default)]
pub(super) struct Handles(Mutex<Vec<(String, Arc<dyn ReadAt>)>>);

impl Handles {
    /// The open file of `path`, if it is kept.
    pub(super) fn find(&self, path: &str) -> Option<Arc<dyn ReadAt>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == path)?;
        let entry = kept.remove(at);
        let file = Arc::clone(&entry.1);
        kept.push(entry);
        Some(file)
    }

    /// Keeps an open file, letting go of the one unused for longest.
    pub(super) fn keep(&self, path: &str, file: Arc<dyn ReadAt>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| known != path);
        if kept.len() >= CAPACITY {
            kept.remove(0);
        }
        kept.push((path.to_owned(), file));
    }

    /// Lets go of `path`, so that a deleted object is not read any more.
    pub(super) fn forget(&self, path: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| known != path);
    }
}
