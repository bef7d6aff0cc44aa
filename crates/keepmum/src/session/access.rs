//! What every verb needs to get at a repository.

use std::path::PathBuf;

use crate::crypto::{Passphrase, Profile};
use crate::pipeline::Mode;
use crate::seam::Seam;

/// Where the catalogue is.
pub enum CatalogueAt {
    /// A file, which is made when it is not there.
    File(PathBuf),
    /// Nowhere: a private one for this run, rebuilt from the destination.
    Temporary,
}

/// Where the unlocked keyring is kept, so that a run need not derive it.
#[derive(Clone, Debug)]
pub struct KeyCacheAt {
    /// The keyring, sealed; beside the catalogue.
    pub file: PathBuf,
    /// 32 random bytes that it does not open without; beside the config, so that whoever has only
    /// the catalogue's folder has nothing to try passwords on.
    pub secret: PathBuf,
}

/// By what this installation knows itself again after its catalogue was lost.
pub struct Installation {
    /// Identity of the machine and path of the catalogue; never stored, only a keyed hash of it.
    pub identity: Vec<u8>,
    /// What people call this device.
    pub device_name: String,
    /// The roots of the source that the catalogue is for; empty where no config says any.
    pub roots: Vec<PathBuf>,
}

/// What every verb needs.
pub struct Access {
    /// The destination, the clock, randomness, and the gate before source and target.
    pub seam: Seam,
    /// Password or recovery code.
    pub passphrase: Passphrase,
    /// The catalogue.
    pub catalogue: CatalogueAt,
    /// Where the unlocked keyring may be kept; only when the password stands in a file anyway.
    pub key_cache: Option<KeyCacheAt>,
    /// The cost of the password's key. Everything but tests uses the standard one.
    pub profile: Profile,
    /// Threads, or a replay on one thread in an order that a seed chooses.
    pub mode: Mode,
    /// This machine.
    pub installation: Installation,
}
