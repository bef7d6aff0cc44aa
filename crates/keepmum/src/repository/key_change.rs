//! Changing slots: a new edition with a new block key, and which blocks it supersedes.
//!
//! The new edition holds everything that the superseded ones hold. Somebody who lost his slot by it
//! opens neither its blocks nor data stored under its epoch.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use crate::crypto::{Passphrase, Profile, RecoveryCode};
use crate::format::key_block::{LABEL_MAX, SLOTS};
use crate::format::keyring::{EPOCHS_MAX, FORMER_MAX};
use crate::format::{
    Epoch, Family, Former, Further, Keyring, KeyringRepository, SlotId, SlotKind, SlotLine,
};
use crate::seam::Random;

use super::error::RepositoryError;
use super::key_block::{NamedBlock, SlotSecret, new_key, random_bytes, seal_blocks};
use super::key_edition::{Block, Edition, Place};
use super::key_lineage::{is_former, living};
use super::key_open::{Opened, united};

/// The change of the slots.
pub struct KeyChange<'a> {
    /// Slots that shall not open any more.
    pub remove: Vec<SlotId>,
    /// A slot that shall be there.
    pub add: Option<NewSlot<'a>>,
}

/// A slot to be made.
pub struct NewSlot<'a> {
    /// The secret that opens it.
    pub secret: SlotSecret<'a>,
    /// Its name for people, at most 30 bytes.
    pub label: String,
    /// When it is made, in seconds since 1970.
    pub created: u64,
}

/// The files to write, and those to delete when they are durable.
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

/// A slot in use, and whether the given secret opens it.
pub struct KnownSlot {
    /// Its entry in the keyring.
    pub line: SlotLine,
    /// Whether the given secret opens it.
    pub own: bool,
    /// Whether it counts. One that does not was added by somebody who had been removed, or at the
    /// same time as a removal; the next change leaves it out.
    pub is_listed: bool,
}

impl Opened {
    /// All slots that open a block which is not superseded.
    pub fn slots(&self) -> Vec<KnownSlot> {
        let is_own = |id: &SlotId| self.editions.iter().any(|edition| edition.own.contains(id));
        let lines = |families: Vec<Family>| families.into_iter().flat_map(|family| family.slots);
        let mut known: Vec<KnownSlot> = lines(living(&self.editions))
            .map(|line| KnownSlot { own: is_own(&line.id), line, is_listed: true })
            .collect();
        for edition in self.editions.iter().filter(|edition| edition.place != Place::Former) {
            let foreign = edition.place == Place::Foreign;
            let lines = lines(edition.keyring.families.clone());
            for line in lines.filter(|line| foreign || edition.own.contains(&line.id)) {
                if known.iter().all(|slot| slot.line.id != line.id) {
                    known.push(KnownSlot { own: is_own(&line.id), line, is_listed: false });
                }
            }
            // A slot that no directory names was written by somebody who knows the block key.
            for id in &edition.own {
                if known.iter().all(|slot| slot.line.id != *id) {
                    known.push(KnownSlot { line: self.unnamed(*id), own: true, is_listed: false });
                }
            }
        }
        known
    }

    fn unnamed(&self, id: SlotId) -> SlotLine {
        SlotLine {
            id,
            public_key: [0; 32],
            kind: self.kind as u8,
            since: 0,
            created: 0,
            label: String::new(),
            further: Further::default(),
        }
    }

    /// Finds all slots that this opens, also in families none of whose blocks it opened.
    pub fn find_own(
        &mut self,
        passphrase: &Passphrase,
        profile: Profile,
    ) -> Result<(), RepositoryError> {
        let code = RecoveryCode::parse(passphrase.expose());
        let secret = match code.as_ref().filter(|_| self.kind == SlotKind::Recovery) {
            Some(code) => SlotSecret::Recovery(code),
            None => SlotSecret::Password(passphrase),
        };
        let followed = self.editions.iter_mut().filter(|it| it.place == Place::Followed);
        for edition in followed {
            for family in &edition.keyring.families {
                let public_key = secret.key(&family.salt, profile)?.public_key();
                let own = family.slots.iter().filter(|slot| slot.public_key == public_key);
                edition.own.extend(own.map(|slot| slot.id));
            }
        }
        Ok(())
    }

    /// Whether the given secret would open the next edition without these slots.
    pub fn opens_without(&self, removed: &[SlotId]) -> bool {
        self.slots().iter().any(|it| it.own && it.is_listed && !removed.contains(&it.line.id))
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
        let followed = || self.editions.iter().filter(|it| it.place == Place::Followed);
        if self.later > 0 || followed().any(|edition| edition.keyring.is_restricted) {
            return Err(RepositoryError::Slots(
                "a key block here is of a kind that this version of keepmum cannot change",
            ));
        }
        let highest = followed().map(|edition| edition.keyring.generation).max();
        let generation = highest.unwrap_or(0).checked_add(1).ok_or_else(full)?;
        let mut families = living(&self.editions);
        for family in &mut families {
            family.slots.retain(|slot| !change.remove.contains(&slot.id));
        }
        let added = match &change.add {
            Some(new) => Some(self.add(&mut families, new, (generation, profile), random)?),
            None => None,
        };
        families.retain(|family| !family.slots.is_empty());
        if families.iter().any(|family| family.slots.len() > SLOTS) {
            return Err(RepositoryError::Slots(
                "two devices have added passwords at the same time, and there are more than 16 \
                 now; remove one that is not needed (see `key list`)",
            ));
        }
        let mut keyring = Keyring {
            generation,
            families,
            former: self.former(),
            last_removal: followed().map(|it| it.keyring.last_removal).max().unwrap_or(0),
            ..united(self.editions.iter().filter(|edition| !edition.keyring.is_restricted))
        };
        if self.loses_a_slot(&keyring.families) {
            keyring.last_removal = generation;
            rotate(&mut keyring, random)?;
        }
        keyring.encode().map_err(|_| full())?;
        let blocks = seal_blocks(&keyring, &new_key(random)?, random)?;
        Ok(ChangedKeys { blocks, superseded: self.superseded(), added, generation })
    }

    /// Whether several tips are followed, and one of them lacks something that another holds.
    pub fn is_divided(&self) -> bool {
        let followed = || self.editions.iter().filter(|it| it.place == Place::Followed);
        let all = united(followed());
        let living = ids(&living(&self.editions));
        followed().any(|edition| {
            let lacks = |one: &KeyringRepository| {
                let mut known = edition.keyring.repositories.iter();
                let known = known.find(|it| it.id == one.id && it.secret == one.secret);
                known.is_none_or(|known| one.epochs.iter().any(|it| !known.epochs.contains(it)))
            };
            all.repositories.iter().any(lacks) || ids(&edition.keyring.families) != living
        })
    }

    /// Adds a slot for a password or a code that opens nothing yet.
    fn add(
        &self,
        families: &mut [Family],
        new: &NewSlot<'_>,
        (generation, profile): (u64, Profile),
        random: &dyn Random,
    ) -> Result<SlotId, RepositoryError> {
        if new.label.len() > LABEL_MAX {
            return Err(RepositoryError::Slots("a label has at most 30 bytes; give a shorter one"));
        }
        let mut added = None;
        let in_use = living(&self.editions);
        for (at, family) in in_use.iter().enumerate() {
            let key = new.secret.key(&family.salt, profile)?;
            if family.slots.iter().any(|slot| slot.public_key == key.public_key()) {
                return Err(RepositoryError::Slots("this password opens the repository already"));
            }
            if added.is_none() && families[at].slots.len() < SLOTS {
                let said = (new.created, &*new.label);
                let line = new.secret.line(&key, said, generation, random)?;
                added = Some(line.id);
                families[at].slots.push(line);
            }
        }
        added.ok_or(RepositoryError::Slots(
            "no slot is free for this password: all 16 are in use; remove one that is not needed",
        ))
    }

    /// The editions that the new one follows. A foreign edition counts only for its mark.
    fn former(&self) -> Vec<Former> {
        let own = |edition: &Edition, generation| Former {
            generation,
            mark_key: zeroize::Zeroizing::new(*edition.mark_key.expose()),
        };
        let mut former = Vec::new();
        for edition in &self.editions {
            match edition.place {
                Place::Followed => {
                    former.push(own(edition, edition.keyring.generation));
                    former.extend(edition.keyring.former.iter().cloned());
                }
                Place::Foreign => former.push(own(edition, 0)),
                Place::Former => {}
            }
        }
        former.sort_by_key(|former| Reverse(former.generation));
        let mut seen = HashSet::new();
        former.retain(|former| seen.insert(*former.mark_key));
        former.truncate(FORMER_MAX);
        former
    }

    /// Whether somebody who opens a tip does not open an edition with these families.
    fn loses_a_slot(&self, families: &[Family]) -> bool {
        let stay = ids(families);
        let tips = self.editions.iter().filter(|edition| edition.place != Place::Former);
        tips.flat_map(|edition| ids(&edition.keyring.families)).any(|id| !stay.contains(&id))
    }

    /// The blocks that hold nothing more than the next edition.
    fn superseded(&self) -> Vec<String> {
        let free = self.editions.iter().filter(|edition| !edition.keyring.is_restricted);
        let opened = free.flat_map(|edition| edition.blocks.iter());
        let former = |block: &&Block| {
            let mut followed = self.editions.iter().filter(|it| it.place == Place::Followed);
            followed.any(|edition| is_former(block, edition))
        };
        let closed = self.closed.iter().filter(former);
        opened.chain(closed).filter_map(|block| block.path.clone()).collect()
    }
}

fn ids(families: &[Family]) -> BTreeSet<SlotId> {
    families.iter().flat_map(|family| family.slots.iter().map(|slot| slot.id)).collect()
}

fn full() -> RepositoryError {
    RepositoryError::Slots(
        "the key block is full: too many repositories in one, or too many passwords with long \
         labels; remove a password that is not needed any more",
    )
}

/// A new epoch for everything written from now on, unless there is no room for one.
fn rotate(keyring: &mut Keyring, random: &dyn Random) -> Result<(), RepositoryError> {
    let Some(first) = keyring.repositories.first_mut() else { return Ok(()) };
    if first.epochs.len() >= EPOCHS_MAX.into() {
        return Ok(());
    }
    let mut number = 0;
    while number == 0 || first.epochs.iter().any(|epoch| epoch.number == number) {
        let mut lot = [0; 2];
        random.fill(&mut lot).map_err(RepositoryError::Random)?;
        number = u16::from_le_bytes(lot);
    }
    let epoch = Epoch::new(number, random_bytes(random)?);
    // In memory that does not grow, so that no copy remains.
    let mut epochs = Vec::with_capacity(first.epochs.len() + 1);
    epochs.push(epoch);
    epochs.append(&mut first.epochs);
    first.epochs = epochs;
    if keyring.encode().is_err() {
        keyring.repositories[0].epochs.remove(0);
    }
    Ok(())
}
