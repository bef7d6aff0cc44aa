//! Objects that are here and damaged, as a check found them: a backup reads no data, so it has to
//! be informed.
//!
//! For a backup such an object is missing, and its contents are stored again as far as the source
//! still has them. Readers still try it: one bad segment costs no other.

use std::collections::BTreeSet;

use crate::catalogue::{Catalogue, state};
use crate::model::{ObjectKey, SnapshotId};
use crate::repository::Listing;

use super::error::Error;

/// Objects that are healed.
pub(crate) fn healed(catalogue: &Catalogue) -> Result<BTreeSet<ObjectKey>, Error> {
    Ok(catalogue.get(&state::HEALED)?.unwrap_or_default())
}

/// Objects that a check found damaged.
pub(crate) fn damaged(catalogue: &Catalogue) -> Result<BTreeSet<ObjectKey>, Error> {
    Ok(catalogue.get(&state::DAMAGED)?.unwrap_or_default())
}

/// Notes the result of a check for the objects that it read: damaged ones and whole ones.
pub(crate) fn note(
    catalogue: &Catalogue,
    found: impl IntoIterator<Item = (ObjectKey, bool)>,
) -> Result<(), Error> {
    let mut now = damaged(catalogue)?;
    for (key, is_damaged) in found {
        match is_damaged {
            true => now.insert(key),
            false => now.remove(&key),
        };
    }
    Ok(catalogue.set(&state::DAMAGED, &now)?)
}

/// Takes the damaged ones out of a listing, for a backup.
pub(crate) fn set_aside(catalogue: &Catalogue, listing: &mut Listing) -> Result<(), Error> {
    let damaged = damaged(catalogue)?;
    listing.objects.retain(|key| !damaged.contains(key));
    Ok(())
}

/// Snapshots of which something is lost or damaged, as the last check found.
pub(crate) fn damaged_snapshots(catalogue: &Catalogue) -> Result<BTreeSet<SnapshotId>, Error> {
    let bytes = catalogue.get(&state::DAMAGED_SNAPSHOTS)?.unwrap_or_default();
    Ok(bytes.as_chunks().0.iter().map(|id| SnapshotId(*id)).collect())
}

/// Keeps which those are, for listing snapshots and for choosing the latest.
pub(crate) fn note_snapshots(
    catalogue: &Catalogue,
    now: &BTreeSet<SnapshotId>,
) -> Result<(), Error> {
    let bytes: Vec<u8> = now.iter().flat_map(|id| id.0).collect();
    Ok(catalogue.set(&state::DAMAGED_SNAPSHOTS, &bytes)?)
}
