//! Opening key blocks: what the passphrase opens, and what comes with it.
//!
//! Nothing here reads a parameter of the password's derivation from storage, and a slot that any
//! readable block of its family calls removed does not open, even when an old block comes back.
//! Blocks that somebody adds cost time and lock nobody out: those that opened before come first, the
//! others by chance, so that no name is a good one to choose.

use zeroize::Zeroizing;

use crate::crypto::{self, Passphrase, Profile, RecoveryCode, Secret, open_slot};
use crate::format::key_block::{
    KEY_BLOCK_LENGTH as BLOCK_LENGTH, KEYRING_OFFSET, SALT_LENGTH, SLOTS,
};
use crate::format::{Keyring, RemovedSlots, SlotContent, SlotDirectory, SlotId, SlotKind};
use crate::seam::Random;

use super::error::RepositoryError;
use super::key_block::{CONTEXT, Candidate, NamedBlock, SlotSecret, copy_number, slot_range};
use super::keys::unite;

/// How many salts are tried in vain with a password after a block has opened, where blocks are known
/// to have opened before. A trial costs half a second.
const TRIED_KNOWN: usize = 8;
/// The same where none is known: there may be more families than one.
const TRIED_NEW: usize = 64;

/// With what blocks are opened, and how hard that is tried.
pub struct Unlock<'a> {
    /// Password or recovery code.
    pub passphrase: &'a Passphrase,
    /// The cost of the password's key.
    pub profile: Profile,
    /// For the order of trials.
    pub random: &'a dyn Random,
    /// Blocks that opened before, as this machine keeps them.
    pub kept: Vec<NamedBlock>,
    /// How many salts are tried with a password until one has opened; nothing: all.
    pub at_most: Option<usize>,
}

/// What opening found.
pub struct Opened {
    /// The keyrings of all blocks that opened, united.
    pub keyring: Keyring,
    pub(super) families: Vec<Family>,
    /// Blocks that this machine keeps and that did not open.
    pub(super) kept_closed: Vec<NamedBlock>,
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
    /// Where it lies; nothing where only this machine has it.
    pub(super) path: Option<String>,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// The copy number that its name proves; then all its bytes are as they were written.
    pub(super) copy: Option<u8>,
    pub(super) keyring: Keyring,
}

/// A block that may open.
struct Trial {
    path: Option<String>,
    name: String,
    bytes: Vec<u8>,
    copy: Option<u8>,
}

/// Opens what the passphrase opens among these candidates, and unites it.
///
/// # Errors
/// [`RepositoryError::NoRepository`] without any candidate, [`RepositoryError::WrongPassword`]
/// where none opens.
pub fn open(candidates: Vec<Candidate>, unlock: Unlock<'_>) -> Result<Opened, RepositoryError> {
    let Unlock { passphrase, profile, random, kept, at_most } = unlock;
    let known: Vec<String> = kept.iter().map(|(name, _)| name.clone()).collect();
    let trials = in_order(candidates, kept, random)?;
    if trials.is_empty() {
        return Err(RepositoryError::NoRepository);
    }
    let after = if known.is_empty() { TRIED_NEW } else { TRIED_KNOWN };
    let code = RecoveryCode::parse(passphrase.expose());
    let by_code = code.as_ref().map(SlotSecret::Recovery);
    let by_password = Some(SlotSecret::Password(passphrase));
    let (mut families, mut closed, mut tried) = (Vec::new(), trials, (0, 0));
    // A code costs nothing to try, so it is tried everywhere before it is taken for a password.
    for secret in [by_code, by_password].into_iter().flatten() {
        let mut unlocking = Unlocking::new(secret, profile, at_most);
        (families, closed) = unlocking.try_all(closed, after)?;
        tried = (unlocking.tried, unlocking.tried + unlocking.skipped);
        for family in &mut families {
            family.find_own(&mut unlocking)?;
        }
        families.retain(|family| !family.own.is_empty());
        if !families.is_empty() {
            break;
        }
    }
    let keyrings = families.iter().flat_map(Family::keyrings).collect();
    let wrong = RepositoryError::WrongPassword { tried: tried.0, of: tried.1 };
    let keyring = unite(keyrings).ok_or(wrong)?;
    let kept = closed.into_iter().filter(|one| one.copy.is_some() && known.contains(&one.name));
    let kept_closed = kept.map(|one| (one.name, one.bytes)).collect();
    Ok(Opened { keyring, families, kept_closed })
}

/// Known blocks first, then whole ones, then damaged ones, which cost a derivation each and hardly
/// ever open; of what is not known by chance.
fn in_order(
    candidates: Vec<Candidate>,
    kept: Vec<NamedBlock>,
    random: &dyn Random,
) -> Result<Vec<Trial>, RepositoryError> {
    let mut trials = Vec::with_capacity(candidates.len() + kept.len());
    for Candidate { path, name, bytes } in candidates {
        let copy = copy_number(&name, &bytes);
        let rank = match copy {
            Some(_) if kept.iter().any(|(known, _)| *known == name) => 0,
            Some(_) => 2,
            None => 3,
        };
        trials.push((rank, Trial { path: Some(path), name, bytes, copy }));
    }
    for (name, bytes) in kept {
        let copy = copy_number(&name, &bytes);
        let is_here = |(_, trial): &(_, Trial)| trial.name == name && trial.copy.is_some();
        if copy.is_some() && !trials.iter().any(is_here) {
            trials.push((1, Trial { path: None, name, bytes, copy }));
        }
    }
    trials.retain(|(_, trial)| trial.bytes.len() == BLOCK_LENGTH);
    let mut keyed = Vec::with_capacity(trials.len());
    for (rank, trial) in trials {
        let mut chance = [0; 8];
        if rank > 1 {
            random.fill(&mut chance).map_err(RepositoryError::Random)?;
        }
        keyed.push(((rank, chance), trial));
    }
    keyed.sort_by_key(|(key, _)| *key);
    Ok(keyed.into_iter().map(|(_, trial)| trial).collect())
}

/// Puts a block to the family whose key opens it, or gives it back.
fn adopt(families: &mut [Family], candidate: Trial) -> Option<Trial> {
    for family in families {
        if let Some(keyring) = open_keyring(&candidate.bytes, &family.block_key) {
            let Trial { path, name, bytes, copy } = candidate;
            family.blocks.push(OpenedBlock { path, name, bytes, copy, keyring });
            return None;
        }
    }
    Some(candidate)
}

impl Family {
    /// Slots that do not open any more, as all blocks of the family say together.
    pub(super) fn removed(&self) -> RemovedSlots {
        let all = self.blocks.iter().map(|block| &block.keyring.removed);
        all.fold(RemovedSlots::default(), |removed, more| removed.united(more))
    }

    /// The keyrings of its blocks, once more.
    pub(super) fn keyrings(&self) -> impl Iterator<Item = Keyring> {
        self.blocks.iter().filter_map(|block| open_keyring(&block.bytes, &self.block_key))
    }

    /// The directory of all its blocks without what is removed. Blocks of a generation that others
    /// have forgotten count for no slot.
    pub(super) fn living(&self, removed: &RemovedSlots) -> Option<SlotDirectory> {
        let counts = |keyring: &Keyring| keyring.generation >= removed.forgotten;
        let mut directory = unite(self.keyrings().filter(counts).collect())?.slots?;
        directory.slots.retain(|slot| !removed.contains(&slot.id));
        Some(directory)
    }

    /// Finds the living slots that the passphrase opens: with keys that are known already, and
    /// only if those open nothing that lives, with new ones.
    fn find_own(&mut self, unlocking: &mut Unlocking<'_>) -> Result<(), RepositoryError> {
        self.blocks.sort_by_key(|block| std::cmp::Reverse(block.keyring.generation));
        let removed = self.removed();
        let named = self.living(&removed).map(|directory| directory.slots).unwrap_or_default();
        for derive in [false, true] {
            let mut own = Vec::new();
            for block in &self.blocks {
                let counts = block.keyring.generation >= removed.forgotten;
                let found = unlocking.slots(&block.bytes, derive && own.is_empty())?;
                for SlotContent { slot_id, kind, .. } in found {
                    let is_named = || named.iter().any(|line| line.id == slot_id);
                    if !removed.contains(&slot_id) && (counts || is_named()) {
                        own.push((slot_id, kind));
                    }
                }
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

/// What was given, and the slot keys that were made from it.
struct Unlocking<'a> {
    secret: SlotSecret<'a>,
    profile: Profile,
    keys: Vec<([u8; SALT_LENGTH], Secret<32>)>,
    /// How many more keys are made in vain.
    left: Option<usize>,
    /// Blocks that were tried, and that were not any more.
    tried: usize,
    skipped: usize,
}

impl<'a> Unlocking<'a> {
    fn new(secret: SlotSecret<'a>, profile: Profile, at_most: Option<usize>) -> Self {
        let left = at_most.filter(|_| matches!(secret, SlotSecret::Password(_)));
        Self { secret, profile, keys: Vec::new(), left, tried: 0, skipped: 0 }
    }

    /// Tries all of them; answers what opened, and what did not.
    fn try_all(
        &mut self,
        trials: Vec<Trial>,
        after: usize,
    ) -> Result<(Vec<Family>, Vec<Trial>), RepositoryError> {
        let mut families: Vec<Family> = Vec::new();
        let mut closed = Vec::new();
        for trial in trials {
            let Some(trial) = adopt(&mut families, trial) else { continue };
            let found = self.slots(&trial.bytes, true)?;
            if !found.is_empty() && families.is_empty() && self.is_dear() {
                self.left = Some(after);
            }
            for content in found {
                let block_key = Secret::from_slice(&content.block_key[..]).expect("32 bytes");
                families.push(Family { block_key, own: Vec::new(), blocks: Vec::new() });
            }
            closed.extend(adopt(&mut families, trial));
        }
        // What this does not open may belong to a block that it opened later.
        let closed = closed.into_iter().filter_map(|trial| adopt(&mut families, trial));
        let closed = closed.collect();
        Ok((families, closed))
    }

    /// Whether each key costs half a second.
    fn is_dear(&self) -> bool {
        matches!(self.secret, SlotSecret::Password(_))
    }

    /// What the slots of a block say that open; a key that is not known is only derived where that
    /// is asked for.
    fn slots(&mut self, block: &[u8], derive: bool) -> Result<Vec<SlotContent>, RepositoryError> {
        let salt = salt_of(block);
        if let Some((_, key)) = self.keys.iter().find(|(known, _)| *known == salt) {
            return Ok(slots_opened_by(block, key));
        }
        if !derive && self.is_dear() {
            return Ok(Vec::new());
        }
        if self.left == Some(0) {
            self.skipped += 1;
            return Ok(Vec::new());
        }
        let key = self.secret.key(&salt, self.profile)?;
        let found = slots_opened_by(block, &key);
        self.tried += 1;
        if found.is_empty() {
            self.left = self.left.map(|left| left - 1);
        }
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
