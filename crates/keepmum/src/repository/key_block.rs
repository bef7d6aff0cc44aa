//! Key blocks: making them, opening them, and finding them without a key.
//!
//! Nothing here reads a parameter of the password's derivation from storage.

use std::io;

use zeroize::Zeroizing;

use crate::crypto::{
    self, Passphrase, Profile, RecoveryCode, SALT, SealBuffer, Secret, key_block_name, open_slot,
    password_key, recovery_key, seal_slot,
};
use crate::format::base32;
use crate::format::key_block::{
    KEY_BLOCK_LENGTH as BLOCK_LENGTH, KEYRING_OFFSET, SALT_LENGTH, SLOT_LENGTH, SLOTS, SLOTS_OFFSET,
};
use crate::format::{Keyring, SlotContent, SlotKind};
use crate::seam::Random;

use super::error::RepositoryError;
use super::keys::unite;

/// Context of the sealed keyring.
const CONTEXT: &[u8] = b"keepmum v0 keyring";
/// How many copies of a key block are written.
pub(super) const COPIES: u8 = 3;
/// How many key blocks are tried with a password at most until one has opened: earlier generations
/// may lie beside the one that the password opens, and a trial costs half a second.
const TRIED_CLOSED: usize = 64;
/// How many more are tried after that.
const TRIED_OPEN: usize = 8;

/// A file that may be a key block.
pub struct Candidate {
    /// Its file name without folders.
    pub name: String,
    /// Its 4,096 bytes.
    pub bytes: Vec<u8>,
}

/// What opening found.
pub struct Opened {
    /// The keyrings of all blocks that opened, united.
    pub keyring: Keyring,
    /// File names of the blocks that opened.
    pub names: Vec<String>,
}

/// What must be written to make a repository, and what must be shown once.
pub struct NewKeyBlocks {
    /// File name and bytes of each copy.
    pub blocks: Vec<(String, Vec<u8>)>,
    /// The second way in.
    pub recovery: RecoveryCode,
}

/// Makes the three key blocks of a new repository.
pub fn create(
    keyring: &Keyring,
    passphrase: &Passphrase,
    profile: Profile,
    created: u64,
    random: &dyn Random,
) -> Result<NewKeyBlocks, RepositoryError> {
    let recovery = RecoveryCode::new(*random_bytes::<20>(random)?);
    let block_key = random_bytes::<32>(random)?;
    let slots = [SlotKind::Password, SlotKind::Recovery].map(|kind| (kind, [0_u8; 8]));
    let mut contents = Vec::new();
    for (kind, mut slot_id) in slots {
        random.fill(&mut slot_id).map_err(RepositoryError::Random)?;
        let block_key = block_key.clone();
        contents.push(SlotContent { block_key, slot_id, kind, created, label: String::new() });
    }
    let mut blocks = Vec::new();
    for copy in 0..COPIES {
        let salt = *random_bytes::<SALT_LENGTH>(random)?;
        let keys = [password_key(passphrase, &salt, profile)?, recovery_key(&recovery, &salt)];
        let mut bytes = vec![0; BLOCK_LENGTH];
        random.fill(&mut bytes).map_err(RepositoryError::Random)?;
        bytes[..SALT_LENGTH].copy_from_slice(&salt);
        for ((number, content), key) in (0_u8..).zip(&contents).zip(&keys) {
            let slot = seal_slot(key, number, &content.encode());
            let at = SLOTS_OFFSET + usize::from(number) * SLOT_LENGTH;
            bytes[at..at + SLOT_LENGTH].copy_from_slice(&slot);
        }
        let sealed = seal_keyring(keyring, &block_key, random)?;
        bytes[KEYRING_OFFSET..].copy_from_slice(&sealed);
        blocks.push((base32::encode(&key_block_name(copy, &bytes)), bytes));
    }
    Ok(NewKeyBlocks { blocks, recovery })
}

fn seal_keyring(
    keyring: &Keyring,
    block_key: &Zeroizing<[u8; 32]>,
    random: &dyn Random,
) -> Result<Vec<u8>, RepositoryError> {
    let plain = keyring.encode()?;
    let mut buffer = SealBuffer::with_capacity(plain.len());
    buffer.push(&plain);
    let key = Secret::from_slice(&block_key[..]).expect("32 bytes");
    Ok(buffer.seal(&key, *random_bytes::<SALT>(random)?, CONTEXT))
}

/// Opens what the passphrase opens among these candidates, and unites it.
pub fn open(
    mut candidates: Vec<Candidate>,
    passphrase: &Passphrase,
    profile: Profile,
) -> Result<Opened, RepositoryError> {
    candidates.retain(|candidate| candidate.bytes.len() == BLOCK_LENGTH);
    if candidates.is_empty() {
        return Err(RepositoryError::NoRepository);
    }
    // Blocks whose name proves their bytes first: damaged ones cost a derivation each.
    candidates.sort_by_key(|candidate| (copy_number(candidate).is_none(), candidate.name.clone()));
    let recovery = RecoveryCode::parse(passphrase.expose());
    let mut block_keys: Vec<Secret<32>> = Vec::new();
    let mut opened = Vec::new();
    let mut names = Vec::new();
    let (mut closed, mut open) = (0, 0);
    for candidate in &candidates {
        let sibling = block_keys.iter().find_map(|key| open_keyring(candidate, key));
        let (tried, most) = match block_keys.is_empty() {
            true => (&mut closed, TRIED_CLOSED),
            false => (&mut open, TRIED_OPEN),
        };
        let keyring = match sibling {
            Some(keyring) => Some(keyring),
            None if *tried < most => {
                *tried += 1;
                match unlock(candidate, passphrase, recovery.as_ref(), profile)? {
                    None => None,
                    Some(key) => {
                        let keyring = open_keyring(candidate, &key);
                        block_keys.push(key);
                        keyring
                    }
                }
            }
            None => None,
        };
        if let Some(keyring) = keyring {
            names.push(candidate.name.clone());
            opened.push(keyring);
        }
    }
    let keyring = unite(opened).ok_or(RepositoryError::WrongPassword)?;
    Ok(Opened { keyring, names })
}

/// The copy number that the name proves, if it proves any.
fn copy_number(candidate: &Candidate) -> Option<u8> {
    (0..COPIES)
        .find(|copy| base32::encode(&key_block_name(*copy, &candidate.bytes)) == candidate.name)
}

/// The block key, if the passphrase opens a slot.
fn unlock(
    candidate: &Candidate,
    passphrase: &Passphrase,
    recovery: Option<&RecoveryCode>,
    profile: Profile,
) -> Result<Option<Secret<32>>, RepositoryError> {
    let salt: [u8; SALT_LENGTH] =
        candidate.bytes[..SALT_LENGTH].try_into().expect("the length was checked");
    if let Some(code) = recovery
        && let Some(key) = try_slots(candidate, &recovery_key(code, &salt))
    {
        return Ok(Some(key));
    }
    Ok(try_slots(candidate, &password_key(passphrase, &salt, profile)?))
}

fn try_slots(candidate: &Candidate, slot_key: &Secret<32>) -> Option<Secret<32>> {
    (0_u8..).take(SLOTS).find_map(|number| {
        let at = SLOTS_OFFSET + usize::from(number) * SLOT_LENGTH;
        let plain = open_slot(slot_key, number, candidate.bytes.get(at..at + SLOT_LENGTH)?)?;
        let content = SlotContent::decode(plain.expose()).ok()?;
        Secret::from_slice(&content.block_key[..])
    })
}

fn open_keyring(candidate: &Candidate, block_key: &Secret<32>) -> Option<Keyring> {
    let sealed = candidate.bytes.get(KEYRING_OFFSET..)?.to_vec();
    let plain = Zeroizing::new(crypto::open(block_key, CONTEXT, sealed).ok()?);
    Keyring::decode(&plain).ok()
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
