//! The result of opening key blocks: blocks, and the editions of the keyring that they hold.

use zeroize::Zeroizing;

use crate::crypto::Secret;
use crate::format::{Keyring, SlotId};

use super::key_block::Head;

/// The result of one change: blocks with one keyring under one block key.
pub(super) struct Edition {
    pub(super) block_key: Secret<32>,
    pub(super) mark_key: Secret<16>,
    pub(super) keyring: Keyring,
    pub(super) plain: Zeroizing<Vec<u8>>,
    /// Slots that the passphrase opened.
    pub(super) own: Vec<SlotId>,
    pub(super) blocks: Vec<Block>,
    pub(super) place: Place,
}

/// A file of a key block's length, or this machine's copy of one.
pub(super) struct Block {
    /// Where it lies; nothing where only this machine has it.
    pub(super) path: Option<String>,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) head: Head,
    /// The copy number that its name proves; then all its bytes are as they were written.
    pub(super) copy: Option<u8>,
    /// This machine knows that it opened before.
    pub(super) is_known: bool,
}

/// The rank of an edition among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A tip whose slots count.
    Followed,
    /// A later edition is here; or a restricted one beside others.
    Former,
    /// A tip that somebody may have written who was removed.
    Foreign,
}
