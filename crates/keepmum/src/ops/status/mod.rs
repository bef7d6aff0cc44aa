//! The snapshots of a repository, and how it is.

mod report;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::catalogue::{Catalogue, History};
use crate::repository::RepositoryError;
use crate::session::access::{Access, CatalogueAt};
use crate::session::choose::Snapshots;
use crate::session::descent::Candidate;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::Observer;
use crate::session::open;
use crate::session::options::SnapshotsOptions;
use crate::session::report::{Outcome, SnapshotLine, SnapshotState, SnapshotsReport};
use crate::session::shown_code;
pub use report::{CheckLine, DeviceStatus, StatusReport};

/// How many uploads `status` shows.
const RECENT: usize = 10;

/// Lists all snapshots.
///
/// # Errors
/// Whatever keeps the repository from being opened.
pub fn snapshots(access: &Access, observer: &dyn Observer) -> Result<SnapshotsReport, Error> {
    select_snapshots(access, &SnapshotsOptions::default(), observer)
}

/// Lists some snapshots. How much is here is asked of those alone.
///
/// # Errors
/// Whatever keeps the repository from being opened, or no such device or source.
pub fn select_snapshots(
    access: &Access,
    options: &SnapshotsOptions,
    observer: &dyn Observer,
) -> Result<SnapshotsReport, Error> {
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    let absent = known.absent_records();
    let is_name = options.device.as_ref().is_some_and(|typed| known.is_name(typed));
    let mut found: Vec<Candidate<'_>> = known.candidates().collect();
    let names = found.iter().map(|one| one.name.to_owned()).collect();
    keep(&mut found, "device", options.device.as_ref(), names, |one, typed| {
        one.is_of_device(typed, is_name)
    })?;
    let source = |one: &Candidate<'_>| one.snapshot.backup.source.name.clone();
    let names = found.iter().map(source).collect();
    keep(&mut found, "source", options.source.as_ref(), names, |one, typed| source(one) == typed)?;
    let matching = found.len();
    if let Some(newest) = options.newest {
        keep_newest(&mut found, newest);
    }
    Ok(SnapshotsReport {
        snapshots: found.iter().map(|one| known.line(one, known.state(one))).collect(),
        pending_records: absent.pending,
        lost_records: absent.damaged + absent.lost,
        unknown_records: absent.unknown,
        foreign_files: repository.listing.foreign,
        older_snapshots: (matching - found.len()) as u64,
    })
}

/// Keeps those of the device or source that was typed; an error where there is none.
fn keep(
    found: &mut Vec<Candidate<'_>>,
    what: &str,
    typed: Option<&String>,
    names: BTreeSet<String>,
    is_meant: impl Fn(&Candidate<'_>, &str) -> bool,
) -> Result<(), Error> {
    let Some(typed) = typed else { return Ok(()) };
    found.retain(|one| is_meant(one, typed));
    if !found.is_empty() || names.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = names.into_iter().collect();
    let sentence =
        format!("no {what} {typed:?} has a snapshot here; there is {}", names.join(", "));
    Err(Error::new(ErrorKind::Unusable, sentence))
}

/// Keeps the newest of them, in the order that they have.
fn keep_newest(found: &mut Vec<Candidate<'_>>, newest: usize) {
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by_key(|at| Reverse((found[*at].snapshot.record.time.seconds, *at)));
    let kept: BTreeSet<usize> = order.into_iter().take(newest).collect();
    let mut at = 0;
    found.retain(|_| {
        at += 1;
        kept.contains(&(at - 1))
    });
}

/// Says how the repository is, for this device.
///
/// # Errors
/// Whatever keeps the repository from being opened.
pub fn status(access: &Access, observer: &dyn Observer) -> Result<StatusReport, Error> {
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
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
        foreign_names: repository.listing.foreign_names.clone(),
        copy_names: repository.listing.copy_names.clone(),
        unopened_files: repository.listing.unopened,
        // Without its catalogue nobody knows which device this is.
        last_saved_own: !repository.catalogue.is_kept(),
        key_copies_missing: repository.key_blocks.missing.len() as u64,
        recovery_code_unseen: shown_code::unseen(&repository.catalogue)?.is_some(),
        conflict_copies: repository.listing.copies,
        free_bytes: access.seam.disk.free_space().map_err(|error| {
            RepositoryError::from(crate::store::StoreError::from_io(error, None))
        })?,
        ..StatusReport::default()
    };
    // Where every snapshot is complete, what absent objects held is stored elsewhere. The newest are
    // asked first: one that is not complete is enough.
    let found: Vec<Candidate<'_>> = known.candidates().collect();
    if found.iter().rev().any(|one| known.state(one) != SnapshotState::Complete) {
        for (key, _) in known.listed_objects() {
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
    report.devices = devices(&known, &found);
    let mut own = found.iter().rev().filter(|one| known.own == Some(one.device));
    // Whoever only looks, from a machine that has saved nothing here, means the newest there is.
    let newest = found.iter().max_by_key(|one| one.snapshot.record.time.seconds);
    let newest = newest.filter(|_| known.own.is_none());
    let last = own.next().or(newest);
    report.last_snapshot = last.map(|one| known.line(one, known.state(one)));
    // What was uploaded stays uploaded, whatever was forgotten since.
    let made: Vec<Candidate<'_>> = known.own.map(|own| known.made_by(own)).unwrap_or_default();
    let made = made.iter().rev().map(|one| known.line(one, SnapshotState::Complete));
    uploads(&mut report, made, access);
    remembered(access, &mut report);
    Ok(report)
}

/// The devices, with how many snapshots are listed of each.
fn devices(known: &Snapshots<'_>, found: &[Candidate<'_>]) -> Vec<DeviceStatus> {
    let mut devices = Vec::new();
    for (device, chain) in known.chains.iter() {
        let Some((at, record, _)) = chain.last() else { continue };
        devices.push(DeviceStatus {
            id: device.to_string(),
            name: chain.device_name().to_owned(),
            own: known.own == Some(*device),
            last_run: at.run,
            last_time: record.time.seconds,
            last_change: chain.snapshots().last().map(|one| one.record.time.seconds),
            snapshots: found.iter().filter(|one| one.device == *device).count() as u64,
            retired: known.repository.standing.is_retired(*device),
        });
    }
    devices
}

/// How much this device has written, newest first.
fn uploads(report: &mut StatusReport, own: impl Iterator<Item = SnapshotLine>, access: &Access) {
    let now = access.seam.clock.now().seconds;
    for (count, line) in own.enumerate() {
        let age = now.saturating_sub(line.time);
        let is_within = |days: i64| age <= days * 86_400;
        if count >= RECENT && !is_within(30) {
            return;
        }
        if count < RECENT {
            report.recent_uploads.push(line.added);
        }
        for (days, sum) in [
            (1, &mut report.uploaded_1_day),
            (7, &mut report.uploaded_7_days),
            (30, &mut report.uploaded_30_days),
        ] {
            *sum += if is_within(days) { line.added } else { 0 };
        }
    }
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
    report.run_at_work = match &access.catalogue {
        CatalogueAt::File(file) => Catalogue::is_run_at_work(file),
        CatalogueAt::Temporary => false,
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
    report.last_saved_own |= own || saved.is_some();
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
