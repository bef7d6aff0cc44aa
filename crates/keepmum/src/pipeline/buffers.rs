//! Memory to be used again: large buffers that come and go on several threads would otherwise
//! leave an allocator with more holes than memory in use, and the kernel with pages to clear.

use std::sync::{Mutex, PoisonError};

/// Buffers of one purpose, so that a buffer of one user fits the next.
pub struct Buffers {
    kept: Mutex<Vec<Vec<u8>>>,
    most: usize,
}

impl Buffers {
    /// None yet; at most `most` will be kept while nobody uses them.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { kept: Mutex::new(Vec::new()), most }
    }

    /// A buffer that is new and empty, or as its last user left it.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Keeps a buffer for the next who asks.
    pub fn give(&self, buffer: Vec<u8>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < self.most {
            kept.push(buffer);
        }
    }
}
