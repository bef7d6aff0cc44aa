//! Records that lie in several objects. The catalogue knows one place for each; where the object
//! there is gone, and another that holds the same record is here, it moves.
//!
//! A prune copies records before their objects go, and a folder that is set back, or a sync client
//! that is slow, shows now the one place and now the other. It reads nothing from the destination.

use std::collections::HashSet;

use crate::catalogue::{Catalogue, CatalogueError};
use crate::format::PieceKind;
use crate::model::{ObjectKey, RecordRef};
use crate::repository::{Keys, Listing};

use super::error::Error;

/// Moves records whose object is not here to one that is. Nothing moves while a run holds the
/// catalogue.
pub(crate) fn move_records(
    catalogue: &Catalogue,
    listing: &Listing,
    keys: &Keys,
) -> Result<(), Error> {
    let holders: HashSet<ObjectKey> = catalogue.record_holders()?.into_iter().collect();
    let mut moves = Vec::new();
    for holder in holders.iter().filter(|holder| listing.here(holder).is_none()) {
        for (at, bytes) in catalogue.records_in(holder)? {
            if let Some(object) = place((catalogue, listing, keys), &bytes)? {
                moves.push((at, object));
            }
        }
    }
    if moves.is_empty() {
        return Ok(());
    }
    match catalogue.begin() {
        Err(CatalogueError::Busy { .. }) => return Ok(()),
        other => other?,
    }
    let moved = moves
        .iter()
        .try_for_each(|(at, object): &(RecordRef, _)| catalogue.move_record(at, object));
    match moved {
        Ok(()) => Ok(catalogue.commit()?),
        Err(error) => {
            catalogue.rollback()?;
            Err(error.into())
        }
    }
}

/// An object that is here and holds this record.
fn place(
    (catalogue, listing, keys): (&Catalogue, &Listing, &Keys),
    record: &[u8],
) -> Result<Option<ObjectKey>, Error> {
    for keys in keys.repositories() {
        let id = keys.piece_id(PieceKind::Record, record);
        let places = catalogue.locate(&id)?.into_iter().map(|place| place.object);
        if let Some(object) = places.filter(|at| listing.here(at).is_some()).last() {
            return Ok(Some(object));
        }
    }
    Ok(None)
}
