//! Opening key blocks: what the passphrase opens, and what comes with it.
//!
//! Nothing here reads a parameter of the password's derivation from storage, and a slot that any
//! readable block of its family calls removed does not open, even when an old block comes back.

use zeroize::Zeroizing;

use crate::crypto::{self, Passphrase, Profile, RecoveryCode, Secret, open_slot};
use crate::crypto::{password_key, recovery_key};
use crate::format::key_block::{
    KEY_BLOCK_LENGTH as BLOCK_LENGTH, KEYRING_OFFSET, SALT_LENGTH, SLOTS,
};
use crate::format::{Keyring, SlotContent, SlotId, SlotKind};

use super::error::RepositoryError;
use super::key_block::{
    CONTEXT, COPIES, Candidate, NamedBlock, block_name, copy_number, slot_range,
};
use super::keys::unite;

/// How many salts are tried with a password at most until one has opened: blocks of others may lie
/// beside the one that the password opens, and a trial costs half a second.
const TRIED_CLOSED: usize = 64;
/// How many more are tried after that.
const TRIED_OPEN: usize = 8;

/// What opening found.
pub struct Opened {
    /// The keyrings of all blocks that opened, united.
    pub keyring: Keyring,
    pub(super) families: Vec<Family>,
}

/// The blocks of one repository's birth: they share a block key for ever.
pub(super) struct Family {
    pub(super) block_key: Secret<32>,
    /// Slots that the passphrase opened and that are not removed.
    pub(super) own: Vec<(SlotId, SlotKind)>,
    pub(super) blocks: Vec<OpenedBlock>,
}

/// A block whose keyring opened.
pub(super) struct OpenedBlock {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// The copy number that its name proves; then all its bytes are as they were written.
    pub(super) copy: Option<u8>,
    pub(super) keyring: Keyring,
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
    candidates.sort_by_cached_key(|candidate| {
        (copy_number(&candidate.name, &candidate.bytes).is_none(), candidate.path.clone())
    });
    let recovery = RecoveryCode::parse(passphrase.expose());
    let mut unlocking =
        Unlocking { passphrase, recovery, profile, keys: Vec::new(), most: TRIED_CLOSED };
    let mut families: Vec<Family> = Vec::new();
    let mut closed = Vec::new();
    for candidate in candidates {
        let Some(candidate) = adopt(&mut families, candidate) else { continue };
        for content in unlocking.slots(&candidate.bytes, true)? {
            let block_key = Secret::from_slice(&content.block_key[..]).expect("32 bytes");
            unlocking.most = unlocking.most.min(unlocking.keys.len() + TRIED_OPEN);
            families.push(Family { block_key, own: Vec::new(), blocks: Vec::new() });
        }
        closed.extend(adopt(&mut families, candidate));
    }
    // What this password does not open may belong to a block that it opened later.
    for candidate in closed {
        adopt(&mut families, candidate);
    }
    let mut keyrings = Vec::new();
    for family in &mut families {
        family.find_own(&mut unlocking)?;
        if !family.own.is_empty() {
            keyrings.extend(family.keyrings());
        }
    }
    families.retain(|family| !family.own.is_empty());
    let keyring = unite(keyrings).ok_or(RepositoryError::WrongPassword)?;
    Ok(Opened { keyring, families })
}

/// Puts a block to the family whose key opens it, or gives it back.
fn adopt(families: &mut [Family], candidate: Candidate) -> Option<Candidate> {
    for family in families {
        if let Some(keyring) = open_keyring(&candidate.bytes, &family.block_key) {
            let Candidate { path, name, bytes } = candidate;
            let copy = copy_number(&name, &bytes);
            family.blocks.push(OpenedBlock { path, name, bytes, copy, keyring });
            return None;
        }
    }
    Some(candidate)
}

impl Opened {
    /// Copies of the newest blocks that should be here and are not, as file name and bytes. A
    /// copy has a salt and slots of its own that only all passwords together could make again, so
    /// what comes in its place is another copy's bytes under the missing number.
    pub fn missing_copies(&self, listed: &[String]) -> Vec<NamedBlock> {
        let mut missing = Vec::new();
        for family in &self.families {
            let newest = family.blocks.iter().map(|block| block.keyring.generation).max();
            let mut good: Vec<&OpenedBlock> = family
                .blocks
                .iter()
                .filter(|block| Some(block.keyring.generation) == newest && block.copy.is_some())
                .collect();
            good.sort_by(|a, b| a.name.cmp(&b.name));
            good.dedup_by(|a, b| a.name == b.name);
            let absent = (0..COPIES).filter(|copy| good.iter().all(|b| b.copy != Some(*copy)));
            let wanted = usize::from(COPIES).saturating_sub(good.len());
            for copy in absent.take(wanted) {
                let named = good.iter().map(|block| (block_name(copy, &block.bytes), block));
                // A file that has the name already holds other bytes: it is damaged.
                let free = named.into_iter().find(|(name, _)| !listed.contains(name));
                missing.extend(free.map(|(name, block)| (name, block.bytes.clone())));
            }
        }
        missing
    }
}

impl Family {
    /// Slots that any block of the family calls removed.
    pub(super) fn removed(&self) -> impl Iterator<Item = &SlotId> {
        self.blocks.iter().flat_map(|block| &block.keyring.removed)
    }

    /// The keyrings of its blocks, once more.
    pub(super) fn keyrings(&self) -> impl Iterator<Item = Keyring> {
        self.blocks.iter().filter_map(|block| open_keyring(&block.bytes, &self.block_key))
    }

    /// Finds the living slots that the passphrase opens: with keys that are known already, and
    /// only if those open nothing that is not removed, with new ones.
    fn find_own(&mut self, unlocking: &mut Unlocking<'_>) -> Result<(), RepositoryError> {
        self.blocks.sort_by_key(|block| std::cmp::Reverse(block.keyring.generation));
        for derive in [false, true] {
            let mut own = Vec::new();
            for block in &self.blocks {
                let found = unlocking.slots(&block.bytes, derive && own.is_empty())?;
                let slots = found.iter().map(|content| (content.slot_id, content.kind));
                own.extend(slots.filter(|(id, _)| self.removed().all(|removed| removed != id)));
            }
            own.sort_by_key(|(id, _)| *id);
            own.dedup();
            self.own = own;
            if !self.own.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

/// A passphrase, and the slot keys that were made from it.
struct Unlocking<'a> {
    passphrase: &'a Passphrase,
    recovery: Option<RecoveryCode>,
    profile: Profile,
    keys: Vec<([u8; SALT_LENGTH], Secret<32>)>,
    /// How many keys are made at most.
    most: usize,
}

impl Unlocking<'_> {
    /// What the slots of a block say that the passphrase opens; a key that is not known is only
    /// derived where that is asked for.
    fn slots(&mut self, block: &[u8], derive: bool) -> Result<Vec<SlotContent>, RepositoryError> {
        let salt = salt_of(block);
        if let Some(code) = &self.recovery {
            let found = slots_opened_by(block, &recovery_key(code, &salt));
            if !found.is_empty() {
                return Ok(found);
            }
        }
        if let Some((_, key)) = self.keys.iter().find(|(known, _)| *known == salt) {
            return Ok(slots_opened_by(block, key));
        }
        if !derive || self.keys.len() >= self.most {
            return Ok(Vec::new());
        }
        let key = password_key(self.passphrase, &salt, self.profile)?;
        let found = slots_opened_by(block, &key);
        self.keys.push((salt, key));
        Ok(found)
    }
}

/// The salt that a block begins with; its length was checked.
pub(super) fn salt_of(block: &[u8]) -> [u8; SALT_LENGTH] {
    *block.first_chunk().expect("key blocks are longer")
}

/// All slots of a block that a slot key opens.
pub(super) fn slots_opened_by(block: &[u8], slot_key: &Secret<32>) -> Vec<SlotContent> {
    (0_u8..)
        .take(SLOTS)
        .filter_map(|number| {
            let plain = open_slot(slot_key, number, block.get(slot_range(number))?)?;
            SlotContent::decode(plain.expose()).ok()
        })
        .collect()
}

fn open_keyring(block: &[u8], block_key: &Secret<32>) -> Option<Keyring> {
    let sealed = block.get(KEYRING_OFFSET..)?.to_vec();
    let plain = Zeroizing::new(crypto::open(block_key, CONTEXT, sealed).ok()?);
    Keyring::decode(&plain).ok()
}
