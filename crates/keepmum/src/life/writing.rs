//! A run that stores no snapshot: pieces and records that are copied, and items.

use std::collections::HashMap;
use std::sync::Arc;

use crate::catalogue::{Catalogue, RunLock, state};
use crate::compress::{Compressor, Level};
use crate::crypto::record_hash;
use crate::format::{Item, LifeItem, ObjectEntry, PieceKind, Record, RecordTime, RunObjects};
use crate::model::{ChunkId, DeviceId, ObjectKey, RecordHash, RecordRef};
use crate::pipeline;
use crate::repository::{
    Destination, Finished, PieceReader, RepositoryError, RunWriter, Spare, StoredObject,
};
use crate::session::access::{Access, CatalogueAt};
use crate::session::doubt;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer, Phase};
use crate::session::import::import_table;
use crate::session::kept_blocks;
use crate::session::open::{self, Repository};
use crate::session::shown_code;

use super::identity::identify;
use super::lean::{is_set_back, last_record, refuse_behind};
use super::put_back::put_back_records;

/// A repository, open to be written to without a source.
pub(crate) struct Writing<'a> {
    access: &'a Access,
    pub(crate) repository: Repository,
    pub(crate) device: DeviceId,
    how: Opening,
    last: Option<RecordRef>,
    _lock: Option<RunLock>,
}

/// How a repository is opened to be written to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Opening {
    /// The clock's offset from UTC in minutes, for records.
    pub(crate) utc_offset_minutes: i16,
    /// Nothing will be written, so nothing is mended either.
    pub(crate) dry_run: bool,
}

impl Opening {
    /// To write, with this offset.
    pub(crate) fn to_write(utc_offset_minutes: i16) -> Self {
        Self { utc_offset_minutes, dry_run: false }
    }
}

/// What a run copies before its record: pieces that have places here, and records as they are.
#[derive(Default)]
pub(crate) struct Copies {
    pub(crate) pieces: Vec<(PieceKind, ChunkId)>,
    pub(crate) records: Vec<Vec<u8>>,
}

/// What a run stored.
pub(crate) struct Written {
    /// Sealed bytes stored.
    pub(crate) bytes: u64,
    /// Objects stored.
    pub(crate) objects: u64,
}

/// Each worker's own state.
struct Worker(Compressor);

impl AsMut<Compressor> for Worker {
    fn as_mut(&mut self) -> &mut Compressor {
        &mut self.0
    }
}

impl<'a> Writing<'a> {
    /// Opens the repository as this installation's device, to write records. There must be one.
    pub(crate) fn open(
        access: &'a Access,
        how: Opening,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let lock = match &access.catalogue {
            CatalogueAt::File(file) => Some(Catalogue::lock_for_run(file)?),
            CatalogueAt::Temporary => {
                let sentence = "this command needs a config: only a device that keeps a catalogue \
                                may write to a repository";
                return Err(Error::new(ErrorKind::Unusable, sentence));
            }
        };
        Self::within(access, lock, how, observer)
    }

    /// The same for a run that has the lock.
    pub(crate) fn within(
        access: &'a Access,
        lock: Option<RunLock>,
        how: Opening,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let destination = open::destination(access, lock.as_ref(), observer)?;
        if destination.raw.key_block_names().is_empty()
            && !destination.locked().keeps_key_blocks()?
        {
            return Err(destination.locked().no_keys()?);
        }
        let mut repository = destination.open(access, observer)?;
        if !how.dry_run {
            let is_new_here = repository.catalogue.get(&state::DEVICE)?.is_none()
                && !repository.listing.objects.is_empty();
            let at = (&*repository.store, &repository.catalogue);
            kept_blocks::mend(&repository.key_blocks, at, is_new_here, observer)?;
        }
        shown_code::say(&repository.catalogue, observer)?;
        open::remember_repositories(&repository)?;
        let identity = identify(&repository, access, observer)?;
        let device = identity.device;
        repository.listing.own = Some(device);
        if !how.dry_run {
            identity.keep(&repository.catalogue)?;
            put_back_records(&mut repository, access, device, observer)?;
            if is_set_back(&repository) {
                repository.swept_here.clear();
            }
        }
        let last = last_record(&repository, device)?;
        let mut writing = Self { access, repository, device, how, last, _lock: lock };
        if !how.dry_run {
            writing.rely_on_names()?;
        }
        observer.event(Event::Phase(Phase::Working));
        Ok(writing)
    }

    /// The same repository, listed and read anew under the same lock.
    pub(crate) fn again(self, observer: &dyn Observer) -> Result<Self, Error> {
        Self::within(self.access, self._lock, self.how, observer)
    }

    /// A record of this device that is here may not be durable: its run was cut off after its last
    /// name and before its last sync.
    fn rely_on_names(&mut self) -> Result<(), Error> {
        let known = self.repository.catalogue.get(&state::DURABLE_RECORD)?;
        if !self.repository.imported.changed && known == self.last.map(|at| at.hash) {
            return Ok(());
        }
        self.repository.store.rely_on_found();
        Ok(self.repository.store.sync().map_err(RepositoryError::from)?)
    }

    /// Whether this device may propose, sweep and undo (R2): it has not seen more than is here.
    pub(crate) fn refuse_behind(&self) -> Result<(), Error> {
        refuse_behind(&self.repository, self.device)
    }

    /// Stores the copies and a record with these items; all of it is durable when this returns.
    pub(crate) fn write(&mut self, copies: Copies, items: Vec<LifeItem>) -> Result<Written, Error> {
        let listed = self.repository.last_listed_run(self.device);
        let last = listed.max(self.last.map_or(0, |at| at.run));
        let run = self.repository.catalogue.reserve_run(last.saturating_add(1))?;
        let record = self.record(run, items)?;
        match self.store(run, record, &copies) {
            Ok(written) => Ok(written),
            Err(error) => {
                if self.repository.store.names_are_doubtful() {
                    doubt::note(&self.repository.catalogue, self.device, run)?;
                }
                Err(error)
            }
        }
    }

    fn store(&mut self, run: u32, record: Record, copies: &Copies) -> Result<Written, Error> {
        let repository = &self.repository;
        let objects = repository.objects();
        let mut reader = PieceReader::new(&objects, &repository.catalogue);
        let to = Destination {
            store: &*repository.store,
            keys: &repository.keys,
            random: &*self.access.seam.random,
        };
        let (finished, stored) = pipeline::run(
            self.access.mode,
            || Worker(Compressor::new(Level::Default)),
            |pool| {
                let place = (self.device, run);
                let mut writer = RunWriter::new(pool, to, place, true, Arc::<Spare>::default());
                for (kind, id) in &copies.pieces {
                    writer.add(*kind, *id, &reader.piece(*kind, id)?)?;
                }
                for bytes in &copies.records {
                    let id = to.keys.writing().piece_id(PieceKind::Record, bytes);
                    writer.add(PieceKind::Record, id, bytes)?;
                }
                let mut record = record.clone();
                let finished = writer.finish(|listed: Vec<ObjectEntry>, _| {
                    if !listed.is_empty() {
                        record.objects.push(RunObjects { run, objects: listed });
                    }
                    Ok::<_, RepositoryError>(record.encode())
                })?;
                Ok::<_, RepositoryError>((finished, writer.take_stored()))
            },
        )?;
        let ids = copies.records.iter().map(|bytes| {
            let id = self.repository.keys.writing().piece_id(PieceKind::Record, bytes);
            (id, &bytes[..])
        });
        let copied = ids.collect();
        self.know(&record, (&finished, stored), &copied)
    }

    fn record(&self, run: u32, items: Vec<LifeItem>) -> Result<Record, Error> {
        let now = self.access.seam.clock.now();
        let installation = &self.access.installation;
        let repository = &self.repository;
        let join = match self.last {
            Some(_) => None,
            None => Some(Item::Join {
                device_name: installation.device_name.clone(),
                token: repository.keys.writing().token("machine", &installation.identity()),
                continues: repository.catalogue.get(&state::CONTINUES)?,
            }),
        };
        let items = items.into_iter().map(|item| Item::Life(Box::new(item)));
        let seen = repository.seen.iter().copied();
        Ok(Record {
            device: self.device,
            run,
            previous: self.last.map(|at| (at.run, at.hash)),
            seen: seen.filter(|at| at.device != self.device).collect(),
            time: RecordTime {
                seconds: now.seconds,
                nanos: now.nanos,
                offset_minutes: self.how.utc_offset_minutes,
            },
            objects: Vec::new(),
            items: join.into_iter().chain(items).collect(),
            program: concat!("keepmum ", env!("CARGO_PKG_VERSION")).to_owned(),
        })
    }

    /// Tells the catalogue and the listing of a record that is durable, of its objects, and of the
    /// records that were copied into them.
    fn know(
        &mut self,
        record: &Record,
        (finished, stored): (&Finished, Vec<StoredObject>),
        copied: &HashMap<ChunkId, &[u8]>,
    ) -> Result<Written, Error> {
        let repository = &mut self.repository;
        let catalogue = &repository.catalogue;
        let at = RecordRef { device: record.device, run: record.run, hash: finished.hash };
        let mut written = Written { bytes: 0, objects: 0 };
        catalogue.begin()?;
        let told = stored.iter().chain([&finished.object]).try_for_each(|object| {
            let name = &object.name;
            written.bytes += name.length;
            written.objects += 1;
            let (kind, length) = (name.kind.number(), name.length);
            import_table(catalogue, &name.key(), kind, length, &object.table, true)?;
            // From now on they are here: else the objects that held them could never go.
            let ids = object.table.blocks.iter().flat_map(|block| &block.pieces);
            let held = ids.filter_map(|(id, _)| copied.get(id));
            held.copied().try_for_each(|bytes| moved(catalogue, bytes, &name.key()))
        });
        let key = finished.object.name.key();
        let told = told
            .and_then(|()| Ok(catalogue.put_record(at, record.previous, &finished.record, &key)?))
            .and_then(|()| Ok(catalogue.set(&state::DURABLE_RECORD, &finished.hash)?));
        match told {
            Ok(()) => catalogue.commit()?,
            Err(error) => {
                catalogue.rollback()?;
                return Err(error);
            }
        }
        for object in stored.iter().chain([&finished.object]) {
            repository.listing.add_written(&object.name, 0);
        }
        self.repository.catalogue.note_record(at)?;
        self.last = Some(at);
        self.reconsider()?;
        Ok(written)
    }

    /// Concludes anew. What this device sweeps, its last snapshot does not need: the next backup
    /// need not look for it.
    fn reconsider(&mut self) -> Result<(), Error> {
        let repository = &mut self.repository;
        let before = repository.standing.swept().len() as u64;
        repository.reconsider()?;
        let after = repository.standing.swept().len() as u64;
        if repository.catalogue.get(&state::SWEPT)?.unwrap_or(0) == before && after > before {
            repository.catalogue.set(&state::SWEPT, &after)?;
        }
        Ok(())
    }
}

/// Notes that a record lies in another object.
fn moved(catalogue: &Catalogue, bytes: &[u8], object: &ObjectKey) -> Result<(), Error> {
    let record = Record::decode(bytes)?;
    let hash = RecordHash(record_hash(bytes));
    let at = RecordRef { device: record.device, run: record.run, hash };
    Ok(catalogue.put_record(at, record.previous, bytes, object)?)
}
