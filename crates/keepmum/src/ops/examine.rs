//! Reading one object whole: every byte authenticated, every piece proved.

use crate::compress::Decompressor;
use crate::model::{ChunkId, ObjectKey};
use crate::repository::{ObjectReader, RepositoryError, block_place, split};

/// What reading an object gave: bytes read, and damage.
pub(super) struct Examined {
    pub(super) key: ObjectKey,
    pub(super) bytes: u64,
    pub(super) damage: Option<String>,
    pub(super) bad: Vec<ChunkId>,
}

/// A fair share of the objects, the same at each call.
pub(super) fn chosen(key: &ObjectKey, percent: u8) -> bool {
    u32::from(key.hash[0]) * 100 < u32::from(percent) * 256
}

pub(super) fn examine(
    objects: &ObjectReader<'_>,
    key: ObjectKey,
    decompressor: &mut Decompressor,
) -> Result<Examined, RepositoryError> {
    let mut examined = Examined { key, bytes: 0, damage: None, bad: Vec::new() };
    let table = match objects.table(&key) {
        Ok(table) => table,
        Err(RepositoryError::Damaged { what, .. }) => {
            examined.damage = Some(what);
            return Ok(examined);
        }
        Err(error) => return Err(error),
    };
    match objects.behind_blocks(&key, &table) {
        Ok(bytes) => examined.bytes += bytes,
        Err(RepositoryError::Damaged { what, .. }) => examined.damage = Some(what),
        Err(error) => return Err(error),
    }
    for (offset, block) in table.offsets() {
        let plain = match objects.block(&block_place(key, offset, block), decompressor) {
            Ok(plain) => plain,
            Err(RepositoryError::Damaged { what, .. }) => {
                examined.damage = Some(what);
                examined.bad.extend(block.pieces.iter().map(|(id, _)| *id));
                continue;
            }
            Err(error) => return Err(error),
        };
        examined.bytes += u64::from(block.stored);
        for (id, bytes) in split(block, &plain) {
            if !objects.keys().proves(&id, bytes) {
                examined.damage = Some("a piece is not what its id says".to_owned());
                examined.bad.push(id);
            }
        }
    }
    Ok(examined)
}
