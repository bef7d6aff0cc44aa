//! A snapshot that is older than requested, and why no newer one was taken.
//!
//! If a request for `latest` or for a time gets an older snapshot, the message and the exit code
//! must say so: otherwise a script would take last week's files for yesterday's.

use std::collections::BTreeSet;

use crate::format::ObjectKind;
use crate::model::{DeviceId, ObjectKey, RecordRef};
use crate::repository::Chains;

use super::open::Repository;
use super::report::{DIGITS, Problem, ProblemKind, SnapshotLine, SnapshotState};

/// A record that is known to exist and cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// Another record names it, and it has not arrived.
    Pending,
    /// It is here and cannot be read, or it was here and is gone.
    Damaged,
    /// It says something that this version does not know.
    Unknown,
}

/// A record of the same device with a number above that of the chosen snapshot, and below `before`,
/// which may hold a snapshot that nobody can see. Lost records count before late ones.
pub(crate) fn hidden_after(
    repository: &Repository,
    (chains, own): (&Chains, Option<DeviceId>),
    taken: &RecordRef,
    before: Option<u32>,
) -> Option<Hidden> {
    let between = |run: u32| run > taken.run && before.is_none_or(|before| run < before);
    let chain = chains.device(taken.device);
    let records = chain.map_or(&[][..], |chain| &chain.records);
    let missing = chain.map_or(&[][..], |chain| &chain.missing_runs);
    let is_hidden = |key: &ObjectKey| key.device == taken.device && between(key.run);
    // A record that was stored again lies in another object of its run.
    let is_known =
        |run: u32| !missing.contains(&run) && records.iter().any(|(at, ..)| at.run == run);
    let gone = repository.imported.gone.iter();
    let gone = gone.filter(|(_, kind)| *kind == ObjectKind::RECORD).map(|(key, _)| key);
    let here = repository.listing.objects.iter();
    let here = here.filter(|(_, object)| object.name.kind == ObjectKind::Record);
    let unread = here.filter(|(key, object)| {
        object.is_here()
            && repository.listing.is_understood(key)
            && !records.iter().any(|(.., holder)| *holder == *key)
    });
    let mut absent = gone.copied().chain(unread.map(|(key, _)| key));
    let named = missing.iter().any(|run| between(*run));
    let is_lost = absent.any(|key| is_hidden(&key) && !is_known(key.run));
    if is_lost || (named && own == Some(taken.device)) {
        return Some(Hidden::Damaged);
    }
    let mut unknown = not_understood(repository, chains).into_iter();
    if unknown.any(|key| is_hidden(&key)) {
        return Some(Hidden::Unknown);
    }
    // It has begun to arrive, or its key block has not.
    let mut late = repository.listing.objects.iter().filter(|(key, object)| {
        object.name.kind == ObjectKind::Record && !object.is_here() && is_hidden(key)
    });
    (named || late.any(|(key, _)| !is_known(key.run))).then_some(Hidden::Pending)
}

/// Whether records of other devices, none of whose snapshots can be read, are here and cannot be
/// read or are not understood. One of these devices may be the one that was meant, where none was
/// named.
pub(crate) fn beside(
    repository: &Repository,
    chains: &Chains,
    (taken, line): (DeviceId, &SnapshotLine),
) -> Option<Problem> {
    let is_beside = |key: &ObjectKey| {
        let chain = chains.device(key.device);
        key.device != taken && chain.is_none_or(|chain| chain.snapshots().next().is_none())
    };
    let is_read = |key: &ObjectKey| {
        let records = chains.device(key.device).map_or(&[][..], |chain| &chain.records);
        records.iter().any(|(.., holder)| holder == key)
    };
    let mut records = repository.listing.objects.iter().filter(|(key, object)| {
        object.name.kind == ObjectKind::Record && object.is_here() && is_beside(key)
    });
    let is_understood = |key: &ObjectKey| repository.listing.is_understood(key);
    let damaged = records.find(|(key, _)| is_understood(key) && !is_read(key));
    let (key, kind, why) = match damaged {
        Some((key, _)) => (key, ProblemKind::Older, "is damaged"),
        None => {
            let key = not_understood(repository, chains).into_iter().find(is_beside)?;
            (key, ProblemKind::Unknown, "is not understood by this version")
        }
    };
    let sentence = format!(
        "A record of this device {why}, and with it perhaps a newer snapshot than {}, which was \
         taken from {}.",
        short(&line.id),
        line.device
    );
    Some(Problem { kind, path: format!("device {}", key.device), sentence })
}

/// Objects that may hold a record, and with it a snapshot, that this version does not understand:
/// those that end a run, and those of unknown kinds that no record lists.
pub(crate) fn not_understood(repository: &Repository, chains: &Chains) -> BTreeSet<ObjectKey> {
    let listing = &repository.listing;
    let mut listed = None;
    let mut found = BTreeSet::new();
    let strange = listing.objects.iter().filter(|(key, _)| !listing.is_understood(key));
    let snapshots: BTreeSet<_> = chains.snapshots().map(|one| *one.object).collect();
    // Of a record with a snapshot it is known which one it holds.
    for (key, object) in strange.filter(|(key, _)| !snapshots.contains(key)) {
        let may = match object.name.kind {
            ObjectKind::Record => true,
            ObjectKind::Other(_) => {
                !listed.get_or_insert_with(|| chains.listed_objects()).contains_key(&key)
            }
            ObjectKind::Data | ObjectKind::Meta => false,
        };
        if may {
            found.insert(key);
        }
    }
    found
}

/// The newest snapshot was not taken, because not all of it is here.
pub(crate) fn passed_over(newest: &SnapshotLine, taken: &SnapshotLine) -> Problem {
    let (kind, why) = match newest.state {
        SnapshotState::Pending { here, of } => {
            (ProblemKind::Pending, format!("has not arrived in full ({here} of {of})"))
        }
        SnapshotState::Unknown { .. } => {
            (ProblemKind::Unknown, "is not understood by this version".to_owned())
        }
        SnapshotState::Damaged => {
            (ProblemKind::Older, "is damaged, as the last check found".to_owned())
        }
        _ => (ProblemKind::Older, "has lost stored objects".to_owned()),
    };
    let sentence = format!(
        "The newer snapshot {} {why}. The older {} is complete and was taken in its place.",
        short(&newest.id),
        short(&taken.id)
    );
    Problem { kind, path: format!("snapshot {}", short(&newest.id)), sentence }
}

/// A later record of the device cannot be read, and with it perhaps a newer snapshot.
pub(crate) fn hidden(hidden: Hidden, taken: &SnapshotLine) -> Problem {
    let (kind, why) = match hidden {
        Hidden::Pending => (ProblemKind::Pending, "has not arrived yet"),
        Hidden::Damaged => (ProblemKind::Older, "is damaged or gone"),
        Hidden::Unknown => (ProblemKind::Unknown, "is not understood by this version"),
    };
    let sentence = format!(
        "A later record of this device {why}, and with it perhaps a newer snapshot. The snapshot \
         {} was taken.",
        short(&taken.id)
    );
    Problem { kind, path: format!("device {}", taken.device), sentence }
}

/// The beginning of an id, long enough to name one.
fn short(id: &str) -> &str {
    id.get(..DIGITS).unwrap_or(id)
}
