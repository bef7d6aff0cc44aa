//! Objects and their blocks: the rows that importing an object's table leaves behind.

use rusqlite::OptionalExtension;

use super::schema::BLOCK_BITS;
use super::{Catalogue, CatalogueError, ListedObject};
use crate::model::{Bases, ChunkId, ObjectKey};

/// A block of an object's table.
#[derive(Clone, Debug)]
pub struct ImportedBlock<'a> {
    /// The kind of its pieces, as the format numbers it.
    pub kind: u8,
    /// Its codec, as the format numbers it.
    pub codec: u8,
    /// Where it begins in the object's plaintext, in bytes.
    pub offset: u32,
    /// Stored length in bytes.
    pub stored: u32,
    /// Plain length in bytes.
    pub plain: u32,
    /// Its pieces in order, with their lengths in bytes.
    pub pieces: &'a [(ChunkId, u32)],
    /// The bases of a delta.
    pub bases: Bases,
}

/// Offset, stored length, plain length and codec of a block.
type Place = (u32, u32, u32, u8);

impl Catalogue {
    /// Takes over an object's table. It holds its pieces at once if it is listed, or if it is
    /// `present` because this run has just stored it. Importing it again changes nothing.
    pub fn import_object(
        &self,
        key: &ObjectKey,
        kind: u8,
        length: u64,
        blocks: &[ImportedBlock<'_>],
        present: bool,
    ) -> Result<(), CatalogueError> {
        self.together(|| {
            let object = ListedObject { key: *key, kind, length };
            let known = self.object_row(key)?;
            let row = match known {
                Some((row, known_length)) if known_length == length => row,
                Some(_) => {
                    self.forget_object(key)?;
                    self.insert_object(key, kind, length, blocks)?
                }
                None => self.insert_object(key, kind, length, blocks)?,
            };
            let deltas = deltas(blocks) > 0;
            self.chunks.borrow_mut().forget_standing();
            if self.presence.borrow_mut().import(object, (row, deltas), present) {
                let mut update = self
                    .connection
                    .prepare_cached("UPDATE object SET listed = 1 WHERE id = ?1 AND NOT listed")?;
                update.execute([row])?;
            }
            Ok(())
        })
    }

    /// Whether this table equals the known one of an object: an index may have said something else.
    pub fn agrees(
        &self,
        key: &ObjectKey,
        blocks: &[ImportedBlock<'_>],
    ) -> Result<bool, CatalogueError> {
        let mut query =
            self.connection.prepare_cached("SELECT id, pieces FROM object WHERE key = ?1")?;
        let row = query.query_row([&key.to_bytes()[..]], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        });
        let Some((row, pieces)) = row.optional()? else { return Ok(true) };
        let held: usize = blocks.iter().map(|block| block.pieces.len()).sum();
        if pieces != held as i64 || !self.presence.borrow().has_row(row) {
            return Ok(false);
        }
        let first = row << BLOCK_BITS;
        let mut query = self.connection.prepare_cached(
            "SELECT offset, stored, plain, codec, reach, coalesce(bases, x'')
             FROM block WHERE id >= ?1 AND id < ?2 ORDER BY id",
        )?;
        let known = query.query_map([first, first + (1 << BLOCK_BITS)], |row| {
            let place = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((place, row.get(4)?, row.get(5)?))
        })?;
        let known: Vec<(Place, u8, Vec<u8>)> = known.collect::<Result<_, _>>()?;
        let told = blocks.iter().map(|at| {
            let place = (at.offset, at.stored, at.plain, at.codec);
            (place, at.bases.reach, ids(&at.bases))
        });
        if !told.eq(known) {
            return Ok(false);
        }
        for (number, block) in (first..).zip(blocks) {
            for (id, length) in block.pieces {
                if self.length_in(id, number)? != Some(*length) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Drops the rows of an object that is gone: its blocks, its pieces and its record.
    pub fn forget_object(&self, key: &ObjectKey) -> Result<(), CatalogueError> {
        self.together(|| {
            let bytes = key.to_bytes();
            let connection = &self.connection;
            connection
                .prepare_cached("DELETE FROM record WHERE object = ?1")?
                .execute([&bytes[..]])?;
            let Some((row, _)) = self.object_row(key)? else { return Ok(()) };
            let first = row << BLOCK_BITS;
            connection
                .prepare_cached("DELETE FROM block WHERE id >= ?1 AND id < ?2")?
                .execute([first, first + (1 << BLOCK_BITS)])?;
            connection.prepare_cached("DELETE FROM object WHERE id = ?1")?.execute([row])?;
            self.presence.borrow_mut().forget(row);
            self.chunks.borrow_mut().forget_standing();
            self.orphans.set(true);
            Ok(())
        })
    }

    /// Whether an object has blocks of a kind, as the format numbers it.
    pub fn has_blocks(&self, key: &ObjectKey, kind: u8) -> Result<bool, CatalogueError> {
        let Some((row, _)) = self.object_row(key)? else { return Ok(false) };
        let first = row << BLOCK_BITS;
        let mut query = self.connection.prepare_cached(
            "SELECT EXISTS(SELECT 1 FROM block WHERE id >= ?1 AND id < ?2 AND kind = ?3)",
        )?;
        Ok(query.query_row((first, first + (1 << BLOCK_BITS), kind), |row| row.get(0))?)
    }

    fn object_row(&self, key: &ObjectKey) -> Result<Option<(i64, u64)>, CatalogueError> {
        let mut query =
            self.connection.prepare_cached("SELECT id, length FROM object WHERE key = ?1")?;
        let row = query.query_row([&key.to_bytes()[..]], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
        });
        Ok(row.optional()?)
    }

    fn insert_object(
        &self,
        key: &ObjectKey,
        kind: u8,
        length: u64,
        blocks: &[ImportedBlock<'_>],
    ) -> Result<i64, CatalogueError> {
        if blocks.len() >> BLOCK_BITS != 0 {
            return Err(CatalogueError::Io("an object has more blocks than can be".into()));
        }
        let pieces: usize = blocks.iter().map(|block| block.pieces.len()).sum();
        let pieces = i64::try_from(pieces).unwrap_or(i64::MAX);
        let row = self
            .connection
            .prepare_cached(
                "INSERT INTO object(key, kind, length, listed, pieces, deltas)
                 VALUES(?1, ?2, ?3, 0, ?4, ?5)",
            )?
            .insert((&key.to_bytes()[..], kind, length.cast_signed(), pieces, deltas(blocks)))?;
        for (number, block) in (0_i64..).zip(blocks) {
            self.insert_block((row << BLOCK_BITS) | number, block)?;
        }
        Ok(row)
    }

    fn insert_block(&self, row: i64, block: &ImportedBlock<'_>) -> Result<(), CatalogueError> {
        self.connection
            .prepare_cached("INSERT INTO block VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
            .execute((
                row,
                block.kind,
                block.codec,
                block.offset,
                block.stored,
                block.plain,
                block.bases.reach,
                Some(ids(&block.bases)).filter(|ids| !ids.is_empty()),
            ))?;
        let mut offset = 0_u32;
        for (id, length) in block.pieces {
            self.put_chunk(id, row, offset, *length)?;
            offset = offset.checked_add(*length).ok_or_else(|| {
                CatalogueError::Io("the pieces of a block are longer than can be".into())
            })?;
        }
        Ok(())
    }
}

/// The number of these blocks that are deltas.
fn deltas(blocks: &[ImportedBlock<'_>]) -> i64 {
    blocks.iter().filter(|block| !block.bases.ids.is_empty()).count() as i64
}

/// The ids of bases end to end.
fn ids(bases: &Bases) -> Vec<u8> {
    bases.ids.iter().flat_map(|id| id.0).collect()
}
