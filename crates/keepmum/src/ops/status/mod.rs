//! The snapshots of a repository, and how it is.

mod report;

use crate::catalogue::History;
use crate::repository::RepositoryError;
use crate::session::access::{Access, CatalogueAt};
use crate::session::choose::Snapshots;
use crate::session::error::Error;
use crate::session::event::Observer;
use crate::session::open;
use crate::session::report::{Outcome, SnapshotState, SnapshotsReport};
use crate::session::shown_code;
pub use report::{CheckLine, DeviceStatus, StatusReport};

/// How many uploads `status` shows.
const RECENT: usize = 10;

/// Lists all snapshots.
///
/// # Errors
/// Whatever keeps the repository from being opened.
pub fn snapshots(access: &Access, observer: &dyn Observer) -> Result<SnapshotsReport, Error> {
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    let absent = known.absent_records();
    Ok(SnapshotsReport {
        snapshots: known.lines(),
        pending_records: absent.pending,
        lost_records: absent.damaged + absent.lost,
        unknown_records: absent.unknown,
        foreign_files: repository.listing.foreign,
    })
}

/// Says how the repository is, for this device.
///
/// # Errors
/// Whatever keeps the repository from being opened.
pub fn status(access: &Access, observer: &dyn Observer) -> Result<StatusReport, Error> {
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    let lines = known.lines();
    let mut report = StatusReport {
        objects: repository.listing.objects.values().filter(|one| one.is_here()).count() as u64,
        bytes: repository
            .listing
            .objects
            .values()
            .filter(|one| one.is_here())
            .map(|one| one.name.length)
            .sum(),
        foreign_files: repository.listing.foreign,
        unopened_files: repository.listing.unopened,
        recovery_code_unseen: shown_code::unseen(&repository.catalogue)?.is_some(),
        conflict_copies: repository.listing.copies,
        free_bytes: access.seam.disk.free_space().map_err(|error| {
            RepositoryError::from(crate::store::StoreError::from_io(error, None))
        })?,
        ..StatusReport::default()
    };
    // If every snapshot is complete, the contents of missing objects are stored elsewhere.
    if lines.iter().any(|line| line.state != SnapshotState::Complete) {
        for (key, _) in known.chains.listed_objects() {
            if repository.listing.here(&key).is_some() {
                continue;
            }
            if known.is_lost(key.device, &key) {
                report.objects_lost += 1;
            } else {
                report.objects_pending += 1;
            }
        }
    }
    // Only records hold this: which snapshots there are.
    let absent = known.absent_records();
    report.objects_lost += absent.damaged + absent.lost;
    report.objects_pending += absent.pending;
    let here = repository.listing.objects.iter().filter(|(_, object)| object.is_here());
    let unknown = here.filter(|(key, _)| !repository.listing.is_understood(key));
    report.objects_unknown = unknown.count() as u64;
    for (device, chain) in known.chains.iter() {
        let Some((at, record, _)) = chain.last() else { continue };
        report.devices.push(DeviceStatus {
            id: device.to_string(),
            name: chain.device_name().to_owned(),
            own: known.own == Some(*device),
            last_run: at.run,
            last_time: record.time.seconds,
            last_change: chain.snapshots().last().map(|one| one.record.time.seconds),
            snapshots: chain.snapshots().count() as u64,
        });
    }
    let own = lines.iter().rev().filter(|line| line.own);
    report.recent_uploads = own.clone().take(RECENT).map(|line| line.added).collect();
    // A reading command on a machine that has saved nothing here means the newest snapshot of all.
    let newest = lines.iter().max_by_key(|line| line.time).filter(|_| known.own.is_none());
    report.last_snapshot = own.clone().next().or(newest).cloned();
    remembered(access, &mut report);
    Ok(report)
}

/// The newest of some times. One that lies in the future is of a clock that was wrong, and says least.
fn newest(times: impl Iterator<Item = i64>, now: i64) -> Option<i64> {
    times.max_by_key(|time| match *time <= now {
        true => (true, *time),
        false => (false, now.saturating_sub(*time)),
    })
}

/// Facts that only this machine knows: its runs, also those that stored nothing, and its checks.
fn remembered(access: &Access, report: &mut StatusReport) {
    let history = match &access.catalogue {
        CatalogueAt::File(file) => History::read(file),
        CatalogueAt::Temporary => None,
    };
    let known = history.as_ref().map(|history| (history.last_saved(), history.last_check()));
    report.last_run = history.as_ref().and_then(|history| history.last_run().ok().flatten());
    report.unended_run = history.as_ref().and_then(|history| history.unended_run().ok().flatten());
    let (saved, check) = match known {
        Some((saved, check)) => (saved.ok().flatten(), check.ok().flatten()),
        None => (None, None),
    };
    // A run that found nothing to store leaves no other trace. Without a history its records show
    // when it stored something, and without a device of this machine the newest of all does.
    let own = report.devices.iter().any(|device| device.own);
    let records = report.devices.iter().filter(|device| device.own || !own);
    let recorded = records.map(|device| device.last_time);
    report.last_saved = newest(saved.into_iter().chain(recorded), access.seam.clock.now().seconds);
    report.last_check = check.map(|check| CheckLine {
        time: check.time,
        kind: check.kind,
        outcome: match check.outcome {
            0 => Outcome::Complete,
            1 => Outcome::Partial,
            _ => Outcome::Damaged,
        },
        problem_count: check.problem_count,
        damage_until: check.damage,
        unknown: check.unknown,
    });
}
