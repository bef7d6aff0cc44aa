//! Where things lie in a key block, and what its slots say (§3).
//!
//! Secrets go in and out as arrays that are wiped; no type here that holds one can be printed.

use zeroize::Zeroizing;

use super::error::FormatError;

pub use super::keyring::{Epoch, Keyring, KeyringRepository, Parameters, unite};

/// Length of a key block in bytes; no other object is as long.
pub const KEY_BLOCK_LENGTH: usize = 4096;
/// How many copies of a key block are written.
pub const COPIES: u8 = 3;
/// Length of the salt that a key block begins with, in bytes.
pub const SALT_LENGTH: usize = 32;
/// Where the slots begin.
pub const SLOTS_OFFSET: usize = SALT_LENGTH;
/// How many slots there are.
pub const SLOTS: usize = 16;
/// Length of a slot in bytes.
pub const SLOT_LENGTH: usize = 128;
/// Plain bytes of a slot.
pub const SLOT_CONTENT_LENGTH: usize = 80;
/// Where the sealed keyring begins.
pub const KEYRING_OFFSET: usize = SLOTS_OFFSET + SLOTS * SLOT_LENGTH;
/// Length of the sealed keyring in bytes.
pub const SEALED_KEYRING_LENGTH: usize = KEY_BLOCK_LENGTH - KEYRING_OFFSET;
/// Plain bytes of the keyring.
pub const KEYRING_LENGTH: usize = 1944;
/// Longest label of a slot in bytes.
pub const LABEL_MAX: usize = 30;

/// How a slot is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// With a password.
    Password = 0,
    /// With a recovery code.
    Recovery = 1,
}

/// The 80 plain bytes of a slot.
pub struct SlotContent {
    /// The key of the block's keyring.
    pub block_key: Zeroizing<[u8; 32]>,
    /// By this it is removed.
    pub slot_id: [u8; 8],
    /// How it is opened.
    pub kind: SlotKind,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// What people call it, at most 30 bytes.
    pub label: String,
}

impl SlotContent {
    /// The bytes of a slot. A label that is too long is cut at a whole character.
    pub fn encode(&self) -> Zeroizing<[u8; SLOT_CONTENT_LENGTH]> {
        let end = (0..=LABEL_MAX).rev().find(|end| self.label.is_char_boundary(*end));
        let label = &self.label.as_bytes()[..end.unwrap_or(0)];
        let mut out = Zeroizing::new([0; SLOT_CONTENT_LENGTH]);
        out[..32].copy_from_slice(&*self.block_key);
        out[32..40].copy_from_slice(&self.slot_id);
        out[40] = self.kind as u8;
        out[41..49].copy_from_slice(&self.created.to_le_bytes());
        out[49] = label.len() as u8;
        out[50..50 + label.len()].copy_from_slice(label);
        out
    }

    /// What these bytes say.
    pub fn decode(bytes: &[u8; SLOT_CONTENT_LENGTH]) -> Result<Self, FormatError> {
        let what = "a key slot";
        let bad = FormatError::BadValue { what };
        let (block_key, rest) = bytes.split_first_chunk::<32>().ok_or(bad)?;
        let (slot_id, rest) = rest.split_first_chunk::<8>().ok_or(bad)?;
        let ([kind], rest) = rest.split_first_chunk::<1>().ok_or(bad)?;
        let (created, rest) = rest.split_first_chunk::<8>().ok_or(bad)?;
        let ([length], rest) = rest.split_first_chunk::<1>().ok_or(bad)?;
        let kind = match kind {
            0 => SlotKind::Password,
            1 => SlotKind::Recovery,
            _ => return Err(FormatError::Unknown { what: "slot kind", value: (*kind).into() }),
        };
        let (value, bound) = (u64::from(*length), LABEL_MAX as u64);
        let (label, zeros) = rest
            .split_at_checked(usize::from(*length))
            .ok_or(FormatError::BadLength { what: "a label", value, bound })?;
        let label = std::str::from_utf8(label).map_err(|_| bad)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(bad);
        }
        Ok(Self {
            block_key: Zeroizing::new(*block_key),
            slot_id: *slot_id,
            kind,
            created: u64::from_le_bytes(*created),
            label: label.to_owned(),
        })
    }
}
