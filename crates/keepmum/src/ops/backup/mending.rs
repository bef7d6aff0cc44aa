//! A run's repairs of missing or damaged objects, beside reading the source again.
//!
//! A record of this device is stored again, since the catalogue keeps its bytes: it is the same in
//! any place, because others name it by its hash, and with it the chain is whole and its snapshot
//! listed. Data that cannot be stored again is reported by file and snapshot.

use crate::format::ObjectKind;
use crate::model::{DeviceId, ObjectKey, SnapshotId};
use crate::repository::{self, Destination, RawListing, RepositoryError};

use crate::session::access::Access;
use crate::session::choose::Snapshots;
use crate::session::doubt;
use crate::session::error::Error;
use crate::session::event::{Event, Observer};
use crate::session::healing;
use crate::session::import::import_table;
use crate::session::loss_scan::LossScan;
use crate::session::open::Repository;
use crate::session::report::{BackupReport, Problem, ProblemKind};

/// Stores missing records again, each durable before anything else is written; answers with how
/// many bytes and objects that took.
pub(super) fn put_back_records(
    repository: &mut Repository,
    access: &Access,
    device: DeviceId,
    observer: &dyn Observer,
) -> Result<(u64, u64), Error> {
    let record = ObjectKind::RECORD;
    let gone = repository.imported.gone.iter().map(|(key, _)| key);
    let mut lost = Vec::new();
    for key in gone.filter(|key| key.device == device) {
        for (at, bytes) in repository.catalogue.records_in(key)? {
            lost.push((ObjectKey { run: at.run, ..*key }, at, bytes));
        }
    }
    let (mut bytes_stored, mut count) = (0, 0);
    for (key, at, bytes) in lost {
        let to = Destination {
            store: &*repository.store,
            keys: &repository.keys,
            random: &*access.seam.random,
        };
        let stored = repository::put_record(to, &key, &bytes)?;
        let (name, catalogue) = (&stored.name, &repository.catalogue);
        catalogue.begin()?;
        let told = import_table(catalogue, &name.key(), record, name.length, &stored.table, true)
            .and_then(|()| Ok(catalogue.move_record(&at, &name.key())?));
        match told {
            Ok(()) => catalogue.commit()?,
            Err(error) => {
                catalogue.rollback()?;
                return Err(error);
            }
        }
        repository.listing.add_written(&stored.name, 0);
        bytes_stored += name.length;
        count += 1;
    }
    if count > 0 {
        let records = if count == 1 { "record was" } else { "records were" };
        observer.event(Event::Notice(format!(
            "{count} {records} gone or damaged; what the catalogue knew was stored again."
        )));
    }
    Ok((bytes_stored, count))
}

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
