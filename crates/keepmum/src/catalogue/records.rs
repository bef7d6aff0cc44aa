//! Records, as opaque bytes: the reader that decodes them checks them by their hash.

use rusqlite::{OptionalExtension, Row};

use super::{Catalogue, CatalogueError};
use crate::model::{DeviceId, ObjectKey, RecordHash, RecordRef};

impl Catalogue {
    /// The record with the highest number of each device.
    pub fn heads(&self) -> Result<Vec<RecordRef>, CatalogueError> {
        let mut heads: Vec<RecordRef> = Vec::new();
        for record in self.record_refs()? {
            match heads.last_mut() {
                Some(last) if last.device == record.device => *last = record,
                _ => heads.push(record),
            }
        }
        Ok(heads)
    }

    /// All records by device, run and hash. The index alone answers this: a row lies on a page of
    /// its own, so asking for any more of it would read nearly all of the catalogue.
    pub fn record_refs(&self) -> Result<Vec<RecordRef>, CatalogueError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT device, run, hash FROM record ORDER BY device, run, hash")?;
        let mut rows = query.query([])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.push(reference(row)?);
        }
        Ok(records)
    }

    /// The objects that hold records. The index alone answers this, too.
    pub fn record_holders(&self) -> Result<Vec<ObjectKey>, CatalogueError> {
        let mut query = self.connection.prepare_cached("SELECT object FROM record")?;
        let mut rows = query.query([])?;
        let mut holders = Vec::new();
        while let Some(row) = rows.next()? {
            let key = row.get_ref(0)?.as_blob().ok().and_then(ObjectKey::from_slice);
            holders.push(key.ok_or_else(bad)?);
        }
        Ok(holders)
    }

    /// The objects that hold the records of one run.
    pub fn record_objects(
        &self,
        device: DeviceId,
        run: u32,
    ) -> Result<Vec<ObjectKey>, CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT device, run, hash, object FROM record WHERE device = ?1 AND run = ?2",
        )?;
        let mut rows = query.query((&device.0[..], run))?;
        let mut objects = Vec::new();
        while let Some(row) = rows.next()? {
            objects.push(object(row)?);
        }
        Ok(objects)
    }

    /// Keeps a record; one that is kept already only moves, if its object is here no more.
    pub fn put_record(
        &self,
        record: RecordRef,
        previous: Option<(u32, RecordHash)>,
        bytes: &[u8],
        object: &ObjectKey,
    ) -> Result<(), CatalogueError> {
        if let Some((_, known)) = self.record(&record)? {
            // It is the same in every place; only the place where it can be read matters. A later run
            // copies records of objects that are to go.
            return match self.is_present(&known) && known.run >= object.run {
                true => Ok(()),
                false => self.move_record(&record, object),
            };
        }
        let mut insert = self.connection.prepare_cached(
            "INSERT OR IGNORE INTO record(device, run, hash, object, previous_run, previous_hash,
             body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        insert.execute((
            &record.device.0[..],
            record.run,
            &record.hash.0[..],
            &object.to_bytes()[..],
            previous.map(|(run, _)| run),
            previous.as_ref().map(|(_, hash)| &hash.0[..]),
            bytes,
        ))?;
        Ok(())
    }

    /// Says that a record lies in another object than before.
    pub fn move_record(
        &self,
        record: &RecordRef,
        object: &ObjectKey,
    ) -> Result<(), CatalogueError> {
        let mut update = self.connection.prepare_cached(
            "UPDATE record SET object = ?4 WHERE device = ?1 AND run = ?2 AND hash = ?3",
        )?;
        let RecordRef { device, run, hash } = record;
        update.execute((&device.0[..], run, &hash.0[..], &object.to_bytes()[..]))?;
        Ok(())
    }

    /// The records that lie in an object, with their bytes.
    pub fn records_in(
        &self,
        object: &ObjectKey,
    ) -> Result<Vec<(RecordRef, Vec<u8>)>, CatalogueError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT device, run, hash, body FROM record WHERE object = ?1")?;
        let mut rows = query.query([&object.to_bytes()[..]])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.push((reference(row)?, row.get(3)?));
        }
        Ok(records)
    }

    /// All records with their bytes and objects, by device, run and hash.
    pub fn records(&self) -> Result<Vec<(RecordRef, Vec<u8>, ObjectKey)>, CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT device, run, hash, object, body FROM record ORDER BY device, run, hash",
        )?;
        let mut rows = query.query([])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.push((reference(row)?, row.get(4)?, object(row)?));
        }
        Ok(records)
    }

    /// One record's bytes and object.
    pub fn record(
        &self,
        record: &RecordRef,
    ) -> Result<Option<(Vec<u8>, ObjectKey)>, CatalogueError> {
        let mut query = self.connection.prepare_cached(
            "SELECT body, object FROM record WHERE device = ?1 AND run = ?2 AND hash = ?3",
        )?;
        let found: Option<(Vec<u8>, Vec<u8>)> = query
            .query_row((&record.device.0[..], record.run, &record.hash.0[..]), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((bytes, object)) = found else { return Ok(None) };
        Ok(Some((bytes, ObjectKey::from_slice(&object).ok_or_else(bad)?)))
    }
}

fn bad() -> CatalogueError {
    CatalogueError::row("record")
}

/// The record of a row that begins with device, run and hash.
fn reference(row: &Row<'_>) -> Result<RecordRef, CatalogueError> {
    Ok(RecordRef {
        device: row.get_ref(0)?.as_blob().ok().and_then(DeviceId::from_slice).ok_or_else(bad)?,
        run: row.get(1)?,
        hash: row.get_ref(2)?.as_blob().ok().and_then(RecordHash::from_slice).ok_or_else(bad)?,
    })
}

/// The object of a row that has it in the fourth place.
fn object(row: &Row<'_>) -> Result<ObjectKey, CatalogueError> {
    row.get_ref(3)?.as_blob().ok().and_then(ObjectKey::from_slice).ok_or_else(bad)
}
