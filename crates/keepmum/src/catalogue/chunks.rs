//! The chunk table: which blocks hold a chunk.
//!
//! Ids are random, so single inserts would touch a page each. New rows wait in memory, sorted, and
//! go to the table in batches; look-ups ask both.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::OptionalExtension;

use super::filter::Filter;
use super::schema::BLOCK_BITS;
use super::{Catalogue, CatalogueError};
use crate::model::{Bases, ChunkId, Locate, Location, ObjectKey};

/// Most rows that wait in memory, at about 70 bytes each.
const WAITING: usize = 128 * 1024;
/// Look-ups without a find after which reading the whole table for a filter pays, at least, and
/// as a part of the table's rows.
const PATIENCE: u64 = 2048;
const SHARE: u64 = 16;
/// Deltas for which it is remembered whether their bases are here.
const STANDING: usize = 1 << 16;

/// Known facts about chunks besides the table.
#[derive(Default)]
pub(super) struct Chunks {
    /// Rows not yet in the table: (chunk, block) to (offset, length).
    waiting: BTreeMap<(ChunkId, i64), (u32, u32)>,
    /// Knows every chunk of the table and of `waiting`, once it is there.
    filter: Option<Filter>,
    misses: u64,
    /// The block that was located last, by its row.
    last_block: Option<(i64, Block)>,
    /// For deltas that were looked at, by their rows: whether all of their bases have a place.
    standing: HashMap<i64, bool>,
}

/// A block's row, as far as locating needs it.
#[derive(Clone)]
pub(super) struct Block {
    pub(super) kind: u8,
    pub(super) offset: u32,
    pub(super) stored: u32,
    pub(super) plain: u32,
    pub(super) codec: u8,
    pub(super) bases: Bases,
}

/// The row of a block that holds a chunk, and where the chunk lies in it: offset and length.
type Held = (i64, (u32, u32));

impl Chunks {
    pub(super) fn discard(&mut self) {
        self.waiting.clear();
        // Its row may go to another block.
        self.last_block = None;
        self.standing.clear();
    }

    /// Forgets which deltas have all of their bases: something came or went.
    pub(super) fn forget_standing(&mut self) {
        self.standing.clear();
    }

    /// Whether a delta has, if it is known.
    pub(super) fn stands(&self, block: i64) -> Option<bool> {
        self.standing.get(&block).copied()
    }

    pub(super) fn note_standing(&mut self, block: i64, stands: bool) {
        if self.standing.len() >= STANDING {
            self.standing.clear();
        }
        self.standing.insert(block, stands);
    }

    #[cfg(test)]
    pub(super) fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    pub(super) fn waiting_for(&self, id: &ChunkId) -> impl Iterator<Item = (i64, (u32, u32))> + '_ {
        let range = (*id, i64::MIN)..=(*id, i64::MAX);
        self.waiting.range(range).map(|((_, block), place)| (*block, *place))
    }
}

impl Catalogue {
    /// Adds a chunk's place. If it stands twice in one block, the first place stays.
    pub(super) fn put_chunk(
        &self,
        id: &ChunkId,
        block: i64,
        offset: u32,
        length: u32,
    ) -> Result<(), CatalogueError> {
        let mut chunks = self.chunks.borrow_mut();
        if let Some(filter) = &mut chunks.filter {
            filter.insert(id);
        }
        chunks.waiting.entry((*id, block)).or_insert((offset, length));
        let full = chunks.waiting.len() >= WAITING;
        drop(chunks);
        if full { self.flush() } else { Ok(()) }
    }

    /// Writes all waiting rows, in the order of the table.
    pub(super) fn flush(&self) -> Result<(), CatalogueError> {
        let mut chunks = self.chunks.borrow_mut();
        let mut insert =
            self.connection.prepare_cached("INSERT OR IGNORE INTO chunk VALUES(?1, ?2, ?3, ?4)")?;
        for ((id, block), (offset, length)) in &chunks.waiting {
            insert.execute((&id.0[..], block, offset, length))?;
        }
        chunks.waiting.clear();
        Ok(())
    }

    /// Drops the rows of objects that were forgotten. They mislead nobody, because an object's row
    /// id is not used again; one pass over the table for all of them is cheaper than one each.
    pub(super) fn sweep_orphans(&self) -> Result<(), CatalogueError> {
        if self.orphans.replace(false) {
            let sweep = "DELETE FROM chunk WHERE block >> ?1 NOT IN (SELECT id FROM object)";
            self.connection.execute(sweep, [BLOCK_BITS])?;
        }
        Ok(())
    }

    /// Whether an object that is here holds the chunk.
    pub fn holds(&self, id: &ChunkId) -> Result<bool, CatalogueError> {
        let is_new = |filter: &Filter| !filter.may_hold(id);
        if self.chunks.borrow().filter.as_ref().is_some_and(is_new) {
            return Ok(false);
        }
        if self.has_place(id, |_| true)? {
            return Ok(true);
        }
        let mut chunks = self.chunks.borrow_mut();
        chunks.misses += 1;
        if chunks.filter.is_none() && chunks.misses >= PATIENCE {
            let pieces: i64 = self.connection.query_row(
                "SELECT coalesce(sum(pieces), 0) FROM object",
                [],
                |row| row.get(0),
            )?;
            if chunks.misses >= PATIENCE + pieces.unsigned_abs() / SHARE {
                chunks.filter = Some(self.filter(&chunks)?);
            }
        }
        Ok(false)
    }

    /// Whether an object that is here holds the chunk with this length in bytes. That is quicker
    /// to say than where it is.
    pub fn holds_as_long(&self, id: &ChunkId, length: u64) -> Result<bool, CatalogueError> {
        self.has_place(id, |place| u64::from(place) == length)
    }

    /// Whether an object that is here holds the chunk with a length that fits.
    fn has_place(&self, id: &ChunkId, fits: impl Fn(u32) -> bool) -> Result<bool, CatalogueError> {
        let (presence, chunks) = (self.presence.borrow(), self.chunks.borrow());
        // Deltas are checked for their bases once nothing else holds the chunk.
        let mut deltas = Vec::new();
        let mut is_here = |block: i64, length| {
            let is_here = fits(length) && presence.has_row(block >> BLOCK_BITS);
            let may_be_delta = is_here && presence.has_deltas(block >> BLOCK_BITS);
            if may_be_delta {
                deltas.push(block);
            }
            is_here && !may_be_delta
        };
        if chunks.waiting_for(id).any(|(block, (_, length))| is_here(block, length)) {
            return Ok(true);
        }
        let query = "SELECT block, length FROM chunk WHERE id = ?1";
        let mut query = self.connection.prepare_cached(query)?;
        let mut rows = query.query([&id.0[..]])?;
        while let Some(row) = rows.next()? {
            if is_here(row.get(0)?, row.get(1)?) {
                return Ok(true);
            }
        }
        drop(rows);
        drop((presence, chunks));
        for block in deltas {
            if self.stands(block)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The length in bytes of a chunk that a block has.
    pub(super) fn length_in(
        &self,
        id: &ChunkId,
        block: i64,
    ) -> Result<Option<u32>, CatalogueError> {
        if let Some((_, length)) = self.chunks.borrow().waiting.get(&(*id, block)) {
            return Ok(Some(*length));
        }
        let query = "SELECT length FROM chunk WHERE id = ?1 AND block = ?2";
        let mut query = self.connection.prepare_cached(query)?;
        Ok(query.query_row((&id.0[..], block), |row| row.get(0)).optional()?)
    }

    /// Whether an object held the chunk that was here once.
    pub fn was_held(&self, id: &ChunkId) -> Result<bool, CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT 1 FROM chunk JOIN object ON object.id = chunk.block >> ?2
             WHERE chunk.id = ?1 AND object.listed LIMIT 1",
        )?;
        Ok(query.exists((&id.0[..], BLOCK_BITS))?)
    }

    /// A filter that knows every chunk so far.
    fn filter(&self, chunks: &Chunks) -> Result<Filter, CatalogueError> {
        let mut filter = Filter::new();
        let mut query = self.connection.prepare("SELECT id FROM chunk")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let id = row.get_ref(0)?.as_blob().ok().and_then(ChunkId::from_slice);
            filter.insert(&id.ok_or_else(|| CatalogueError::row("chunk"))?);
        }
        for (id, _) in chunks.waiting.keys() {
            filter.insert(id);
        }
        Ok(filter)
    }

    /// Every place of a chunk in objects that are here; the one with the fewest bytes to fetch
    /// comes first. None if no object that is here holds it.
    pub fn locate(&self, id: &ChunkId) -> Result<Vec<Location>, CatalogueError> {
        let mut found = Vec::new();
        for (block, place) in self.rows_of(id)? {
            let object = self.presence.borrow().key(block >> BLOCK_BITS);
            if let Some(object) = object
                && self.stands(block)?
            {
                found.push(self.location(object, block, place)?);
            }
        }
        let bytes = |at: &Location| (at.bases.reach, at.stored, at.object, at.block_offset);
        found.sort_by_key(bytes);
        Ok(found)
    }

    /// Every block that holds a chunk, here or not, with its place in it.
    pub(super) fn rows_of(&self, id: &ChunkId) -> Result<Vec<Held>, CatalogueError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT block, offset, length FROM chunk WHERE id = ?1")?;
        let mut rows = query.query([&id.0[..]])?;
        let mut found: Vec<_> = self.chunks.borrow().waiting_for(id).collect();
        while let Some(row) = rows.next()? {
            found.push((row.get(0)?, (row.get(1)?, row.get(2)?)));
        }
        Ok(found)
    }

    pub(super) fn location(
        &self,
        object: ObjectKey,
        block: i64,
        (offset, length): (u32, u32),
    ) -> Result<Location, CatalogueError> {
        let Block { kind, offset: block_offset, stored, plain, codec, bases } =
            self.block(block)?;
        Ok(Location { object, kind, block_offset, stored, plain, codec, offset, length, bases })
    }

    pub(super) fn block(&self, row: i64) -> Result<Block, CatalogueError> {
        // Chunks that are asked for one after another often share a block.
        match &self.chunks.borrow().last_block {
            Some((last, block)) if *last == row => return Ok(block.clone()),
            _ => {}
        }
        let block = self.read_block(row)?;
        self.chunks.borrow_mut().last_block = Some((row, block.clone()));
        Ok(block)
    }

    fn read_block(&self, row: i64) -> Result<Block, CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT kind, offset, stored, plain, codec, reach, bases FROM block WHERE id = ?1",
        )?;
        let block = query.query_row([row], |row| {
            let bases = match row.get_ref(6)?.as_blob_or_null()? {
                None => Bases::default(),
                Some(ids) => Bases { reach: row.get(5)?, ids: ids_in(ids) },
            };
            let (kind, offset, stored) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Block { kind, offset, stored, plain: row.get(3)?, codec: row.get(4)?, bases })
        });
        match block {
            Err(rusqlite::Error::QueryReturnedNoRows) => Err(CatalogueError::row("chunk")),
            other => Ok(other?),
        }
    }
}

fn ids_in(bytes: &[u8]) -> Arc<[ChunkId]> {
    bytes.chunks(ChunkId::LENGTH).filter_map(ChunkId::from_slice).collect()
}

impl Locate for Catalogue {
    fn holds(&self, id: &ChunkId) -> Result<bool, crate::model::IndexError> {
        Catalogue::holds(self, id).map_err(|error| crate::model::IndexError(Box::new(error)))
    }

    fn locate(&self, id: &ChunkId) -> Result<Vec<Location>, crate::model::IndexError> {
        Ok(Catalogue::locate(self, id)?)
    }
}
