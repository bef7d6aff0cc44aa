//! This device's memory apart from the source's tree and the stored pieces: each fact, its type and
//! its bytes on one page.
//!
//! All of it may be lost at any time. A value that cannot be understood counts as absent, and none
//! may be the only copy of anything.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use super::{Catalogue, CatalogueError};
use crate::model::{ChunkId, DeviceId, ObjectKey, RecordHash, RecordRef, RepositoryId, TreePath};

/// A fact and the type of its value.
pub struct Fact<T> {
    key: &'static str,
    of: PhantomData<fn() -> T>,
}

impl<T> Fact<T> {
    const fn new(key: &'static str) -> Self {
        Self { key, of: PhantomData }
    }
}

/// This device's id.
pub const DEVICE: Fact<DeviceId> = Fact::new("device");
/// The last record of the device that this one was before.
pub const CONTINUES: Fact<RecordRef> = Fact::new("continues");
/// The machine's own id, as it was when the device took its id.
pub const MACHINE: Fact<Vec<u8>> = Fact::new("machine id");
/// The ids of the repositories at the destination.
pub const REPOSITORIES: Fact<Vec<RepositoryId>> = Fact::new("repositories");
/// The key blocks: names, and bytes of each.
pub const KEY_BLOCKS: Fact<Vec<(String, Vec<u8>)>> = Fact::new("key blocks");
/// The names of damaged files in the place of key blocks, a line each, when all copies were last
/// well: a damaged file stays, and its copy lies beside it under another name.
pub const DAMAGED_KEY_BLOCKS: Fact<Vec<u8>> = Fact::new("damaged key blocks");
/// A check found a copy of a key block missing or damaged: the next run opens the blocks.
pub const KEY_COPIES_ARE_ILL: Fact<bool> = Fact::new("key copies");
/// The slot of a recovery code that nobody has seen.
pub const UNSEEN_CODE: Fact<[u8; 8]> = Fact::new("unseen recovery code");
/// The slots as they were last listed, a line each: id, a tab, what it is. For completions.
pub const KEY_SLOTS: Fact<Vec<u8>> = Fact::new("key slots");

/// The roots of the last run.
pub const ROOTS: Fact<Vec<Vec<u8>>> = Fact::new("roots");
/// The file systems that were mounted below the roots.
pub const MOUNTS: Fact<Vec<TreePath>> = Fact::new("mounts");
/// The root node of the last snapshot's tree.
pub const ROOT: Fact<ChunkId> = Fact::new("root");
/// How many entries the source had.
pub const ENTRIES: Fact<u64> = Fact::new("entries");

/// This device's last record whose name is known to be durable.
pub const DURABLE_RECORD: Fact<RecordHash> = Fact::new("durable record");
/// The last checkpoint of this device's first run, while that has made no snapshot: all that is
/// remembered is of that run, and was stored before this record.
pub const UNFINISHED: Fact<RecordHash> = Fact::new("unfinished first run");
/// First and last run of each other device that this one relies on.
pub const FOREIGN_RUNS: Fact<BTreeMap<DeviceId, (u32, u32)>> = Fact::new("leans");
/// Runs whose names may not have become durable.
pub const UNSYNCED_RUNS: Fact<Vec<(DeviceId, u32)>> = Fact::new("doubtful runs");
/// Objects that are here and damaged, as a check found.
pub const DAMAGED: Fact<BTreeSet<ObjectKey>> = Fact::new("faulty");
/// The ids of snapshots that miss something or have something damaged, as the last check found,
/// one after another.
pub const DAMAGED_SNAPSHOTS: Fact<Vec<u8>> = Fact::new("damaged snapshots");
/// Objects that are gone or damaged and whose content was stored again as far as it could be.
pub const HEALED: Fact<BTreeSet<ObjectKey>> = Fact::new("healed");
/// How many objects were swept when this device last saw to it that it needs none of them.
pub const SWEPT: Fact<u64> = Fact::new("swept");
/// Objects of metadata that were read in part.
pub const HALF_READ: Fact<BTreeSet<ObjectKey>> = Fact::new("half read");
/// Objects here that this version does not understand, in whole or in part. If there is one,
/// nothing may be deleted or folded: nobody knows its contents.
pub const NOT_UNDERSTOOD: Fact<BTreeSet<ObjectKey>> = Fact::new("not understood");
/// The last object that a check of a subset has read.
pub const READ_LAST: Fact<ObjectKey> = Fact::new("read last");

/// A value that is kept as bytes.
pub trait Value: Sized {
    /// Its bytes.
    fn to_value(&self) -> Vec<u8>;
    /// The value of these bytes, if they are such.
    fn from_value(bytes: &[u8]) -> Option<Self>;
}

impl Catalogue {
    /// The value of a fact.
    ///
    /// # Errors
    /// The database failed.
    pub fn get<T: Value>(&self, fact: &Fact<T>) -> Result<Option<T>, CatalogueError> {
        Ok(self.fact(fact.key)?.and_then(|bytes| T::from_value(&bytes)))
    }

    /// Sets a fact; if it has that value already, nothing is written. It survives the end of the
    /// program, but the next power cut may undo it: if that must not happen, call
    /// [`Catalogue::make_durable`] before relying on it.
    ///
    /// # Errors
    /// The database failed.
    pub fn set<T: Value>(&self, fact: &Fact<T>, value: &T) -> Result<(), CatalogueError> {
        let bytes = value.to_value();
        match self.fact(fact.key)?.is_some_and(|known| known == bytes) {
            true => Ok(()),
            false => self.set_fact(fact.key, &bytes),
        }
    }

    /// Removes a fact.
    ///
    /// # Errors
    /// The database failed.
    pub fn forget<T>(&self, fact: &Fact<T>) -> Result<(), CatalogueError> {
        self.forget_fact(fact.key)
    }

    /// Takes a fact over from another catalogue.
    ///
    /// # Errors
    /// One of the databases failed.
    pub fn copy_fact<T>(&self, fact: &Fact<T>, from: &Self) -> Result<(), CatalogueError> {
        match from.fact(fact.key)? {
            Some(bytes) => self.set_fact(fact.key, &bytes),
            None => Ok(()),
        }
    }
}

impl Value for bool {
    fn to_value(&self) -> Vec<u8> {
        vec![u8::from(*self)]
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        Some(bytes == [1])
    }
}

impl Value for u64 {
    fn to_value(&self) -> Vec<u8> {
        self.to_le_bytes().into()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_le_bytes)
    }
}

impl Value for Vec<u8> {
    fn to_value(&self) -> Vec<u8> {
        self.clone()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

impl Value for [u8; 8] {
    fn to_value(&self) -> Vec<u8> {
        self.to_vec()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}

impl Value for DeviceId {
    fn to_value(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes)
    }
}

impl Value for ChunkId {
    fn to_value(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes)
    }
}

impl Value for RecordHash {
    fn to_value(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes)
    }
}

/// Device ‖ run u32 ‖ hash.
impl Value for RecordRef {
    fn to_value(&self) -> Vec<u8> {
        [&self.device.0[..], &self.run.to_le_bytes(), &self.hash.0].concat()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        let hash = RecordHash::from_slice(bytes.get(DeviceId::LENGTH + 4..)?)?;
        Some(Self { device: device_of(bytes)?, run: number(bytes, 0)?, hash })
    }
}

impl Value for ObjectKey {
    fn to_value(&self) -> Vec<u8> {
        self.to_bytes().to_vec()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes)
    }
}

impl Value for BTreeSet<ObjectKey> {
    fn to_value(&self) -> Vec<u8> {
        self.iter().flat_map(ObjectKey::to_bytes).collect()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        Some(bytes.chunks(ObjectKey::LENGTH).filter_map(ObjectKey::from_slice).collect())
    }
}

impl Value for Vec<RepositoryId> {
    fn to_value(&self) -> Vec<u8> {
        self.iter().flat_map(|id| id.0).collect()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        Some(bytes.chunks(8).filter_map(RepositoryId::from_slice).collect())
    }
}

impl Value for Vec<(DeviceId, u32)> {
    fn to_value(&self) -> Vec<u8> {
        self.iter().flat_map(|(device, run)| [&device.0[..], &run.to_le_bytes()].concat()).collect()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        let rows = bytes.chunks_exact(DeviceId::LENGTH + 4);
        Some(rows.filter_map(|row| Some((device_of(row)?, number(row, 0)?))).collect())
    }
}

impl Value for BTreeMap<DeviceId, (u32, u32)> {
    fn to_value(&self) -> Vec<u8> {
        let row = |(device, (first, last)): (&DeviceId, &(u32, u32))| {
            [&device.0[..], &first.to_le_bytes(), &last.to_le_bytes()].concat()
        };
        self.iter().flat_map(row).collect()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        let rows = bytes.chunks_exact(DeviceId::LENGTH + 8);
        let row = |row| Some((device_of(row)?, (number(row, 0)?, number(row, 1)?)));
        Some(rows.filter_map(row).collect())
    }
}

fn device_of(row: &[u8]) -> Option<DeviceId> {
    DeviceId::from_slice(row.get(..DeviceId::LENGTH)?)
}

/// The number at this place behind a device id.
fn number(row: &[u8], place: usize) -> Option<u32> {
    let at = DeviceId::LENGTH + 4 * place;
    row.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// Paths have no zero byte: one stands behind each.
impl Value for Vec<Vec<u8>> {
    fn to_value(&self) -> Vec<u8> {
        self.iter().flat_map(|path| [&path[..], b"\0"].concat()).collect()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        let paths = bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Some(paths.map(<[u8]>::to_vec).collect())
    }
}

impl Value for Vec<TreePath> {
    fn to_value(&self) -> Vec<u8> {
        self.iter().flat_map(|path| [path.as_bytes(), b"\0"].concat()).collect()
    }

    fn from_value(bytes: &[u8]) -> Option<Self> {
        let paths = Vec::<Vec<u8>>::from_value(bytes)?;
        Some(paths.iter().filter_map(|path| TreePath::new(path).ok()).collect())
    }
}

/// Length of name u8 ‖ name ‖ length of block u16 ‖ block.
impl Value for Vec<(String, Vec<u8>)> {
    fn to_value(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, block) in self {
            if let (Ok(name_length), Ok(length)) =
                (u8::try_from(name.len()), u16::try_from(block.len()))
            {
                bytes.push(name_length);
                bytes.extend_from_slice(name.as_bytes());
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.extend_from_slice(block);
            }
        }
        bytes
    }

    fn from_value(mut bytes: &[u8]) -> Option<Self> {
        let mut blocks = Self::new();
        while let Some((length, rest)) = bytes.split_first() {
            let (name, rest) = rest.split_at_checked(usize::from(*length))?;
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (block, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
            blocks.push((String::from_utf8(name.to_vec()).ok()?, block.to_vec()));
            bytes = rest;
        }
        Some(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::{DEVICE, FOREIGN_RUNS, Fact, KEY_BLOCKS, MOUNTS, UNSYNCED_RUNS, Value};
    use crate::catalogue::Catalogue;
    use crate::model::{DeviceId, TreePath};

    fn comes_back<T: Value + PartialEq + std::fmt::Debug>(fact: &Fact<T>, value: T) {
        let catalogue = Catalogue::temporary().unwrap();
        assert_eq!(catalogue.get(fact).unwrap(), None);
        catalogue.set(fact, &value).unwrap();
        assert_eq!(catalogue.get(fact).unwrap(), Some(value));
        catalogue.forget(fact).unwrap();
        assert_eq!(catalogue.get(fact).unwrap(), None);
    }

    #[test]
    fn each_kind_of_value_comes_back() {
        let (a, b) = (DeviceId([1; 8]), DeviceId([2; 8]));
        comes_back(&DEVICE, a);
        comes_back(&UNSYNCED_RUNS, vec![(a, 1), (b, u32::MAX)]);
        comes_back(&FOREIGN_RUNS, [(a, (1, 2)), (b, (3, 4))].into());
        let paths = [&b"a/b"[..], b"c"].map(|path| TreePath::new(path).unwrap());
        comes_back(&MOUNTS, paths.to_vec());
        comes_back(&KEY_BLOCKS, vec![("name".into(), vec![7; 4096]), ("b".into(), vec![])]);
    }

    #[test]
    fn bytes_that_are_no_value_count_as_absent() {
        let catalogue = Catalogue::temporary().unwrap();
        catalogue.set_fact("device", b"short").unwrap();
        catalogue.set_fact("key blocks", &[9, b'x']).unwrap();
        assert_eq!(catalogue.get(&DEVICE).unwrap(), None);
        assert_eq!(catalogue.get(&KEY_BLOCKS).unwrap(), None);
    }
}
