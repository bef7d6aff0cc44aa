//! Objects that are here and damaged, as a check found them: a backup reads no data, so it is told.
//!
//! For a backup such an object is not there, and what it held is stored again as far as the source
//! still has it. Whoever reads still tries it: one bad segment costs no other.

use std::collections::HashSet;

use crate::catalogue::Catalogue;
use crate::model::ObjectKey;
use crate::repository::Listing;

use super::error::Error;

/// The catalogue's fact that lists them.
const FACT_FAULTY: &str = "faulty";
/// The fact that lists objects which are gone or damaged and whose content this device has stored
/// again as far as it could.
pub(crate) const FACT_HEALED: &str = "healed";

fn keys(catalogue: &Catalogue, fact: &str) -> Result<HashSet<ObjectKey>, Error> {
    let bytes = catalogue.fact(fact)?.unwrap_or_default();
    Ok(bytes.chunks(ObjectKey::LENGTH).filter_map(ObjectKey::from_slice).collect())
}

/// Objects that are healed.
pub(crate) fn healed(catalogue: &Catalogue) -> Result<HashSet<ObjectKey>, Error> {
    keys(catalogue, FACT_HEALED)
}

/// Objects that a check found damaged.
pub(crate) fn faulty(catalogue: &Catalogue) -> Result<HashSet<ObjectKey>, Error> {
    keys(catalogue, FACT_FAULTY)
}

/// Notes what a check has found of the objects that it read: damaged ones and whole ones.
pub(crate) fn note(
    catalogue: &Catalogue,
    found: impl IntoIterator<Item = (ObjectKey, bool)>,
) -> Result<(), Error> {
    let before = keys(catalogue, FACT_FAULTY)?;
    let mut now = before.clone();
    for (key, is_damaged) in found {
        match is_damaged {
            true => now.insert(key),
            false => now.remove(&key),
        };
    }
    if now == before {
        return Ok(());
    }
    let bytes: Vec<u8> = now.iter().flat_map(ObjectKey::to_bytes).collect();
    Ok(catalogue.set_fact(FACT_FAULTY, &bytes)?)
}

/// Takes the damaged ones out of a listing, for a backup.
pub(crate) fn set_aside(catalogue: &Catalogue, listing: &mut Listing) -> Result<(), Error> {
    let faulty = keys(catalogue, FACT_FAULTY)?;
    listing.objects.retain(|key, _| !faulty.contains(key));
    Ok(())
}
