//! Reading objects whole: every byte authenticated, every piece proved.
//!
//! Workers read; the coordinating thread hands in a few objects at a time, takes the results and is
//! free in between. It alone asks the catalogue.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::compress::Decompressor;
use crate::format::object::CODEC_DELTA;
use crate::format::{Block, Table};
use crate::model::{ChunkId, ObjectKey};
use crate::pipeline::{Pool, Stage, Ticket};
use crate::repository::{Keys, Listing, ObjectReader, Recipe, RepositoryError, block_place, split};
use crate::store::Store;

use crate::session::error::Error;
use crate::session::event::{Event, Observer};
use crate::session::import::imported_blocks;
use crate::session::loss_scan::{Fault, FaultKind};
use crate::session::open::Repository;

const READING: Stage = Stage(1);

/// The result of reading an object: bytes read, and damage.
pub(super) struct Examined {
    pub(super) key: ObjectKey,
    pub(super) bytes: u64,
    pub(super) damage: Option<String>,
    pub(super) bad: Vec<ChunkId>,
    /// Pieces that could not be verified because one of their bases does not open, with the
    /// problem, and the objects that may be the cause.
    pub(super) on_bad: Vec<(ChunkId, Fault)>,
    suspects: Vec<ObjectKey>,
    /// Nothing of it can be read, so that nobody knows its contents.
    pub(super) is_closed: bool,
    /// It is damaged, not only out of reach.
    pub(super) is_proved: bool,
    /// Its problem as far as it is not proved to be damaged.
    pub(super) kind: FaultKind,
    /// Its own table, if that could be read.
    pub(super) table: Option<Table>,
}

/// Objects of at most so many bytes are read at once: nearly all, since writers end them at 16 MiB.
const AT_ONCE: u64 = 20 * 1024 * 1024;

/// Each worker's reader of objects.
pub(super) struct Examiner<'env> {
    objects: ObjectReader<'env>,
    decompressor: Decompressor,
}

impl<'env> Examiner<'env> {
    pub(super) fn new(store: &'env dyn Store, keys: &'env Keys, listing: &'env Listing) -> Self {
        let objects = ObjectReader::new(store, keys, listing);
        Self { objects, decompressor: Decompressor::new() }
    }
}

/// Objects that are here and chosen, being read.
pub(super) struct Reading<'p, 'env> {
    repository: &'env Repository,
    observer: &'env dyn Observer,
    pool: &'p Pool<'env, Examiner<'env>>,
    /// Those still to be handed in.
    keys: VecDeque<ObjectKey>,
    /// All that are or were to be read.
    known: HashSet<ObjectKey>,
    waiting: VecDeque<Ticket<'env, Result<Examined, RepositoryError>>>,
    done: Vec<Examined>,
    bytes: u64,
    total: u64,
}

impl<'p, 'env> Reading<'p, 'env> {
    /// Begins to read these objects.
    pub(super) fn begin(
        repository: &'env Repository,
        observer: &'env dyn Observer,
        pool: &'p Pool<'env, Examiner<'env>>,
        keys: Vec<ObjectKey>,
    ) -> Self {
        let (total, known) = (keys.len() as u64, keys.iter().copied().collect());
        let (waiting, done, keys) = (VecDeque::new(), Vec::new(), keys.into());
        let bytes = 0;
        Self { repository, observer, pool, keys, known, waiting, done, bytes, total }
    }

    /// Takes finished results and hands in more, without waiting for anything.
    pub(super) fn turn(&mut self) -> Result<(), Error> {
        while self.waiting.front().is_some_and(Ticket::is_done) {
            self.take()?;
        }
        self.hand_in()?;
        self.observer.go_on("checked")
    }

    /// Waits for all the rest; returns the result of each object.
    pub(super) fn end(mut self) -> Result<Vec<Examined>, Error> {
        loop {
            self.hand_in()?;
            if self.waiting.is_empty() {
                return Ok(self.done);
            }
            self.take()?;
            self.observer.go_on("checked")?;
        }
    }

    fn hand_in(&mut self) -> Result<(), Error> {
        while self.waiting.len() < self.pool.width() * 2
            && let Some(key) = self.keys.pop_front()
        {
            let mut recipes = HashMap::new();
            for delta in self.repository.catalogue.deltas_in(&key)? {
                let recipe = Recipe::of(&self.repository.catalogue, &delta)?;
                recipes.insert(delta.block_offset, recipe);
            }
            let task = move |examiner: &mut Examiner<'env>| examine(examiner, key, &recipes);
            self.waiting.push_back(self.pool.submit(READING, task));
        }
        Ok(())
    }

    fn take(&mut self) -> Result<(), Error> {
        let Some(ticket) = self.waiting.pop_front() else { return Ok(()) };
        let one = self.compared(ticket.wait()?)?;
        self.bytes += one.bytes;
        // A piece that does not open is reported for its own object, whichever reader found it.
        for suspect in &one.suspects {
            if self.known.insert(*suspect) {
                self.keys.push_back(*suspect);
                self.total += 1;
            }
        }
        self.done.push(one);
        self.observer.event(Event::Progress {
            entries: self.done.len() as u64,
            entries_total: self.total,
            bytes: self.bytes,
            bytes_total: 0,
        });
        Ok(())
    }

    /// An object's own table compared with an index.
    fn compared(&self, mut one: Examined) -> Result<Examined, Error> {
        if let Some(table) = one.table.take()
            && !self.repository.catalogue.agrees(&one.key, &imported_blocks(&table))?
        {
            one.damage.get_or_insert("an index says that it holds something else".to_owned());
            one.is_proved = true;
        }
        Ok(one)
    }
}

fn examine(
    Examiner { objects, decompressor }: &mut Examiner<'_>,
    key: ObjectKey,
    recipes: &HashMap<u32, Recipe>,
) -> Result<Examined, RepositoryError> {
    let mut examined = Examined {
        key,
        bytes: 0,
        damage: None,
        bad: Vec::new(),
        on_bad: Vec::new(),
        suspects: Vec::new(),
        is_closed: false,
        is_proved: false,
        kind: FaultKind::Damaged,
        table: None,
    };
    objects.read_at_once(&key, AT_ONCE);
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
        let plain = match block.codec {
            CODEC_DELTA => {
                let delta = examined.delta(objects, decompressor, (key, offset, block), recipes)?;
                delta.transpose()
            }
            _ => Some(objects.block(&block_place(key, offset, block), decompressor)),
        };
        let plain = match plain {
            None => continue,
            Some(Ok(plain)) => plain,
            Some(Err(error)) => {
                let what = examined.what_is_wrong(error)?;
                examined.damage = Some(what);
                examined.bad.extend(block.pieces.iter().map(|(id, _)| *id));
                continue;
            }
        };
        examined.bytes += u64::from(block.stored);
        for (id, bytes) in split(block, &plain) {
            if !objects.keys().proves(block.kind, &id, bytes) {
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
    /// The plain bytes of a delta, or its problem; nothing if it is well as far as its object goes,
    /// but one of its bases is not.
    #[allow(clippy::type_complexity)]
    fn delta(
        &mut self,
        objects: &ObjectReader<'_>,
        decompressor: &mut Decompressor,
        (key, offset, block): (ObjectKey, u32, &Block),
        recipes: &HashMap<u32, Recipe>,
    ) -> Result<Result<Option<Vec<u8>>, RepositoryError>, RepositoryError> {
        let place = block_place(key, offset, block);
        let recipe = recipes.get(&offset).filter(|recipe| recipe.place == place);
        let Some(recipe) = recipe else {
            // A base is not here, which the walk will report; or an index says something else,
            // which is always reported.
            let read = objects.range(&key, offset.into(), block.stored.into());
            return Ok(read.map(|stored| {
                self.bytes += stored.len() as u64;
                None
            }));
        };
        match objects.prefix(recipe, decompressor) {
            Ok(prefix) => Ok(objects.on_prefix(&place, &prefix).map(Some)),
            Err(error) if error.is_of_one_object() => {
                let fault = Fault::from_error(&error);
                let ids = block.pieces.iter().map(|(id, _)| (*id, fault.clone()));
                self.on_bad.extend(ids);
                self.suspects.extend(recipe.base_objects());
                Ok(objects.range(&key, offset.into(), block.stored.into()).map(|_| None))
            }
            Err(error) => Err(error),
        }
    }

    /// The problem of one object; a destination that fails as a whole is still an error.
    fn what_is_wrong(&mut self, error: RepositoryError) -> Result<String, RepositoryError> {
        match error {
            RepositoryError::Damaged { what, .. } => {
                self.is_proved = true;
                Ok(what)
            }
            RepositoryError::Arriving { what, .. } => {
                self.kind = FaultKind::Arriving;
                Ok(what)
            }
            RepositoryError::NotUnderstood { what, .. } => {
                self.kind = FaultKind::Unknown;
                Ok(what)
            }
            error if error.is_of_one_object() => Ok(error.to_string()),
            error => Err(error),
        }
    }
}
