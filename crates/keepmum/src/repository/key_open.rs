//! Opening key blocks: what the passphrase opens, and what comes with it.
//!
//! Nothing here reads a parameter of the password's derivation from storage. Blocks that somebody
//! adds cost time and lock nobody out: those that opened before come first, the others by chance, so
//! that no name is a good one to choose.

use crate::crypto::{AgreementKey, Passphrase, Profile, RecoveryCode, Secret, mark_key};
use crate::format::key_block::SALT_LENGTH;
use crate::format::{FormatError, Keyring, SlotId, SlotKind, is_key_block_length, unite};
use crate::seam::Random;

use super::error::RepositoryError;
use super::key_block::{Candidate, Head, NamedBlock, SlotSecret, copy_number, open_keyring};
use super::key_edition::{Block, Edition, Place};
use super::key_lineage;

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
    /// What opened it.
    pub(super) kind: SlotKind,
    /// Those that writers take as theirs first.
    pub(super) editions: Vec<Edition>,
    /// Blocks that did not open.
    pub(super) closed: Vec<Block>,
    /// Blocks that opened and were made by a later version.
    pub(super) later: usize,
}

/// Opens what the passphrase opens among these candidates, and unites it.
///
/// # Errors
/// [`RepositoryError::NoRepository`] without any candidate, [`RepositoryError::WrongPassword`]
/// where none opens that is not superseded, [`RepositoryError::LaterVersion`] where what opens was
/// made by a later version.
pub fn open(candidates: Vec<Candidate>, unlock: Unlock<'_>) -> Result<Opened, RepositoryError> {
    let has_known = !unlock.kept.is_empty();
    let mut closed = in_order(candidates, unlock.kept, unlock.random)?;
    if closed.is_empty() {
        return Err(RepositoryError::NoRepository);
    }
    let after = if has_known { TRIED_KNOWN } else { TRIED_NEW };
    let code = RecoveryCode::parse(unlock.passphrase.expose());
    let by_code = code.as_ref().map(SlotSecret::Recovery);
    let by_password = Some(SlotSecret::Password(unlock.passphrase));
    let (mut tried, of) = (0, closed.len());
    // A code costs nothing to try, so it is tried everywhere before it is taken for a password.
    for secret in [by_code, by_password].into_iter().flatten() {
        let mut unlocking = Unlocking::new(secret, unlock.profile, unlock.at_most);
        closed = unlocking.try_all(closed, after)?;
        let Unlocking { mut editions, later, skipped, .. } = unlocking;
        tried = of - skipped;
        key_lineage::judge(&mut editions, &closed);
        let is_followed = editions.iter().any(|edition| edition.place == Place::Followed);
        let is_later = later.iter().any(|block| key_lineage::supersedes(block, &editions));
        if is_later || (!later.is_empty() && !is_followed) {
            return Err(RepositoryError::LaterVersion);
        }
        if is_followed {
            let later = later.len();
            let keyring = united(editions.iter());
            return Ok(Opened { keyring, kind: secret.kind(), editions, closed, later });
        }
        closed.extend(editions.into_iter().flat_map(|edition| edition.blocks));
    }
    Err(RepositoryError::WrongPassword { tried, of })
}

/// Known blocks first, then whole ones, then damaged ones, which cost a derivation each and hardly
/// ever open; of what is not known by chance.
fn in_order(
    candidates: Vec<Candidate>,
    kept: Vec<NamedBlock>,
    random: &dyn Random,
) -> Result<Vec<Block>, RepositoryError> {
    let is_right = |bytes: &[u8]| is_key_block_length(bytes.len() as u64);
    let mut blocks = Vec::with_capacity(candidates.len() + kept.len());
    for Candidate { path, name, bytes } in candidates.into_iter().filter(|it| is_right(&it.bytes)) {
        let (copy, head) = (copy_number(&name, &bytes), Head::of(&bytes));
        let is_known = copy.is_some() && kept.iter().any(|(known, _)| *known == name);
        blocks.push(Block { path: Some(path), name, bytes, head, copy, is_known });
    }
    for (name, bytes) in kept.into_iter().filter(|(_, bytes)| is_right(bytes)) {
        let (copy, head) = (copy_number(&name, &bytes), Head::of(&bytes));
        let is_here = |block: &Block| block.name == name && block.copy.is_some();
        if copy.is_some() && !blocks.iter().any(is_here) {
            blocks.push(Block { path: None, name, bytes, head, copy, is_known: true });
        }
    }
    let mut keyed = Vec::with_capacity(blocks.len());
    for block in blocks {
        let rank = match (block.is_known, &block.path, block.copy) {
            (true, path, _) => u8::from(path.is_none()),
            (false, _, copy) => 2 + u8::from(copy.is_none()),
        };
        let mut chance = [0; 8];
        if rank > 1 {
            random.fill(&mut chance).map_err(RepositoryError::Random)?;
        }
        keyed.push(((rank, chance), block));
    }
    keyed.sort_by_key(|(key, _)| *key);
    Ok(keyed.into_iter().map(|(_, block)| block).collect())
}

/// The keyring of all these editions, in the order in which they stand.
pub(super) fn united<'a>(editions: impl Iterator<Item = &'a Edition> + Clone) -> Keyring {
    let all: Vec<_> = editions.clone().map(|it| &it.keyring.repositories[..]).collect();
    let first = editions.map(|edition| &edition.keyring).next();
    Keyring {
        generation: first.map_or(0, |it| it.generation),
        repositories: unite(&all),
        families: Vec::new(),
        former: Vec::new(),
        last_removal: 0,
        is_restricted: first.is_some_and(|it| it.is_restricted),
        further: first.map(|it| it.further.clone()).unwrap_or_default(),
    }
}

/// What was given, and what it opened.
struct Unlocking<'a> {
    secret: SlotSecret<'a>,
    profile: Profile,
    keys: Vec<([u8; SALT_LENGTH], AgreementKey)>,
    /// How many more keys are made in vain.
    left: Option<usize>,
    /// Blocks that were not tried any more.
    skipped: usize,
    editions: Vec<Edition>,
    later: Vec<Block>,
}

impl<'a> Unlocking<'a> {
    fn new(secret: SlotSecret<'a>, profile: Profile, at_most: Option<usize>) -> Self {
        let left = at_most.filter(|_| secret.kind() == SlotKind::Password);
        Self {
            secret,
            profile,
            keys: Vec::new(),
            left,
            skipped: 0,
            editions: Vec::new(),
            later: Vec::new(),
        }
    }

    /// Tries all of them; answers what did not open.
    fn try_all(&mut self, blocks: Vec<Block>, after: usize) -> Result<Vec<Block>, RepositoryError> {
        let mut closed = Vec::new();
        for block in blocks {
            let Some(block) = self.adopt(block) else { continue };
            let slots = self.slots(&block)?;
            let was_closed = self.editions.is_empty() && self.later.is_empty();
            let mut left = Some(block);
            for (block_key, id) in slots {
                if let Some(block) = left.take() {
                    left = self.put(block, &block_key, Some(id));
                }
            }
            if left.is_none() && was_closed && self.secret.kind() == SlotKind::Password {
                self.left = Some(after);
            }
            closed.extend(left);
        }
        // What none of its slots opens may belong to a block that was opened later.
        Ok(closed.into_iter().filter_map(|block| self.adopt(block)).collect())
    }

    /// Puts a block to the edition that its own mark names, or gives it back.
    fn adopt(&mut self, block: Block) -> Option<Block> {
        let is_it = |edition: &&Edition| block.head.is_of(&block.bytes, edition.mark_key.expose());
        match self.editions.iter().find(is_it).map(|edition| copy(&edition.block_key)) {
            Some(block_key) => self.put(block, &block_key, None),
            None => Some(block),
        }
    }

    /// Puts a block to its edition if this is its key, or gives it back.
    fn put(&mut self, block: Block, block_key: &Secret<32>, own: Option<SlotId>) -> Option<Block> {
        let Some((plain, keyring)) = open_keyring(&block.bytes, block_key) else {
            return Some(block);
        };
        let keyring = match keyring {
            Ok(keyring) => keyring,
            Err(FormatError::Unknown { .. }) => {
                self.later.push(block);
                return None;
            }
            Err(_) => return Some(block),
        };
        let is_it = |edition: &&mut Edition| {
            edition.block_key.expose() == block_key.expose() && edition.plain == plain
        };
        let edition = match self.editions.iter_mut().find(is_it) {
            Some(edition) => edition,
            None => {
                self.editions.push(Edition {
                    block_key: copy(block_key),
                    mark_key: mark_key(block_key),
                    keyring,
                    plain,
                    own: Vec::new(),
                    blocks: Vec::new(),
                    place: Place::Followed,
                });
                self.editions.last_mut()?
            }
        };
        edition.own.extend(own.filter(|id| !edition.own.contains(id)));
        edition.blocks.push(block);
        None
    }

    /// The slots of a block that open. A salt that was tried costs nothing any more; where enough
    /// were tried in vain, a new one is left alone.
    fn slots(&mut self, block: &Block) -> Result<Vec<(Secret<32>, SlotId)>, RepositoryError> {
        let salt = &block.head.salt;
        if let Some((_, key)) = self.keys.iter().find(|(known, _)| known == salt) {
            return Ok(block.head.slots(&block.bytes, key));
        }
        if self.left == Some(0) {
            self.skipped += 1;
            return Ok(Vec::new());
        }
        let key = self.secret.key(salt, self.profile)?;
        let found = block.head.slots(&block.bytes, &key);
        if found.is_empty() {
            self.left = self.left.map(|left| left - 1);
        }
        self.keys.push((*salt, key));
        Ok(found)
    }
}

fn copy(key: &Secret<32>) -> Secret<32> {
    Secret::from_slice(key.expose()).expect("32 bytes")
}
