//! Which slots of a key block do not open any more, and since which generation (§3).
//!
//! The list has an end: what was removed long ago is forgotten, and then blocks from before that
//! say nothing of slots any more. So a password that was removed stays removed, and the keyring does
//! not fill up.

use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::slot_directory::SlotId;

/// A slot that does not open any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemovedSlot {
    /// Its id.
    pub id: SlotId,
    /// The generation of the first block that called it removed.
    pub generation: u64,
}

/// The removed slots of all blocks that share a block key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemovedSlots {
    /// Slots removed in this generation or before are not listed any more, and blocks of a lower
    /// one count for no slot.
    pub forgotten: u64,
    /// The others.
    pub slots: Vec<RemovedSlot>,
}

impl RemovedSlots {
    /// Whether a slot is removed. An entry that others have forgotten does not count.
    pub fn contains(&self, id: &SlotId) -> bool {
        self.slots.iter().any(|slot| slot.id == *id && slot.generation > self.forgotten)
    }

    /// Adds what is removed in this generation.
    pub fn add(&mut self, ids: &[SlotId], generation: u64) {
        let more = ids.iter().map(|id| RemovedSlot { id: *id, generation });
        self.slots.extend(more);
        self.settle();
    }

    /// The removed slots of both.
    #[must_use]
    pub fn united(&self, other: &Self) -> Self {
        let forgotten = self.forgotten.max(other.forgotten);
        let mut both = Self { forgotten, slots: [&self.slots[..], &other.slots[..]].concat() };
        both.settle();
        both
    }

    /// Forgets those that were removed first; `false` where nothing is left that was removed before
    /// the generation `now`.
    pub fn forget_oldest(&mut self, now: u64) -> bool {
        let oldest = self.slots.iter().map(|slot| slot.generation).min();
        let Some(oldest) = oldest.filter(|oldest| *oldest < now) else { return false };
        self.forgotten = self.forgotten.max(oldest);
        self.settle();
        true
    }

    /// Each id once, since the latest generation that removed it, without what is forgotten.
    fn settle(&mut self) {
        self.slots.sort_unstable_by(|a, b| (a.id, b.generation).cmp(&(b.id, a.generation)));
        self.slots.dedup_by_key(|slot| slot.id);
        let forgotten = self.forgotten;
        self.slots.retain(|slot| slot.generation > forgotten);
    }

    /// Bytes that its CBOR takes at most.
    pub(super) fn room(&self) -> usize {
        32 + self.slots.len() * 18
    }

    /// Whether key 3 is needed: without it all were removed in the keyring's own generation.
    pub(super) fn needs_generations(&self, own: u64) -> bool {
        self.forgotten > 0 || self.slots.iter().any(|slot| slot.generation != own)
    }

    /// Key 3.
    pub(super) fn write_generations(&self, out: &mut Writer<'_>) {
        out.array(2);
        out.uint(self.forgotten);
        out.array(self.slots.len());
        self.slots.iter().for_each(|slot| out.uint(slot.generation));
    }

    /// Key 4.
    pub(super) fn write_ids(&self, out: &mut Writer<'_>) {
        out.array(self.slots.len());
        self.slots.iter().for_each(|slot| out.bytes(&slot.id));
    }

    /// From keys 4 and 3 of a keyring of this generation.
    pub(super) fn new(
        ids: Vec<SlotId>,
        generations: Option<Generations>,
        own: u64,
    ) -> Result<Self, FormatError> {
        let Generations { forgotten, of_each } = generations
            .unwrap_or_else(|| Generations { forgotten: 0, of_each: vec![own; ids.len()] });
        if of_each.len() != ids.len() {
            return Err(FormatError::BadValue { what: "the generations of removed slots" });
        }
        let slots = ids.into_iter().zip(of_each);
        let slots = slots.map(|(id, generation)| RemovedSlot { id, generation }).collect();
        Ok(Self { forgotten, slots })
    }
}

/// Key 3, as it was read.
pub(super) struct Generations {
    forgotten: u64,
    of_each: Vec<u64>,
}

impl Generations {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let what = "the generations of removed slots";
        let (mut forgotten, mut of_each) = (0, Vec::new());
        reader.tuple(what, 2, 2, |reader, _| {
            forgotten = reader.uint(what)?;
            of_each = reader.list(what, |reader| reader.uint(what))?;
            Ok(())
        })?;
        Ok(Self { forgotten, of_each })
    }
}
