//! Records that are known of and cannot be read.

use std::collections::HashSet;

use crate::format::ObjectKind;
use crate::model::ObjectKey;

use super::choose::Snapshots;
use super::older;

/// How many records are known of and cannot be read: no snapshot of theirs is known.
pub(crate) struct AbsentRecords {
    /// Named by others, and not here yet.
    pub(crate) pending: u64,
    /// Here, and cannot be read.
    pub(crate) damaged: u64,
    /// Here once, or of this device, and gone.
    pub(crate) lost: u64,
    /// Here, and not understood, or not all that they say.
    pub(crate) unknown: u64,
}

impl Snapshots<'_> {
    /// How many records are known of and cannot be read.
    pub(crate) fn absent_records(&self) -> AbsentRecords {
        let repository = self.repository;
        let (mut runs, mut holders, mut named) = (HashSet::new(), HashSet::new(), HashSet::new());
        for (device, chain) in self.chains.iter() {
            runs.extend(chain.records.iter().map(|(at, ..)| (*device, at.run)));
            holders.extend(chain.records.iter().map(|(.., holder)| *holder));
            named.extend(chain.missing_runs.iter().map(|run| (*device, *run)));
        }
        // A record that was stored again lies in another object of its run; where one of a run is
        // missing all the same, it was not that one.
        runs.retain(|at| !named.contains(at));
        let gone = repository.imported.gone.iter();
        let gone = gone.filter(|(_, kind)| *kind == ObjectKind::RECORD).map(|(key, _)| key);
        let here = repository.listing.objects.iter();
        let here = here.filter(|(_, object)| object.name.kind == ObjectKind::Record);
        let unread = here.filter(|(key, object)| {
            object.is_here() && repository.listing.is_understood(key) && !holders.contains(key)
        });
        let run = |key: &ObjectKey| Some((key.device, key.run)).filter(|at| !runs.contains(at));
        let damaged: HashSet<_> = unread.filter_map(|(key, _)| run(&key)).collect();
        // This device's own objects are not on their way.
        let own = named.iter().filter(|(device, _)| self.own == Some(*device)).copied();
        let lost = gone.filter_map(run).chain(own).filter(|at| !damaged.contains(at));
        let lost: HashSet<_> = lost.collect();
        let here = repository.listing.objects.iter();
        let late =
            here.filter(|(_, object)| object.name.kind == ObjectKind::Record && !object.is_here());
        let late: HashSet<_> = late.filter_map(|(key, _)| run(&key)).chain(named).collect();
        let pending = late.iter().filter(|at| !damaged.contains(at) && !lost.contains(at));
        AbsentRecords {
            pending: pending.count() as u64,
            damaged: damaged.len() as u64,
            lost: lost.len() as u64,
            unknown: older::not_understood(self.repository, &self.chains).len() as u64,
        }
    }
}
