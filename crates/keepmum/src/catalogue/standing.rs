//! Whether all bases of a delta have places: only then does it hold anything.

use super::schema::BLOCK_BITS;
use super::{Catalogue, CatalogueError};
use crate::model::{BASES_LENGTH_MAX, ChunkId, Location, ObjectKey, REACH_MAX};

impl Catalogue {
    /// Whether a block that is here has no bases, or only bases that have places here and whose
    /// reach is small enough.
    pub(super) fn stands(&self, block: i64) -> Result<bool, CatalogueError> {
        if !self.presence.borrow().has_deltas(block >> BLOCK_BITS) {
            return Ok(true);
        }
        if let Some(known) = self.chunks.borrow().stands(block) {
            return Ok(known);
        }
        let row = self.block(block)?;
        let (mut reach, mut length) = (1_u8, 0);
        for id in row.bases.ids.iter() {
            let below = row.bases.reach.min(REACH_MAX + 1);
            let least = self.least_reach(id, row.kind, below)?;
            let (more, longer) = least.unwrap_or((REACH_MAX, 0));
            reach = reach.saturating_add(more);
            length += u64::from(longer);
        }
        let stands = reach <= row.bases.reach && length <= BASES_LENGTH_MAX;
        self.chunks.borrow_mut().note_standing(block, stands);
        Ok(stands)
    }

    /// The least number of blocks that are decoded for a piece of a kind; nothing if it has no
    /// place here.
    pub fn reach(&self, id: &ChunkId, kind: u8) -> Result<Option<u8>, CatalogueError> {
        Ok(self.least_reach(id, kind, REACH_MAX + 1)?.map(|(reach, _)| reach))
    }

    /// The same if it is less than `below`, and the piece's length. As that falls with each step, this ends.
    fn least_reach(
        &self,
        id: &ChunkId,
        kind: u8,
        below: u8,
    ) -> Result<Option<(u8, u32)>, CatalogueError> {
        let mut least: Option<(u8, u32)> = None;
        for (block, (_, length)) in self.rows_of(id)? {
            if !self.presence.borrow().has_row(block >> BLOCK_BITS) {
                continue;
            }
            let row = self.block(block)?;
            let reach = row.bases.reach;
            let is_less = reach < least.map_or(below, |(least, _)| least);
            if row.kind == kind && is_less && self.stands(block)? {
                least = Some((reach, length));
            }
        }
        Ok(least)
    }

    /// The deltas of an object that have all of their bases, as places of pieces that begin with
    /// them and have no length.
    pub fn deltas_in(&self, key: &ObjectKey) -> Result<Vec<Location>, CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT block.id FROM object JOIN block ON block.id >> ?2 = object.id
             AND block.id >= object.id << ?2 AND block.id < (object.id + 1) << ?2
             WHERE object.key = ?1 AND object.deltas AND block.bases IS NOT NULL",
        )?;
        let rows = query.query_map((&key.to_bytes()[..], BLOCK_BITS), |row| row.get(0))?;
        let rows: Vec<i64> = rows.collect::<Result<_, _>>()?;
        let mut found = Vec::new();
        for block in rows {
            let is_here = self.presence.borrow().has_row(block >> BLOCK_BITS);
            if is_here && self.stands(block)? {
                found.push(self.location(*key, block, (0, 0))?);
            }
        }
        Ok(found)
    }
}
