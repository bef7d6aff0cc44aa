//! The share of the objects that snapshots need which is here.
//!
//! Every snapshot names nearly all runs before it, so the objects of each record are counted once
//! and a range of runs is the difference of two sums: asking for all of a thousand snapshots must
//! not cost a million look-ups.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::format::{Backup, ObjectKind, Record};
use crate::model::{DeviceId, ObjectKey, RecordRef};

use super::chain::{Chain, Chains};
use super::listing::Listing;
use super::put_record::is_stored_again;

/// The lists of the records of all devices, and how many of the listed objects are here.
#[derive(Default)]
pub struct Availability {
    devices: BTreeMap<DeviceId, Counts>,
    all: OnceCell<Needed>,
}

/// The needs of a snapshot, and how many of them are here.
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
    /// The number of objects that are here and not understood, records and others: nobody knows
    /// their contents, so they do not count as here.
    pub unknown: u64,
}

impl Needed {
    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.here == self.of
    }

    fn count(&mut self) {
        let missing = self.missing.len() + self.missing_records.len();
        self.here = self.of - missing as u64 - self.unknown;
    }
}

/// One device's objects in the order of its records.
#[derive(Default)]
struct Counts {
    /// Run number of each record, and how many objects all records before it list.
    before: Vec<(u32, u64)>,
    of: u64,
    /// The missing objects, by the run whose record lists them.
    missing: Vec<(u32, ObjectKey)>,
    /// Runs whose record is not here.
    missing_records: Vec<u32>,
    /// Runs whose record lists something that is not understood, or is so itself; in order, once
    /// for each.
    unknown: Vec<u32>,
    /// Runs of records that are not understood: nobody knows their lists. In order.
    unknown_records: Vec<u32>,
}

impl Availability {
    /// Counts the objects that all records list, each record's own object with them; not those
    /// that were swept.
    pub fn new(chains: &Chains, listing: &Listing, swept: &HashSet<ObjectKey>) -> Self {
        let around = Around { listing, swept, last: OnceCell::new() };
        let counted =
            |(device, chain): (&DeviceId, &Chain)| (*device, Counts::new(*device, chain, &around));
        Self { devices: chains.iter().map(counted).collect(), all: OnceCell::new() }
    }

    /// The same for everything that any record lists. After a sweep a snapshot may need copies that
    /// a later run made, and its own runs do not tell which.
    pub fn all(&self) -> &Needed {
        self.all.get_or_init(|| {
            let mut needed = Needed::default();
            for (device, counts) in &self.devices {
                counts.add(*device, 1, u32::MAX, &mut needed);
            }
            needed.count();
            needed
        })
    }

    /// How many of the objects that a snapshot needs are here, and how many there are; missing
    /// records of the runs that it needs count as one object each. Each counts once, however often
    /// a range names its run. All runs of its own device up to its own are always needed.
    pub fn needs(&self, at: &RecordRef, backup: &Backup) -> Needed {
        let mut ranges: BTreeMap<DeviceId, Vec<(u32, u32)>> = BTreeMap::new();
        ranges.entry(at.device).or_default().push((1, at.run));
        for needs in &backup.needs {
            ranges.entry(needs.device).or_default().push((needs.first, needs.last));
        }
        let mut needed = Needed::default();
        for (device, ranges) in ranges {
            let Some(counts) = self.devices.get(&device) else { continue };
            for (first, last) in merged(ranges) {
                counts.add(device, first, last, &mut needed);
            }
        }
        needed.count();
        needed
    }
}

impl Counts {
    fn new(device: DeviceId, chain: &Chain, of: &Around<'_>) -> Self {
        let missing_records = chain.missing_runs.clone();
        let mut unknown_records: Vec<u32> = chain.unknown.iter().map(|(at, _)| at.run).collect();
        unknown_records.sort_unstable();
        let mut counts = Self { missing_records, unknown_records, ..Self::default() };
        for (at, record, object) in &chain.records {
            counts.before.push((at.run, counts.of));
            counts.count(at.run, *object, of);
            if of.lacks_first(at, record, object) {
                // The object that held it first, and perhaps all data of its run, is not here.
                let first = ObjectKey { run: at.run, hash: [0; 16], ..*object };
                counts.count(at.run, first, of);
            }
            for run in &record.objects {
                for entry in &run.objects {
                    let (run, number, hash) = (run.run, entry.number, entry.hash);
                    counts.count(at.run, ObjectKey { device, run, number, hash }, of);
                }
            }
        }
        counts
    }

    fn count(&mut self, record: u32, key: ObjectKey, of: &Around<'_>) {
        let Around { listing, swept, .. } = of;
        if swept.contains(&key) {
            return;
        }
        self.of += 1;
        if listing.here(&key).is_none() {
            self.missing.push((record, key));
        } else if !listing.is_understood(&key) {
            self.unknown.push(record);
        }
    }

    /// How many objects the records before this run list.
    fn listed_before(&self, run: u64) -> u64 {
        let at = self.before.partition_point(|(before, _)| u64::from(*before) < run);
        self.before.get(at).map_or(self.of, |(_, count)| *count)
    }

    fn add(&self, device: DeviceId, first: u32, last: u32, needed: &mut Needed) {
        if first > last {
            return;
        }
        needed.of += self.listed_before(u64::from(last) + 1) - self.listed_before(first.into());
        let within = |run: u32| first <= run && run <= last;
        let begin = self.missing.partition_point(|(run, _)| *run < first);
        let missing = self.missing.iter().skip(begin).take_while(|(run, _)| within(*run));
        needed.missing.extend(missing.map(|(_, key)| *key));
        let begin = self.missing_records.partition_point(|run| *run < first);
        let runs = self.missing_records.iter().skip(begin).take_while(|run| within(**run));
        let before = needed.missing_records.len();
        needed.missing_records.extend(runs.map(|_| device));
        needed.of += (needed.missing_records.len() - before) as u64;
        let among = |runs: &[u32]| {
            let begin = runs.partition_point(|run| *run < first);
            (runs.partition_point(|run| *run <= last) - begin) as u64
        };
        needed.of += among(&self.unknown_records);
        needed.unknown += among(&self.unknown) + among(&self.unknown_records);
    }
}

/// The objects that are here, those that were swept, and which of them may have held a record first.
struct Around<'a> {
    listing: &'a Listing,
    swept: &'a HashSet<ObjectKey>,
    /// The highest number among those of a run; asked for seldom.
    last: OnceCell<HashMap<(DeviceId, u32), u32>>,
}

impl Around<'_> {
    /// Whether a record is here only in a copy, and the object that held it first was not swept:
    /// nobody lists that object.
    fn lacks_first(&self, at: &RecordRef, record: &Record, holder: &ObjectKey) -> bool {
        if holder.run == at.run && !is_stored_again(holder) {
            return false;
        }
        let of_run = record.objects.iter().filter(|of| of.run == at.run);
        let numbers = of_run.flat_map(|of| &of.objects).map(|entry| entry.number.saturating_add(1));
        let least = numbers.max().unwrap_or(0);
        let last = self.last.get_or_init(|| self.last_numbers());
        last.get(&(at.device, at.run)).is_none_or(|last| *last < least)
    }

    fn last_numbers(&self) -> HashMap<(DeviceId, u32), u32> {
        let here = self
            .listing
            .objects
            .iter()
            .filter(|(_, object)| object.is_here() && object.name.kind == ObjectKind::Record);
        let mut last = HashMap::new();
        for key in here.map(|(key, _)| key).chain(self.swept.iter().copied()) {
            if !is_stored_again(&key) {
                let number: &mut u32 = last.entry((key.device, key.run)).or_default();
                *number = (*number).max(key.number);
            }
        }
        last
    }
}

/// Ranges of runs that do not overlap, in order.
fn merged(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}
