//! An object on its way out: sealed as its stored bytes come, and written in parts, so that few of
//! them are in memory at a time.
//!
//! It has no name before all of it is durable, and none at all if it is dropped.

use std::sync::Arc;

use crate::crypto::{CiphertextHasher, Sealer};
use crate::format::ObjectName;
use crate::format::name::context;
use crate::pipeline::{Pool, Ticket};
use crate::store::NewObject;

use super::error::RepositoryError;
use super::key_block::fresh_salt;
use super::object::{ObjectBuilder, ObjectPlace, PART, Spare};
use super::stored::{Destination, StoredObject};

const STEP: usize = 64 * 1024;
/// Parts that wait while the disk is busy with others.
const WAITING: usize = 4;

/// An object that is being written.
pub(super) struct Outgoing<'env> {
    to: Destination<'env>,
    place: ObjectPlace,
    spare: Arc<Spare>,
    sealer: Sealer,
    epoch: u16,
    plain: u64,
    /// The part that is being filled, and those before it that are not handed in yet.
    part: Vec<u8>,
    waiting: Vec<Vec<u8>>,
    /// All objects handed in. Written bytes go from task to task, so that parts stay in order on
    /// any thread.
    written: Ticket<'env, Result<Written<'env>, RepositoryError>>,
}

/// The written part of an object.
struct Written<'env> {
    object: Box<dyn NewObject + 'env>,
    hasher: CiphertextHasher,
    length: u64,
}

impl Written<'_> {
    fn write(&mut self, parts: Vec<Vec<u8>>, spare: &Spare) -> Result<(), RepositoryError> {
        for part in parts {
            self.hasher.update(&part);
            self.object.write(&part)?;
            self.length += part.len() as u64;
            spare.give_part(part);
        }
        Ok(())
    }
}

impl<'env> Outgoing<'env> {
    /// Begins an object. `first` is the id of its first piece, if there is one yet.
    pub(super) fn begin<S: Send + 'env>(
        pool: &Pool<'env, S>,
        to: Destination<'env>,
        place: ObjectPlace,
        first: &[u8],
        spare: Arc<Spare>,
    ) -> Result<Self, RepositoryError> {
        let (epoch, key) = to.keys.writing().writing_epoch();
        let context = context(epoch, place.kind, place.device, place.run, place.number);
        let salt = fresh_salt(to.random, &[&context[..], first].concat())?;
        let mut part = spare.part();
        let sealer = Sealer::new(key, salt, &context, &mut part);
        let written = pool.on_disk(move || {
            let object = to.store.begin()?;
            Ok(Written { object, hasher: CiphertextHasher::new(), length: 0 })
        });
        let waiting = Vec::new();
        Ok(Self { to, place, spare, sealer, epoch, plain: 0, part, waiting, written })
    }

    /// Takes the blocks that a builder holds.
    pub(super) fn take<S: Send + 'env>(
        mut self,
        pool: &Pool<'env, S>,
        builder: &mut ObjectBuilder,
    ) -> Result<Self, RepositoryError> {
        let spare = Arc::clone(&self.spare);
        for bytes in builder.leave() {
            self = self.push(pool, &bytes)?;
            spare.give(bytes);
        }
        Ok(self)
    }

    fn push<S: Send + 'env>(
        mut self,
        pool: &Pool<'env, S>,
        bytes: &[u8],
    ) -> Result<Self, RepositoryError> {
        self.plain += bytes.len() as u64;
        for step in bytes.chunks(STEP) {
            self.sealer.push(step, &mut self.part);
            if self.part.len() >= PART {
                let full = std::mem::replace(&mut self.part, self.spare.part());
                self.waiting.push(full);
                if self.waiting.len() > WAITING || self.written.is_done() {
                    self = self.hand_in(pool)?;
                }
            }
        }
        Ok(self)
    }

    fn hand_in<S: Send + 'env>(mut self, pool: &Pool<'env, S>) -> Result<Self, RepositoryError> {
        let mut written = self.written.wait()?;
        let (parts, spare) = (std::mem::take(&mut self.waiting), Arc::clone(&self.spare));
        self.written = pool.on_disk(move || written.write(parts, &spare).map(|()| written));
        Ok(self)
    }

    /// Ends the object with the rest in its builder, its padding and its table. Its bytes are
    /// durable when the ticket is done, its name is with the store's next sync.
    pub(super) fn end<S: Send + 'env>(
        mut self,
        pool: &Pool<'env, S>,
        mut builder: ObjectBuilder,
    ) -> Result<Ticket<'env, Result<StoredObject, RepositoryError>>, RepositoryError> {
        self = self.take(pool, &mut builder)?;
        let table = builder.into_table();
        let (mut padding, ending) = table.ending(self.plain)?;
        while padding > 0 {
            let zeros = [0; STEP];
            let now = usize::try_from(padding).map_or(STEP, |left| left.min(STEP));
            self = self.push(pool, &zeros[..now])?;
            padding -= now as u64;
        }
        self = self.push(pool, &ending)?;
        let Self { to, place, spare, sealer, epoch, mut part, mut waiting, written, .. } = self;
        sealer.finish(&mut part);
        waiting.push(part);
        let mut written = written.wait()?;
        Ok(pool.on_disk(move || {
            written.write(waiting, &spare)?;
            let Written { object, hasher, length } = written;
            let ObjectPlace { kind, device, run, number } = place;
            let name =
                ObjectName { epoch, kind, device, run, number, length, hash: hasher.finish() };
            let file_name = to.keys.writing().seal_name(&name);
            // The name holds the hash of the bytes: an existing file is the same.
            let _same = object.finish(&file_name)?;
            Ok(StoredObject { name, table })
        }))
    }
}
