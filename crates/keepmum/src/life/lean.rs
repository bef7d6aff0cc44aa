//! The objects that a run must not lean on (`doc/protocol.md`, R2, W2).
//!
//! They are here, and soon may not be: those in an open intent. Where this device has seen more than
//! is here now, all objects of others are.

use std::collections::HashSet;

use crate::model::{DeviceId, ObjectKey, RecordRef};

use crate::session::error::{Error, ErrorKind};
use crate::session::open::Repository;

/// The last record of a device that its catalogue or the destination knows.
pub(crate) fn last_record(
    repository: &Repository,
    device: DeviceId,
) -> Result<Option<RecordRef>, Error> {
    let heads = repository.catalogue.heads()?;
    Ok(heads.into_iter().filter(|at| at.device == device).max_by_key(|at| at.run))
}

/// Whether a device may propose, sweep and undo, or forget by rules (R2): not if it has seen more
/// than is here.
pub(crate) fn refuse_behind(repository: &Repository, device: DeviceId) -> Result<(), Error> {
    if !repository.standing.is_behind(last_record(repository, device)?.as_ref()) {
        return Ok(());
    }
    let sentence = "the destination holds less than this device has seen in it: files are still \
                    arriving, or the folder was set back";
    Err(Error::new(ErrorKind::Refused, sentence))
}

/// Counts out the objects that must not be leant on, and returns them.
pub(crate) fn set_aside(
    repository: &mut Repository,
    device: DeviceId,
) -> Result<HashSet<ObjectKey>, Error> {
    let mut out: HashSet<ObjectKey> =
        repository.standing.open().iter().flat_map(|intent| &intent.objects).copied().collect();
    if repository.standing.is_behind(last_record(repository, device)?.as_ref()) {
        out.extend(repository.listing.objects.keys().filter(|key| key.device != device));
    }
    out.retain(|key| repository.listing.here(key).is_some());
    if !out.is_empty() {
        repository.catalogue.count_out(&out);
        repository.listing.objects.retain(|key| !out.contains(key));
    }
    Ok(out)
}

/// Whether objects are gone that this device knows. Files that were swept and are here once more may
/// then be the only places of what they hold: the folder may have been set back to before a prune,
/// without the copies that the prune stored.
pub(super) fn is_set_back(repository: &Repository) -> bool {
    !repository.imported.gone.is_empty()
}
