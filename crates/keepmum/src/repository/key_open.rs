//! Opening key blocks: everything that the passphrase opens.
//!
//! Nothing here reads a parameter of the password's derivation from storage. Blocks that somebody
//! adds cost time and lock nobody out: those that opened before come first. Of the others, in turns,
//! one comes that has most of its copies, and one by chance, so that no name is a good one to choose.

use std::collections::{HashMap, HashSet};

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

/// The secret for opening blocks, and the limit of trials.
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
    /// Hears before each trial that takes long how many such there were, and how many blocks there
    /// are.
    pub tell: &'a dyn Fn(usize, usize),
    /// Whether these keys open all that lies there. Then not many more blocks are tried.
    pub is_all: &'a dyn Fn(&Keyring) -> bool,
}

/// The result of opening.
pub struct Opened {
    /// The keyrings of all blocks that opened, united.
    pub keyring: Keyring,
    /// The secret that opened it.
    pub(super) kind: SlotKind,
    /// Those that writers take as theirs first.
    pub(super) editions: Vec<Edition>,
    /// Blocks that did not open.
    pub(super) closed: Vec<Block>,
    /// Blocks that opened and were made by a later version.
    pub(super) later: usize,
}

/// Opens with the passphrase all of these candidates that it can, and unites them.
///
/// # Errors
/// [`RepositoryError::NoRepository`] without any candidate, [`RepositoryError::WrongPassword`] if
/// none opens that is not superseded, [`RepositoryError::KeysNotUnderstood`] if a later version
/// made the block that opens.
pub fn open(candidates: Vec<Candidate>, mut unlock: Unlock<'_>) -> Result<Opened, RepositoryError> {
    let has_known = !unlock.kept.is_empty();
    let kept = std::mem::take(&mut unlock.kept);
    let mut closed = in_order(candidates, kept, unlock.random)?;
    if closed.is_empty() {
        return Err(RepositoryError::NoRepository);
    }
    let after = if has_known { TRIED_KNOWN } else { TRIED_NEW };
    let code = RecoveryCode::parse(unlock.passphrase.expose());
    let by_code = code.as_ref().map(SlotSecret::Recovery);
    let by_password = Some(SlotSecret::Password(unlock.passphrase));
    let (mut tried, of) = (0, closed.len());
    let mut replaced_by = None;
    // A code costs nothing to try, so it is tried everywhere before it is taken for a password.
    for secret in [by_code, by_password].into_iter().flatten() {
        let mut unlocking = Unlocking::new(secret, &unlock, of);
        closed = unlocking.try_all(closed, after)?;
        let Unlocking { mut editions, later, skipped, .. } = unlocking;
        tried = of - skipped;
        key_lineage::judge(&mut editions, &closed);
        let is_followed = editions.iter().any(|edition| edition.place == Place::Followed);
        let is_later = later.iter().any(|block| key_lineage::supersedes(block, &editions));
        if is_later || (!later.is_empty() && !is_followed) {
            return Err(RepositoryError::KeysNotUnderstood);
        }
        if is_followed {
            let later = later.len();
            let keyring = united(editions.iter());
            return Ok(Opened { keyring, kind: secret.kind(), editions, closed, later });
        }
        replaced_by = replaced_by.or_else(|| key_lineage::successor(&editions, &closed));
        closed.extend(editions.into_iter().flat_map(|edition| edition.blocks));
    }
    Err(RepositoryError::WrongPassword { tried, of, replaced_by })
}

/// Known blocks first, then those with a salt of which a whole block is here, then damaged ones,
/// which cost a derivation each and hardly ever open.
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
    let places = turns(&blocks, random)?;
    blocks.sort_by_cached_key(|block| {
        let is_local = block.path.is_none();
        match block.is_known {
            true => (0, usize::from(is_local), 0),
            false => (1, places[&block.head.salt], usize::from(block.copy.is_none())),
        }
    });
    Ok(blocks)
}

/// In which order the salts of blocks that are not known are tried. A family has three copies, which
/// not everybody who adds files thinks of; and who does must not push one to the end that has lost
/// some. So in turns the next comes by its copies, and by chance.
fn turns(
    blocks: &[Block],
    random: &dyn Random,
) -> Result<HashMap<[u8; SALT_LENGTH], usize>, RepositoryError> {
    let mut copies: HashMap<[u8; SALT_LENGTH], HashSet<u8>> = HashMap::new();
    let mut salts = Vec::new();
    for block in blocks.iter().filter(|block| !block.is_known) {
        let copies = copies.entry(block.head.salt).or_insert_with(|| {
            salts.push(block.head.salt);
            HashSet::new()
        });
        copies.extend(block.copy);
    }
    let mut by_chance = Vec::with_capacity(salts.len());
    for salt in salts {
        let mut chance = [0; 8];
        random.fill(&mut chance).map_err(RepositoryError::Random)?;
        by_chance.push((chance, salt));
    }
    by_chance.sort_unstable();
    let count = |salt: &[u8; SALT_LENGTH]| copies.get(salt).map_or(0, HashSet::len);
    let (whole, damaged): (Vec<_>, Vec<_>) =
        by_chance.into_iter().map(|(_, salt)| salt).partition(|salt| count(salt) > 0);
    let mut by_copies = whole.clone();
    by_copies.sort_by_key(|salt| std::cmp::Reverse(count(salt)));
    let turns = by_copies.into_iter().zip(whole).flat_map(|(one, other)| [one, other]);
    let mut places = HashMap::new();
    for salt in turns.chain(damaged) {
        let next = places.len();
        places.entry(salt).or_insert(next);
    }
    Ok(places)
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

/// The given secret, and the blocks it opened.
struct Unlocking<'a> {
    secret: SlotSecret<'a>,
    unlock: &'a Unlock<'a>,
    /// How many blocks there are.
    of: usize,
    keys: Vec<([u8; SALT_LENGTH], AgreementKey)>,
    /// How many more keys are made in vain.
    left: Option<usize>,
    /// How many keys were made in vain since something opened.
    in_vain: usize,
    /// Blocks that were not tried any more.
    skipped: usize,
    editions: Vec<Edition>,
    later: Vec<Block>,
}

impl<'a> Unlocking<'a> {
    fn new(secret: SlotSecret<'a>, unlock: &'a Unlock<'a>, of: usize) -> Self {
        let left = unlock.at_most.filter(|_| secret.kind() == SlotKind::Password);
        Self {
            secret,
            unlock,
            of,
            keys: Vec::new(),
            left,
            in_vain: 0,
            skipped: 0,
            editions: Vec::new(),
            later: Vec::new(),
        }
    }

    /// Tries all of them; returns those that did not open.
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
                (self.left, self.in_vain) = (Some(after), 0);
            }
            closed.extend(left);
        }
        // A block that none of its slots opens may belong to one that was opened later.
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
        if self.in_vain == TRIED_KNOWN
            && !self.editions.is_empty()
            && (self.unlock.is_all)(&united(self.editions.iter()))
        {
            // There are no objects whose key block could be among the others.
            self.left = self.left.map(|_| 0);
        }
        if self.left == Some(0) {
            self.skipped += 1;
            return Ok(Vec::new());
        }
        if self.secret.kind() == SlotKind::Password {
            (self.unlock.tell)(self.keys.len(), self.of);
        }
        let key = self.secret.key(salt, self.unlock.profile)?;
        let found = block.head.slots(&block.bytes, &key);
        match found.is_empty() {
            true => {
                self.left = self.left.map(|left| left - 1);
                self.in_vain += 1;
            }
            false => self.in_vain = 0,
        }
        self.keys.push((*salt, key));
        Ok(found)
    }
}

fn copy(key: &Secret<32>) -> Secret<32> {
    Secret::from_slice(key.expose()).expect("32 bytes")
}
