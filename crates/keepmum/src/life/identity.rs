//! Which device a run writes as.
//!
//! If two machines wrote under one id, each would take the other's objects for its own, so a copy
//! must be found: by a changed machine id, by two records of one number, or by a number that this
//! installation has not reserved. The finder takes a new id; everything written stays readable. An
//! older image of this machine looks the same and is treated alike.

use crate::catalogue::{Catalogue, state};
use crate::format::ObjectKind;
use crate::model::{DeviceId, RecordRef};
use crate::repository::RepositoryError;

use crate::session::access::Access;
use crate::session::error::Error;
use crate::session::event::{Event, Observer};
use crate::session::open::Repository;

/// Fills a buffer with randomness.
pub(crate) fn fill(access: &Access, bytes: &mut [u8]) -> Result<(), Error> {
    access.seam.random.fill(bytes).map_err(|error| RepositoryError::Random(error).into())
}

/// The device of this run.
pub(crate) struct Identity {
    /// Its id.
    pub(crate) device: DeviceId,
    /// The id that was given up, and its last run, if this device was found to be a clone.
    former: Option<RecordRef>,
    /// The machine's own id, to be remembered.
    machine: Vec<u8>,
    /// The last run of this device that is here, where the number that was reserved is lost.
    found_again: Option<u32>,
}

impl Identity {
    /// Tells the catalogue at once: if this run is interrupted, the next one must know its objects,
    /// and those it relies on.
    pub(crate) fn keep(&self, catalogue: &Catalogue) -> Result<(), Error> {
        let known = catalogue.get(&state::DEVICE)? == Some(self.device);
        if known && catalogue.get(&state::MACHINE)?.is_some_and(|id| id == self.machine) {
            return Ok(());
        }
        if let Some(run) = self.found_again {
            // Before the device is known here: the next run would else take its own objects for
            // those of a copy, should this one reserve no number.
            catalogue.reserve_run(run)?;
        }
        catalogue.begin()?;
        catalogue.set(&state::DEVICE, &self.device)?;
        catalogue.set(&state::MACHINE, &self.machine)?;
        if let Some(former) = self.former {
            catalogue.set(&state::CONTINUES, &former)?;
            let mut runs = catalogue.get(&state::FOREIGN_RUNS)?.unwrap_or_default();
            runs.insert(former.device, (1, former.run));
            catalogue.set(&state::FOREIGN_RUNS, &runs)?;
        }
        Ok(catalogue.commit()?)
    }
}

/// Finds out which device this is.
pub(crate) fn identify(
    repository: &Repository,
    access: &Access,
    observer: &dyn Observer,
) -> Result<Identity, Error> {
    // Only the machine's own id: moving the catalogue makes no new device.
    let machine = access.installation.machine.clone();
    let Some(known) = repository.device(access)? else {
        return Ok(Identity { device: draw(access)?, former: None, machine, found_again: None });
    };
    let (forked, end) = chain_state(repository, known)?;
    let last = end.map_or(0, |at| at.run);
    let why = match ahead_of(repository, known)? {
        _ if has_closed_end(repository, known, last) => {
            "The last record of this device is not understood by this version".into()
        }
        _ if is_moved(repository, &machine)? => "This catalogue comes from another machine".into(),
        _ if repository.standing.is_retired(known) => {
            "This device was retired by another one".into()
        }
        _ if lacks_noted(repository, known)? => {
            "The last record of this device is neither in its catalogue nor here".into()
        }
        _ if forked => "Another machine has written under this device's id".into(),
        Some((run, reserved)) => format!(
            "Run {run} of this device is here, and the last one that this catalogue knows of is \
             {reserved}: there is another copy of it, or it is an older one put back"
        ),
        None => {
            let listed = repository.last_listed_run(known);
            let found_again = is_lost(repository)?.then_some(listed).filter(|run| *run > 0);
            return Ok(Identity { device: known, former: None, machine, found_again });
        }
    };
    observer.event(Event::Notice(format!("{why}; a new device id is taken.")));
    Ok(Identity { device: draw(access)?, former: end, machine, found_again: None })
}

/// Whether the catalogue is lost or an older one, and the destination lacks the record that the note
/// beside it names (`doc/protocol.md`, I3): to go on from an earlier one would make the chain part.
fn lacks_noted(repository: &Repository, device: DeviceId) -> Result<bool, Error> {
    let catalogue = &repository.catalogue;
    // The note of a device that was given up says nothing of the new one.
    let noted = catalogue.noted_record().filter(|at| at.device == device);
    let Some(noted) = noted else { return Ok(false) };
    Ok(catalogue.record(&noted)?.is_none())
}

/// The last run here and the last number reserved, if somebody else has gone on under this id, or
/// this installation is an older image of itself. Where all of the catalogue's folder is lost, there
/// is no number to go by, and the token of the join is enough.
fn ahead_of(repository: &Repository, device: DeviceId) -> Result<Option<(u32, u32)>, Error> {
    let reserved = repository.catalogue.last_reserved();
    let is_lost = is_lost(repository)?;
    let listed = repository.last_listed_run(device);
    Ok(Some((listed, reserved)).filter(|_| !is_lost && listed > reserved))
}

/// Whether all of the catalogue's folder is lost: nothing here knows a device or a number.
fn is_lost(repository: &Repository) -> Result<bool, Error> {
    let catalogue = &repository.catalogue;
    Ok(catalogue.last_reserved() == 0 && catalogue.get(&state::DEVICE)?.is_none())
}

/// Whether the catalogue was kept on another machine before.
fn is_moved(repository: &Repository, machine: &[u8]) -> Result<bool, Error> {
    Ok(repository.catalogue.get(&state::MACHINE)?.is_some_and(|before| before != machine))
}

/// Whether two records of a device have one number, and its last one: of a fork the last that this
/// installation has written, however far the other branch has gone.
fn chain_state(
    repository: &Repository,
    device: DeviceId,
) -> Result<(bool, Option<RecordRef>), Error> {
    let own = repository.catalogue.get(&state::DURABLE_RECORD)?;
    let mut records = repository.catalogue.record_refs()?;
    records.retain(|at| at.device == device);
    records.sort_unstable_by_key(|at| (at.run, Some(at.hash) == own));
    let forked = records.windows(2).any(|two| two[0].run == two[1].run);
    let own_end = records.iter().find(|at| forked && Some(at.hash) == own);
    Ok((forked, own_end.or(records.last()).copied()))
}

/// Whether this device has ended a run after its last record here, as far as is known, with an object
/// that does not open to this version: its hash is not known, so nothing can follow it.
fn has_closed_end(repository: &Repository, device: DeviceId, last: u32) -> bool {
    let listing = &repository.listing;
    let mut later =
        listing.objects.iter().filter(|(key, _)| key.device == device && key.run > last);
    later.any(|(key, object)| {
        let may_end = matches!(object.name.kind, ObjectKind::Record | ObjectKind::Other(_));
        let opens = repository.keys.knows_epoch(object.repository, object.name.epoch);
        may_end && !(opens && listing.is_understood(&key))
    })
}

fn draw(access: &Access) -> Result<DeviceId, Error> {
    let mut bytes = [0; DeviceId::LENGTH];
    fill(access, &mut bytes)?;
    Ok(DeviceId(bytes))
}
