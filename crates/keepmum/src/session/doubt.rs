//! Runs whose names may not have become durable: their last directory sync failed.
//!
//! Their objects can be listed and be gone after the next power cut, whatever a later sync answers.
//! This device never relies on them: for it they are missing, and their contents are stored again.

use crate::catalogue::{Catalogue, state};
use crate::model::DeviceId;
use crate::repository::Listing;

use super::error::Error;

/// Notes a run.
pub(crate) fn note(catalogue: &Catalogue, device: DeviceId, run: u32) -> Result<(), Error> {
    let mut runs = catalogue.get(&state::UNSYNCED_RUNS)?.unwrap_or_default();
    runs.push((device, run));
    Ok(catalogue.set(&state::UNSYNCED_RUNS, &runs)?)
}

/// Takes the objects of such runs out of a listing.
pub(crate) fn set_aside(catalogue: &Catalogue, listing: &mut Listing) -> Result<(), Error> {
    let Some(runs) = catalogue.get(&state::UNSYNCED_RUNS)? else { return Ok(()) };
    listing.objects.retain(|key| !runs.contains(&(key.device, key.run)));
    Ok(())
}
