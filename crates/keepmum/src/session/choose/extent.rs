//! How much of a snapshot is here.

use super::{Candidate, Snapshots};
use crate::model::{DeviceId, ObjectKey, SnapshotId};
use crate::session::report::SnapshotState;

impl Snapshots<'_> {
    /// How much of a snapshot is here. Where objects are missing, its tree is walked.
    pub(crate) fn state(&self, one: &Candidate<'_>) -> SnapshotState {
        let Candidate { device, snapshot, .. } = one;
        let of_runs = self.availability.needs(snapshot.at, snapshot.backup);
        let standing = &self.repository.standing;
        // After a sweep it may need copies that a later run made.
        let is_safe = || {
            standing.swept().is_empty()
                || (self.availability.all().is_whole() && !standing.may_need_swept(snapshot.at))
        };
        let is_here = of_runs.is_whole() && is_safe();
        if is_here || self.completeness.holds(self.repository, snapshot.backup) {
            return match self.damaged.contains(&SnapshotId::from(snapshot.at.hash)) {
                true => SnapshotState::Damaged,
                false => SnapshotState::Complete,
            };
        }
        let needed = if of_runs.is_whole() { self.availability.all() } else { &of_runs };
        // Before the tree was asked: the parts not understood may not matter to it.
        let lost = |key: &&ObjectKey| self.is_lost(*device, key);
        let own = |device: &&DeviceId| self.own == Some(**device);
        let objects = needed.missing.iter().filter(lost).count();
        match (objects + needed.missing_records.iter().filter(own).count()) as u64 {
            // A device that had not met this one swept some of it.
            0 if needed.is_whole() => SnapshotState::Lost { missing: 1 },
            0 if needed.unknown > 0 => SnapshotState::Unknown { unknown: needed.unknown },
            0 => SnapshotState::Pending { here: needed.here, of: needed.of },
            missing => SnapshotState::Lost { missing },
        }
    }

    /// An object that this device wrote, or once saw whole, is not on its way: it is lost, unless
    /// the sync service keeps it and has left a stub.
    pub(crate) fn is_lost(&self, device: DeviceId, key: &ObjectKey) -> bool {
        if self.repository.listing.is_placeholder(key) {
            return false;
        }
        (self.own == Some(device) && key.device == device) || self.gone.contains(key)
    }
}
