//! The end of intents (`doc/protocol.md`, W5, W6, R3): which of their objects go and which stay, and
//! the deletion of files that a durable record has called swept.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::format::LifeItem;
use crate::history::Intent;
use crate::model::{ChunkId, DeviceId, ObjectKey, RecordRef};
use crate::repository::{Chains, RepositoryError};
use crate::store::StoreErrorKind;

use crate::session::error::Error;
use crate::session::event::Observer;
use crate::session::open::Repository;

use super::lean::is_set_back;
use super::listed::Listed;
use super::needed::Needed;
use super::writing::{Copies, Writing};

/// The intents of this device that every living device has acknowledged.
pub(crate) fn due(repository: &Repository, device: DeviceId) -> Vec<Intent> {
    let own = repository.standing.open().iter().filter(|intent| intent.at.device == device);
    own.filter(|intent| repository.standing.waiting_for(&intent.at).is_empty()).cloned().collect()
}

/// Whether a run has something to delete: an intent that is due, or files that came back.
pub(crate) fn has_work(repository: &Repository, device: DeviceId) -> bool {
    let is_ours = |key: &ObjectKey| may_delete(repository, device, key);
    let mut back = repository.swept_here.iter();
    !due(repository, device).is_empty()
        || (!is_set_back(repository) && back.any(|(key, ..)| is_ours(key)))
}

/// Its own objects, and those of devices that it has retired.
fn may_delete(repository: &Repository, device: DeviceId, key: &ObjectKey) -> bool {
    let retirements = repository.standing.retirements(key.device);
    key.device == device || retirements.iter().any(|one| one.at.device == device)
}

/// What becomes of intents that are due.
#[derive(Default)]
pub(crate) struct Sweep {
    /// For each intent, the objects that stay after all.
    pub(crate) ends: Vec<(RecordRef, Vec<ObjectKey>)>,
    /// The objects that go.
    pub(crate) swept: BTreeSet<ObjectKey>,
    /// How many of the objects stay.
    pub(crate) kept: u64,
}

impl Sweep {
    /// Decides on the objects of intents: those are kept of which a snapshot needs a piece that no
    /// lasting object holds.
    pub(crate) fn of(
        writing: &mut Writing<'_>,
        due: &[Intent],
        (needed, chains): (&Needed, &Chains),
    ) -> Result<Self, Error> {
        let repository = &writing.repository;
        let candidates: HashSet<ObjectKey> =
            due.iter().flat_map(|intent| &intent.objects).copied().collect();
        // Before anything is counted out: afterwards nobody knows their places.
        let places = Places::of(repository, &candidates, needed)?;
        let open = repository.standing.open().iter().flat_map(|intent| &intent.objects);
        let open: HashSet<ObjectKey> = open.copied().collect();
        let listed = Listed::of(repository, chains);
        let strangers = repository.listing.objects.iter().filter(|(key, object)| {
            key.device != writing.device && !listed.has(key, object.name.kind)
        });
        let strangers = strangers.map(|(key, _)| key);
        repository.catalogue.count_out(&open.iter().copied().chain(strangers).collect());
        let mut kept = places.kept(repository)?;
        kept.extend(records_alone(repository, chains, &candidates, &open));
        let mut sweep = Self::default();
        for intent in due {
            let stay = intent.objects.iter().filter(|object| kept.contains(object));
            let stay: Vec<ObjectKey> = stay.copied().collect();
            sweep.kept += stay.len() as u64;
            sweep.swept.extend(intent.objects.iter().filter(|object| !kept.contains(object)));
            sweep.ends.push((intent.at, stay));
        }
        Ok(sweep)
    }

    /// The items of the record that says so.
    pub(crate) fn items(&self) -> Vec<LifeItem> {
        let ends = self.ends.iter();
        ends.map(|(at, kept)| LifeItem::Sweep { intent: (at.run, at.hash), kept: kept.clone() })
            .collect()
    }
}

/// Ends the intents that are due, in a run of its own; returns how many objects and bytes went. A
/// snapshot that cannot be read whole holds everything back.
pub(crate) fn sweep_due(
    writing: &mut Writing<'_>,
    observer: &dyn Observer,
) -> Result<(u64, u64), Error> {
    let due = due(&writing.repository, writing.device);
    if due.is_empty() || writing.refuse_behind().is_err() {
        return delete_swept(&mut writing.repository, writing.device);
    }
    let chains = writing.repository.chains()?;
    let needed = Needed::of_all(&writing.repository, &chains, observer)?;
    if !needed.unreadable.is_empty() || !writing.repository.imported.not_understood.is_empty() {
        return Ok((0, 0));
    }
    let sweep = Sweep::of(writing, &due, (&needed, &chains))?;
    writing.write(Copies::default(), sweep.items())?;
    delete_swept(&mut writing.repository, writing.device)
}

/// The needed pieces in objects that may go: each with those of these objects that hold it, or hold
/// something that it may stand on.
struct Places(HashMap<ChunkId, HashSet<ObjectKey>>);

impl Places {
    fn of(
        repository: &Repository,
        candidates: &HashSet<ObjectKey>,
        needed: &Needed,
    ) -> Result<Self, Error> {
        let mut places: HashMap<ChunkId, HashSet<ObjectKey>> = HashMap::new();
        if candidates.is_empty() {
            return Ok(Self(places));
        }
        for id in needed.pieces.keys() {
            let mut holders = HashSet::new();
            let (mut waiting, mut seen) = (vec![*id], HashSet::from([*id]));
            while let Some(id) = waiting.pop() {
                for place in repository.catalogue.locate(&id)? {
                    if candidates.contains(&place.object) {
                        holders.insert(place.object);
                    }
                    waiting.extend(place.bases.ids.iter().filter(|base| seen.insert(**base)));
                }
            }
            if !holders.is_empty() {
                places.insert(*id, holders);
            }
        }
        Ok(Self(places))
    }

    /// The objects without which a piece has no place any more.
    fn kept(&self, repository: &Repository) -> Result<HashSet<ObjectKey>, Error> {
        let mut kept = HashSet::new();
        for (id, holders) in &self.0 {
            if !repository.catalogue.holds(id)? {
                kept.extend(holders);
            }
        }
        Ok(kept)
    }
}

/// The objects that hold a record which lies in no other object that lasts (W7).
fn records_alone<'a>(
    repository: &'a Repository,
    chains: &'a Chains,
    candidates: &'a HashSet<ObjectKey>,
    open: &'a HashSet<ObjectKey>,
) -> impl Iterator<Item = ObjectKey> + 'a {
    // The catalogue names the latest object that holds a record.
    let holders = chains.iter().flat_map(|(_, chain)| {
        let known = chain.records.iter().map(|(.., object)| *object);
        known.chain(chain.unknown.iter().map(|(_, object)| *object))
    });
    holders.filter(move |object| {
        candidates.contains(object)
            && open.contains(object)
            && repository.listing.here(object).is_some()
    })
}

/// Deletes the files of swept objects that this device may delete: its own, and those of devices
/// that it has retired. Returns how many objects and bytes went. A file that cannot be deleted is
/// tried again by the next run.
pub(crate) fn delete_swept(
    repository: &mut Repository,
    device: DeviceId,
) -> Result<(u64, u64), Error> {
    let (mut count, mut bytes) = (0, 0);
    for (key, length, paths) in std::mem::take(&mut repository.swept_here) {
        // A record that nobody has elsewhere here must not go with its last place.
        let is_free = repository.catalogue.records_in(&key)?.is_empty();
        if !is_free || !may_delete(repository, device, &key) {
            continue;
        }
        for path in paths {
            match repository.store.delete(&path) {
                Ok(()) => bytes += length,
                Err(error) if error.kind == StoreErrorKind::Missing => {}
                Err(error) => return Err(RepositoryError::from(error).into()),
            }
        }
        count += 1;
        repository.catalogue.forget_object(&key)?;
    }
    if count > 0 {
        repository.store.sync().map_err(RepositoryError::from)?;
    }
    Ok((count, bytes))
}
