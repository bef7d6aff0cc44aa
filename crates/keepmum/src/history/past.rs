//! Which records are heeded, and which come before which (`doc/protocol.md`, §2 and R1).
//!
//! Chains are cut into *lanes*: a lane is a run of records in which each names the one before it,
//! and a second successor of a record begins a lane of its own. So the past of a record is the
//! beginning of some lanes, one number for each, also where a chain has parted.

use std::collections::HashMap;

use crate::model::{DeviceId, RecordRef};
use crate::repository::Chains;

/// The heeded records of all devices.
#[derive(Default)]
pub struct Past {
    /// In an order in which each follows all that it names.
    order: Vec<RecordRef>,
    places: HashMap<RecordRef, Place>,
    lanes: Vec<Lane>,
}

/// A lane, from its first record to its last one.
struct Lane {
    device: DeviceId,
    records: Vec<RecordRef>,
    /// After so many of its records another lane has parted from it.
    partings: Vec<usize>,
}

/// Where a heeded record stands.
struct Place {
    lane: usize,
    /// How many records of each lane are it or come before it; lanes behind the end have none.
    past: Box<[u32]>,
}

impl Past {
    /// The records among these that are heeded: those that are `here` and understood, with all
    /// that they name.
    pub fn new(chains: &Chains, is_here: impl Fn(&RecordRef) -> bool) -> Self {
        let mut waiting: HashMap<RecordRef, usize> = HashMap::new();
        let mut waiters: HashMap<RecordRef, Vec<RecordRef>> = HashMap::new();
        let mut named: HashMap<RecordRef, (Option<RecordRef>, &[RecordRef])> = HashMap::new();
        let mut ready = Vec::new();
        for (_, chain) in chains.iter() {
            for (at, record, _) in &chain.records {
                if !is_here(at) || record.has_unknown_items() {
                    continue;
                }
                let device = at.device;
                let previous = record.previous.map(|(run, hash)| RecordRef { device, run, hash });
                let causes = previous.iter().chain(&record.seen);
                let mut count = 0;
                for cause in causes {
                    waiters.entry(*cause).or_default().push(*at);
                    count += 1;
                }
                named.insert(*at, (previous, &record.seen));
                match count {
                    0 => ready.push(*at),
                    _ => drop(waiting.insert(*at, count)),
                }
            }
        }
        let mut past = Self::default();
        while let Some(at) = ready.pop() {
            let Some((previous, seen)) = named.get(&at) else { continue };
            past.add(at, *previous, seen);
            for waiter in waiters.remove(&at).unwrap_or_default() {
                let Some(count) = waiting.get_mut(&waiter) else { continue };
                *count -= 1;
                if *count == 0 {
                    waiting.remove(&waiter);
                    ready.push(waiter);
                }
            }
        }
        past
    }

    fn add(&mut self, at: RecordRef, previous: Option<RecordRef>, seen: &[RecordRef]) {
        let before = previous.and_then(|previous| self.places.get(&previous));
        let before = before.map(|place| (place.lane, place.past[place.lane] as usize));
        let lane = match before {
            Some((lane, count)) if count == self.lanes[lane].records.len() => lane,
            parting => {
                if let Some((lane, count)) = parting {
                    self.lanes[lane].partings.push(count);
                }
                let (records, partings) = (Vec::new(), Vec::new());
                self.lanes.push(Lane { device: at.device, records, partings });
                self.lanes.len() - 1
            }
        };
        self.lanes[lane].records.push(at);
        let mut past = vec![0; self.lanes.len()];
        for cause in previous.iter().chain(seen) {
            let Some(place) = self.places.get(cause) else { continue };
            past.iter_mut().zip(&place.past).for_each(|(own, other)| *own = (*own).max(*other));
        }
        past[lane] = u32::try_from(self.lanes[lane].records.len()).unwrap_or(u32::MAX);
        self.places.insert(at, Place { lane, past: past.into() });
        self.order.push(at);
    }

    /// Whether a record is heeded.
    pub fn is_heeded(&self, at: &RecordRef) -> bool {
        self.places.contains_key(at)
    }

    /// Whether a heeded record is the other one, or comes before it.
    pub fn precedes(&self, before: &RecordRef, after: &RecordRef) -> bool {
        let (Some(before), Some(after)) = (self.places.get(before), self.places.get(after)) else {
            return false;
        };
        let position = before.past[before.lane];
        after.past.get(before.lane).is_some_and(|count| *count >= position)
    }

    /// All heeded records, each behind those that it names.
    pub fn records(&self) -> &[RecordRef] {
        &self.order
    }

    /// The devices that have heeded records.
    pub fn devices(&self) -> Vec<DeviceId> {
        let mut devices: Vec<_> = self.lanes.iter().map(|lane| lane.device).collect();
        devices.sort_unstable();
        devices.dedup();
        devices
    }

    /// The last heeded records of a device: one, or several where its chain has parted.
    pub fn ends(&self, device: DeviceId) -> impl Iterator<Item = &RecordRef> {
        let lanes = self.lanes.iter().filter(move |lane| lane.device == device);
        lanes.filter_map(|lane| lane.records.last())
    }

    /// The first record of the branch of its chain that a heeded record is on: the first of its
    /// device, or the first after the chain has parted.
    pub fn beginning(&self, at: &RecordRef) -> Option<&RecordRef> {
        let place = self.places.get(at)?;
        let (lane, count) = (&self.lanes[place.lane], place.past[place.lane] as usize);
        let partings = lane.partings.iter().copied().filter(|parting| *parting < count);
        lane.records.get(partings.max().unwrap_or(0))
    }

    /// The last heeded records of all devices, in order. Whoever names them has seen everything;
    /// where a chain has parted, one branch would not do.
    pub fn heads(&self) -> Vec<RecordRef> {
        let mut heads: Vec<RecordRef> =
            self.lanes.iter().filter_map(|lane| lane.records.last()).copied().collect();
        heads.sort_unstable();
        heads
    }
}
