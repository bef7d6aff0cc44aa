//! Reports of the `key` verbs: plain values whose field names are those of `--json`.

use serde::Serialize;

use crate::format::{SlotId, SlotKind};
use crate::repository::KnownSlot;

use crate::session::recovery_code::RecoveryCode;
use crate::session::report::Outcome;

/// The slots in use.
#[derive(Debug, Serialize)]
pub struct KeyListReport {
    /// Generation of the key blocks.
    pub generation: u64,
    /// The slots.
    pub slots: Vec<KeySlotLine>,
    /// Stored files of a keyring that the recovery code which was given does not open.
    pub unopened_files: u64,
    /// Whether several devices began apart, so that until the next backup each recovery code opens
    /// only a part.
    pub divided: bool,
}

/// How a slot is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySlotKind {
    /// With a password.
    Password,
    /// With a recovery code.
    RecoveryCode,
    /// In a way that this version does not know.
    Unknown,
}

/// One slot.
#[derive(Clone, Debug, Serialize)]
pub struct KeySlotLine {
    /// By this it is removed: 16 hexadecimal digits.
    pub id: String,
    /// How it is opened.
    pub kind: KeySlotKind,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// Its name for people.
    pub label: String,
    /// Whether the given secret opens it.
    pub own: bool,
    /// Whether it counts. One that does not was written by somebody who once had a key, or added with
    /// a password that was removed; the next change leaves it out.
    pub listed: bool,
    /// A recovery code that nobody has seen, as far as this device knows.
    pub never_shown: bool,
}

/// The result of a change of the slots.
#[derive(Debug, Serialize)]
pub struct KeyChangeReport {
    /// Generation of the key blocks now.
    pub generation: u64,
    /// The slot that was made.
    pub added: Option<String>,
    /// The slots that do not open any more.
    pub removed: Vec<String>,
    /// The observer showed the new recovery code.
    pub recovery_code_shown: bool,
    /// The new recovery code, where the observer did not show it; the old one opens still. Never a
    /// part of JSON.
    #[serde(skip)]
    pub recovery_code: Option<RecoveryCode>,
    /// Key blocks written.
    pub blocks_written: u64,
    /// Superseded key blocks that could not be deleted; the next change deletes them.
    pub blocks_left: u64,
}

impl KeyChangeReport {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        if self.blocks_left > 0 { Outcome::Partial } else { Outcome::Complete }
    }
}

impl KeySlotLine {
    pub(super) fn of(slot: &KnownSlot, unseen: Option<SlotId>) -> Self {
        let kind = match slot.line.kind {
            kind if kind == SlotKind::Password as u8 => KeySlotKind::Password,
            kind if kind == SlotKind::Recovery as u8 => KeySlotKind::RecoveryCode,
            _ => KeySlotKind::Unknown,
        };
        let (created, label) = (slot.line.created, slot.line.label.clone());
        Self {
            id: slot_text(&slot.line.id),
            kind,
            created,
            label,
            own: slot.own,
            listed: slot.is_listed,
            never_shown: unseen == Some(slot.line.id),
        }
    }
}

/// A slot's id as people see it.
pub(super) fn slot_text(id: &SlotId) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
