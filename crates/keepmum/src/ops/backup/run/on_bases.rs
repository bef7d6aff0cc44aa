//! Pieces stored as deltas, and the objects that this device relies on through them.

use std::borrow::Cow;

use super::super::tree::Nodes;
use super::Run;
use crate::format::PieceKind;
use crate::model::{BASES_LENGTH_MAX, Bases, ChunkId, REACH_MAX};
use crate::repository::{DeltaBases, PieceReader, Recipe};
use crate::session::error::Error;

/// A chunk counts as at least so many bytes: its base has to be read.
const LEAST: usize = 64 << 10;

impl<'a> Run<'a, '_, '_> {
    /// Whether more deltas are tried in this run: where much is stored they would cost time and
    /// save little of it.
    pub(in super::super) fn makes_deltas(&self) -> bool {
        self.head.is_some() && self.deltas.left > 0
    }

    /// The same for chunks of files: their lengths may reveal their contents.
    pub(in super::super) fn makes_deltas_of_chunks(&self) -> bool {
        let options = self.set.options;
        self.makes_deltas() && options.compress_together && !options.dry_run
    }

    /// Reads parts of the destination that are at hand.
    pub(in super::super) fn former(&mut self) -> &mut PieceReader<'a> {
        &mut self.deltas.former
    }

    /// Whether a piece is to be stored.
    pub(in super::super) fn lacks(&mut self, id: &ChunkId) -> Result<bool, Error> {
        Ok(!self.under_way.contains(id) && !self.is_held(id)?)
    }

    /// Stores a piece that is like others, unless it is held: as a delta on those of them that have
    /// a place, and in full where an object that held it is gone or damaged.
    pub(in super::super) fn store_on(
        &mut self,
        kind: PieceKind,
        id: ChunkId,
        bytes: Vec<u8>,
        like: &[(ChunkId, &[u8])],
    ) -> Result<bool, Error> {
        if self.set.options.dry_run || !self.lacks(&id)? {
            return Ok(false);
        }
        let is_new = self.makes_deltas() && !like.is_empty() && !self.catalogue.was_held(&id)?;
        let on = if is_new { self.standing(kind, like)? } else { None };
        let Some(on) = on else { return self.store_piece(kind, id, &bytes) };
        let mut cost = bytes.len();
        if kind == PieceKind::Chunk {
            cost = cost.max(LEAST);
            self.fresh_bytes += bytes.len() as u64;
        }
        self.deltas.left = self.deltas.left.saturating_sub(cost);
        self.writer()?.add_on(kind, id, bytes, on)?;
        self.under_way.insert(id);
        self.take_stored()?;
        Ok(true)
    }

    /// Stores a node or a list that is like another one and answers with its id.
    pub(in super::super) fn store_metadata_on(
        &mut self,
        kind: PieceKind,
        bytes: Vec<u8>,
        like: Option<(ChunkId, &[u8])>,
    ) -> Result<ChunkId, Error> {
        let id = self.set.repository().piece_id(kind, &bytes);
        self.store_on(kind, id, bytes, like.as_slice())?;
        Ok(id)
    }

    /// Those of these pieces that can be bases of a new one, in their order.
    fn standing(
        &mut self,
        kind: PieceKind,
        like: &[(ChunkId, &[u8])],
    ) -> Result<Option<DeltaBases>, Error> {
        let (mut reach, mut ids, mut bytes) = (1_u8, Vec::new(), Vec::new());
        for (id, plain) in like {
            let (id, plain, more) = match self.catalogue.reach(id, kind as u8)? {
                Some(more) if reach + more <= REACH_MAX => (*id, Cow::Borrowed(*plain), more),
                Some(_) => match self.root_of(*id, kind)? {
                    Some((id, plain)) => (id, Cow::Owned(plain), 1),
                    None => continue,
                },
                None => continue,
            };
            let fits = (bytes.len() + plain.len()) as u64 <= BASES_LENGTH_MAX;
            if reach + more > REACH_MAX || !fits || !self.is_held(&id)? {
                continue;
            }
            reach += more;
            ids.push(id);
            bytes.extend_from_slice(&plain);
        }
        let bases = Bases { reach, ids: ids.into() };
        Ok(Some(DeltaBases { bases, bytes }).filter(|on| !on.bases.ids.is_empty()))
    }

    /// The piece with which a chain of deltas begins, if that is at hand: a new chain on it costs
    /// the changes along the old one, and not the whole piece.
    fn root_of(
        &mut self,
        mut id: ChunkId,
        kind: PieceKind,
    ) -> Result<Option<(ChunkId, Vec<u8>)>, Error> {
        for _ in 0..REACH_MAX {
            let places = self.catalogue.locate(&id)?;
            let Some(place) = places.iter().find(|place| place.kind == kind as u8) else { break };
            match place.bases.ids.first() {
                Some(base) => id = *base,
                None => {
                    return Ok(self.deltas.former.piece(kind, &id).ok().map(|plain| (id, plain)));
                }
            }
        }
        Ok(None)
    }

    /// Whether an object that is here holds this piece.
    pub(in super::super) fn is_held(&mut self, id: &ChunkId) -> Result<bool, Error> {
        if !self.foreign_runs.others {
            return Ok(self.catalogue.holds(id)?);
        }
        let places = self.catalogue.locate(id)?;
        let Some(first) = places.first() else { return Ok(false) };
        let own = |place: &&crate::model::Location| place.object.device == self.set.device;
        if places.iter().find(own).is_none() {
            let recipe = Recipe::of(self.catalogue, first)?;
            for object in [first.object].into_iter().chain(recipe.base_objects()) {
                if object.device != self.set.device {
                    self.foreign_runs.note(object.device, self.set.claims.run_of(&object));
                }
            }
        }
        Ok(true)
    }
}

impl Nodes for Run<'_, '_, '_> {
    fn id_of(&self, node: &[u8]) -> ChunkId {
        self.set.repository().piece_id(PieceKind::Node, node)
    }

    fn makes_deltas(&self) -> bool {
        Run::makes_deltas(self)
    }

    fn store(&mut self, node: Vec<u8>, on: Option<(ChunkId, &[u8])>) -> Result<ChunkId, Error> {
        self.store_metadata_on(PieceKind::Node, node, on)
    }
}
