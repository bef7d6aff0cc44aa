//! All that was ever written, and who is there to write: one state of the model.
//!
//! A run stores one object, which holds its record and the piece that it saved, so an object has
//! the number of the record that it came with. The provider shows each machine any subset of the
//! objects at any time. So the state of arrival is no part of a state, and neither are deletions that
//! were carried out, came back, or were undone by a folder that was set back.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::set::Set;

/// The number of contents that a source can have.
pub const PIECES: usize = 2;

/// A device, by its place in the order of names.
pub type Device = usize;

/// How an object holds a piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Held {
    /// Not at all.
    #[default]
    No,
    /// In full.
    Full,
    /// As a delta on piece 0.
    Delta,
}

/// The items of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// The record whose device this one was before; only of meaning in a first record.
    pub continues: Option<usize>,
    /// The piece that the snapshot consists of.
    pub backup: Option<usize>,
    /// The devices whose objects the snapshot leans on.
    pub leans: Set,
    /// The snapshot that is forgotten.
    pub forget: Option<usize>,
    /// Records whose *forget* is undone.
    pub undo: Set,
    /// Objects that are to be deleted.
    pub intent: Set,
    /// Objects of earlier intents that are deleted.
    pub sweep: Set,
    /// Objects of earlier intents that stay.
    pub keep: Set,
    /// A device that will not run again, and the records of it that are known.
    pub retire: Option<(Device, Set)>,
}

/// A record and the object that it came with.
#[derive(Clone, Debug)]
pub struct Record {
    /// Who wrote it.
    pub device: Device,
    /// The record before it.
    pub previous: Option<usize>,
    /// All records of others that were heeded.
    pub seen: Set,
    /// Its items.
    pub items: Items,
    /// How its object holds each piece.
    pub holds: [Held; PIECES],
    /// Records of other objects that its object holds, too.
    pub copies: Set,
    /// It and all before it.
    pub chain: Set,
    /// All that it and those before it have seen.
    pub chain_seen: Set,
    /// The same for the same record, however the history went that led to it.
    hash: u64,
}

/// One installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Machine {
    /// The device that it is.
    pub device: Option<Device>,
    /// The last record that it wrote.
    pub last: Option<usize>,
    /// Its catalogue is lost: it has only the note of its last record.
    pub lost: bool,
    /// A copy of another one, or the one that was copied.
    pub copy: bool,
    /// It knows that it is a copy: the machine's own id is another one.
    pub noticed: bool,
}

/// One state.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// All records.
    pub records: Vec<Record>,
    /// All installations.
    pub machines: Vec<Machine>,
    /// How many device ids were given out.
    pub devices: usize,
}

impl History {
    /// All records, and so all objects.
    pub fn all(&self) -> Set {
        Set::below(self.records.len())
    }

    /// A record and its object become part of the history.
    pub fn add(&mut self, mut record: Record) -> usize {
        let number = self.records.len();
        let before = record.previous.map(|previous| &self.records[previous]);
        record.chain = before.map_or(Set::default(), |before| before.chain).with(number);
        record.chain_seen = before.map_or(Set::default(), |before| before.chain_seen) | record.seen;
        record.hash = self.hash_of(&record);
        self.records.push(record);
        number
    }

    /// A record that is not yet part of it.
    pub fn record(device: Device, previous: Option<usize>) -> Record {
        Record {
            device,
            previous,
            seen: Set::default(),
            items: Items::default(),
            holds: [Held::No; PIECES],
            copies: Set::default(),
            chain: Set::default(),
            chain_seen: Set::default(),
            hash: 0,
        }
    }

    /// Records of one device among these.
    pub fn of(&self, device: Device, among: Set) -> Set {
        among.iter().filter(|record| self.records[*record].device == device).collect()
    }

    /// A number that two histories share only if they say the same.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let sum = self.records.iter().fold(0_u64, |sum, record| sum.wrapping_add(record.hash));
        (sum, self.records.len()).hash(&mut hasher);
        for machine in &self.machines {
            let last = machine.last.map(|last| self.records[last].hash);
            (machine.device, last, machine.lost, machine.copy, machine.noticed).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn hash_of(&self, record: &Record) -> u64 {
        let mut hasher = DefaultHasher::new();
        let one = |record: usize| self.records[record].hash;
        let sum = |set: Set| set.iter().fold(0_u64, |sum, record| sum.wrapping_add(one(record)));
        let Items { continues, backup, leans, forget, undo, intent, sweep, keep, retire } =
            record.items;
        (record.device, record.previous.map(one), sum(record.seen)).hash(&mut hasher);
        (continues.map(one), backup, leans, forget.map(one), sum(undo)).hash(&mut hasher);
        (sum(intent), sum(sweep), sum(keep)).hash(&mut hasher);
        (retire.map(|(device, known)| (device, sum(known)))).hash(&mut hasher);
        (record.holds, sum(record.copies)).hash(&mut hasher);
        hasher.finish()
    }
}
