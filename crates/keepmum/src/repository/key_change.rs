//! Changing slots: three new blocks for each family, and which blocks they supersede.
//!
//! A block's salt belongs to its slots, and the slots of passwords that are not given cannot be
//! made again. So the new copies keep the salts, and every slot that stays is taken over byte for
//! byte. Nothing is lost by it: new blocks hold all that the ones they supersede hold.

use crate::crypto::{Profile, Secret, slot_id};
use crate::format::key_block::{KEYRING_OFFSET, LABEL_MAX, SLOTS};
use crate::format::{Keyring, RemovedSlots, SlotDirectory, SlotId, SlotLine};
use crate::seam::Random;

use super::error::RepositoryError;
use super::key_block::{COPIES, NamedBlock, SlotSecret, block_name, random_bytes, seal_keyring};
use super::key_block::{slot_bytes, slot_range};
use super::key_open::{Family, Opened, OpenedBlock, salt_of, slots_opened_by};
use super::keys::unite;

/// How many removed slots are remembered: so many removals a device, or a file that a sync client
/// brings back, may be behind without anything that was removed opening again.
const REMOVED_KEPT: usize = 64;

/// What is to become of the slots.
pub struct KeyChange<'a> {
    /// Slots that shall not open any more.
    pub remove: Vec<SlotId>,
    /// A slot that shall be there.
    pub add: Option<NewSlot<'a>>,
}

/// A slot to be made.
pub struct NewSlot<'a> {
    /// What opens it.
    pub secret: SlotSecret<'a>,
    /// What people call it, at most 30 bytes.
    pub label: String,
    /// When it is made, in seconds since 1970.
    pub created: u64,
}

/// What must be written, and what may be deleted when that is durable.
pub struct ChangedKeys {
    /// File name and bytes of the new blocks.
    pub blocks: Vec<NamedBlock>,
    /// Paths of the blocks that hold nothing more than the new ones.
    pub superseded: Vec<String>,
    /// The id of the new slot.
    pub added: Option<SlotId>,
    /// Generation of the new blocks.
    pub generation: u64,
}

/// A slot in use, and whether the given passphrase opens it.
pub struct KnownSlot {
    /// What the directory says of it.
    pub line: SlotLine,
    /// Whether the passphrase opens it.
    pub own: bool,
    /// Whether it stands in the directory. One that opens and does not was made by nobody's command:
    /// whoever once had the block key can write it.
    pub is_listed: bool,
}

impl Opened {
    /// All slots in use. Nothing if the blocks are of a version that keeps no directory.
    pub fn slots(&self) -> Option<Vec<KnownSlot>> {
        let mut known = Vec::new();
        for family in &self.families {
            let slots = family.living(&family.removed())?.slots;
            for (id, kind) in &family.own {
                if slots.iter().all(|line| line.id != *id) {
                    let (kind, label) = (*kind as u8, String::new());
                    let line = SlotLine { number: 0, id: *id, kind, created: 0, label };
                    known.push(KnownSlot { line, own: true, is_listed: false });
                }
            }
            for line in slots {
                let own = family.own.iter().any(|(id, _)| *id == line.id);
                known.push(KnownSlot { line, own, is_listed: true });
            }
        }
        Some(known)
    }

    /// Whether the passphrase would open all that it opens now without these slots.
    pub fn opens_without(&self, removed: &[SlotId]) -> bool {
        self.families.iter().all(|family| family.own.iter().any(|(id, _)| !removed.contains(id)))
    }

    /// Makes the blocks of the next generation.
    ///
    /// # Errors
    /// [`RepositoryError::Slots`] when that cannot be done without locking somebody out.
    pub fn change(
        &self,
        change: &KeyChange<'_>,
        profile: Profile,
        random: &dyn Random,
    ) -> Result<ChangedKeys, RepositoryError> {
        let generation = self.keyring.generation.saturating_add(1);
        let mut made =
            ChangedKeys { blocks: Vec::new(), superseded: Vec::new(), added: None, generation };
        for family in &self.families {
            let mut removed = family.removed();
            removed.add(&change.remove, generation);
            let mut directory = family.living(&removed).ok_or(RepositoryError::Slots(
                "these key blocks were made by an earlier version, and their slots are not known",
            ))?;
            if directory.slots.windows(2).any(|two| two[0].number == two[1].number) {
                return Err(RepositoryError::Slots(
                    "two devices made a new slot at the same time and in the same place; remove \
                     one of the two (see `key list`), then do this again",
                ));
            }
            let new = match &change.add {
                Some(new) => {
                    Some((new.secret, new_line(&mut directory, new, &removed, profile, random)?))
                }
                None => None,
            };
            made.added = made.added.or(new.as_ref().map(|(_, line)| line.id));
            let repositories = unite(self.families.iter().flat_map(Family::keyrings).collect());
            let repositories = repositories.map(|united| united.repositories).unwrap_or_default();
            let slots = Some(directory);
            let keyring = within_bounds(Keyring { generation, repositories, removed, slots })?;
            let next = Next { family, keyring: &keyring, new, profile, random };
            made.blocks.extend(next.blocks()?);
            let superseded = family.blocks.iter().filter_map(|block| block.path.clone());
            made.superseded.extend(superseded);
        }
        Ok(made)
    }

    /// Whether families lie here whose newest keyrings do not hold all that opened: what a recovery
    /// code of one of them opens is only a part.
    pub fn is_divided(&self) -> bool {
        self.families.iter().any(|family| {
            // Whoever opens one block of a family opens all of them.
            let newest = family.blocks.iter().map(|block| block.keyring.generation).max();
            let blocks = family.blocks.iter().map(|block| &block.keyring);
            let blocks: Vec<_> = blocks.filter(|it| Some(it.generation) == newest).collect();
            let known = || blocks.iter().flat_map(|keyring| &keyring.repositories);
            self.keyring.repositories.iter().any(|all| {
                let same = || known().filter(|one| one.id == all.id && one.secret == all.secret);
                all.epochs.iter().any(|epoch| !same().any(|one| one.epochs.contains(epoch)))
            })
        })
    }
}

/// A keyring that fits its block: of the removed slots those are forgotten that were removed first,
/// down to as many as a device may be behind, and further only for want of room.
fn within_bounds(mut keyring: Keyring) -> Result<Keyring, RepositoryError> {
    let now = keyring.generation;
    while keyring.removed.slots.len() > REMOVED_KEPT || keyring.encode().is_err() {
        if !keyring.removed.forget_oldest(now) {
            break;
        }
    }
    match keyring.encode() {
        Ok(_) => Ok(keyring),
        Err(_) => Err(RepositoryError::Slots(
            "the key block is full: too many passwords with long labels, or too many repositories \
             in one; remove a password that is not needed any more",
        )),
    }
}

/// Chooses a number for a new slot and writes it into the directory. A number under which this
/// password was removed is not taken: it would have the removed id again.
fn new_line(
    directory: &mut SlotDirectory,
    new: &NewSlot<'_>,
    removed: &RemovedSlots,
    profile: Profile,
    random: &dyn Random,
) -> Result<SlotLine, RepositoryError> {
    if new.label.len() > LABEL_MAX {
        return Err(RepositoryError::Slots("a label has at most 30 bytes; give a shorter one"));
    }
    let id_key = new.secret.key(&directory.id_salt, profile)?;
    let free: Vec<(u8, SlotId)> = (0_u8..)
        .take(SLOTS)
        .filter(|number| directory.slots.iter().all(|slot| slot.number != *number))
        .map(|number| (number, slot_id(&id_key, number)))
        .filter(|(_, id)| !removed.contains(id))
        .collect();
    if free.is_empty() {
        return Err(RepositoryError::Slots(
            "no slot is free for this password: all 16 are in use, or it was removed from each",
        ));
    }
    // By chance, so that two devices seldom take the same one at the same time.
    let mut chance = [0];
    random.fill(&mut chance).map_err(RepositoryError::Random)?;
    let (number, id) = free[usize::from(chance[0]) % free.len()];
    let kind = new.secret.kind() as u8;
    let line = SlotLine { number, id, kind, created: new.created, label: new.label.clone() };
    directory.slots.push(line.clone());
    directory.slots.sort_unstable();
    Ok(line)
}

impl Family {
    /// One block for each salt, those that their name proves before others, in order of copies.
    fn bases(&self) -> Vec<&OpenedBlock> {
        let proven = self.blocks.iter().any(|block| block.copy.is_some());
        let mut bases: Vec<&OpenedBlock> = Vec::new();
        // They are in descending order of generation.
        for block in self.blocks.iter().filter(|block| block.copy.is_some() == proven) {
            if bases.iter().all(|base| salt_of(&base.bytes) != salt_of(&block.bytes)) {
                bases.push(block);
            }
        }
        bases.sort_by_key(|base| base.copy);
        bases.truncate(usize::from(COPIES));
        bases
    }
}

/// The next generation of a family.
struct Next<'a> {
    family: &'a Family,
    keyring: &'a Keyring,
    new: Option<(SlotSecret<'a>, SlotLine)>,
    profile: Profile,
    random: &'a dyn Random,
}

impl Next<'_> {
    fn blocks(&self) -> Result<Vec<NamedBlock>, RepositoryError> {
        let mut salted = Vec::new();
        for base in self.family.bases() {
            salted.push(self.block(base)?);
        }
        let copies = (0..COPIES).zip(salted.iter().cycle());
        Ok(copies.map(|(copy, bytes)| (block_name(copy, bytes), bytes.clone())).collect())
    }

    /// A block with the salt of this one.
    fn block(&self, base: &OpenedBlock) -> Result<Vec<u8>, RepositoryError> {
        let mut bytes = base.bytes.clone();
        let new_key = match &self.new {
            Some((secret, _)) => Some(self.new_key(*secret, base)?),
            None => None,
        };
        for number in (0_u8..).take(SLOTS) {
            let living = self.keyring.slots.iter().flat_map(|slots| &slots.slots);
            let living = living.clone().find(|slot| slot.number == number);
            let added = self.new.as_ref().filter(|(_, line)| Some(line) == living);
            let slot = match (added.zip(new_key.as_ref()), living) {
                (Some(((secret, line), key)), _) => {
                    let block_key = self.family.block_key.expose();
                    Some(slot_bytes(key, number, line.id, secret.kind(), block_key).to_vec())
                }
                (None, Some(line)) => self.kept(base, line),
                (None, None) if !names(base, number) => continue,
                (None, None) => None,
            };
            let slot = match slot {
                Some(slot) => slot,
                None => random_bytes::<128>(self.random)?.to_vec(),
            };
            bytes[slot_range(number)].copy_from_slice(&slot);
        }
        let sealed = seal_keyring(self.keyring, self.family.block_key.expose(), self.random)?;
        bytes[KEYRING_OFFSET..].copy_from_slice(&sealed);
        Ok(bytes)
    }

    /// The key of the new slot under this block's salt, unless it opens something here already.
    fn new_key(
        &self,
        secret: SlotSecret<'_>,
        base: &OpenedBlock,
    ) -> Result<Secret<32>, RepositoryError> {
        let key = secret.key(&salt_of(&base.bytes), self.profile)?;
        let same_salt = self.family.with_salt_of(base);
        let removed = self.family.removed();
        for (counts, content) in same_salt.flat_map(|block| {
            let counts = block.keyring.generation >= removed.forgotten;
            slots_opened_by(&block.bytes, &key).into_iter().map(move |content| (counts, content))
        }) {
            if counts && !removed.contains(&content.slot_id) {
                return Err(RepositoryError::Slots("this password opens the repository already"));
            }
        }
        Ok(key)
    }

    /// The bytes of a slot that stays, as any block with this salt has them.
    fn kept(&self, base: &OpenedBlock, line: &SlotLine) -> Option<Vec<u8>> {
        let holds = |block: &&OpenedBlock| {
            let slots = block.keyring.slots.iter().flat_map(|slots| &slots.slots);
            slots.clone().any(|slot| (slot.number, slot.id) == (line.number, line.id))
        };
        let block = self.family.with_salt_of(base).find(holds)?;
        block.bytes.get(slot_range(line.number)).map(<[u8]>::to_vec)
    }
}

/// Whether a block's own directory has a slot of this number.
fn names(block: &OpenedBlock, number: u8) -> bool {
    block.keyring.slots.iter().flat_map(|slots| &slots.slots).any(|slot| slot.number == number)
}

impl Family {
    /// Blocks with the same salt as this one; whole ones first.
    fn with_salt_of<'s>(&'s self, base: &OpenedBlock) -> impl Iterator<Item = &'s OpenedBlock> {
        let salt = salt_of(&base.bytes);
        let whole = self.blocks.iter().filter(|block| block.copy.is_some());
        let others = self.blocks.iter().filter(|block| block.copy.is_none());
        whole.chain(others).filter(move |block| salt_of(&block.bytes) == salt)
    }
}
