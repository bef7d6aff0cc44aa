//! Key blocks: their layout, and making them.
//!
//! A block needs no password to be made: its key is sealed to the public keys of its slots. It is
//! made from nothing each time; no part of another one is ever taken over.

use std::io;

use zeroize::Zeroizing;

use crate::crypto::{
    self, AgreementKey, MARK, MARK_KEY, Passphrase, Profile, RecoveryCode, SALT, Secret,
    key_block_mask, key_block_name, mark, mark_key, password_key, recovery_key, seal, sealing_salt,
};
use crate::format::base32;
pub use crate::format::key_block::COPIES;
use crate::format::key_block::{
    KEYRING_OFFSET, MARK_LENGTH, MARKS, MARKS_OFFSET, MASK_SOURCE, MASKED, SALT_LENGTH,
    SLOT_LENGTH, SLOTS, SLOTS_OFFSET,
};
use crate::format::{Family, FormatError, Further, Keyring, SlotId, SlotKind, SlotLine};
use crate::seam::Random;

use super::error::RepositoryError;

/// Context of the sealed keyring.
const CONTEXT: &[u8] = b"keepmum v0 keyring";

/// A file that may be a key block.
pub struct Candidate {
    /// Where it lies.
    pub path: String,
    /// Its file name without folders and without the mark of a copy.
    pub name: String,
    /// Its bytes.
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

/// The files that must be written to make a repository, and the code that must be shown once.
pub struct NewKeyBlocks {
    /// Each copy.
    pub blocks: Vec<NamedBlock>,
    /// The second way in.
    pub recovery: RecoveryCode,
    /// The id of its slot.
    pub recovery_slot: SlotId,
}

/// The secret that opens a slot.
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

    /// The key of its slot in the family of this salt. For a password this is slow on purpose, once.
    pub(super) fn key(
        self,
        salt: &[u8; SALT_LENGTH],
        profile: Profile,
    ) -> Result<AgreementKey, RepositoryError> {
        Ok(AgreementKey::of_slot(&match self {
            Self::Password(passphrase) => password_key(passphrase, salt, profile)?,
            Self::Recovery(code) => recovery_key(code, salt),
        }))
    }

    /// A slot of its own in that family.
    pub(super) fn line(
        self,
        key: &AgreementKey,
        (created, label): (u64, &str),
        since: u64,
        random: &dyn Random,
    ) -> Result<SlotLine, RepositoryError> {
        let mut id = SlotId::default();
        random.fill(&mut id).map_err(RepositoryError::Random)?;
        let (public_key, kind, label) = (key.public_key(), self.kind() as u8, label.to_owned());
        Ok(SlotLine { id, public_key, kind, since, created, label, further: Further::default() })
    }
}

/// Makes the three key blocks of a new repository.
pub fn create(
    mut keyring: Keyring,
    passphrase: &Passphrase,
    profile: Profile,
    made_by: (u64, &str),
    random: &dyn Random,
) -> Result<NewKeyBlocks, RepositoryError> {
    let recovery = RecoveryCode::new(*random_bytes::<20>(random)?);
    let salt = *random_bytes::<SALT_LENGTH>(random)?;
    let mut slots = Vec::new();
    for secret in [SlotSecret::Password(passphrase), SlotSecret::Recovery(&recovery)] {
        let key = secret.key(&salt, profile)?;
        slots.push(secret.line(&key, made_by, keyring.generation, random)?);
    }
    let recovery_slot = slots[1].id;
    keyring.families = vec![Family { salt, slots, further: Further::default() }];
    let blocks = seal_blocks(&keyring, &new_key(random)?, random)?;
    Ok(NewKeyBlocks { blocks, recovery, recovery_slot })
}

/// All blocks of an edition: three copies for each family.
pub(super) fn seal_blocks(
    keyring: &Keyring,
    block_key: &Secret<32>,
    random: &dyn Random,
) -> Result<Vec<NamedBlock>, RepositoryError> {
    let mut blocks = Vec::new();
    for family in &keyring.families {
        blocks.extend(seal_family(keyring, family, block_key, random)?);
    }
    Ok(blocks)
}

/// The three copies of one family.
pub(super) fn seal_family(
    keyring: &Keyring,
    family: &Family,
    block_key: &Secret<32>,
    random: &dyn Random,
) -> Result<Vec<NamedBlock>, RepositoryError> {
    let plain = keyring.encode()?;
    let copies = (0..COPIES).map(|copy| {
        let bytes = seal_block((keyring, &plain), family, block_key, copy, random)?;
        Ok((block_name(copy, &bytes), bytes))
    });
    copies.collect()
}

fn seal_block(
    (keyring, plain): (&Keyring, &[u8]),
    family: &Family,
    block_key: &Secret<32>,
    copy: u8,
    random: &dyn Random,
) -> Result<Vec<u8>, RepositoryError> {
    let drawn = random_bytes::<32>(random)?;
    let content: [&[u8]; 4] = [block_key.expose(), plain, &family.salt, &[copy]];
    let ephemeral = AgreementKey::of_block(&drawn, &random.circumstances(), &content);
    let public = ephemeral.public_key();
    let mut bytes = vec![0; KEYRING_OFFSET];
    random.fill(&mut bytes).map_err(RepositoryError::Random)?;
    for (number, slot) in by_lot(random)?.into_iter().zip(&family.slots) {
        let secret = Zeroizing::new([&block_key.expose()[..], &slot.id].concat());
        let secret = secret[..].try_into().expect("32 and 8 bytes");
        let sealed = ephemeral.seal_slot(&slot.public_key, number, secret).ok_or(
            RepositoryError::Slots("a slot has a public key that is none; remove it first"),
        )?;
        bytes[slot_range(number)].copy_from_slice(&sealed);
    }
    let own = mark_key(block_key);
    let former = keyring.former.iter().map(|former| &*former.mark_key);
    for (place, key) in [own.expose()].into_iter().chain(former).enumerate().take(MARKS) {
        bytes[mark_range(place)].copy_from_slice(&mark(key, &public));
    }
    bytes.extend(seal(block_key, fresh_salt(random, plain)?, CONTEXT, plain));
    bytes[..SALT_LENGTH].copy_from_slice(&family.salt);
    bytes[SALT_LENGTH..MASKED].copy_from_slice(&public);
    mask(&mut bytes);
    Ok(bytes)
}

/// Puts the mask on the head of a block, or takes it off.
fn mask(block: &mut [u8]) {
    let mask = key_block_mask(&block[KEYRING_OFFSET..KEYRING_OFFSET + MASK_SOURCE]);
    block.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
}

/// The numbers of slots in an order by lot.
fn by_lot(random: &dyn Random) -> Result<Vec<u8>, RepositoryError> {
    let mut lots = [0; 4 * SLOTS];
    random.fill(&mut lots).map_err(RepositoryError::Random)?;
    let mut numbers: Vec<u8> = (0..SLOTS as u8).collect();
    numbers.sort_by_key(|number| lots[4 * usize::from(*number)..][..4].to_vec());
    Ok(numbers)
}

/// A block as everybody sees it, without a key.
pub(super) struct Head {
    pub(super) salt: [u8; SALT_LENGTH],
    pub(super) ephemeral: [u8; 32],
}

impl Head {
    /// Of a block whose length was checked.
    pub(super) fn of(block: &[u8]) -> Self {
        let mut block = block[..KEYRING_OFFSET + MASK_SOURCE].to_vec();
        mask(&mut block);
        let salt = *block.first_chunk().expect("blocks are longer");
        let ephemeral = *block[SALT_LENGTH..].first_chunk().expect("blocks are longer");
        Self { salt, ephemeral }
    }

    /// Block key and id of each slot that this key opens.
    pub(super) fn slots(&self, block: &[u8], key: &AgreementKey) -> Vec<(Secret<32>, SlotId)> {
        let agreed = key.with_block(&self.ephemeral);
        let open = |number: u8| {
            let plain = agreed.open_slot(number, block.get(slot_range(number))?)?;
            let (block_key, id) = plain.expose().split_first_chunk::<32>()?;
            Some((Secret::from_slice(block_key)?, id.try_into().ok()?))
        };
        (0..SLOTS as u8).filter_map(open).collect()
    }

    /// Whether this is the block's own mark key.
    pub(super) fn is_of(&self, block: &[u8], key: &[u8; MARK_KEY]) -> bool {
        block[mark_range(0)] == mark(key, &self.ephemeral)
    }

    /// Whether the block says that it follows the edition with this mark key.
    pub(super) fn follows(&self, block: &[u8], key: &[u8; MARK_KEY]) -> bool {
        let mark: [u8; MARK] = mark(key, &self.ephemeral);
        block[mark_range(1).start..KEYRING_OFFSET].chunks(MARK_LENGTH).any(|one| *one == mark)
    }
}

/// Plain bytes of a keyring, and their meaning.
type PlainKeyring = (Zeroizing<Vec<u8>>, Result<Keyring, FormatError>);

/// The keyring of a block; nothing if this is not its key.
pub(super) fn open_keyring(block: &[u8], block_key: &Secret<32>) -> Option<PlainKeyring> {
    let sealed = block.get(KEYRING_OFFSET..)?.to_vec();
    let plain = Zeroizing::new(crypto::open(block_key, CONTEXT, sealed).ok()?);
    let keyring = Keyring::decode(&plain);
    Some((plain, keyring))
}

/// Where a slot lies in its block.
fn slot_range(number: u8) -> std::ops::Range<usize> {
    let at = SLOTS_OFFSET + usize::from(number) * SLOT_LENGTH;
    at..at + SLOT_LENGTH
}

fn mark_range(place: usize) -> std::ops::Range<usize> {
    let at = MARKS_OFFSET + place * MARK_LENGTH;
    at..at + MARK_LENGTH
}

/// The file name of a block as this copy.
pub(super) fn block_name(copy: u8, bytes: &[u8]) -> String {
    base32::encode(&key_block_name(copy, bytes))
}

/// The copy number that a file's name proves, if it proves any.
pub(super) fn copy_number(name: &str, bytes: &[u8]) -> Option<u8> {
    (0..COPIES).find(|copy| block_name(*copy, bytes) == name)
}

/// The salt of one sealing. It takes `content` in, so that broken randomness alone does not make
/// one key and nonce seal two contents.
pub fn fresh_salt(random: &dyn Random, content: &[u8]) -> Result<[u8; SALT], RepositoryError> {
    Ok(sealing_salt(&*random_bytes::<32>(random)?, &random.circumstances(), content))
}

/// A key that nothing is derived from.
pub(super) fn new_key(random: &dyn Random) -> Result<Secret<32>, RepositoryError> {
    Ok(Secret::from_slice(&random_bytes::<32>(random)?[..]).expect("32 bytes"))
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

/// A block that a password opens with another keyring, of any CBOR, for tests of refusals.
#[cfg(test)]
pub(super) fn reseal_for_tests(
    block: &[u8],
    passphrase: &Passphrase,
    cbor: &[u8],
) -> Option<NamedBlock> {
    let head = Head::of(block);
    let key = SlotSecret::Password(passphrase).key(&head.salt, Profile::Test).ok()?;
    let (block_key, _) = head.slots(block, &key).into_iter().next()?;
    let mut plain = [&(cbor.len() as u16).to_le_bytes()[..], cbor].concat();
    plain.resize(open_keyring(block, &block_key)?.0.len(), 0);
    let mut bytes = block[..KEYRING_OFFSET].to_vec();
    bytes.extend(seal(&block_key, [9; SALT], CONTEXT, &plain));
    bytes[..SALT_LENGTH].copy_from_slice(&head.salt);
    bytes[SALT_LENGTH..MASKED].copy_from_slice(&head.ephemeral);
    mask(&mut bytes);
    Some((block_name(0, &bytes), bytes))
}
