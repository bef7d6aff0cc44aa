//! The standing of snapshots, objects and devices, as heeded records have it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::past::Past;
use crate::format::{Item, LifeItem, Needs, Said, Undo};
use crate::model::{DeviceId, ObjectKey, RecordRef, SnapshotId};
use crate::repository::Chains;

/// An intent that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The record that has it.
    pub at: RecordRef,
    /// Its objects.
    pub objects: BTreeSet<ObjectKey>,
}

/// One statement on a device that will not run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// The record that says it.
    pub at: RecordRef,
    /// The last record of the device that counts.
    pub last: Option<RecordRef>,
}

/// Everything that the heeded records say.
#[derive(Default)]
pub struct Standing {
    /// The records.
    pub past: Past,
    said: HashMap<(Said, SnapshotId), Vec<Saying>>,
    /// The records that brought a forgotten snapshot back.
    undone: HashMap<SnapshotId, Vec<RecordRef>>,
    open: Vec<Intent>,
    swept: HashSet<ObjectKey>,
    /// The records that end intents, each with that of the intent.
    sweeps: Vec<(RecordRef, RecordRef)>,
    retired: BTreeMap<DeviceId, Vec<Retirement>>,
    /// Records that wait for an answer: joins, intents, retirements.
    asking: Vec<RecordRef>,
}

/// One statement on a snapshot.
struct Saying {
    at: RecordRef,
    /// The tag; empty for others.
    text: String,
}

impl Standing {
    /// The standing by these records.
    pub fn new(past: Past, chains: &Chains) -> Self {
        let mut standing = Self::default();
        let mut undone: HashSet<(Said, SnapshotId, RecordRef)> = HashSet::new();
        let mut intents: BTreeMap<RecordRef, BTreeSet<ObjectKey>> = BTreeMap::new();
        let mut ends: BTreeMap<RecordRef, Vec<(RecordRef, &[ObjectKey])>> = BTreeMap::new();
        for (device, chain) in chains.iter() {
            for (at, record, _) in chain.records.iter().filter(|(at, ..)| past.is_heeded(at)) {
                if record.items.iter().any(asks) {
                    standing.asking.push(*at);
                }
                for item in &record.items {
                    let Item::Life(item) = item else { continue };
                    match &**item {
                        LifeItem::Forget(ids) => standing.say(Said::Forget, ids, at, ""),
                        LifeItem::Pin(ids) => standing.say(Said::Pin, ids, at, ""),
                        LifeItem::Tag { snapshots, name } => {
                            standing.say(Said::Tag, snapshots, at, name);
                        }
                        LifeItem::Undo(undo) => undone.extend(standing.undo(undo, at)),
                        LifeItem::Intent(objects) => {
                            intents.entry(*at).or_default().extend(objects);
                        }
                        LifeItem::Sweep { intent: (run, hash), kept } => {
                            let intent = RecordRef { device: *device, run: *run, hash: *hash };
                            ends.entry(intent).or_default().push((*at, kept));
                        }
                        LifeItem::Retire { device, last } => {
                            let last =
                                last.map(|(run, hash)| RecordRef { device: *device, run, hash });
                            let retirement = Retirement { at: *at, last };
                            // Nobody says it of himself.
                            if *device != at.device {
                                standing.retired.entry(*device).or_default().push(retirement);
                            }
                        }
                        LifeItem::Name(_) => {}
                    }
                }
            }
        }
        for ((said, id), sayings) in &mut standing.said {
            sayings.retain(|saying| !undone.contains(&(*said, *id, saying.at)));
        }
        standing.said.retain(|_, sayings| !sayings.is_empty());
        for (intent, sweeps) in ends {
            let Some(objects) = intents.remove(&intent) else { continue };
            for (at, kept) in &sweeps {
                // Of each branch of a chain the first counts: its files are deleted.
                if sweeps.iter().any(|(other, _)| other != at && past.precedes(other, at)) {
                    continue;
                }
                let kept: HashSet<&ObjectKey> = kept.iter().collect();
                standing.swept.extend(objects.iter().filter(|object| !kept.contains(object)));
                standing.sweeps.push((*at, intent));
            }
        }
        // An object that is swept for one intent is so for all.
        for (at, mut objects) in intents {
            objects.retain(|object| !standing.swept.contains(object));
            standing.open.push(Intent { at, objects });
        }
        standing.past = past;
        standing
    }

    /// Notes who brought snapshots back; returns the statements that count no more.
    fn undo(&mut self, undo: &Undo, at: &RecordRef) -> Vec<(Said, SnapshotId, RecordRef)> {
        let mut ended = Vec::new();
        for id in &undo.snapshots {
            ended.extend(undo.records.iter().map(|of| (undo.said, *id, *of)));
            if undo.said == Said::Forget {
                self.undone.entry(*id).or_default().push(*at);
            }
        }
        ended
    }

    fn say(&mut self, said: Said, snapshots: &[SnapshotId], at: &RecordRef, text: &str) {
        for id in snapshots {
            let saying = Saying { at: *at, text: text.to_owned() };
            self.said.entry((said, *id)).or_default().push(saying);
        }
    }

    /// The records that say something of a snapshot, and that no record has undone.
    pub fn sayings(&self, said: Said, id: SnapshotId) -> impl Iterator<Item = &RecordRef> {
        self.said.get(&(said, id)).into_iter().flatten().map(|saying| &saying.at)
    }

    /// Whether a snapshot is forgotten.
    pub fn is_forgotten(&self, id: SnapshotId) -> bool {
        self.said.contains_key(&(Said::Forget, id))
    }

    /// Whether a snapshot is pinned.
    pub fn is_pinned(&self, id: SnapshotId) -> bool {
        self.said.contains_key(&(Said::Pin, id))
    }

    /// The names of a snapshot, in order.
    pub fn tags(&self, id: SnapshotId) -> Vec<&str> {
        let sayings = self.said.get(&(Said::Tag, id)).into_iter().flatten();
        let tags: BTreeSet<&str> = sayings.map(|saying| &*saying.text).collect();
        tags.into_iter().collect()
    }

    /// The records that give a snapshot this name.
    pub fn tag_sayings(&self, id: SnapshotId, name: &str) -> Vec<RecordRef> {
        let sayings = self.said.get(&(Said::Tag, id)).into_iter().flatten();
        sayings.filter(|saying| saying.text == name).map(|saying| saying.at).collect()
    }

    /// All snapshots that are forgotten.
    pub fn forgotten(&self) -> impl Iterator<Item = SnapshotId> {
        self.said.keys().filter(|(said, _)| *said == Said::Forget).map(|(_, id)| *id)
    }

    /// The intents that nobody has ended.
    pub fn open(&self) -> &[Intent] {
        &self.open
    }

    /// The objects that are deleted.
    pub fn swept(&self) -> &HashSet<ObjectKey> {
        &self.swept
    }

    /// Who has retired a device, and since when.
    pub fn retirements(&self, device: DeviceId) -> &[Retirement] {
        self.retired.get(&device).map_or(&[], Vec::as_slice)
    }

    /// Whether a device is retired.
    pub fn is_retired(&self, device: DeviceId) -> bool {
        self.retired.contains_key(&device)
    }

    /// The living devices that have not acknowledged a record yet (W5).
    pub fn waiting_for(&self, at: &RecordRef) -> Vec<DeviceId> {
        let devices = self.past.devices().into_iter();
        let living = devices.filter(|device| *device != at.device && !self.is_retired(*device));
        let waits =
            |device: &DeviceId| !self.past.ends(*device).all(|end| self.past.precedes(at, end));
        living.filter(waits).collect()
    }

    /// Whether a device has seen something that is not heeded now (R2): its own last record is one
    /// that names all that it has seen.
    pub fn is_behind(&self, own_last: Option<&RecordRef>) -> bool {
        own_last.is_some_and(|last| !self.past.is_heeded(last))
    }

    /// Whether a device owes an answer (W1): a heeded record of another one has a join, an intent or
    /// a retirement that the chain of this one has not seen.
    pub fn owes(&self, device: DeviceId) -> bool {
        let has_seen =
            |at: &RecordRef| self.past.ends(device).any(|end| self.past.precedes(at, end));
        self.asking.iter().any(|at| at.device != device && !has_seen(at))
    }

    /// The devices that have to confirm a snapshot (R4, R5): until they have run and seen its
    /// device, objects of theirs may go that it needs.
    pub fn unconfirmed_by(&self, at: &RecordRef, needs: &[Needs]) -> BTreeSet<DeviceId> {
        let id = SnapshotId::from(at.hash);
        let undone = self.undone.get(&id).into_iter().flatten();
        let mut waiting = BTreeSet::new();
        // Whoever brought it back leans on what it needs, like its own device.
        for leaning in std::iter::once(at).chain(undone) {
            let Some(beginning) = self.past.beginning(leaning) else { continue };
            let own = (leaning != at).then_some(at.device);
            let owners = needs.iter().map(|needs| needs.device).chain(own);
            for owner in owners.filter(|owner| *owner != leaning.device) {
                waiting.extend(
                    self.asked(owner).into_iter().filter(|asked| {
                        *asked != leaning.device && !self.has_seen(*asked, beginning)
                    }),
                );
            }
        }
        if self.is_after_retirement(at) {
            let by = self.retirements(at.device).iter().map(|retirement| retirement.at.device);
            waiting.extend(by);
        }
        waiting
    }

    /// In place of a retired owner, each device that retired it is asked.
    fn asked(&self, owner: DeviceId) -> Vec<DeviceId> {
        match self.retirements(owner) {
            [] => vec![owner],
            retirements => retirements.iter().map(|retirement| retirement.at.device).collect(),
        }
    }

    /// Whether each branch of a device has seen a record, before its retirement.
    fn has_seen(&self, device: DeviceId, at: &RecordRef) -> bool {
        let mut ends = self.past.ends(device).peekable();
        ends.peek().is_some() && ends.all(|end| self.past.precedes(at, end))
    }

    /// Whether a record of a retired device is behind the last one that counts (R5).
    fn is_after_retirement(&self, at: &RecordRef) -> bool {
        let retirements = self.retirements(at.device);
        // A record has one item for each branch that it knows.
        let counts = |by: &RecordRef| {
            let mut lasts =
                retirements.iter().filter(|one| one.at == *by).filter_map(|one| one.last);
            lasts.any(|last| self.past.precedes(at, &last))
        };
        retirements.iter().any(|retirement| !counts(&retirement.at))
    }

    /// Whether a snapshot can need a swept object (`doc/protocol.md`, §6): not if the sweeper had
    /// it in mind, and not if its own device knew of the intent.
    pub fn may_need_swept(&self, at: &RecordRef) -> bool {
        let is_back = self.undone.contains_key(&SnapshotId::from(at.hash));
        let mut sweeps = self.sweeps.iter();
        let is_safe = |sweep: &RecordRef, intent: &RecordRef| {
            self.past.precedes(at, sweep) || self.past.precedes(intent, at)
        };
        sweeps.any(|(sweep, intent)| is_back || !is_safe(sweep, intent))
    }
}

/// Whether an item waits for an answer of each living device.
fn asks(item: &Item) -> bool {
    match item {
        Item::Join { .. } => true,
        Item::Life(item) => matches!(**item, LifeItem::Intent(_) | LifeItem::Retire { .. }),
        Item::Backup(_) | Item::Checkpoint | Item::Unknown { .. } => false,
    }
}
