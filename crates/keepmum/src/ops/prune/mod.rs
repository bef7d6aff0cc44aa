//! Prune: give back the space of what no snapshot needs any more.
//!
//! Objects are proposed in one run and deleted in a later one, when every living device has read
//! the proposal (`doc/protocol.md`, W4 to W7). A device that is alone does both in one command. It
//! never deletes anything that a durable record has not called swept, and nothing while a snapshot
//! cannot be read whole.

mod plan;
mod report;

use std::collections::HashSet;

use crate::format::LifeItem;
use crate::life::{self, Needed, Opening, Sweep, Writing};
use crate::model::{DeviceId, ObjectKey};
use crate::repository::Chains;
use crate::session::access::Access;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::Observer;
use crate::session::options::PruneOptions;
use plan::Plan;
pub use report::PruneReport;

/// A device that is alone proposes, sweeps, and may propose the objects that this left.
const ROUNDS: usize = 2;

/// Gives back space.
///
/// # Errors
/// Whatever keeps the repository from being opened, a destination that fails, or a refusal: files
/// are still arriving, or a newer version wrote something that this one does not understand.
pub fn prune(
    access: &Access,
    options: &PruneOptions,
    observer: &dyn Observer,
) -> Result<PruneReport, Error> {
    let mut report = PruneReport { dry_run: options.dry_run, ..PruneReport::default() };
    let PruneOptions { dry_run, utc_offset_minutes, .. } = *options;
    let how = Opening { dry_run, utc_offset_minutes };
    let mut writing = Writing::open(access, how, observer)?;
    for round in 0..ROUNDS {
        refuse(&writing)?;
        let chains = writing.repository.chains()?;
        let needed = Needed::of_all(&writing.repository, &chains, observer)?;
        if !needed.unreadable.is_empty() {
            report.unreadable = needed.unreadable.iter().map(ToString::to_string).collect();
            return Ok(report);
        }
        let due = life::due(&writing.repository, writing.device);
        let sweep = Sweep::of(&mut writing, &due, (&needed, &chains))?;
        report.objects_kept += sweep.kept;
        let plan = match round {
            0 => Plan::new(
                &writing.repository,
                (&needed, &chains),
                (writing.device, &sweep.swept),
                options.max_upload,
            )?,
            _ => Plan::default(),
        };
        if round == 0 {
            report.bytes_unused = plan.unused;
        }
        if options.dry_run {
            estimate(&mut report, &writing, &sweep, &plan, &chains);
            return Ok(report);
        }
        let has_plan = !plan.objects.is_empty();
        if sweep.ends.is_empty() && !has_plan {
            break;
        }
        carry_out(&mut writing, &mut report, sweep, plan)?;
        if !has_plan {
            break;
        }
        writing = writing.again(observer)?;
        if life::due(&writing.repository, writing.device).is_empty() {
            break;
        }
    }
    tell_waiting(&mut report, &writing)?;
    Ok(report)
}

fn refuse(writing: &Writing<'_>) -> Result<(), Error> {
    writing.refuse_behind()?;
    match writing.repository.imported.not_understood.is_empty() {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::NotUnderstood,
            "a newer version wrote something here that this one does not understand, so nothing is \
             deleted",
        )),
    }
}

/// Writes the record of a run, and deletes after it is durable.
fn carry_out(
    writing: &mut Writing<'_>,
    report: &mut PruneReport,
    sweep: Sweep,
    plan: Plan,
) -> Result<(), Error> {
    let mut items = sweep.items();
    if !plan.objects.is_empty() {
        items.push(LifeItem::Intent(plan.objects.into_iter().collect()));
    }
    let written = writing.write(plan.copies, items)?;
    report.objects_stored += written.objects;
    report.bytes_stored += written.bytes;
    let device = writing.device;
    let (count, bytes) = life::delete_swept(&mut writing.repository, device)?;
    report.objects_deleted += count;
    report.bytes_deleted += bytes;
    Ok(())
}

/// What a run would do; what a lone device proposes it deletes at once.
fn estimate(
    report: &mut PruneReport,
    writing: &Writing<'_>,
    sweep: &Sweep,
    plan: &Plan,
    chains: &Chains,
) {
    let length = |key: &ObjectKey| {
        writing.repository.listing.here(key).map_or(0, |object| object.name.length)
    };
    report.objects_deleted = sweep.swept.len() as u64;
    report.bytes_deleted = sweep.swept.iter().map(length).sum();
    report.bytes_stored = plan.upload;
    let others = chains.iter().map(|(device, _)| *device);
    let standing = &writing.repository.standing;
    let others: Vec<DeviceId> = others
        .filter(|device| *device != writing.device && !standing.is_retired(*device))
        .collect();
    let count = plan.objects.len() as u64;
    if others.is_empty() {
        report.objects_deleted += count;
        report.bytes_deleted += plan.freed;
    } else {
        report.objects_waiting = count;
        report.bytes_waiting = plan.freed;
        report.waiting_for = names(chains, &others);
    }
}

/// Says which proposals wait, and for whom.
fn tell_waiting(report: &mut PruneReport, writing: &Writing<'_>) -> Result<(), Error> {
    let repository = &writing.repository;
    let own = repository.standing.open().iter().filter(|intent| intent.at.device == writing.device);
    let mut devices: Vec<DeviceId> = Vec::new();
    let mut objects: HashSet<ObjectKey> = HashSet::new();
    for intent in own {
        devices.extend(repository.standing.waiting_for(&intent.at));
        objects.extend(&intent.objects);
    }
    devices.sort_unstable();
    devices.dedup();
    let here = objects.iter().filter_map(|key| repository.listing.here(key));
    report.bytes_waiting = here.map(|object| object.name.length).sum();
    report.objects_waiting = objects.len() as u64;
    report.waiting_for = names(&repository.chains()?, &devices);
    Ok(())
}

fn names(chains: &Chains, devices: &[DeviceId]) -> Vec<String> {
    let name = |device: &DeviceId| Some(chains.device(*device)?.device_name().to_owned());
    devices.iter().filter_map(name).collect()
}
