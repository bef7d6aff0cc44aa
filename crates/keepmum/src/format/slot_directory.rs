//! Which slots of a key block are in use (§3): a slot whose password is not known looks like noise,
//! so without this nobody could list it, remove it, or be sure not to overwrite it.

use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::key_block::{LABEL_MAX, SLOTS};

/// By this a slot is removed.
pub type SlotId = [u8; 8];

/// The slots in use of all blocks that share a block key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotDirectory {
    /// With this salt the ids of slots are made; it never changes.
    pub id_salt: [u8; 32],
    /// The slots, in order of their numbers.
    pub slots: Vec<SlotLine>,
}

/// One slot in use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotLine {
    /// Its place in the block, below 16.
    pub number: u8,
    /// By this it is removed.
    pub id: SlotId,
    /// How it is opened: 0 password, 1 recovery code; others are of later versions.
    pub kind: u8,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// What people call it, at most 30 bytes.
    pub label: String,
}

impl SlotDirectory {
    /// Bytes that its CBOR takes at most.
    pub(super) fn room(&self) -> usize {
        40 + self.slots.iter().map(|slot| 26 + slot.label.len()).sum::<usize>()
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        out.array(2);
        out.bytes(&self.id_salt);
        out.array(self.slots.len());
        for slot in &self.slots {
            out.array(5);
            out.uint(slot.number.into());
            out.bytes(&slot.id);
            out.uint(slot.kind.into());
            out.uint(slot.created);
            out.text(&slot.label);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let what = "the slots of a keyring";
        let (mut id_salt, mut slots) = ([0; 32], Vec::new());
        reader.tuple(what, 2, 2, |reader, _| {
            id_salt = reader.fixed(what)?;
            slots = reader.list(what, read_line)?;
            Ok(())
        })?;
        Ok(Self { id_salt, slots })
    }

    /// The slots of both, if they speak of the same blocks; a directory alone stands for itself.
    pub(super) fn unite(a: Option<&Self>, b: Option<&Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) if a.id_salt == b.id_salt => {
                let mut slots = [&a.slots[..], &b.slots[..]].concat();
                slots.sort_unstable();
                slots.dedup_by(|later, first| (later.number, later.id) == (first.number, first.id));
                Some(Self { id_salt: a.id_salt, slots })
            }
            (Some(_), Some(_)) => None,
            (one, other) => one.or(other).cloned(),
        }
    }
}

fn read_line(reader: &mut Reader<'_>) -> Result<SlotLine, FormatError> {
    let what = "a slot of a keyring";
    reader.tuple(what, 5, 5, |reader, _| {
        let number = reader.up_to(what, SLOTS as u64 - 1)? as u8;
        let id = reader.fixed(what)?;
        let (kind, created) = (reader.narrow(what)?, reader.uint(what)?);
        let label = reader.text(what)?;
        if label.len() > LABEL_MAX {
            return Err(FormatError::BadValue { what });
        }
        Ok(SlotLine { number, id, kind, created, label: label.to_owned() })
    })
}
