//! One run's writing: pieces in, durable objects and at last one record out.
//!
//! The order is the safety of it: data objects, then metadata, each durable with its name before
//! the record that refers to them is named. Until the record is durable nothing of the run counts.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::compress::Compressor;
use crate::crypto::record_hash;
use crate::format::{
    FormatError, IndexEntry, ObjectEntry, ObjectKind, PieceKind, RECORD_MAX, encode_index,
};
use crate::model::{ChunkId, DeviceId, RecordHash};
use crate::pipeline::{Pool, Ticket};

use super::delta::{DeltaBases, NewDelta};
use super::error::RepositoryError;
use super::filling::Filled;
use super::index_pieces::{index_pieces, take_whole};
use super::object::{OBJECT_TARGET, ObjectBuilder, ObjectPlace, SMALL_RUN, Spare};
use super::outgoing::Outgoing;
use super::packing::Packing;
use super::stored::{Destination, StoredObject, object_entry};

/// The reason that ended a run.
pub struct Finished {
    /// The object that holds the record.
    pub object: StoredObject,
    /// The hash of the record's bytes.
    pub hash: RecordHash,
    /// The record's bytes.
    pub record: Vec<u8>,
}

/// Whose objects they are, of which run, and the number of the next one.
struct Numbers {
    device: DeviceId,
    run: u32,
    next: u32,
}

/// Tables that no index names yet, and whether one came since it was last seen to that they do not
/// gather: those of many small files take much memory.
#[derive(Default)]
struct Unindexed {
    entries: Vec<IndexEntry>,
    grew: bool,
}

/// The writing side of one run.
pub struct RunWriter<'p, 'env, S> {
    pool: &'p Pool<'env, S>,
    to: Destination<'env>,
    numbers: Numbers,
    together: bool,
    spare: Arc<Spare>,
    packing: Packing<'env>,
    data: ObjectBuilder,
    /// The part of that one that has left.
    leaving: Option<Outgoing<'env>>,
    meta: ObjectBuilder,
    storing: VecDeque<Ticket<'env, Result<StoredObject, RepositoryError>>>,
    listed: Vec<ObjectEntry>,
    unindexed: Unindexed,
    fresh: Vec<StoredObject>,
    stored_bytes: u64,
    /// Objects that wait to be released, if they are to.
    held_back: Option<Vec<(ObjectKind, ObjectBuilder)>>,
}

impl<'p, 'env, S: AsMut<Compressor> + Send + 'env> RunWriter<'p, 'env, S> {
    /// Begins a run, in memory that an earlier writer may have used. With `together` small files
    /// share blocks.
    pub fn new(
        pool: &'p Pool<'env, S>,
        to: Destination<'env>,
        (device, run): (DeviceId, u32),
        together: bool,
        spare: Arc<Spare>,
    ) -> Self {
        Self {
            pool,
            to,
            numbers: Numbers { device, run, next: 0 },
            together,
            packing: Packing::new(Arc::clone(&spare)),
            spare,
            data: ObjectBuilder::of(to.keys.writing().parameters.object_size()),
            leaving: None,
            meta: ObjectBuilder::of(OBJECT_TARGET),
            storing: VecDeque::new(),
            listed: Vec::new(),
            unindexed: Unindexed::default(),
            fresh: Vec::new(),
            stored_bytes: 0,
            held_back: None,
        }
    }

    /// Compresses the data of a small run, and so the first data of a large one, with more effort.
    pub fn compress_first_harder(&mut self) {
        self.packing.pack_first_harder();
    }

    /// Stores no object before [`Self::release`] is called, unless the run ends first.
    pub fn hold_back(&mut self) {
        self.held_back.get_or_insert_default();
    }

    /// Whether an object waits for that.
    pub fn is_holding_back(&self) -> bool {
        self.held_back.as_ref().is_some_and(|held| !held.is_empty())
    }

    /// Its number.
    pub fn run(&self) -> u32 {
        self.numbers.run
    }

    /// Sealed bytes stored so far.
    pub fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    /// Objects stored so far.
    pub fn stored_objects(&self) -> u64 {
        self.listed.len() as u64
    }

    /// Takes a piece that is stored nowhere yet.
    pub fn add(
        &mut self,
        kind: PieceKind,
        id: ChunkId,
        bytes: &[u8],
    ) -> Result<(), RepositoryError> {
        if std::mem::take(&mut self.unindexed.grew) {
            for entries in index_pieces(&take_whole(&mut self.unindexed.entries)) {
                self.add_index(entries)?;
            }
        }
        self.packing.add(self.pool, kind, (id, bytes));
        self.collect(self.pool.width() * 2)
    }

    /// Takes such a piece that is like others which have places here: it is stored as a delta on
    /// them where that is clearly smaller.
    pub fn add_on(
        &mut self,
        kind: PieceKind,
        id: ChunkId,
        bytes: Vec<u8>,
        on: DeltaBases,
    ) -> Result<(), RepositoryError> {
        self.packing.add_delta(self.pool, NewDelta { kind, id, bytes, on });
        self.collect(self.pool.width() * 2)
    }

    /// Takes tables of data objects that no index names, because their run was cut off before it
    /// wrote one. They go into the index of this run.
    pub fn index(&mut self, entries: Vec<IndexEntry>) {
        self.unindexed.entries.extend(entries);
        self.unindexed.grew = true;
    }

    /// Says that the next chunk belongs to another file.
    pub fn end_of_file(&mut self) -> Result<(), RepositoryError> {
        if self.together { Ok(()) } else { self.pack(PieceKind::Chunk) }
    }

    /// Objects that became durable under their final bytes since this was last asked; their names
    /// become durable with the record.
    pub fn take_stored(&mut self) -> Vec<StoredObject> {
        std::mem::take(&mut self.fresh)
    }

    fn pack(&mut self, kind: PieceKind) -> Result<(), RepositoryError> {
        self.packing.pack(self.pool, kind);
        self.collect(self.pool.width() * 2)
    }

    /// Places packed blocks in order until at most `keep` are under way.
    fn collect(&mut self, keep: usize) -> Result<(), RepositoryError> {
        while let Some(packed) = self.packing.next(keep) {
            let mut next = match packed {
                Ok(packed) => Some(packed),
                Err(NewDelta { kind, id, bytes, .. }) => {
                    self.packing.add(self.pool, kind, (id, &bytes));
                    continue;
                }
            };
            while let Some(packed) = next.take() {
                let (builder, kind) = match packed.block.kind {
                    PieceKind::Chunk => (&mut self.data, ObjectKind::Data),
                    _ => (&mut self.meta, ObjectKind::Meta),
                };
                if let Filled::Full(rest) = builder.fill(packed, &self.spare) {
                    let full = builder.take();
                    self.store_object(kind, full)?;
                    next = rest;
                } else if kind == ObjectKind::Data && self.held_back.is_none() {
                    self.let_data_leave()?;
                } else {
                    builder.gather(&self.spare);
                }
            }
        }
        Ok(())
    }

    /// Releases the existing part of a data object, once it is too large for a small run's only
    /// one.
    fn let_data_leave(&mut self) -> Result<(), RepositoryError> {
        if self.leaving.is_none() && self.data.weight() > SMALL_RUN {
            let first = self.data.first_id().to_vec();
            self.leaving = Some(self.begin_object(ObjectKind::Data, &first)?);
        }
        if let Some(leaving) = self.leaving.take() {
            // After an error neither is there any more: rows without their bytes must not be.
            let mut data = self.data.take();
            self.leaving = Some(leaving.take(self.pool, &mut data)?);
            self.data = data;
        }
        Ok(())
    }

    fn store_object(
        &mut self,
        kind: ObjectKind,
        mut builder: ObjectBuilder,
    ) -> Result<(), RepositoryError> {
        if let Some(held) = &mut self.held_back {
            builder.gather(&self.spare);
            held.push((kind, builder));
            return Ok(());
        }
        let object = match self.leaving.take_if(|_| kind == ObjectKind::Data) {
            Some(object) => object,
            None => self.begin_object(kind, builder.first_id())?,
        };
        self.storing.push_back(object.end(self.pool, builder)?);
        // One is made durable while the next is filled.
        self.settle(1)
    }

    fn begin_object(
        &mut self,
        kind: ObjectKind,
        first: &[u8],
    ) -> Result<Outgoing<'env>, RepositoryError> {
        let number = self.numbers.next;
        self.numbers.next += 1;
        let place =
            ObjectPlace { kind, device: self.numbers.device, run: self.numbers.run, number };
        Outgoing::begin(self.pool, self.to, place, first, Arc::clone(&self.spare))
    }

    /// Ends this run with a record that lists nothing, durable when this returns, and continues
    /// under the number `next` with everything added so far. Nothing may have been stored yet.
    pub fn announce(&mut self, record: Vec<u8>, next: u32) -> Result<Finished, RepositoryError> {
        debug_assert!(self.numbers.next == 0, "what was stored would be in no record");
        let finished = self.put_record(ObjectBuilder::of(OBJECT_TARGET), record)?;
        (self.numbers.run, self.numbers.next, self.stored_bytes) = (next, 0, 0);
        Ok(finished)
    }

    /// Stores the held-back objects, and from now on each object when it is full.
    pub fn release(&mut self) -> Result<(), RepositoryError> {
        for (kind, builder) in self.held_back.take().unwrap_or_default() {
            self.store_object(kind, builder)?;
        }
        Ok(())
    }

    /// Waits until at most `keep` objects are being stored.
    fn settle(&mut self, keep: usize) -> Result<(), RepositoryError> {
        while self.storing.len() > keep || self.storing.front().is_some_and(Ticket::is_done) {
            let Some(ticket) = self.storing.pop_front() else { break };
            let object = ticket.wait()?;
            self.stored_bytes += object.name.length;
            self.listed.push(object_entry(&object.name));
            if object.name.kind == ObjectKind::Data {
                self.unindexed.entries.push(IndexEntry {
                    device: object.name.device,
                    run: object.name.run,
                    number: object.name.number,
                    length: object.name.length,
                    hash: object.name.hash,
                    table: object.table.clone(),
                });
                self.unindexed.grew = true;
            }
            self.fresh.push(object);
        }
        Ok(())
    }

    /// Ends the run: stores the open objects, makes them durable, then writes the record that
    /// `record` returns for the list of this run's other objects, and makes that durable.
    pub fn finish(
        &mut self,
        record: impl FnOnce(Vec<ObjectEntry>, u64) -> Result<Vec<u8>, RepositoryError>,
    ) -> Result<Finished, RepositoryError> {
        let last = self.gather()?;
        if !self.listed.is_empty() {
            // Objects must be durable with their names before anything refers to them.
            self.to.store.sync()?;
        }
        self.listed.sort_unstable_by_key(|object| object.number);
        let bytes = record(self.listed.clone(), self.stored_bytes)?;
        self.put_record(last, bytes)
    }

    /// Adds the record to the last object of a run, stores that and makes it durable.
    fn put_record(
        &mut self,
        mut last: ObjectBuilder,
        bytes: Vec<u8>,
    ) -> Result<Finished, RepositoryError> {
        let (value, bound) = (bytes.len() as u64, RECORD_MAX);
        if value > bound {
            let what = "a record";
            return Err(RepositoryError::Unwritable(FormatError::BadLength { what, value, bound }));
        }
        let hash = RecordHash(record_hash(&bytes));
        let id = self.to.keys.writing().piece_id(PieceKind::Record, &bytes);
        last.push(self.packing.pack_alone(self.pool, PieceKind::Record, (id, &bytes)));
        let object = self.begin_object(ObjectKind::Record, last.first_id())?;
        let object = object.end(self.pool, last)?.wait()?;
        self.to.store.sync()?;
        self.stored_bytes += object.name.length;
        Ok(Finished { object, hash, record: bytes })
    }

    /// Closes all blocks of chunks, lists and nodes and places them: full objects are stored, or
    /// held back, when this returns.
    pub fn close_blocks(&mut self) -> Result<(), RepositoryError> {
        loop {
            let [chunk, list, node] = [PieceKind::Chunk, PieceKind::List, PieceKind::Node];
            for kind in [chunk, list, node, PieceKind::Record] {
                self.pack(kind)?;
            }
            self.collect(0)?;
            // Pieces that were no good as deltas are open again.
            if self.packing.is_closed() {
                return Ok(());
            }
        }
    }

    /// Everything that goes into the last object; whatever does not is stored when this returns.
    fn gather(&mut self) -> Result<ObjectBuilder, RepositoryError> {
        self.close_blocks()?;
        self.release()?;
        if self.numbers.next == 0 {
            self.write_index()?;
        }
        let mut data = self.data.take();
        if self.numbers.next == 0 && data.weight() + self.meta.weight() <= SMALL_RUN {
            data.append(self.meta.take(), &self.spare);
            return Ok(data);
        }
        if !data.is_empty() {
            self.store_object(ObjectKind::Data, data)?;
        }
        self.settle(0)?;
        self.write_index()?;
        if self.meta.weight() > OBJECT_TARGET / 2 {
            let meta = self.meta.take();
            self.store_object(ObjectKind::Meta, meta)?;
        }
        self.settle(0)?;
        Ok(self.meta.take())
    }

    /// Puts the tables that no index names yet among the metadata.
    fn write_index(&mut self) -> Result<(), RepositoryError> {
        let unindexed = std::mem::take(&mut self.unindexed.entries);
        self.unindexed.grew = false;
        for entries in index_pieces(&unindexed) {
            self.add_index(entries)?;
        }
        self.pack(PieceKind::Index)?;
        self.collect(0)
    }

    fn add_index(&mut self, entries: &[IndexEntry]) -> Result<(), RepositoryError> {
        let bytes = encode_index(entries);
        let id = self.to.keys.writing().piece_id(PieceKind::Index, &bytes);
        self.add(PieceKind::Index, id, &bytes)
    }
}
