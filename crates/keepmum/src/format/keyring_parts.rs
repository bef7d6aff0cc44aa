//! The parts of a keyring (§3): repositories with their epochs, families with their slots.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::OBJECT_MAX;
use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::further::Further;
use super::key_block::{LABEL_MAX, SLOTS};
use crate::model::RepositoryId;

/// Most epochs of a repository.
pub const EPOCHS_MAX: u16 = 1024;
/// The size of data objects where the parameters say none.
const OBJECT_SIZE: u32 = 16 << 20;
/// The least size of data objects.
const OBJECT_LEAST: u64 = OBJECT_SIZE as u64;

/// By this a slot is removed.
pub type SlotId = [u8; 8];

/// The secrets of one repository. A copy is wiped like the first.
#[derive(Clone)]
pub struct KeyringRepository {
    /// The repository secret.
    pub secret: Zeroizing<[u8; 32]>,
    /// At least one; writers use the first. Two may have one number: readers try both.
    pub epochs: Vec<Epoch>,
    /// How writers write.
    pub parameters: Parameters,
    /// Random name.
    pub id: RepositoryId,
    /// Items added by a later version.
    pub further: Further,
}

/// One epoch of a repository.
#[derive(Clone, PartialEq, Eq)]
pub struct Epoch {
    /// As it stands in names; not 0.
    pub number: u16,
    /// Opens its objects; none for who only writes.
    pub secret: Option<Zeroizing<[u8; 32]>>,
    /// To this objects may be sealed by who only writes.
    pub public_key: Option<[u8; 32]>,
    /// Items added by a later version.
    pub further: Further,
}

/// How writers cut and pad.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameters {
    /// 0 PRF; 1 is reserved. Not checked here: who restores does not need it.
    pub chunker: u8,
    /// Average chunk in bytes. Not checked here either.
    pub average: u32,
    /// 0: as §4.3 says.
    pub padding: u8,
    /// Most bytes of a data object; absent: 16 MiB. Not checked here.
    pub object_size: Option<u32>,
    /// Items added by a later version.
    pub further: Further,
}

/// One birth of a repository: its salt, and the slots that are opened with it.
#[derive(Clone)]
pub struct Family {
    /// The salt of all its blocks for ever.
    pub salt: [u8; 32],
    /// Its slots, 1 to 16.
    pub slots: Vec<SlotLine>,
    /// Items added by a later version.
    pub further: Further,
}

/// One slot in use.
#[derive(Clone)]
pub struct SlotLine {
    /// By this it is removed.
    pub id: SlotId,
    /// To this each new block key is sealed.
    pub public_key: [u8; 32],
    /// How it is opened: 0 password, 1 recovery code; others are of later versions.
    pub kind: u8,
    /// The generation that added it.
    pub since: u64,
    /// When it was made, in seconds since 1970; 0 where that is not said.
    pub created: u64,
    /// Its name for people, at most 30 bytes.
    pub label: String,
    /// Items added by a later version.
    pub further: Further,
}

impl KeyringRepository {
    /// Bytes that its CBOR takes at most.
    pub(super) fn room(&self) -> usize {
        let epochs = self.epochs.iter().map(|epoch| 90 + epoch.further.room());
        110 + self.further.room() + self.parameters.further.room() + epochs.sum::<usize>()
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.further.map(out, &[0, 2, 4, 6], |out, key| match key {
            0 => out.bytes(&*self.secret),
            2 => {
                out.array(self.epochs.len());
                self.epochs.iter().for_each(|epoch| epoch.write(out));
            }
            4 => self.parameters.write(out),
            _ => out.bytes(&self.id.0),
        });
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let (mut secret, mut epochs, mut parameters, mut id) = (None, None, None, None);
        let mut further = Further::default();
        reader.map("a repository of a keyring", |reader, key| {
            match key {
                0 => secret = Some(Zeroizing::new(reader.fixed("a repository secret")?)),
                2 => epochs = Some(reader.secrets("epochs", EPOCHS_MAX, Epoch::read)?),
                4 => parameters = Some(Parameters::read(reader)?),
                6 => id = Some(RepositoryId(reader.fixed("a repository id")?)),
                _ => return further.keep(reader, key),
            }
            Ok(true)
        })?;
        let missing = FormatError::BadValue { what: "a missing key of a repository" };
        Ok(Self {
            secret: secret.ok_or(missing)?,
            epochs: epochs.ok_or(missing)?,
            parameters: parameters.ok_or(missing)?,
            id: id.ok_or(missing)?,
            further,
        })
    }
}

impl Epoch {
    /// Its distinguishing id.
    pub fn key(&self) -> (u16, Option<&[u8; 32]>) {
        (self.number, self.secret.as_deref())
    }

    /// An epoch with its secret.
    pub fn new(number: u16, secret: Zeroizing<[u8; 32]>) -> Self {
        Self { number, secret: Some(secret), public_key: None, further: Further::default() }
    }

    fn write(&self, out: &mut Writer<'_>) {
        let keys = [(0, true), (1, self.public_key.is_some()), (2, self.secret.is_some())];
        let keys: Vec<u64> = keys.iter().filter(|(_, is)| *is).map(|(key, _)| *key).collect();
        self.further.map(out, &keys, |out, key| match (key, &self.public_key, &self.secret) {
            (1, Some(public_key), _) => out.bytes(public_key),
            (2, _, Some(secret)) => out.bytes(&**secret),
            _ => out.uint(self.number.into()),
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let what = "an epoch";
        let (mut number, mut secret, mut public_key) = (None, None, None);
        let mut further = Further::default();
        reader.map(what, |reader, key| {
            match key {
                0 => number = Some(reader.narrow(what)?),
                1 => public_key = Some(reader.fixed("the public key of an epoch")?),
                2 => secret = Some(Zeroizing::new(reader.fixed("an epoch secret")?)),
                _ => return further.keep(reader, key),
            }
            Ok(true)
        })?;
        let number = number.filter(|number| *number > 0).ok_or(FormatError::BadValue { what })?;
        Ok(Self { number, secret, public_key, further })
    }
}

impl Family {
    /// Bytes that its CBOR takes at most.
    pub(super) fn room(&self) -> usize {
        let slots = self.slots.iter().map(|slot| 80 + slot.label.len() + slot.further.room());
        50 + self.further.room() + slots.sum::<usize>()
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        self.further.map(out, &[0, 2], |out, key| {
            if key == 0 {
                return out.bytes(&self.salt);
            }
            out.array(self.slots.len());
            self.slots.iter().for_each(|slot| slot.write(out));
        });
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let what = "a family of a keyring";
        let (mut salt, mut slots, mut further) = (None, None, Further::default());
        reader.map(what, |reader, key| {
            match key {
                0 => salt = Some(reader.fixed(what)?),
                2 => slots = Some(reader.secrets(what, SLOTS as u16, SlotLine::read)?),
                _ => return further.keep(reader, key),
            }
            Ok(true)
        })?;
        let missing = FormatError::BadValue { what };
        Ok(Self { salt: salt.ok_or(missing)?, slots: slots.ok_or(missing)?, further })
    }
}

impl SlotLine {
    fn write(&self, out: &mut Writer<'_>) {
        self.further.map(out, &[0, 1, 2, 3, 4, 6], |out, key| match key {
            0 => out.bytes(&self.id),
            1 => out.uint(self.created),
            2 => out.bytes(&self.public_key),
            3 => out.text(&self.label),
            4 => out.uint(self.kind.into()),
            _ => out.uint(self.since),
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let what = "a slot of a keyring";
        let (mut id, mut public_key, mut kind, mut since) = (None, None, None, None);
        let (mut created, mut label, mut further) = (0, String::new(), Further::default());
        reader.map(what, |reader, key| {
            match key {
                0 => id = Some(reader.fixed(what)?),
                1 => created = reader.uint(what)?,
                2 => public_key = Some(reader.fixed(what)?),
                3 => reader.text(what)?.clone_into(&mut label),
                4 => kind = Some(reader.narrow(what)?),
                6 => since = Some(reader.uint(what)?),
                _ => return further.keep(reader, key),
            }
            Ok(true)
        })?;
        let bad = FormatError::BadValue { what };
        if label.len() > LABEL_MAX {
            return Err(bad);
        }
        let (id, public_key) = (id.ok_or(bad)?, public_key.ok_or(bad)?);
        let (kind, since) = (kind.ok_or(bad)?, since.ok_or(bad)?);
        Ok(Self { id, public_key, kind, since, created, label, further })
    }
}

impl Parameters {
    /// Most bytes of a data object.
    pub fn object_size(&self) -> u64 {
        self.object_size.unwrap_or(OBJECT_SIZE).into()
    }

    /// Whether a writer can make objects of that size.
    pub fn has_known_size(&self) -> bool {
        let size = self.object_size();
        size.is_power_of_two() && (OBJECT_LEAST..=OBJECT_MAX).contains(&size)
    }

    fn write(&self, out: &mut Writer<'_>) {
        let keys: &[u64] = if self.object_size.is_some() { &[0, 1, 2, 4] } else { &[0, 2, 4] };
        self.further.map(out, keys, |out, key| match key {
            0 => out.uint(self.chunker.into()),
            1 => out.uint(self.object_size.unwrap_or_default().into()),
            2 => out.uint(self.average.into()),
            _ => out.uint(self.padding.into()),
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let what = "the parameters of a repository";
        let (mut chunker, mut average, mut padding, mut object_size) = (None, None, None, None);
        let mut further = Further::default();
        reader.map(what, |reader, key| {
            match key {
                0 => chunker = Some(reader.narrow(what)?),
                1 => object_size = Some(reader.narrow(what)?),
                2 => average = Some(reader.narrow(what)?),
                4 => padding = Some(reader.narrow(what)?),
                _ => return further.keep(reader, key),
            }
            Ok(true)
        })?;
        let missing = FormatError::BadValue { what };
        Ok(Self {
            chunker: chunker.ok_or(missing)?,
            average: average.ok_or(missing)?,
            padding: padding.ok_or(missing)?,
            object_size,
            further,
        })
    }
}

/// The repositories of all these lists, each once and in this order, with every epoch that any of
/// them has, those of the first list first. Only duplicates are dropped.
pub fn unite(lists: &[&[KeyringRepository]]) -> Vec<KeyringRepository> {
    // Secrets are copied into memory that does not grow, and wiped where they were.
    let mut all: Vec<KeyringRepository> = Vec::with_capacity(lists.iter().map(|it| it.len()).sum());
    for one in lists.iter().copied().flatten() {
        // An id is random: one id with two secrets is no accident, and nothing may be lost.
        match all.iter_mut().find(|known| known.id == one.id && known.secret == one.secret) {
            None => all.push(one.clone()),
            Some(known) => known.take_in(&one.epochs),
        }
    }
    all
}

impl KeyringRepository {
    fn take_in(&mut self, more: &[Epoch]) {
        let known: BTreeSet<_> = self.epochs.iter().map(Epoch::key).collect();
        let new = more.iter().filter(|epoch| !known.contains(&epoch.key()));
        let new: Vec<&Epoch> = new.collect();
        if !new.is_empty() {
            let mut epochs = Vec::with_capacity(self.epochs.len() + new.len());
            epochs.extend(self.epochs.iter().chain(new).cloned());
            self.epochs = epochs;
        }
    }
}
