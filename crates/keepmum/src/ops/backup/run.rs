//! The run that a backup writes: its objects, its checkpoints and its records.
//!
//! Nothing counts before its record is durable, and the catalogue learns of a record only then. A
//! run knows nothing of the source: it gets pieces and items.

mod deltas;
mod on_bases;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::setting::{Setting, Worker};
use crate::catalogue::{Catalogue, state};
use crate::format::{
    IndexEntry, Item, Needs, ObjectEntry, PieceKind, Record, RecordTime, RunObjects,
};
use crate::model::{ChunkId, DeviceId, RecordHash, RecordRef, SnapshotId};
use crate::pipeline::Pool;
use crate::repository::{Destination, Finished, RepositoryError, RunWriter, Spare, StoredObject};
use crate::session::error::{Error, ErrorKind};
use crate::session::import::import_table;

/// A device that has nothing to say says so after this many seconds.
const SILENCE: i64 = 7 * 24 * 60 * 60;
/// Objects of runs that ended without a record, to be listed in the next.
#[derive(Default)]
pub(super) struct Orphans {
    pub(super) runs: Vec<RunObjects>,
    /// The tables of those that hold data: no index names them, so the next record's does.
    pub(super) index: Vec<IndexEntry>,
}

/// First and last run of each other device whose chunks this device relies on.
#[derive(Default)]
pub(super) struct ForeignRuns {
    pub(super) runs: BTreeMap<DeviceId, (u32, u32)>,
    /// Whether there are other devices at all.
    pub(super) others: bool,
}

impl ForeignRuns {
    /// Notes a run of another device whose record lists an object that this run relies on.
    fn note(&mut self, device: DeviceId, run: u32) {
        let range = self.runs.entry(device).or_insert((run, run));
        *range = (range.0.min(run), range.1.max(run));
    }

    /// Lets each range end at a run that has a record, because a reader waits for that one. Earlier
    /// versions noted the run that wrote an object, not the one that lists it.
    pub(super) fn end_at_records(&mut self, records: &[RecordRef]) {
        for (device, (_, last)) in &mut self.runs {
            let later = records.iter().filter(|at| at.device == *device && at.run >= *last);
            *last = later.map(|at| at.run).min().unwrap_or(*last);
        }
    }
}

/// The state from which a run continues.
pub(super) struct Start {
    /// This device's last record.
    pub(super) head: Option<(u32, RecordHash)>,
    pub(super) last_listed_run: u32,
    pub(super) orphans: Orphans,
    pub(super) foreign_runs: ForeignRuns,
    /// Something is gone or damaged that was not known before.
    pub(super) heals: bool,
    /// This device has no snapshot: the remembered entries may be kept at each checkpoint, because
    /// nothing older would be lost.
    pub(super) has_no_snapshot: bool,
}

/// The run under way.
pub(super) struct Run<'a, 'p, 'env> {
    set: &'a Setting<'env>,
    pool: &'p Pool<'env, Worker>,
    catalogue: &'a Catalogue,
    writer: Option<RunWriter<'p, 'env, Worker>>,
    /// The memory of writers, one after the other.
    spare: Arc<Spare>,
    /// Pieces given to the writer whose objects the catalogue does not know yet.
    under_way: HashSet<ChunkId>,
    /// This device's last record.
    head: Option<(u32, RecordHash)>,
    last_listed_run: u32,
    orphans: Orphans,
    /// Runs of other devices that hold chunks which this device relies on.
    foreign_runs: ForeignRuns,
    /// Bytes and objects stored by parts of this run that ended in a checkpoint.
    stored_before: (u64, u64),
    /// Chunk bytes that were new.
    fresh_bytes: u64,
    /// Chunks stored again whose objects are gone or damaged; nothing where none are.
    healed: Option<u64>,
    has_no_snapshot: bool,
    deltas: deltas::Deltas<'a>,
}

impl<'a, 'p, 'env> Run<'a, 'p, 'env> {
    /// A run that has written nothing yet.
    pub(super) fn new(
        set: &'a Setting<'env>,
        pool: &'p Pool<'env, Worker>,
        catalogue: &'a Catalogue,
        start: Start,
    ) -> Self {
        Self {
            set,
            pool,
            catalogue,
            writer: None,
            spare: Arc::default(),
            under_way: HashSet::new(),
            head: start.head,
            last_listed_run: start.last_listed_run,
            orphans: start.orphans,
            foreign_runs: start.foreign_runs,
            stored_before: (0, 0),
            fresh_bytes: 0,
            healed: start.heals.then_some(0),
            has_no_snapshot: start.has_no_snapshot,
            deltas: deltas::Deltas::new(set.objects, catalogue),
        }
    }

    /// Stores a piece unless an object that is here, or one on its way, holds it.
    pub(super) fn store_piece(
        &mut self,
        kind: PieceKind,
        id: ChunkId,
        bytes: &[u8],
    ) -> Result<bool, Error> {
        if self.set.options.dry_run || self.under_way.contains(&id) || self.is_held(&id)? {
            return Ok(false);
        }
        let writer = self.writer()?;
        writer.add(kind, id, bytes)?;
        self.under_way.insert(id);
        if kind == PieceKind::Chunk {
            self.fresh_bytes += bytes.len() as u64;
            // Only where something is gone is it worth to ask whether this was there.
            if let Some(healed) = &mut self.healed {
                *healed += u64::from(self.catalogue.was_held(&id)?);
            }
        }
        self.take_stored()?;
        Ok(true)
    }

    /// The writer of this run; its number is reserved when the first piece comes.
    pub(super) fn writer(&mut self) -> Result<&mut RunWriter<'p, 'env, Worker>, Error> {
        if self.writer.is_none() {
            let last = self.last_listed_run.max(self.head.map_or(0, |(run, _)| run));
            let run = self.catalogue.reserve_run(last.saturating_add(1))?;
            let to = Destination {
                store: self.set.store,
                keys: self.set.keys,
                random: &*self.set.access.seam.random,
            };
            self.set.writing.set(Some(run));
            let together = self.set.options.compress_together;
            let place = (self.set.device, run);
            let spare = Arc::clone(&self.spare);
            let mut writer = RunWriter::new(self.pool, to, place, together, spare);
            writer.index(std::mem::take(&mut self.orphans.index));
            match self.head {
                None => writer.hold_back(),
                // A later run brings little, most days, and that is uploaded at once.
                Some(_) if self.stored_before == (0, 0) => writer.compress_first_harder(),
                Some(_) => {}
            }
            self.writer = Some(writer);
        }
        self.writer.as_mut().ok_or_else(|| Error::new(ErrorKind::Local, "no run is open"))
    }

    pub(super) fn end_of_file(&mut self) -> Result<(), Error> {
        match &mut self.writer {
            Some(writer) => Ok(writer.end_of_file()?),
            None => Ok(()),
        }
    }

    /// Tells the catalogue of objects that were stored meanwhile.
    pub(super) fn take_stored(&mut self) -> Result<(), Error> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        if writer.is_holding_back() {
            return self.announce();
        }
        let stored = writer.take_stored();
        let long = writer.stored_bytes() >= self.set.options.checkpoint_after;
        for object in &stored {
            self.learn(object)?;
        }
        if long { self.checkpoint() } else { Ok(()) }
    }

    fn learn(&mut self, object: &StoredObject) -> Result<(), Error> {
        let name = &object.name;
        import_table(
            self.catalogue,
            &name.key(),
            name.kind.number(),
            name.length,
            &object.table,
            true,
        )?;
        for block in &object.table.blocks {
            for (id, _) in &block.pieces {
                self.under_way.remove(id);
            }
        }
        Ok(())
    }

    /// Before the first object of a device's first long run: a record by which this installation
    /// recognises itself and that object, should the run die and the catalogue be lost.
    fn announce(&mut self) -> Result<(), Error> {
        let run = self.writer()?.run();
        let items = self.join()?.into_iter().chain([Item::Checkpoint]).collect();
        // The next record lists the objects left by earlier runs, with their index.
        let record = self.record(run, items, Vec::new())?;
        let next = self.catalogue.reserve_run(run.saturating_add(1))?;
        let finished = self.writer()?.announce(record.encode(), next)?;
        self.set.writing.set(Some(next));
        self.stored_before.0 += finished.object.name.length;
        self.stored_before.1 += 1;
        self.know(&record, &finished)?;
        Ok(self.writer()?.release()?)
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        let items = self.join()?.into_iter().chain([Item::Checkpoint]).collect();
        self.write_record(items)?;
        if self.has_no_snapshot && self.under_way.is_empty() {
            self.keep_what_is_stored()?;
        }
        Ok(())
    }

    /// Lets the catalogue keep all that this first run has stored, so that after a kill nothing of
    /// it is read again.
    fn keep_what_is_stored(&mut self) -> Result<(), Error> {
        let Some((_, hash)) = self.head else { return Ok(()) };
        self.catalogue.set(&state::UNFINISHED, &hash)?;
        self.catalogue.set(&state::FOREIGN_RUNS, &self.foreign_runs.runs)?;
        self.catalogue.commit()?;
        Ok(self.catalogue.begin()?)
    }

    /// The join of a device's first record.
    fn join(&self) -> Result<Option<Item>, Error> {
        if self.head.is_some() {
            return Ok(None);
        }
        let installation = &self.set.access.installation;
        Ok(Some(Item::Join {
            device_name: installation.device_name.clone(),
            token: self.set.repository().token("machine", &installation.identity()),
            continues: self.catalogue.get(&state::CONTINUES)?,
        }))
    }

    /// A record of this run. It lists the objects taken over from runs that left none.
    fn record(
        &self,
        run: u32,
        items: Vec<Item>,
        taken_over: Vec<RunObjects>,
    ) -> Result<Record, Error> {
        let now = self.set.access.seam.clock.now();
        let others = self.set.seen.iter().copied();
        Ok(Record {
            device: self.set.device,
            run,
            previous: self.head,
            seen: others.filter(|at| at.device != self.set.device).collect(),
            time: RecordTime {
                seconds: now.seconds,
                nanos: now.nanos,
                offset_minutes: self.set.options.utc_offset_minutes,
            },
            objects: taken_over,
            items,
            program: concat!("keepmum ", env!("CARGO_PKG_VERSION")).to_owned(),
        })
    }

    /// Stores open objects, then the record, and tells the catalogue.
    fn write_record(&mut self, items: Vec<Item>) -> Result<(), Error> {
        let run = self.writer()?.run();
        let taken_over = std::mem::take(&mut self.orphans.runs);
        let mut record = self.record(run, items, taken_over)?;
        let Some(mut writer) = self.writer.take() else {
            return Err(Error::new(ErrorKind::Local, "no run is open"));
        };
        let finished = writer.finish(|listed: Vec<ObjectEntry>, stored| {
            if !listed.is_empty() {
                record.objects.push(RunObjects { run, objects: listed });
                record.objects.sort_by_key(|objects| objects.run);
            }
            for item in &mut record.items {
                if let Item::Backup(backup) = item {
                    backup.summary.stored += stored;
                }
            }
            Ok::<_, RepositoryError>(record.encode())
        })?;
        self.stored_before.0 += writer.stored_bytes();
        self.stored_before.1 += writer.stored_objects() + 1;
        for object in writer.take_stored() {
            self.learn(&object)?;
        }
        self.know(&record, &finished)?;
        self.set.writing.set(None);
        Ok(())
    }

    /// Tells the catalogue of a record that is durable.
    fn know(&mut self, record: &Record, finished: &Finished) -> Result<(), Error> {
        self.learn(&finished.object)?;
        let Record { device, run, previous, .. } = *record;
        let at = crate::model::RecordRef { device, run, hash: finished.hash };
        let key = finished.object.name.key();
        self.catalogue.put_record(at, previous, &finished.record, &key)?;
        self.head = Some((run, finished.hash));
        self.catalogue.note_record(at)?;
        Ok(self.catalogue.set(&state::DURABLE_RECORD, &finished.hash)?)
    }

    /// The runs of other devices that are needed, in order: its own are needed all.
    pub(super) fn needs(&self) -> Vec<Needs> {
        let others = self.foreign_runs.runs.iter();
        let needs = |(device, range): (&DeviceId, &(u32, u32))| Needs {
            device: *device,
            first: range.0,
            last: range.1,
        };
        others.map(needs).collect()
    }

    /// Whether the last record is so old that a silent device could not be distinguished from an
    /// unchanged one.
    pub(super) fn is_overdue(&self) -> Result<bool, Error> {
        let Some((run, hash)) = self.head else { return Ok(true) };
        let at = crate::model::RecordRef { device: self.set.device, run, hash };
        let Some((bytes, _)) = self.catalogue.record(&at)? else { return Ok(true) };
        let now = self.set.access.seam.clock.now().seconds;
        // Before or after: a record made while the clock was wrong says nothing either.
        let age = |last: Record| now.saturating_sub(last.time.seconds).saturating_abs();
        Ok(Record::decode(&bytes).map_or(true, |last| age(last) >= SILENCE))
    }

    /// Whether anything was stored, or is about to be.
    pub(super) fn has_begun(&self) -> bool {
        self.writer.is_some() || self.stored_before.1 > 0
    }

    /// Whether this device has never made a snapshot.
    pub(super) fn has_no_snapshot(&self) -> bool {
        self.has_no_snapshot
    }

    /// Bytes and objects stored by parts that have ended.
    pub(super) fn stored(&self) -> (u64, u64) {
        self.stored_before
    }

    /// Bytes of chunks that were new.
    pub(super) fn fresh_bytes(&self) -> u64 {
        self.fresh_bytes
    }

    /// Chunks stored again whose objects are gone or damaged.
    pub(super) fn healed(&self) -> u64 {
        self.healed.unwrap_or(0)
    }

    /// The last record of this device, as a snapshot.
    pub(super) fn snapshot(&self) -> Option<SnapshotId> {
        self.head.map(|(_, hash)| SnapshotId::from(hash))
    }

    /// Writes a record without items.
    pub(super) fn end_without_snapshot(&mut self) -> Result<(), Error> {
        let items = self.join()?.into_iter().collect();
        self.write_record(items)
    }

    /// Closes open objects and writes a record with this item.
    pub(super) fn end(&mut self, item: impl FnOnce(&Self) -> Item) -> Result<(), Error> {
        self.writer()?.close_blocks()?;
        if self.writer()?.is_holding_back() {
            self.announce()?;
        }
        let item = item(self);
        let items = self.join()?.into_iter().chain([item]).collect();
        self.write_record(items)?;
        Ok(self.catalogue.set(&state::FOREIGN_RUNS, &self.foreign_runs.runs)?)
    }
}
