//! What a run could not repair by reading the source again: reported by file and snapshot.

use crate::model::{DeviceId, SnapshotId};
use crate::repository::{RawListing, RepositoryError};

use crate::session::access::Access;
use crate::session::choose::Snapshots;
use crate::session::doubt;
use crate::session::error::Error;
use crate::session::event::{Event, Observer};
use crate::session::healing;
use crate::session::import;
use crate::session::loss_scan::LossScan;
use crate::session::open::Repository;
use crate::session::report::{BackupReport, Problem, ProblemKind};

/// Adds to the report the data of this device's snapshots that is lost for good. The run is over:
/// if this cannot be found out, that is reported and is no failure.
pub(super) fn tell_losses(
    repository: &mut Repository,
    access: &Access,
    device: DeviceId,
    observer: &dyn Observer,
    report: &mut BackupReport,
) {
    match losses(repository, access, device, observer) {
        Ok(problems) => problems.into_iter().for_each(|one| one.note_in(&mut report.problems)),
        Err(error) => observer.event(Event::Notice(format!(
            "The run is through, but what is lost for good could not be listed: {error}"
        ))),
    }
}

fn losses(
    repository: &mut Repository,
    access: &Access,
    device: DeviceId,
    observer: &dyn Observer,
) -> Result<Vec<Problem>, Error> {
    let raw = RawListing::read(&*repository.store).map_err(RepositoryError::from)?;
    repository.listing = raw.open(&repository.keys, access.mode);
    repository.listing.own = Some(device);
    let unknown = repository.imported.not_understood.keys();
    repository.listing.not_understood = unknown.copied().collect();
    doubt::set_aside(&repository.catalogue, &mut repository.listing)?;
    // Objects that the run did not lean on count again.
    import::bring_up(
        &mut repository.catalogue,
        &*repository.store,
        &repository.keys,
        &repository.listing,
        access.mode,
        observer,
    )?;
    repository.reconsider()?;
    let known = Snapshots::read(repository, access)?;
    let mut losses = LossScan::new(repository, &known, observer);
    losses.of = Some(device);
    losses.find()?;
    let (mut problems, mut damaged) = (losses.problems, losses.damaged);
    problems.retain(|problem| problem.kind == ProblemKind::Damaged);
    // The last check's findings about others are as they were.
    let is_own = |id: &SnapshotId| {
        let own = known.chains.device(device);
        own.is_some_and(|chain| chain.snapshots().any(|one| SnapshotId::from(one.at.hash) == *id))
    };
    let before = healing::damaged_snapshots(&repository.catalogue)?;
    damaged.extend(before.into_iter().filter(|id| !is_own(id)));
    healing::note_snapshots(&repository.catalogue, &damaged)?;
    Ok(problems)
}
