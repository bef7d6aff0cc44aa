//! Windows: chunks to be fetched, gathered for many files.

use super::block::Use;

/// Chunks to be fetched and the files that wait for them.
#[derive(Default)]
pub(super) struct Window {
    pub(super) uses: Vec<Use>,
    pub(super) files: usize,
    /// Bytes of the files' paths and attributes.
    pub(super) held: usize,
}

/// Small files are put together in memory or written at once; large ones stay open.
#[derive(Default)]
pub(super) struct Windows {
    pub(super) small: Window,
    pub(super) large: Window,
}
