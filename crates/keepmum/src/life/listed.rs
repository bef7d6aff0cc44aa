//! The objects that heeded records list. One that none lists belongs to a run that is at work or
//! dead, perhaps of a device that knows nothing of this one: nobody may count on it.

use std::collections::HashSet;

use crate::format::ObjectKind;
use crate::model::{DeviceId, ObjectKey};
use crate::repository::Chains;

use crate::session::open::Repository;

/// The objects that heeded records list.
pub(crate) struct Listed {
    objects: HashSet<ObjectKey>,
    /// Those that hold records, and the runs of these.
    pub(crate) holders: HashSet<ObjectKey>,
    runs: HashSet<(DeviceId, u32)>,
}

impl Listed {
    pub(crate) fn of(repository: &Repository, chains: &Chains) -> Self {
        let (mut objects, mut holders) = (HashSet::new(), HashSet::new());
        let mut runs = HashSet::new();
        for (at, record, holder) in chains.iter().flat_map(|(_, chain)| &chain.records) {
            holders.insert(*holder);
            if !repository.standing.past.is_heeded(at) {
                continue;
            }
            runs.insert((at.device, at.run));
            for of in &record.objects {
                let (device, run) = (at.device, of.run);
                let key = |number, hash| ObjectKey { device, run, number, hash };
                objects.extend(of.objects.iter().map(|entry| key(entry.number, entry.hash)));
            }
        }
        let unknown = chains.iter().flat_map(|(_, chain)| &chain.unknown);
        holders.extend(unknown.map(|(_, holder)| *holder));
        Self { objects, holders, runs }
    }

    /// Whether an object is listed. That of a record is listed by nobody else.
    pub(crate) fn has(&self, key: &ObjectKey, kind: ObjectKind) -> bool {
        let is_record = kind == ObjectKind::Record && self.runs.contains(&(key.device, key.run));
        self.objects.contains(key) || is_record
    }
}
