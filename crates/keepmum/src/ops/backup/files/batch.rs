//! Batches: files that are read together, and their results.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::catalogue::{DirectoryId, Remembered};
use crate::model::{Content, Found, Stamp, Time, TreePath};
use crate::pipeline::{Mode, Ticket};
use crate::source::{Attributes, SourceError};

use super::super::setting::OpenDirectory;
use super::worker::SmallFile;

/// Most files of a batch.
const BATCH_FILES: usize = 16 * 1024;
/// Most bytes of path in a batch.
const BATCH_PATHS: usize = 4 * 1024 * 1024;

/// A file to be read.
pub(in super::super) struct Job {
    pub(in super::super) parent: Arc<OpenDirectory>,
    pub(in super::super) path: TreePath,
    pub(in super::super) old: Option<Box<Remembered>>,
    pub(in super::super) found: Found,
}

/// The result of reading a file.
pub(in super::super) struct ReadFile {
    pub(in super::super) content: Content,
    pub(in super::super) attributes: Attributes,
    /// The time of the content read, not of the listing before it.
    pub(in super::super) mtime: Option<Time>,
    /// The stamp of the content read, unless it changed meanwhile.
    pub(in super::super) stamp: Option<Stamp>,
    /// It changed while it was read.
    pub(in super::super) changed: bool,
    /// How many bytes were read, if the file says that there are more or fewer.
    pub(in super::super) untrue: Option<u64>,
}

/// The fate of one name of the batch, in the order of the walk.
pub(super) enum Deferred {
    File(usize),
    Leave(Arc<OpenDirectory>),
}

/// Files waiting to be read, and directories waiting for them.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) jobs: Vec<Job>,
    pub(super) order: Vec<Deferred>,
    pub(super) path_bytes: usize,
    pub(super) open: HashSet<DirectoryId>,
}

impl Batch {
    pub(super) fn file(&mut self, job: Job) {
        self.path_bytes += job.path.as_bytes().len();
        self.open.insert(job.parent.id);
        self.order.push(Deferred::File(self.jobs.len()));
        self.jobs.push(job);
    }

    pub(super) fn leave(&mut self, directory: Arc<OpenDirectory>) {
        self.open.insert(directory.id);
        self.order.push(Deferred::Leave(directory));
    }

    pub(super) fn is_full(&self, files: usize) -> bool {
        self.jobs.len() >= files || self.order.len() >= 2 * files || self.path_bytes >= BATCH_PATHS
    }
}

/// Files of a full batch. A replay has small ones, or its trees would never fill any.
pub(super) fn batch_files(mode: Mode) -> usize {
    match mode {
        Mode::Threads(_) => BATCH_FILES,
        Mode::Replay { seed } => 1 + usize::from(seed.to_le_bytes()[0] % 16),
    }
}

/// Extension, then name: similar files next to each other compress well together.
pub(super) fn kinship(path: &TreePath) -> (Vec<u8>, Vec<u8>) {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let extension = match name.iter().rposition(|byte| *byte == b'.') {
        Some(at) if at > 0 => name[at + 1..].to_vec(),
        _ => Vec::new(),
    };
    (extension, name.to_vec())
}

/// A batch whose files are being read, while the walk gathers the next one.
pub(super) struct UnderRead<'env> {
    pub(super) jobs: Vec<Job>,
    pub(super) order: Vec<Deferred>,
    pub(super) open: HashSet<DirectoryId>,
    /// Small files in the order in which they are read; those from `begun` on wait for it.
    pub(super) small: Vec<usize>,
    pub(super) begun: usize,
    pub(super) groups: VecDeque<Ticket<'env, Group>>,
    pub(super) large: Vec<usize>,
    /// Further names of files that are read once.
    pub(super) again: Vec<usize>,
    pub(super) results: Vec<Option<Result<ReadFile, SourceError>>>,
}

/// Files that were read together, by their numbers, and their data.
pub(super) struct Group {
    pub(super) bytes: Vec<u8>,
    pub(super) files: Vec<(usize, Result<Option<SmallFile>, SourceError>)>,
}
