//! The keyring of a key block (§3): every secret there is, in at most 1,942 bytes of CBOR.

use zeroize::Zeroizing;

use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::key_block::KEYRING_LENGTH;
use super::removed_slots::{Generations, RemovedSlots};
use super::slot_directory::SlotDirectory;
use crate::model::RepositoryId;

/// The length that comes before the CBOR, in bytes.
const HEAD: usize = 2;
/// More repositories, and more epochs of one, than 1,942 bytes can hold.
const LIST_MAX: u8 = 64;

/// Number and secret of an epoch.
pub type Epoch = (u16, Zeroizing<[u8; 32]>);

/// What a key block keeps.
pub struct Keyring {
    /// From 1; the highest one of several blocks wins.
    pub generation: u64,
    /// The repositories; writers use the first.
    pub repositories: Vec<KeyringRepository>,
    /// Slots that do not open any more.
    pub removed: RemovedSlots,
    /// Which slots are in use; without it the slots of others cannot be told from noise.
    pub slots: Option<SlotDirectory>,
}

/// The secrets of one repository. A copy is wiped like the first.
#[derive(Clone)]
pub struct KeyringRepository {
    /// The repository secret.
    pub secret: Zeroizing<[u8; 32]>,
    /// Epochs with their secrets, at least one. Two with one number are possible where keys were
    /// changed on two devices at once: readers try both.
    pub epochs: Vec<Epoch>,
    /// How writers write.
    pub parameters: Parameters,
    /// Random name.
    pub id: RepositoryId,
}

/// How writers cut and pad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parameters {
    /// 0 PRF, 1 gear. Not checked here: who restores does not need it.
    pub chunker: u8,
    /// Average chunk in bytes. Not checked here either.
    pub average: u32,
    /// 0: as §4.3 says.
    pub padding: u8,
}

impl Keyring {
    /// Exactly 1,944 bytes: length, CBOR, zeros. [`FormatError::BadLength`] if it does not fit.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        // So much room that it never grows: growing would leave a copy of secrets behind.
        let epochs: usize = self.repositories.iter().map(|each| each.epochs.len()).sum();
        let slots = self.slots.as_ref().map_or(0, SlotDirectory::room);
        let room = 64 + self.repositories.len() * 80 + epochs * 40 + self.removed.room() + slots;
        let mut cbor = Zeroizing::new(Vec::with_capacity(room));
        self.write(&mut Writer::new(&mut cbor));
        debug_assert!(cbor.len() <= room);
        let (value, bound) = (cbor.len() as u64, (KEYRING_LENGTH - HEAD) as u64);
        if value > bound {
            return Err(FormatError::BadLength { what: "a keyring", value, bound });
        }
        let mut out = Zeroizing::new(Vec::with_capacity(KEYRING_LENGTH));
        out.extend_from_slice(&(cbor.len() as u16).to_le_bytes());
        out.extend_from_slice(&cbor);
        out.resize(KEYRING_LENGTH, 0);
        Ok(out)
    }

    /// The keyring in these 1,944 bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let what = "a keyring";
        let (value, bound) = (bytes.len() as u64, KEYRING_LENGTH as u64);
        let (length, rest) = match bytes.split_first_chunk::<HEAD>() {
            Some(parts) if bytes.len() == KEYRING_LENGTH => parts,
            _ => return Err(FormatError::BadLength { what, value, bound }),
        };
        let length = u16::from_le_bytes(*length);
        let (value, bound) = (length.into(), rest.len() as u64);
        let (cbor, zeros) = rest.split_at_checked(length.into()).ok_or(FormatError::BadLength {
            what,
            value,
            bound,
        })?;
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(FormatError::BadValue { what });
        }
        Reader::whole(cbor, what, bound, Self::read)
    }

    fn write(&self, out: &mut Writer<'_>) {
        let generations = self.removed.needs_generations(self.generation);
        out.map(3 + usize::from(self.slots.is_some()) + usize::from(generations));
        out.uint(0);
        out.uint(self.generation);
        if let Some(slots) = &self.slots {
            out.uint(1);
            slots.write(out);
        }
        out.uint(2);
        out.array(self.repositories.len());
        self.repositories.iter().for_each(|repository| repository.write(out));
        if generations {
            out.uint(3);
            self.removed.write_generations(out);
        }
        out.uint(4);
        self.removed.write_ids(out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let (mut generation, mut repositories, mut removed) = (None, None, None);
        let (mut slots, mut generations) = (None, None);
        reader.map("a keyring", |reader, key| {
            match key {
                1 => slots = Some(SlotDirectory::read(reader)?),
                3 => generations = Some(Generations::read(reader)?),
                0 => generation = Some(reader.uint("a generation")?),
                2 => {
                    let read = KeyringRepository::read;
                    repositories = Some(reader.secrets("repositories", LIST_MAX, read)?);
                }
                4 => {
                    let slot = |reader: &mut Reader<'_>| reader.fixed("the id of a slot");
                    removed = Some(reader.list("removed slots", slot)?);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = FormatError::BadValue { what: "a missing key of a keyring" };
        let generation = generation.filter(|generation| *generation > 0).ok_or(missing)?;
        Ok(Self {
            generation,
            repositories: repositories.ok_or(missing)?,
            removed: RemovedSlots::new(removed.ok_or(missing)?, generations, generation)?,
            slots,
        })
    }
}

impl KeyringRepository {
    fn write(&self, out: &mut Writer<'_>) {
        out.map(4);
        out.uint(0);
        out.bytes(&*self.secret);
        out.uint(2);
        out.array(self.epochs.len());
        for (number, secret) in &self.epochs {
            out.array(2);
            out.uint((*number).into());
            out.bytes(&**secret);
        }
        out.uint(4);
        out.map(3);
        out.uint(0);
        out.uint(self.parameters.chunker.into());
        out.uint(2);
        out.uint(self.parameters.average.into());
        out.uint(4);
        out.uint(self.parameters.padding.into());
        out.uint(6);
        out.bytes(&self.id.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let (mut secret, mut epochs, mut parameters, mut id) = (None, None, None, None);
        reader.map("a repository of a keyring", |reader, key| {
            match key {
                0 => secret = Some(Zeroizing::new(reader.fixed("a repository secret")?)),
                2 => epochs = Some(reader.secrets("epochs", LIST_MAX, read_epoch)?),
                4 => parameters = Some(Parameters::read(reader)?),
                6 => id = Some(RepositoryId(reader.fixed("a repository id")?)),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = FormatError::BadValue { what: "a missing key of a repository" };
        Ok(Self {
            secret: secret.ok_or(missing)?,
            epochs: epochs.ok_or(missing)?,
            parameters: parameters.ok_or(missing)?,
            id: id.ok_or(missing)?,
        })
    }
}

fn read_epoch(reader: &mut Reader<'_>) -> Result<Epoch, FormatError> {
    let what = "an epoch";
    reader.tuple(what, 2, 2, |reader, _| match reader.narrow(what)? {
        0 => Err(FormatError::BadValue { what }),
        number => Ok((number, Zeroizing::new(reader.fixed("an epoch secret")?))),
    })
}

impl Parameters {
    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let what = "the parameters of a repository";
        let (mut chunker, mut average, mut padding) = (None, None, None);
        reader.map(what, |reader, key| {
            match key {
                0 => chunker = Some(reader.narrow(what)?),
                2 => average = Some(reader.narrow(what)?),
                4 => padding = Some(reader.narrow(what)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = FormatError::BadValue { what };
        Ok(Self {
            chunker: chunker.ok_or(missing)?,
            average: average.ok_or(missing)?,
            padding: padding.ok_or(missing)?,
        })
    }
}

/// Two keyrings in one: repositories, epochs and removed slots of both. Of two generations the
/// higher one comes first; of equal ones it does not matter which is named first here, so that
/// every device ends with the same first repository.
pub fn unite(a: Keyring, b: Keyring) -> Keyring {
    let ids = |keyring: &Keyring| -> Vec<_> {
        keyring.repositories.iter().map(|repository| repository.id).collect()
    };
    let order = b.generation.cmp(&a.generation).then_with(|| ids(&a).cmp(&ids(&b)));
    let (first, second) = if order.is_gt() { (&b, &a) } else { (&a, &b) };
    let equal = a.generation == b.generation;
    // Secrets are copied into memory that does not grow, and wiped where they were.
    let most = first.repositories.len() + second.repositories.len();
    let mut repositories: Vec<KeyringRepository> = Vec::with_capacity(most);
    for repository in first.repositories.iter().chain(&second.repositories) {
        // An id is random: one id with two secrets is no accident, and nothing may be lost.
        let same = |known: &&mut KeyringRepository| {
            known.id == repository.id && known.secret == repository.secret
        };
        match repositories.iter_mut().find(same) {
            None => repositories.push(repository.joined(&[])),
            Some(known) => {
                let parameters = match equal {
                    true => known.parameters.min(repository.parameters),
                    false => known.parameters,
                };
                *known = known.joined(&repository.epochs);
                known.parameters = parameters;
            }
        }
    }
    let removed = a.removed.united(&b.removed);
    let slots = SlotDirectory::unite(a.slots.as_ref(), b.slots.as_ref());
    Keyring { generation: first.generation, repositories, removed, slots }
}

impl KeyringRepository {
    /// A copy with more epochs, each once, in ascending order.
    fn joined(&self, more: &[Epoch]) -> Self {
        let mut epochs = Vec::with_capacity(self.epochs.len() + more.len());
        epochs.extend(self.epochs.iter().chain(more).cloned());
        epochs.sort_unstable_by(|a, b| (a.0, &*a.1).cmp(&(b.0, &*b.1)));
        epochs.dedup_by(|a, b| a.0 == b.0 && *a.1 == *b.1);
        Self { secret: self.secret.clone(), epochs, parameters: self.parameters, id: self.id }
    }
}
