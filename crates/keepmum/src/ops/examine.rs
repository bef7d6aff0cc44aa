//! Reading one object whole: every byte authenticated, every piece proved.

use crate::compress::Decompressor;
use crate::format::Table;
use crate::model::{ChunkId, ObjectKey};
use crate::repository::{ObjectReader, RepositoryError, block_place, split};

/// What reading an object gave: bytes read, and damage.
pub(super) struct Examined {
    pub(super) key: ObjectKey,
    pub(super) bytes: u64,
    pub(super) damage: Option<String>,
    pub(super) bad: Vec<ChunkId>,
    /// Nothing of it can be read, so that nobody knows what it holds.
    pub(super) is_closed: bool,
    /// It is damaged, not only out of reach.
    pub(super) is_proved: bool,
    /// Its own table, if that could be read.
    pub(super) table: Option<Table>,
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
    let mut examined = Examined {
        key,
        bytes: 0,
        damage: None,
        bad: Vec::new(),
        is_closed: false,
        is_proved: false,
        table: None,
    };
    let table = match objects.table(&key) {
        Ok(table) => table,
        Err(error) => {
            let what = examined.what_is_wrong(error)?;
            examined.damage = Some(what);
            examined.is_closed = true;
            return Ok(examined);
        }
    };
    match objects.behind_blocks(&key, &table) {
        Ok(bytes) => examined.bytes += bytes,
        Err(error) => examined.damage = Some(examined.what_is_wrong(error)?),
    }
    for (offset, block) in table.offsets() {
        let plain = match objects.block(&block_place(key, offset, block), decompressor) {
            Ok(plain) => plain,
            Err(error) => {
                let what = examined.what_is_wrong(error)?;
                examined.damage = Some(what);
                examined.bad.extend(block.pieces.iter().map(|(id, _)| *id));
                continue;
            }
        };
        examined.bytes += u64::from(block.stored);
        for (id, bytes) in split(block, &plain) {
            if !objects.keys().proves(&id, bytes) {
                examined.damage = Some("a piece is not what its id says".to_owned());
                examined.is_proved = true;
                examined.bad.push(id);
            }
        }
    }
    examined.table = Some(table);
    Ok(examined)
}

impl Examined {
    /// What is wrong with one object; a destination that fails as a whole stays an error.
    fn what_is_wrong(&mut self, error: RepositoryError) -> Result<String, RepositoryError> {
        match error {
            RepositoryError::Damaged { what, .. } => {
                self.is_proved = true;
                Ok(what)
            }
            error if error.is_of_one_object() => Ok(error.to_string()),
            error => Err(error),
        }
    }
}
