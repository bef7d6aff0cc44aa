//! The records of all devices as chains, and which snapshots they hold.
//!
//! No clock is asked: a chain's order is that of its links.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::format::{Backup, Item, LifeItem, Record};
use crate::model::{DeviceId, ObjectKey, RecordHash, RecordRef};

/// One device's records in the order of the links.
#[derive(Default)]
pub struct Chain {
    /// Its records with the objects that hold them.
    pub records: Vec<(RecordRef, Record, ObjectKey)>,
    /// The runs of records that are not here though another record names them, or needs their run;
    /// in order, and twice where two are missing of one number.
    pub missing_runs: Vec<u32>,
    /// Records that are here and that this version does not understand, with the objects that hold
    /// them: links of the chain all the same.
    pub unknown: Vec<(RecordRef, ObjectKey)>,
}

/// The chains of all devices.
#[derive(Default)]
pub struct Chains {
    devices: BTreeMap<DeviceId, Chain>,
}

/// A snapshot where it stands in its chain.
#[derive(Clone, Copy)]
pub struct SnapshotRecord<'a> {
    /// Its record.
    pub at: &'a RecordRef,
    /// The whole record.
    pub record: &'a Record,
    /// The object that holds it.
    pub object: &'a ObjectKey,
    /// Its data about the source.
    pub backup: &'a Backup,
}

impl Chain {
    /// The name of the device for people: the last that it has given itself.
    pub fn device_name(&self) -> &str {
        let items = self.records.iter().flat_map(|(_, record, _)| &record.items);
        let mut names = items.rev().filter_map(|item| match item {
            Item::Join { device_name, .. } => Some(device_name.as_str()),
            Item::Life(item) => match &**item {
                LifeItem::Name(name) => Some(name.as_str()),
                _ => None,
            },
            _ => None,
        });
        names.next().unwrap_or("unknown")
    }

    /// The token of its join.
    pub fn token(&self) -> Option<[u8; 16]> {
        let items = self.records.iter().flat_map(|(_, record, _)| &record.items);
        let mut tokens = items.filter_map(|item| match item {
            Item::Join { token, .. } => Some(*token),
            _ => None,
        });
        tokens.next()
    }

    /// Its newest record.
    pub fn last(&self) -> Option<&(RecordRef, Record, ObjectKey)> {
        self.records.last()
    }

    /// Its snapshots, oldest first.
    pub fn snapshots(&self) -> impl DoubleEndedIterator<Item = SnapshotRecord<'_>> {
        self.records.iter().filter_map(|(at, record, object)| {
            let backup = record.items.iter().find_map(|item| match item {
                Item::Backup(backup) => Some(&**backup),
                _ => None,
            })?;
            Some(SnapshotRecord { at, record, object, backup })
        })
    }
}

impl Chains {
    /// Sorts records into chains; of those that are not understood only the places are known.
    pub fn new(
        records: Vec<(RecordRef, Record, ObjectKey)>,
        unknown: Vec<(RecordRef, ObjectKey)>,
    ) -> Self {
        let mut devices: BTreeMap<DeviceId, Chain> = BTreeMap::new();
        let mut known = HashSet::new();
        for (at, record, object) in records {
            if known.insert(at) {
                devices.entry(at.device).or_default().records.push((at, record, object));
            }
        }
        for (at, object) in unknown {
            if known.insert(at) {
                devices.entry(at.device).or_default().unknown.push((at, object));
            }
        }
        let mut missing: HashSet<(DeviceId, u32, RecordHash)> = HashSet::new();
        for (device, chain) in &mut devices {
            // A record's number is greater than its predecessor's, so numbers give the links'
            // order; a fork's two branches stay side by side.
            chain.records.sort_by_key(|(at, _, _)| (at.run, at.hash));
            for (_, record, _) in &chain.records {
                let previous = record.previous.map(|(run, hash)| (*device, run, hash));
                missing.extend(previous);
                missing.extend(record.seen.iter().map(|seen| (seen.device, seen.run, seen.hash)));
            }
        }
        for (device, run, hash) in missing {
            if !known.contains(&RecordRef { device, run, hash }) {
                devices.entry(device).or_default().missing_runs.push(run);
            }
        }
        add_needed(&mut devices, &known);
        devices.values_mut().for_each(|chain| chain.missing_runs.sort_unstable());
        Self { devices }
    }

    /// The chain of a device.
    pub fn device(&self, device: DeviceId) -> Option<&Chain> {
        self.devices.get(&device)
    }

    /// All chains.
    pub fn iter(&self) -> impl Iterator<Item = (&DeviceId, &Chain)> {
        self.devices.iter()
    }

    /// All snapshots, device by device.
    pub fn snapshots(&self) -> impl Iterator<Item = SnapshotRecord<'_>> {
        self.devices.values().flat_map(Chain::snapshots)
    }

    /// Every object that records list, with its length.
    pub fn listed_objects(&self) -> HashMap<ObjectKey, u64> {
        let mut objects = HashMap::new();
        for (device, chain) in &self.devices {
            for (_, record, _) in &chain.records {
                for run in &record.objects {
                    for entry in &run.objects {
                        let key = ObjectKey {
                            device: *device,
                            run: run.run,
                            number: entry.number,
                            hash: entry.hash,
                        };
                        objects.insert(key, entry.length);
                    }
                }
            }
        }
        objects
    }
}

/// Adds the runs whose record a snapshot needs, and that no record here names. The last run of a
/// range has a record, and the chain leads from it to all others of the range.
fn add_needed(devices: &mut BTreeMap<DeviceId, Chain>, known: &HashSet<RecordRef>) {
    let here: HashSet<(DeviceId, u32)> = known.iter().map(|at| (at.device, at.run)).collect();
    let snapshots = devices.values().flat_map(Chain::snapshots);
    let needs = snapshots.flat_map(|snapshot| &snapshot.backup.needs);
    let last: HashSet<_> = needs.map(|needs| (needs.device, needs.last)).collect();
    for (device, run) in last {
        let named = devices.get(&device).is_some_and(|chain| chain.missing_runs.contains(&run));
        if !here.contains(&(device, run)) && !named {
            devices.entry(device).or_default().missing_runs.push(run);
        }
    }
}
