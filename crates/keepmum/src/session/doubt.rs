//! Runs whose names may not have become durable: their last directory sync failed.
//!
//! Their objects can be listed and be gone after the next power cut, whatever a later sync answers.
//! This device never builds on them: for it they are not there, and what they held is stored again.

use crate::catalogue::Catalogue;
use crate::model::DeviceId;
use crate::repository::Listing;

use super::error::Error;

/// The catalogue's fact that lists them: device and run number of each.
const FACT_DOUBTFUL: &str = "doubtful runs";
const ROW: usize = DeviceId::LENGTH + 4;

/// Notes a run.
pub(crate) fn note(catalogue: &Catalogue, device: DeviceId, run: u32) -> Result<(), Error> {
    let mut rows = catalogue.fact(FACT_DOUBTFUL)?.unwrap_or_default();
    rows.extend_from_slice(&device.0);
    rows.extend_from_slice(&run.to_le_bytes());
    Ok(catalogue.set_fact(FACT_DOUBTFUL, &rows)?)
}

/// Takes the objects of such runs out of a listing.
pub(crate) fn set_aside(catalogue: &Catalogue, listing: &mut Listing) -> Result<(), Error> {
    let Some(rows) = catalogue.fact(FACT_DOUBTFUL)? else { return Ok(()) };
    let is_doubtful = |device: &DeviceId, run: u32| {
        let row: Vec<u8> = [&device.0[..], &run.to_le_bytes()].concat();
        rows.chunks_exact(ROW).any(|known| known == row)
    };
    listing.objects.retain(|key, _| !is_doubtful(&key.device, key.run));
    Ok(())
}
