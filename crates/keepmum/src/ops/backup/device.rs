//! Which device this run writes as.
//!
//! Two machines that write under one id would each believe the other's objects its own, so a clone
//! must be found: by two records of one number, or by the machine's own id having changed. Whoever
//! finds it takes a new id; everything that was written stays readable.

use crate::catalogue::Catalogue;
use crate::model::DeviceId;

use super::super::access::Access;
use super::super::error::Error;
use super::super::event::{Event, Observer};
use super::super::open::{FACT_DEVICE, Repository};
use super::begin::{FACT_LEANS, fill};
use super::commit::Leans;

/// The catalogue's fact by which a changed machine is found.
const FACT_MACHINE: &str = "machine";

/// The device of this run.
pub(super) struct Identity {
    /// Its id.
    pub(super) device: DeviceId,
    /// The id that was given up, and its last run, if this device was found to be a clone.
    former: Option<(DeviceId, u32)>,
    /// The machine's token, to be remembered.
    machine: [u8; 16],
}

impl Identity {
    /// Tells the catalogue at once: should this run be cut off, the next one must know its objects,
    /// and what it relies on.
    pub(super) fn keep(&self, catalogue: &Catalogue) -> Result<(), Error> {
        let known = catalogue.fact(FACT_DEVICE)?.is_some_and(|id| id == self.device.0);
        if known && catalogue.fact(FACT_MACHINE)?.is_some_and(|token| token == self.machine) {
            return Ok(());
        }
        catalogue.begin()?;
        catalogue.set_fact(FACT_DEVICE, &self.device.0)?;
        catalogue.set_fact(FACT_MACHINE, &self.machine)?;
        if let Some((former, last)) = self.former {
            let leans = catalogue.fact(FACT_LEANS)?.unwrap_or_default();
            let mut leans = Leans::decode(&leans, true);
            leans.runs.insert(former, (1, last));
            catalogue.set_fact(FACT_LEANS, &leans.encode())?;
        }
        Ok(catalogue.commit()?)
    }
}

/// Finds out which device this is.
pub(super) fn identify(
    repository: &Repository,
    access: &Access,
    observer: &dyn Observer,
) -> Result<Identity, Error> {
    let machine = machine_token(repository, access);
    let Some(known) = repository.device(access)? else {
        return Ok(Identity { device: draw(access)?, former: None, machine });
    };
    let remembered = repository.catalogue.fact(FACT_MACHINE)?;
    let moved = remembered.is_some_and(|before| before != machine);
    let (forked, last) = chain_state(repository, known)?;
    if !moved && !forked {
        return Ok(Identity { device: known, former: None, machine });
    }
    let why = if forked {
        "Another machine has written under this device's id; a new id is taken."
    } else {
        "This catalogue comes from another machine; a new device id is taken."
    };
    observer.event(Event::Notice(why.to_owned()));
    Ok(Identity { device: draw(access)?, former: Some((known, last)), machine })
}

/// Whether two records of a device have one number, and its last number.
fn chain_state(repository: &Repository, device: DeviceId) -> Result<(bool, u32), Error> {
    let records = repository.catalogue.record_refs()?;
    let mut runs: Vec<u32> =
        records.iter().filter(|at| at.device == device).map(|at| at.run).collect();
    runs.sort_unstable();
    let forked = runs.windows(2).any(|two| two[0] == two[1]);
    Ok((forked, runs.last().copied().unwrap_or(0)))
}

/// Only the machine's own id: moving the catalogue makes no new device.
fn machine_token(repository: &Repository, access: &Access) -> [u8; 16] {
    let identity = &access.installation.identity;
    let machine = identity.split(|byte| *byte == 0).next().unwrap_or_default();
    repository.keys.writing().token("machine id", machine)
}

fn draw(access: &Access) -> Result<DeviceId, Error> {
    let mut bytes = [0; DeviceId::LENGTH];
    fill(access, &mut bytes)?;
    Ok(DeviceId(bytes))
}
