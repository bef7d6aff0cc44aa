//! Which objects may go, and what must be stored again before.
//!
//! Each needed piece is counted for one object. An object for which none is counted may go at once;
//! one that is little used goes if storing its needed pieces again costs little of what it frees.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::format::object::CODEC_DELTA;
use crate::format::{IndexEntry, PieceKind, decode_index};
use crate::life::{Copies, Listed, Needed};
use crate::model::{ChunkId, DeviceId, Location, ObjectKey};
use crate::repository::{Chains, PieceReader};
use crate::session::error::Error;
use crate::session::open::Repository;

/// Text compresses to about a third: the estimate for pieces that are deltas now.
const DENSITY: u64 = 3;
/// Of the freed bytes, one part in so many may be uploaded.
const WORTH: u64 = 20;
/// Sealed bytes of a run that stores a record and little else.
const RECORD: u64 = 4095;
/// Objects in one intent: what fits a record.
const MOST: usize = 100_000;

/// The plan of one run.
#[derive(Default)]
pub(super) struct Plan {
    /// The objects that may go, when the copies are stored.
    pub(super) objects: BTreeSet<ObjectKey>,
    /// Their bytes.
    pub(super) freed: u64,
    pub(super) copies: Copies,
    /// Bytes that the copies will take, about.
    pub(super) upload: u64,
    /// Bytes of objects that stay though part of them is unneeded.
    pub(super) unused: u64,
}

/// An object that this device may propose.
#[derive(Default)]
struct Candidate {
    length: u64,
    pieces: Vec<(PieceKind, ChunkId)>,
    records: Vec<Vec<u8>>,
    /// About how many bytes it takes to store its pieces and records again.
    cost: u64,
    /// Stored bytes of blocks of which something is needed.
    used: u64,
    blocks: HashSet<u32>,
}

impl Plan {
    /// Plans for the objects of a device; those that are swept in this very run are gone already.
    pub(super) fn new(
        repository: &Repository,
        (needed, chains): (&Needed, &Chains),
        (device, swept): (DeviceId, &BTreeSet<ObjectKey>),
        max_upload: Option<u64>,
    ) -> Result<Self, Error> {
        let mut candidates = candidates(repository, chains, device, swept)?;
        assign(repository, needed, device, &mut candidates)?;
        let others = chains.iter().map(|(other, _)| *other).filter(|other| *other != device);
        let others = others.filter(|other| !repository.standing.is_retired(*other)).count() as u64;
        // The proposal, each answer, and the end of it.
        let records = RECORD * (2 + others);
        let mut plan = Self::choose(candidates, max_upload, records);
        plan.copy_indexes(repository, swept)?;
        Ok(plan)
    }

    /// Copies the indexes in objects that go, as far as they name data objects that stay: so that
    /// nobody has to read those for their tables.
    fn copy_indexes(
        &mut self,
        repository: &Repository,
        swept: &BTreeSet<ObjectKey>,
    ) -> Result<(), Error> {
        let objects = repository.objects();
        let mut reader = PieceReader::new(&objects, &repository.catalogue);
        for key in &self.objects {
            if !repository.catalogue.has_blocks(key, PieceKind::Index as u8)? {
                continue;
            }
            let table = objects.table(key)?;
            let blocks = table.blocks.iter().filter(|block| block.kind == PieceKind::Index);
            for (id, _) in blocks.flat_map(|block| &block.pieces) {
                // One that cannot be read helps nobody.
                let Ok(bytes) = reader.piece(PieceKind::Index, id) else { continue };
                let Ok(entries) = decode_index(&bytes) else { continue };
                let stays = |entry: &IndexEntry| {
                    let IndexEntry { device, run, number, hash, .. } = *entry;
                    let key = ObjectKey { device, run, number, hash };
                    repository.listing.here(&key).is_some()
                        && !self.objects.contains(&key)
                        && !swept.contains(&key)
                };
                if entries.iter().any(stays) {
                    self.copies.pieces.push((PieceKind::Index, *id));
                }
            }
        }
        Ok(())
    }

    fn choose(
        candidates: BTreeMap<ObjectKey, Candidate>,
        max_upload: Option<u64>,
        records: u64,
    ) -> Self {
        let mut plan = Self::default();
        let mut order: Vec<_> = candidates.into_iter().collect();
        // Cheap space first; of equal ones the earlier object.
        order.sort_by(|(one, a), (other, b)| {
            let ratio = |x: &Candidate, y: &Candidate| u128::from(x.cost) * u128::from(y.length);
            ratio(a, b).cmp(&ratio(b, a)).then(one.cmp(other))
        });
        for (key, candidate) in order {
            let upload = plan.upload + candidate.cost;
            let freed = plan.freed + candidate.length;
            let is_worth_it = match (candidate.cost, max_upload) {
                (0, _) => true,
                (_, Some(most)) => upload <= most,
                (_, None) => upload * WORTH <= freed,
            };
            if !is_worth_it || plan.objects.len() >= MOST {
                plan.unused += candidate.length.saturating_sub(candidate.used);
                continue;
            }
            (plan.upload, plan.freed) = (upload, freed);
            plan.objects.insert(key);
            plan.copies.pieces.extend(candidate.pieces);
            plan.copies.records.extend(candidate.records);
        }
        // Bases before the deltas, data before trees: pieces of one kind lie together.
        plan.copies.pieces.sort_by_key(|(kind, _)| *kind as u8);
        // Records of a prune are small objects themselves. To fold them again for what folding them
        // frees would never end.
        let is_worth_it = match max_upload {
            Some(_) => plan.freed > records,
            None => plan.freed >= (plan.upload + records) * WORTH,
        };
        if !is_worth_it {
            let unused = plan.unused + plan.freed;
            return Self { unused, ..Self::default() };
        }
        plan
    }
}

/// The objects that this device may propose (W4): its own and those of devices that it has retired,
/// as far as they are listed, here, and in no intent. A record of a retired device stays where it is.
fn candidates(
    repository: &Repository,
    chains: &Chains,
    device: DeviceId,
    swept: &BTreeSet<ObjectKey>,
) -> Result<BTreeMap<ObjectKey, Candidate>, Error> {
    let standing = &repository.standing;
    let open: HashSet<&ObjectKey> =
        standing.open().iter().flat_map(|intent| &intent.objects).collect();
    let is_ours = |owner: DeviceId| {
        owner == device || standing.retirements(owner).iter().any(|one| one.at.device == device)
    };
    let listed = Listed::of(repository, chains);
    let mut candidates = BTreeMap::new();
    for (key, object) in repository.listing.objects.iter() {
        let is_listed = listed.has(&key, object.name.kind);
        let is_free = is_listed && !open.contains(&key) && !swept.contains(&key);
        if !is_ours(key.device) || !object.is_here() || !is_free {
            continue;
        }
        let is_holder = listed.holders.contains(&key);
        if !repository.listing.is_understood(&key) || (is_holder && key.device != device) {
            continue;
        }
        let mut candidate = Candidate { length: object.name.length, ..Candidate::default() };
        if is_holder {
            for (_, bytes) in repository.catalogue.records_in(&key)? {
                // Most of a record is hashes, which do not compress.
                candidate.cost += bytes.len() as u64;
                candidate.records.push(bytes);
            }
        }
        if repository.catalogue.has_blocks(&key, PieceKind::Index as u8)? {
            let table = repository.objects().table(&key)?;
            let indexes = table.blocks.iter().filter(|block| block.kind == PieceKind::Index);
            candidate.cost += indexes.map(|block| u64::from(block.stored)).sum::<u64>();
        }
        candidates.insert(key, candidate);
    }
    Ok(candidates)
}

/// Counts each needed piece for one object, and the bases of the deltas among them.
fn assign(
    repository: &Repository,
    needed: &Needed,
    device: DeviceId,
    candidates: &mut BTreeMap<ObjectKey, Candidate>,
) -> Result<(), Error> {
    let mut ids: Vec<(&ChunkId, &PieceKind)> = needed.pieces.iter().collect();
    ids.sort_unstable_by_key(|(id, _)| **id);
    let mut later = Vec::new();
    let mut done = HashSet::new();
    for (id, kind) in ids {
        let places = places(repository, id, *kind)?;
        match &places[..] {
            [] => {}
            [place] => count(repository, (*id, *kind), place, (candidates, &mut done))?,
            _ => later.push((*id, *kind)),
        }
    }
    for (id, kind) in later {
        let places = places(repository, &id, kind)?;
        let used = |place: &&Location| {
            candidates.get(&place.object).is_some_and(|candidate| candidate.used > 0)
        };
        // What two devices have stored stays with the one of the lower id.
        let lower = |place: &&Location| place.object.device < device;
        let stays = |place: &&Location| !candidates.contains_key(&place.object);
        let place = places
            .iter()
            .find(|place| stays(place) && lower(place))
            .or_else(|| places.iter().find(|place| stays(place) && place.object.device == device))
            .or_else(|| places.iter().find(used))
            .or_else(|| places.iter().find(|place| candidates.contains_key(&place.object)))
            .or_else(|| places.first());
        if let Some(place) = place {
            count(repository, (id, kind), &place.clone(), (candidates, &mut done))?;
        }
    }
    Ok(())
}

fn places(repository: &Repository, id: &ChunkId, kind: PieceKind) -> Result<Vec<Location>, Error> {
    let mut places = repository.catalogue.locate(id)?;
    places.retain(|place| place.kind == kind as u8);
    Ok(places)
}

type Counted<'a> = (&'a mut BTreeMap<ObjectKey, Candidate>, &'a mut HashSet<ChunkId>);

/// Counts a piece for the object of this place, and its bases for those where they are read from.
fn count(
    repository: &Repository,
    (id, kind): (ChunkId, PieceKind),
    place: &Location,
    (candidates, done): Counted<'_>,
) -> Result<(), Error> {
    let mut waiting = vec![(id, place.clone())];
    while let Some((id, place)) = waiting.pop() {
        if !done.insert(id) {
            continue;
        }
        if let Some(candidate) = candidates.get_mut(&place.object) {
            let length = u64::from(place.length);
            candidate.pieces.push((kind, id));
            candidate.cost += match (place.codec, place.plain) {
                (CODEC_DELTA, _) => length.div_ceil(DENSITY),
                (_, 0) => 0,
                (_, plain) => (u64::from(place.stored) * length).div_ceil(u64::from(plain)),
            } + ChunkId::LENGTH as u64;
            if candidate.blocks.insert(place.block_offset) {
                candidate.used += u64::from(place.stored);
            }
        }
        for base in place.bases.ids.iter() {
            // The place that is read: the one of the least reach.
            if let Some(first) = places(repository, base, kind)?.into_iter().next() {
                waiting.push((*base, first));
            }
        }
    }
    Ok(())
}
