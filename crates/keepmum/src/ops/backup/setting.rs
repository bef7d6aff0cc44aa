//! Values that the parts of a backup use and do not change.

use std::cell::Cell;
use std::collections::HashSet;

use crate::catalogue::DirectoryId;
use crate::chunk::Chunker;
use crate::compress::Compressor;
use crate::model::{DeviceId, ObjectKey, RecordRef};
use crate::repository::{Keys, ObjectReader, RepositoryAccess};
use crate::source::Source;
use crate::store::Store;

use super::progress::Progress;
use crate::session::access::Access;
use crate::session::claims::Claims;
use crate::session::event::Observer;
use crate::session::options::BackupOptions;

/// Each worker's own state.
pub(super) struct Worker {
    pub(super) compressor: Compressor,
}

impl AsMut<Compressor> for Worker {
    fn as_mut(&mut self) -> &mut Compressor {
        &mut self.compressor
    }
}

/// A directory that the walk is in, or has left.
pub(super) struct OpenDirectory {
    pub(super) id: DirectoryId,
    /// The part of the source that it lies in.
    pub(super) unit: u32,
    /// Its file system as the system numbers it, if that is known.
    pub(super) device: Option<u64>,
}

/// Values that a backup uses and does not change.
pub(super) struct Setting<'env> {
    pub(super) access: &'env Access,
    pub(super) options: &'env BackupOptions,
    pub(super) observer: &'env dyn Observer,
    pub(super) source: &'env Source,
    pub(super) keys: &'env Keys,
    pub(super) chunker: &'env Chunker,
    pub(super) store: &'env dyn Store,
    pub(super) objects: &'env ObjectReader<'env>,
    pub(super) device: DeviceId,
    /// By which runs objects of other devices are listed.
    pub(super) claims: Claims,
    /// Objects on which this run must not lean, though they are here.
    pub(super) set_aside: HashSet<ObjectKey>,
    /// Whether another device waits for a record of this one.
    pub(super) owes: bool,
    /// The last record of each device that was read before the destination was listed.
    pub(super) seen: &'env [RecordRef],
    /// The run that is being written.
    pub(super) writing: Cell<Option<u32>>,
    pub(super) progress: Progress<'env>,
}

impl<'env> Setting<'env> {
    pub(super) fn repository(&self) -> &'env RepositoryAccess {
        self.keys.writing()
    }
}
