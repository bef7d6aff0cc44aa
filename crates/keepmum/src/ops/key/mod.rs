//! The slots of the key block: who may open the repository.
//!
//! New blocks are written and durable before the ones they supersede are deleted, so that a cut at
//! any instant leaves a password that opens. A block that is not superseded is never deleted, and
//! no change is made after which the given password would open nothing.

mod report;

use std::sync::Arc;

use crate::catalogue::{Catalogue, RunLock, state};
use crate::crypto::{Passphrase, RecoveryCode as CodeSecret};
use crate::format::key_block::LABEL_MAX;
use crate::format::{SlotId, SlotKind};
use crate::repository::{
    KeyChange, Keys, KnownSlot, NewSlot, Opened, RawListing, RepositoryError, SlotSecret,
};
use crate::seam::Seam;
use crate::store::{LocalStore, Store, StoreErrorKind};

use crate::session::access::{Access, CatalogueAt};
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer, Phase};
use crate::session::kept_blocks;
use crate::session::key_cache;
use crate::session::new_repository::{label_of, refuse_empty};
use crate::session::open::{self, Destination};
use crate::session::recovery_code::RecoveryCode;
use crate::session::{shown_code, unlock};
use report::slot_text;
pub use report::{KeyChangeReport, KeyListReport, KeySlotKind, KeySlotLine};

/// Shortest beginning of a slot's id that is accepted.
const PREFIX_LEAST: usize = 4;

/// The key blocks, open for a change.
struct Unlocked {
    destination: Destination,
    opened: Opened,
    _lock: Option<RunLock>,
}

/// Lists the slots.
///
/// # Errors
/// Whatever keeps the key blocks from being opened.
pub fn key_list(access: &Access, observer: &dyn Observer) -> Result<KeyListReport, Error> {
    open::reading(access, observer, &|catalogue| {
        list(&open::beside(access, catalogue)?, access, observer)
    })
}

fn list(
    destination: &Destination,
    access: &Access,
    observer: &dyn Observer,
) -> Result<KeyListReport, Error> {
    let mut opened = destination.locked().open_key_blocks(access, observer)?;
    opened.find_own(&access.passphrase, access.profile)?;
    let unseen = shown_code::unseen(&destination.catalogue)?;
    let known = opened.slots();
    let mut slots: Vec<_> = known.iter().map(|slot| KeySlotLine::of(slot, unseen)).collect();
    // Their numbers are random; people look for the one they made last.
    slots.sort_by_key(|slot| slot.created);
    remember(&destination.catalogue, slots.iter().map(|slot| (&*slot.id, slot.kind, &*slot.label)));
    let unopened_files = match Keys::derive(&opened.keyring) {
        Some(keys) => {
            let mut listing = destination.raw.open(&keys, access.mode);
            unlock::sort_unopened(&mut listing, access, observer);
            listing.unopened
        }
        None => 0,
    };
    let (generation, divided) = (opened.keyring.generation, opened.is_divided());
    Ok(KeyListReport { generation, slots, unopened_files, divided })
}

/// Sees whether what is given opens the repository, and changes nothing.
///
/// # Errors
/// [`ErrorKind::WrongPassword`], and whatever keeps the key blocks from being opened.
pub fn key_opens(access: &Access, observer: &dyn Observer) -> Result<(), Error> {
    open::reading(access, observer, &|catalogue| {
        let destination = open::beside(access, catalogue)?;
        destination.locked().open_key_blocks(access, observer).map(drop)
    })
}

/// Whether there is a repository at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// There is none.
    None,
    /// There are stored files, and no key block yet.
    Arriving,
    /// There is one.
    Here,
}

/// Looks whether there is a repository at the destination, without a password.
///
/// # Errors
/// A destination that cannot be listed.
pub fn presence(seam: &Seam) -> Result<Presence, Error> {
    let store = LocalStore::new(Arc::clone(&seam.disk));
    let raw = RawListing::read(&store).map_err(RepositoryError::from)?;
    Ok(match (raw.key_block_names().is_empty(), raw.has_object_shapes()) {
        (false, _) => Presence::Here,
        (true, true) => Presence::Arriving,
        (true, false) => Presence::None,
    })
}

/// Keeps the ids for completions. Where that cannot be, there are none, which is no matter.
fn remember<'a>(
    catalogue: &Catalogue,
    slots: impl Iterator<Item = (&'a str, KeySlotKind, &'a str)>,
) {
    let line = |(id, kind, label): (&str, KeySlotKind, &str)| {
        let what = match kind {
            KeySlotKind::Password => "password",
            KeySlotKind::RecoveryCode => "recovery code",
            KeySlotKind::Unknown => "key",
        };
        let label = label.replace(char::is_control, " ");
        let label = if label.is_empty() { label } else { format!(" {label}") };
        format!("{id}\t{what}{label}\n")
    };
    let lines: String = slots.map(line).collect();
    catalogue.set(&state::KEY_SLOTS, &lines.into_bytes()).ok();
}

/// Makes a slot for one more password.
///
/// # Errors
/// An empty password, or one that opens the repository already; a destination that fails.
pub fn key_add(
    access: &Access,
    new: &Passphrase,
    label: &str,
    observer: &dyn Observer,
) -> Result<KeyChangeReport, Error> {
    refuse_empty(new)?;
    if label.len() > LABEL_MAX {
        let sentence = format!("a label has at most {LABEL_MAX} bytes, this one {}", label.len());
        return Err(Error::new(ErrorKind::Unusable, sentence));
    }
    let label = if label.is_empty() { device_label(access) } else { label };
    let unlocked = begin(access, observer)?;
    unlocked.change(access, Vec::new(), Some((SlotSecret::Password(new), label)), observer)
}

/// Removes the slot whose id begins with these digits.
///
/// # Errors
/// [`ErrorKind::KeySlots`] for the slot by which the repository was opened, unless the password
/// opens another one too.
pub fn key_remove(
    access: &Access,
    id: &str,
    observer: &dyn Observer,
) -> Result<KeyChangeReport, Error> {
    let unlocked = begin(access, observer)?;
    let slots = unlocked.opened.slots();
    let id = id.to_ascii_lowercase();
    let mut meant = slots.iter().filter(|slot| slot_text(&slot.line.id).starts_with(&id));
    let slot = match (meant.next(), meant.next()) {
        _ if id.len() < PREFIX_LEAST => {
            return Err(usage("give at least 4 digits of the slot's id"));
        }
        (Some(slot), None) => slot,
        (None, _) => return Err(usage("there is no such slot; `keepmum key list` lists them")),
        _ => return Err(usage("several slots begin with these digits; give more of them")),
    };
    let removed = vec![slot.line.id];
    if !unlocked.opened.opens_without(&removed) {
        return Err(Error::new(
            ErrorKind::KeySlots,
            "this is the slot that you opened the repository with; to remove it give another \
             password or the recovery code, or change it with `key passwd`",
        ));
    }
    unlocked.change(access, removed, None, observer)
}

/// Puts a new password in the place of the one that is given. With the recovery code it takes the
/// place of the only password there is: for who has forgotten it.
///
/// # Errors
/// An empty password, or one that opens the repository already; a recovery code where there are
/// several passwords to choose from.
pub fn key_passwd(
    access: &Access,
    new: &Passphrase,
    observer: &dyn Observer,
) -> Result<KeyChangeReport, Error> {
    refuse_empty(new)?;
    let unlocked = begin(access, observer)?;
    let slots = unlocked.opened.slots();
    let passwords = || slots.iter().filter(|slot| is(slot, SlotKind::Password));
    let mut removed: Vec<SlotId> =
        passwords().filter(|slot| slot.own).map(|slot| slot.line.id).collect();
    if removed.is_empty() {
        removed = passwords().map(|slot| slot.line.id).collect();
        if removed.len() > 1 {
            return Err(Error::new(
                ErrorKind::KeySlots,
                "a recovery code was given, and there are several passwords; use `key add` for \
                 the new one, then `key remove` for the one that is not to open any more",
            ));
        }
    }
    let name = device_label(access);
    unlocked.change(access, removed, Some((SlotSecret::Password(new), name)), observer)
}

/// Makes a new recovery code. The old one opens until the observer has shown the new one; then it
/// does not any more. Where nobody shows it, both open, and the code is in the report.
///
/// # Errors
/// [`ErrorKind::KeySlots`] where only the recovery code was given: if the new one were not seen,
/// nothing would open.
pub fn key_recovery(access: &Access, observer: &dyn Observer) -> Result<KeyChangeReport, Error> {
    let unlocked = begin(access, observer)?;
    let slots = unlocked.opened.slots();
    if !slots.iter().any(|slot| slot.own && is(slot, SlotKind::Password)) {
        return Err(Error::new(
            ErrorKind::KeySlots,
            "a new recovery code is made with a password, so that something opens if the code is \
             not written down; set one with `key passwd` first",
        ));
    }
    let old = slots.iter().filter(|slot| is(slot, SlotKind::Recovery)).map(|slot| slot.line.id);
    let old: Vec<SlotId> = old.collect();
    let mut bytes = [0; 20];
    access.seam.random.fill(&mut bytes).map_err(RepositoryError::Random)?;
    let code = CodeSecret::new(bytes);
    let added = Some((SlotSecret::Recovery(&code), device_label(access)));
    let report = unlocked.change(access, Vec::new(), added, observer)?;
    let code = RecoveryCode::new(code.to_text().expose().to_owned());
    if !observer.show_recovery_code(&code) {
        return Ok(KeyChangeReport { recovery_code: Some(code), ..report });
    }
    // Opened again: the blocks are others now.
    let unlocked = unlocked.again(access, observer)?;
    let catalogue = &unlocked.destination.catalogue;
    shown_code::settled(catalogue)?;
    if old.is_empty() {
        return Ok(KeyChangeReport { recovery_code_shown: true, ..report });
    }
    let done = unlocked.change(access, old, None, observer)?;
    Ok(KeyChangeReport {
        recovery_code_shown: true,
        added: report.added,
        blocks_written: report.blocks_written + done.blocks_written,
        ..done
    })
}

/// What a password or code is called where nobody names it: the device that made it.
fn device_label(access: &Access) -> &str {
    label_of(&access.installation.device_name)
}

fn usage(sentence: &str) -> Error {
    Error::new(ErrorKind::Unusable, sentence)
}

fn is(slot: &KnownSlot, kind: SlotKind) -> bool {
    slot.line.kind == kind as u8
}

fn begin(access: &Access, observer: &dyn Observer) -> Result<Unlocked, Error> {
    let lock = match &access.catalogue {
        CatalogueAt::File(file) => Some(Catalogue::lock_for_run(file)?),
        CatalogueAt::Temporary => None,
    };
    let destination = open::destination(access, lock.as_ref(), observer)?;
    let mut opened = destination.locked().open_key_blocks(access, observer)?;
    opened.find_own(&access.passphrase, access.profile)?;
    Ok(Unlocked { destination, opened, _lock: lock })
}

impl Unlocked {
    /// The key blocks as they are now, after a change.
    fn again(mut self, access: &Access, observer: &dyn Observer) -> Result<Self, Error> {
        let listed = RawListing::read(&*self.destination.store);
        self.destination.raw = listed.map_err(RepositoryError::from)?;
        self.opened = self.destination.locked().open_key_blocks(access, observer)?;
        self.opened.find_own(&access.passphrase, access.profile)?;
        Ok(self)
    }

    fn change(
        &self,
        access: &Access,
        remove: Vec<SlotId>,
        add: Option<(SlotSecret<'_>, &str)>,
        observer: &dyn Observer,
    ) -> Result<KeyChangeReport, Error> {
        let created = u64::try_from(access.seam.clock.now().seconds).unwrap_or(0);
        let label = |label: &str| label.to_owned();
        let kind = match add {
            Some((SlotSecret::Recovery(_), _)) => KeySlotKind::RecoveryCode,
            _ => KeySlotKind::Password,
        };
        let name = add.as_ref().map_or("", |(_, name)| *name);
        let add = add.map(|(secret, name)| NewSlot { secret, label: label(name), created });
        let removed: Vec<String> = remove.iter().map(slot_text).collect();
        let change = KeyChange { remove, add };
        let made = self.opened.change(&change, access.profile, &*access.seam.random)?;
        observer.event(Event::Phase(Phase::Finishing));
        let store = &*self.destination.store;
        kept_blocks::write(store, &made.blocks).map_err(|error| unsure(&error))?;
        kept_blocks::keep(&self.destination.catalogue, &made.blocks);
        let added = made.added.as_ref().map(slot_text);
        let known = self.opened.slots();
        let known: Vec<_> = known.iter().map(|slot| KeySlotLine::of(slot, None)).collect();
        let stay = known.iter().filter(|slot| !removed.contains(&slot.id));
        let stay = stay.map(|slot| (&*slot.id, slot.kind, &*slot.label));
        let new = added.as_deref().map(|id| (id, kind, name));
        remember(&self.destination.catalogue, stay.chain(new));
        if let Some(at) = &access.key_cache {
            key_cache::forget(at);
        }
        Ok(KeyChangeReport {
            generation: made.generation,
            added,
            removed,
            recovery_code_shown: false,
            recovery_code: None,
            blocks_written: made.blocks.len() as u64,
            blocks_left: delete(store, &made.superseded),
        })
    }
}

/// From the first new block on the change may count; nobody can say before all is written.
fn unsure(error: &RepositoryError) -> Error {
    let kind = match error {
        RepositoryError::Damaged { .. } => ErrorKind::Damaged,
        _ => ErrorKind::Destination,
    };
    let sentence = format!(
        "the new key blocks could not all be written ({error}); the repository opens with what \
         was set anew, or, if that does not open it, with what opened it before"
    );
    Error::new(kind, sentence)
}

/// Deletes blocks that hold nothing more than the new ones; answers how many are left. They do
/// not undo the change while a new block can be read.
fn delete(store: &dyn Store, superseded: &[String]) -> u64 {
    let mut left = 0;
    for path in superseded {
        match store.delete(path) {
            Ok(()) => {}
            Err(error) if error.kind == StoreErrorKind::Missing => {}
            Err(_) => left += 1,
        }
    }
    match store.sync() {
        Ok(()) => left,
        Err(_) => superseded.len() as u64,
    }
}
