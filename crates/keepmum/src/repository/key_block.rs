//! Key blocks: making them, and sealing what is in them.
//!
//! What a slot holds follows from password, salt and number alone, so that nothing else is ever
//! sealed under the same slot key; what may differ (when, label) stands in the keyring's directory.

use std::io;

use zeroize::Zeroizing;

use crate::crypto::{
    Passphrase, Profile, RecoveryCode, SALT, Secret, key_block_name, password_key, recovery_key,
    seal, seal_slot, sealing_salt, slot_id,
};
use crate::format::base32;
use crate::format::key_block::{
    KEY_BLOCK_LENGTH as BLOCK_LENGTH, KEYRING_OFFSET, SALT_LENGTH, SLOT_LENGTH, SLOTS_OFFSET,
};
use crate::format::{Keyring, SlotContent, SlotDirectory, SlotId, SlotKind, SlotLine};
use crate::seam::Random;

use super::error::RepositoryError;

/// Context of the sealed keyring.
pub(super) const CONTEXT: &[u8] = b"keepmum v0 keyring";
/// How many copies of a key block are written.
pub const COPIES: u8 = 3;

/// A file that may be a key block.
pub struct Candidate {
    /// Where it lies.
    pub path: String,
    /// Its file name without folders and without the mark of a copy.
    pub name: String,
    /// Its 4,096 bytes.
    pub bytes: Vec<u8>,
}

impl Candidate {
    /// Whether its name proves its bytes, as that of every key block does that is whole.
    pub fn is_whole(&self) -> bool {
        copy_number(&self.name, &self.bytes).is_some()
    }
}

/// A key block on its way to the destination: file name and bytes.
pub type NamedBlock = (String, Vec<u8>);

/// What must be written to make a repository, and what must be shown once.
pub struct NewKeyBlocks {
    /// Each copy.
    pub blocks: Vec<NamedBlock>,
    /// The second way in.
    pub recovery: RecoveryCode,
    /// The id of its slot.
    pub recovery_slot: SlotId,
}

/// What opens a slot.
#[derive(Clone, Copy)]
pub enum SlotSecret<'a> {
    /// A password.
    Password(&'a Passphrase),
    /// A recovery code.
    Recovery(&'a RecoveryCode),
}

impl SlotSecret<'_> {
    /// How the slot says it is opened.
    pub(super) fn kind(self) -> SlotKind {
        match self {
            Self::Password(_) => SlotKind::Password,
            Self::Recovery(_) => SlotKind::Recovery,
        }
    }

    /// Its key under a salt. For a password this is slow on purpose.
    pub(super) fn key(
        self,
        salt: &[u8; SALT_LENGTH],
        profile: Profile,
    ) -> Result<Secret<32>, RepositoryError> {
        match self {
            Self::Password(passphrase) => Ok(password_key(passphrase, salt, profile)?),
            Self::Recovery(code) => Ok(recovery_key(code, salt)),
        }
    }
}

/// Makes the three key blocks of a new repository.
pub fn create(
    mut keyring: Keyring,
    passphrase: &Passphrase,
    profile: Profile,
    created: u64,
    random: &dyn Random,
) -> Result<NewKeyBlocks, RepositoryError> {
    let recovery = RecoveryCode::new(*random_bytes::<20>(random)?);
    let block_key = random_bytes::<32>(random)?;
    let id_salt = *random_bytes::<SALT_LENGTH>(random)?;
    let secrets = [SlotSecret::Password(passphrase), SlotSecret::Recovery(&recovery)];
    let mut slots = Vec::new();
    for (number, secret) in (0_u8..).zip(secrets) {
        let id = slot_id(&secret.key(&id_salt, profile)?, number);
        let kind = secret.kind() as u8;
        slots.push(SlotLine { number, id, kind, created, label: String::new() });
    }
    keyring.slots = Some(SlotDirectory { id_salt, slots: slots.clone() });
    let mut blocks = Vec::new();
    for copy in 0..COPIES {
        let salt = *random_bytes::<SALT_LENGTH>(random)?;
        let mut bytes = vec![0; BLOCK_LENGTH];
        random.fill(&mut bytes).map_err(RepositoryError::Random)?;
        bytes[..SALT_LENGTH].copy_from_slice(&salt);
        for (line, secret) in slots.iter().zip(secrets) {
            let key = secret.key(&salt, profile)?;
            let slot = slot_bytes(&key, line.number, line.id, secret.kind(), &block_key);
            bytes[slot_range(line.number)].copy_from_slice(&slot);
        }
        bytes[KEYRING_OFFSET..].copy_from_slice(&seal_keyring(&keyring, &block_key, random)?);
        blocks.push((block_name(copy, &bytes), bytes));
    }
    let recovery_slot = slots[1].id;
    Ok(NewKeyBlocks { blocks, recovery, recovery_slot })
}

/// Where a slot lies in its block.
pub(super) fn slot_range(number: u8) -> std::ops::Range<usize> {
    let at = SLOTS_OFFSET + usize::from(number) * SLOT_LENGTH;
    at..at + SLOT_LENGTH
}

/// The file name of a block as this copy.
pub(super) fn block_name(copy: u8, bytes: &[u8]) -> String {
    base32::encode(&key_block_name(copy, bytes))
}

/// The copy number that a file's name proves, if it proves any.
pub(super) fn copy_number(name: &str, bytes: &[u8]) -> Option<u8> {
    (0..COPIES).find(|copy| block_name(*copy, bytes) == name)
}

/// A sealed slot. Time and label stay empty: see the head of this file.
pub(super) fn slot_bytes(
    key: &Secret<32>,
    number: u8,
    slot_id: SlotId,
    kind: SlotKind,
    block_key: &[u8; 32],
) -> [u8; SLOT_LENGTH] {
    let block_key = Zeroizing::new(*block_key);
    let content = SlotContent { block_key, slot_id, kind, created: 0, label: String::new() };
    seal_slot(key, number, &content.encode())
}

pub(super) fn seal_keyring(
    keyring: &Keyring,
    block_key: &[u8; 32],
    random: &dyn Random,
) -> Result<Vec<u8>, RepositoryError> {
    let plain = keyring.encode()?;
    let key = Secret::from_slice(block_key).expect("32 bytes");
    Ok(seal(&key, fresh_salt(random, &plain)?, CONTEXT, &plain))
}

/// The salt of one sealing. It takes `content` in, so that broken randomness alone does not make
/// one key and nonce seal two contents.
pub fn fresh_salt(random: &dyn Random, content: &[u8]) -> Result<[u8; SALT], RepositoryError> {
    Ok(sealing_salt(&*random_bytes::<32>(random)?, &random.circumstances(), content))
}

pub(super) fn random_bytes<const N: usize>(
    random: &dyn Random,
) -> Result<Zeroizing<[u8; N]>, RepositoryError> {
    let mut bytes = Zeroizing::new([0; N]);
    random.fill(&mut bytes[..]).map_err(RepositoryError::Random)?;
    if N >= 16 && bytes.iter().all(|byte| *byte == 0) {
        // A source that gives only zeros is broken; sealing with it would be worse than stopping.
        return Err(RepositoryError::Random(io::Error::other("only zeros came")));
    }
    Ok(bytes)
}
