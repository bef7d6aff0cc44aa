//! Which objects of other devices count for a backup: those that a record lists.
//!
//! An object that no record lists belongs to a run that is at work or dead. Nobody owns it, so
//! nothing may rely on it. Readers may still use it: a piece is verified by its id.

use std::collections::{HashMap, HashSet};

use crate::catalogue::Catalogue;
use crate::format::{ObjectKind, Record};
use crate::model::{DeviceId, ObjectKey, RecordRef};
use crate::repository::Listing;

use super::error::Error;

/// By which runs objects of other devices are listed.
#[derive(Default)]
pub(crate) struct Claims {
    /// The runs of records that list objects of an earlier run.
    taken_over: HashMap<ObjectKey, u32>,
}

impl Claims {
    /// The run whose record lists an object that counts.
    pub(crate) fn run_of(&self, object: &ObjectKey) -> u32 {
        self.taken_over.get(object).copied().unwrap_or(object.run)
    }
}

/// Every object that a record lists, of those records whose own object `counts`.
pub(crate) fn listed_by_records(
    catalogue: &Catalogue,
    counts: impl Fn(&ObjectKey) -> bool,
) -> Result<HashSet<ObjectKey>, Error> {
    let mut listed = HashSet::new();
    for (at, bytes, object) in catalogue.records()? {
        if counts(&object) {
            listed.extend(listed_in(at.device, &bytes));
        }
    }
    Ok(listed)
}

/// The objects that a record lists; nothing if it cannot be read.
fn listed_in(device: DeviceId, record: &[u8]) -> Vec<ObjectKey> {
    let Ok(record) = Record::decode(record) else { return Vec::new() };
    let key = |run: u32| move |number, hash| ObjectKey { device, run, number, hash };
    let runs = record.objects.iter();
    runs.flat_map(|run| {
        let key = key(run.run);
        run.objects.iter().map(move |entry| key(entry.number, entry.hash))
    })
    .collect()
}

/// Takes out of a listing the objects that other devices have stored and no record lists: for a
/// backup they are not there. For records that are here, the names tell nearly all; only those that
/// may list objects of other runs are decoded.
pub(crate) fn set_aside(
    catalogue: &Catalogue,
    listing: &mut Listing,
    own: DeviceId,
) -> Result<Claims, Error> {
    if !listing.objects.keys().any(|key| key.device != own) {
        return Ok(Claims::default());
    }
    let holders = catalogue.record_holders()?;
    let mut held: HashMap<ObjectKey, u32> = HashMap::new();
    for holder in holders.into_iter().filter(|holder| is_read(listing, holder)) {
        *held.entry(holder).or_default() += 1;
    }
    let mut records: HashMap<(DeviceId, u32), u32> = HashMap::new();
    for (holder, count) in &held {
        let kind = listing.here(holder).map(|object| object.name.kind);
        if kind == Some(ObjectKind::Record) && *count == 1 {
            *records.entry((holder.device, holder.run)).or_default() += 1;
            continue;
        }
        // Records of several runs may lie in one object.
        for (at, _) in catalogue.records_in(holder)? {
            *records.entry((at.device, at.run)).or_default() += 1;
        }
    }
    let mut unclaimed = HashSet::new();
    for (key, object) in listing.objects.iter() {
        let is_claimed = match object.name.kind {
            _ if key.device == own || !object.is_here() => true,
            ObjectKind::Record => held.contains_key(&key),
            // Of a fork each record lists its own.
            _ => records.get(&(key.device, key.run)) == Some(&1),
        };
        if !is_claimed {
            unclaimed.insert(key);
        }
    }
    let claims = taken_over(catalogue, listing, &mut unclaimed)?;
    listing.objects.retain(|key| !unclaimed.contains(key));
    catalogue.count_out(&unclaimed);
    Ok(claims)
}

/// Whether a record can be relied on: nobody knows the list of one that is not understood.
fn is_read(listing: &Listing, holder: &ObjectKey) -> bool {
    listing.here(holder).is_some() && !listing.not_understood.contains(holder)
}

/// Finds those records that list objects of other runs, or of a fork; their objects are claimed.
fn taken_over(
    catalogue: &Catalogue,
    listing: &Listing,
    unclaimed: &mut HashSet<ObjectKey>,
) -> Result<Claims, Error> {
    let mut claims = Claims::default();
    let mut since: HashMap<DeviceId, u32> = HashMap::new();
    for key in unclaimed.iter() {
        let first = since.entry(key.device).or_insert(key.run);
        *first = (*first).min(key.run);
    }
    if since.is_empty() {
        return Ok(claims);
    }
    let may_list = |at: &RecordRef| since.get(&at.device).is_some_and(|first| *first <= at.run);
    for at in catalogue.record_refs()?.into_iter().filter(may_list) {
        // Only the wanted objects of a device are left.
        if !unclaimed.iter().any(|key| key.device == at.device && key.run <= at.run) {
            continue;
        }
        let Some((bytes, holder)) = catalogue.record(&at)? else { continue };
        if listing.here(&holder).is_none() {
            continue;
        }
        for key in listed_in(at.device, &bytes) {
            if unclaimed.remove(&key) {
                claims.taken_over.insert(key, at.run);
            }
        }
    }
    Ok(claims)
}
