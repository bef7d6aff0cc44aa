//! Where things lie in a key block, and how long it is (§3).

/// Length of the shortest key block in bytes.
pub const KEY_BLOCK_LENGTH: usize = 4096;
/// Length of the longest one.
pub const KEY_BLOCK_MAX: usize = 65_536;
/// How many copies of a key block are written.
pub const COPIES: u8 = 3;
/// Length of the salt that a key block begins with, in bytes.
pub const SALT_LENGTH: usize = 32;
/// Length of salt and ephemeral key, which are masked.
pub const MASKED: usize = 64;
/// Where the slots begin.
pub const SLOTS_OFFSET: usize = MASKED;
/// How many slots there are.
pub const SLOTS: usize = 16;
/// Length of a slot in bytes.
pub const SLOT_LENGTH: usize = 88;
/// Where the marks begin.
pub const MARKS_OFFSET: usize = SLOTS_OFFSET + SLOTS * SLOT_LENGTH;
/// How many marks there are; the first is the block's own.
pub const MARKS: usize = 64;
/// Length of a mark in bytes.
pub const MARK_LENGTH: usize = 8;
/// Where the sealed keyring begins.
pub const KEYRING_OFFSET: usize = MARKS_OFFSET + MARKS * MARK_LENGTH;
/// How much of the sealed keyring the mask is made from.
pub const MASK_SOURCE: usize = 56;
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

/// Whether a file of this length may be a key block.
pub fn is_key_block_length(length: u64) -> bool {
    length.is_power_of_two() && (KEY_BLOCK_LENGTH as u64..=KEY_BLOCK_MAX as u64).contains(&length)
}

/// Plain bytes of the keyring of a block of this length.
pub(super) fn keyring_length(block: usize) -> usize {
    super::padding::plain_for_sealed((block - KEYRING_OFFSET) as u64).unwrap_or(0) as usize
}

/// The lengths that a key block may have.
pub(super) fn lengths() -> impl Iterator<Item = usize> {
    (0..5).map(|doubled| KEY_BLOCK_LENGTH << doubled)
}
