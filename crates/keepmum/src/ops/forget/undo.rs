//! The return of forgotten snapshots (`doc/protocol.md`, W3).

use std::collections::BTreeSet;

use crate::format::{LifeItem, Said, Undo};
use crate::life::{self, Copies, Opening, Writing};
use crate::model::{DeviceId, RecordRef, SnapshotId};
use crate::session::access::Access;
use crate::session::choose::Snapshots;
use crate::session::completeness::Completeness;
use crate::session::descent::Candidate;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer, Phase};
use crate::session::open::{self, Repository};
use crate::session::options::ForgetOptions;
use crate::session::report::{DIGITS, SnapshotLine};

use super::plan::refused;
use super::report::{Decision, ForgetLine, ForgetReport};

/// Brings back those whose ids begin so, or without any those of this device's last *forget*.
pub(super) fn undo(
    access: &Access,
    options: &ForgetOptions,
    ids: &[String],
    observer: &dyn Observer,
) -> Result<ForgetReport, Error> {
    if options.dry_run {
        let mut repository = open::open(access, observer)?;
        let device = repository.device(access)?;
        let (_, lines) = back(&mut repository, access, (device, ids))?;
        return Ok(ForgetReport { dry_run: true, ..report(lines) });
    }
    let utc_offset_minutes = options.utc_offset_minutes;
    let how = Opening { utc_offset_minutes, dry_run: false };
    let mut writing = Writing::open(access, how, observer)?;
    let device = writing.device;
    let (undo, lines) = back(&mut writing.repository, access, (Some(device), ids))?;
    observer.go_on("brought back")?;
    observer.event(Event::Phase(Phase::Finishing));
    let written = writing.write(Copies::default(), vec![LifeItem::Undo(undo)])?;
    Ok(ForgetReport { bytes_stored: written.bytes, ..report(lines) })
}

fn report(lines: Vec<SnapshotLine>) -> ForgetReport {
    let line =
        |snapshot| ForgetLine { snapshot, decision: Decision::BroughtBack, reasons: Vec::new() };
    let snapshots = lines.into_iter().map(line).collect();
    ForgetReport { snapshots, ..ForgetReport::default() }.count()
}

/// The item that brings them back, and the snapshots.
fn back(
    repository: &mut Repository,
    access: &Access,
    (device, ids): (Option<DeviceId>, &[String]),
) -> Result<(Undo, Vec<SnapshotLine>), Error> {
    if let Some(device) = device {
        life::refuse_behind(repository, device)?;
    }
    // Before anything is counted out: what is on its way to be deleted is here.
    let missing: BTreeSet<SnapshotId> = {
        let known = Snapshots::read(repository, access)?;
        let found = found(&known, device, ids)?;
        let all = Completeness::default();
        let missing = |one: &&Candidate<'_>| !all.holds(repository, one.snapshot.backup);
        found.iter().filter(missing).map(Candidate::snapshot_id).collect()
    };
    let own = device.unwrap_or(DeviceId([0; DeviceId::LENGTH]));
    life::set_aside(repository, own)?;
    let known = Snapshots::read(repository, access)?;
    let found = found(&known, device, ids)?;
    let all = Completeness::default();
    let standing = &repository.standing;
    for one in &found {
        if all.holds(repository, one.snapshot.backup) {
            continue;
        }
        let id = one.id();
        let why = match missing.contains(&one.snapshot_id()) {
            true if standing.swept().is_empty() => "not all of its data is here",
            true => "some of its data is deleted",
            false => "its data is being deleted",
        };
        return Err(refused(format!("snapshot {} cannot be brought back: {why}", &id[..DIGITS])));
    }
    let snapshots: Vec<_> = found.iter().map(Candidate::snapshot_id).collect();
    let records: BTreeSet<RecordRef> =
        snapshots.iter().flat_map(|id| standing.sayings(Said::Forget, *id)).copied().collect();
    let undo = Undo { said: Said::Forget, snapshots, records: records.into_iter().collect() };
    Ok((undo, found.iter().map(|one| known.line_of(one)).collect()))
}

/// The forgotten snapshots that are meant.
fn found<'k>(
    known: &'k Snapshots<'_>,
    device: Option<DeviceId>,
    ids: &[String],
) -> Result<Vec<Candidate<'k>>, Error> {
    let forgotten: Vec<_> = known.forgotten().collect();
    let usage = |sentence: String| Err(Error::new(ErrorKind::Usage, sentence));
    if ids.is_empty() {
        let standing = &known.repository.standing;
        let sayings =
            |one: &Candidate<'_>| standing.sayings(Said::Forget, one.snapshot_id()).copied();
        let own = forgotten.iter().flat_map(sayings).filter(|at| Some(at.device) == device);
        let Some(last) = own.max_by_key(|at| at.run) else {
            return usage(
                "this device has forgotten no snapshot that could be brought back".into(),
            );
        };
        return Ok(forgotten
            .iter()
            .filter(|one| sayings(one).any(|at| at == last))
            .copied()
            .collect());
    }
    let mut found: Vec<Candidate<'k>> = Vec::new();
    for typed in ids {
        let prefix = typed.to_ascii_lowercase();
        let with: Vec<_> = forgotten.iter().filter(|one| one.id().starts_with(&prefix)).collect();
        match &with[..] {
            [one] if found.iter().any(|known| known.snapshot_id() == one.snapshot_id()) => {}
            [one] => found.push(**one),
            [] => {
                let is_listed = known.candidates().any(|one| one.id().starts_with(&prefix));
                return usage(match is_listed {
                    true => format!("snapshot {prefix} is not forgotten"),
                    false => format!("there is no forgotten snapshot {prefix}"),
                });
            }
            several => {
                let ids: Vec<_> = several.iter().map(|one| one.id()).collect();
                return usage(format!("\"{prefix}\" is the beginning of {}", ids.join(", ")));
            }
        }
    }
    Ok(found)
}
