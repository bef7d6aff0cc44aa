//! The records of all devices as chains, and which snapshots they hold.
//!
//! No clock is asked: a chain's order is that of its links.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::format::{Backup, Item, Record};
use crate::model::{DeviceId, ObjectKey, RecordHash, RecordRef};

use super::listing::Listing;

/// One device's records in the order of the links.
#[derive(Default)]
pub struct Chain {
    /// Its records with the objects that hold them.
    pub records: Vec<(RecordRef, Record, ObjectKey)>,
    /// Records that others name and that are not here.
    pub missing: u64,
    /// Two records of one number: a machine was cloned.
    pub forked: bool,
}

/// The chains of all devices.
#[derive(Default)]
pub struct Chains {
    devices: BTreeMap<DeviceId, Chain>,
}

/// A snapshot where it stands in its chain.
pub struct SnapshotRecord<'a> {
    /// Its record.
    pub at: &'a RecordRef,
    /// The whole record.
    pub record: &'a Record,
    /// The object that holds it.
    pub object: &'a ObjectKey,
    /// What it says of the source.
    pub backup: &'a Backup,
}

impl Chain {
    /// What people call the device.
    pub fn device_name(&self) -> &str {
        let names = self.records.iter().flat_map(|(_, record, _)| &record.items);
        let mut names = names.filter_map(|item| match item {
            Item::Join { device_name, .. } => Some(device_name.as_str()),
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

    /// Whether another record of this number has a lower hash.
    pub fn is_second(&self, at: &RecordRef) -> bool {
        self.forked
            && self.records.iter().any(|(other, ..)| other.run == at.run && other.hash < at.hash)
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
    /// Sorts records into chains.
    pub fn new(records: Vec<(RecordRef, Record, ObjectKey)>) -> Self {
        let mut devices: BTreeMap<DeviceId, Chain> = BTreeMap::new();
        let mut known = HashSet::new();
        for (at, record, object) in records {
            if known.insert(at) {
                devices.entry(at.device).or_default().records.push((at, record, object));
            }
        }
        let mut missing: HashSet<(DeviceId, u32, RecordHash)> = HashSet::new();
        for (device, chain) in &mut devices {
            // A record's number is greater than its predecessor's, so numbers give the links'
            // order; a fork's two branches stay side by side.
            chain.records.sort_by_key(|(at, _, _)| (at.run, at.hash));
            chain.forked = chain.records.windows(2).any(|two| two[0].0.run == two[1].0.run);
            for (_, record, _) in &chain.records {
                let previous = record.previous.map(|(run, hash)| (*device, run, hash));
                missing.extend(previous);
                missing.extend(record.seen.iter().map(|seen| (seen.device, seen.run, seen.hash)));
            }
        }
        for (device, run, hash) in missing {
            if !known.contains(&RecordRef { device, run, hash }) {
                devices.entry(device).or_default().missing += 1;
            }
        }
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

    /// Records that others name and that are not here.
    pub fn missing(&self) -> u64 {
        self.devices.values().map(|chain| chain.missing).sum()
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

    /// How many of the objects that a snapshot needs are here, and how many there are; missing
    /// records of the runs that it needs count as one object each. Each counts once, however often
    /// a range names its run.
    pub fn needs(&self, snapshot: &SnapshotRecord<'_>, listing: &Listing) -> Needed {
        let mut ranges: BTreeMap<DeviceId, Vec<(u32, u32)>> = BTreeMap::new();
        for needs in &snapshot.backup.needs {
            ranges.entry(needs.device).or_default().push((needs.first, needs.last));
        }
        let mut needed = Needed::default();
        for (device, ranges) in ranges {
            match self.devices.get(&device) {
                Some(chain) => chain.needed(device, &Runs::new(ranges), listing, &mut needed),
                None => needed.of += 1,
            }
        }
        needed
    }
}

/// Ranges of runs that do not overlap, in order.
struct Runs(Vec<(u32, u32)>);

impl Runs {
    fn new(mut ranges: Vec<(u32, u32)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1 => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    fn hold(&self, run: u32) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= run);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, last)| run <= *last)
    }
}

impl Chain {
    fn needed(&self, device: DeviceId, runs: &Runs, listing: &Listing, needed: &mut Needed) {
        let here: HashSet<u32> = self.records.iter().map(|(at, ..)| at.run).collect();
        for (at, record, object) in &self.records {
            if runs.hold(at.run) {
                needed.count(*object, listing);
                for run in &record.objects {
                    for entry in &run.objects {
                        let (run, number, hash) = (run.run, entry.number, entry.hash);
                        needed.count(ObjectKey { device, run, number, hash }, listing);
                    }
                }
            }
            if let Some((run, _)) = record.previous
                && runs.hold(run)
                && !here.contains(&run)
            {
                needed.of += 1;
                needed.missing_records.push(device);
            }
        }
    }
}

/// What a snapshot needs, and how much of it is here.
#[derive(Default)]
pub struct Needed {
    /// Objects here at their right length.
    pub here: u64,
    /// Objects in all.
    pub of: u64,
    /// Those that are not here.
    pub missing: Vec<ObjectKey>,
    /// Of each record that is not here, whose it is.
    pub missing_records: Vec<DeviceId>,
}

impl Needed {
    fn count(&mut self, key: ObjectKey, listing: &Listing) {
        self.of += 1;
        if listing.here(&key).is_some() {
            self.here += 1;
        } else {
            self.missing.push(key);
        }
    }
}
