//! What earlier checks found, once the snapshots that it was about are forgotten.

use crate::catalogue::state;
use crate::model::SnapshotId;
use crate::session::access::Access;
use crate::session::choose::Snapshots;
use crate::session::error::Error;
use crate::session::healing;
use crate::session::open::Repository;
use crate::session::remember;
use crate::session::report::SnapshotState;

/// Takes forgotten snapshots out of the findings. Once no snapshot that stays is damaged or lost,
/// damaged data has no more use, so that no check has to report it again.
///
/// The source may still have what was in it. The next backup then stores that anew: either the last
/// snapshot is complete, and it misses nothing, or it is forgotten, and all is looked at.
pub(super) fn follow(
    repository: &Repository,
    access: &Access,
    forgotten: &[SnapshotId],
) -> Result<(), Error> {
    let catalogue = &repository.catalogue;
    let mut damaged = healing::damaged_snapshots(catalogue)?;
    let before = damaged.len();
    damaged.retain(|id| !forgotten.contains(id));
    if damaged.len() != before {
        healing::note_snapshots(catalogue, &damaged)?;
    }
    let bad = healing::damaged(catalogue)?;
    if bad.is_empty() || !damaged.is_empty() {
        return Ok(());
    }
    let known = Snapshots::read(repository, access)?;
    let mut stay = known.candidates().filter(|one| !forgotten.contains(&one.snapshot_id()));
    if stay.any(|one| known.state(&one) != SnapshotState::Complete) {
        return Ok(());
    }
    catalogue.begin()?;
    let noted = remember::doubt_lost(repository).and_then(|_| {
        let mut healed = healing::healed(catalogue)?;
        healed.extend(bad);
        Ok(catalogue.set(&state::HEALED, &healed)?)
    });
    match noted {
        Ok(()) => Ok(catalogue.commit()?),
        Err(error) => {
            catalogue.rollback()?;
            Err(error)
        }
    }
}
