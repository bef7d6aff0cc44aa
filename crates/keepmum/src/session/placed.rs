//! The place of a chunk of a file, and the consequence if it has none.

use crate::catalogue::Catalogue;
use crate::format::PieceKind;
use crate::model::{ChunkId, Locate, Location};
use crate::repository::RepositoryError;

/// The places of a chunk that has the length which the file says.
pub(crate) fn placed(
    catalogue: &Catalogue,
    id: &ChunkId,
    length: u64,
) -> Result<Vec<Location>, RepositoryError> {
    let mut places = Locate::locate(catalogue, id)?;
    places.retain(|place| place.kind == PieceKind::Chunk as u8);
    if places.is_empty() {
        return Err(RepositoryError::Missing(*id));
    }
    places.retain(|place| u64::from(place.length) == length);
    match places.is_empty() {
        false => Ok(places),
        true => Err(RepositoryError::Damaged {
            object: format!("chunk {id}"),
            what: "it has another length than the file says".to_owned(),
        }),
    }
}
