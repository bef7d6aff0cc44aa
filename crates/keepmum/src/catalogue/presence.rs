//! The destination's listing, matched with the objects that the catalogue knows.
//!
//! Presence is held in memory and never written: yesterday's listing says nothing of today. Only
//! whether an object was ever seen is kept, because "gone" and "not yet arrived" differ.

use rusqlite::OptionalExtension;
use std::collections::{HashMap, HashSet};

use super::{Catalogue, CatalogueError};
use crate::model::ObjectKey;

/// An object of the listing that is here whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Which object.
    pub key: ObjectKey,
    /// Its kind, as the format numbers it.
    pub kind: u8,
    /// Sealed length in bytes.
    pub length: u64,
}

/// The differences between a listing and the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Objects of the listing that have not been imported, sorted.
    pub unknown: Vec<ListedObject>,
    /// Objects that were here once and are not listed now, with their kinds, sorted.
    pub gone: Vec<(ObjectKey, u8)>,
}

/// The objects that are here, as of the last listing and later writes. There can be a million
/// objects: a row of the listing takes 48 bytes, and one that is imported 16 more.
#[derive(Default)]
pub(super) struct Presence {
    /// The objects of the listing, sorted, then those that came later.
    here: Vec<ListedObject>,
    /// How many of them are of the listing.
    listed: usize,
    /// Those that came later, by their keys.
    later: HashMap<ObjectKey, u32>,
    /// Those that count as absent all the same.
    out: HashSet<ObjectKey>,
    /// Rows of imported objects that are here, with their places above.
    rows: HashMap<i64, u32>,
    /// Those of them that have deltas.
    deltas: HashSet<i64>,
    /// Rows seen for the first time, to be marked so with the next commit.
    first_seen: Vec<i64>,
}

impl Presence {
    pub(super) fn has_row(&self, row: i64) -> bool {
        self.rows.contains_key(&row)
    }

    /// Whether some blocks of an imported object that is here are deltas.
    pub(super) fn has_deltas(&self, row: i64) -> bool {
        self.deltas.contains(&row)
    }

    pub(super) fn key(&self, row: i64) -> Option<ObjectKey> {
        self.rows.get(&row).and_then(|place| Some(self.here.get(*place as usize)?.key))
    }

    fn find(&self, key: &ObjectKey) -> Option<u32> {
        if self.out.contains(key) {
            return None;
        }
        let listed = &self.here[..self.listed];
        let place = listed.binary_search_by(|object| object.key.cmp(key));
        let place = place.ok().and_then(|place| u32::try_from(place).ok());
        place.or_else(|| self.later.get(key).copied())
    }

    fn length(&self, key: &ObjectKey) -> Option<u64> {
        self.find(key).map(|place| self.here[place as usize].length)
    }

    /// Counts an imported object as here if it is listed at this length, or if it is `present`
    /// anyway. Returns whether it is here.
    pub(super) fn import(
        &mut self,
        object: ListedObject,
        (row, deltas): (i64, bool),
        present: bool,
    ) -> bool {
        let ListedObject { key, length, .. } = object;
        if present && self.find(&key).is_none() {
            self.out.remove(&key);
            if self.find(&key).is_none()
                && let Ok(place) = u32::try_from(self.here.len())
            {
                self.here.push(object);
                self.later.insert(key, place);
            }
        }
        let place = self.find(&key).filter(|place| self.here[*place as usize].length == length);
        self.rows.extend(place.map(|place| (row, place)));
        self.deltas.extend(place.filter(|_| deltas).map(|_| row));
        place.is_some()
    }

    /// Forgets an object's row; that it is listed stays true.
    pub(super) fn forget(&mut self, row: i64) {
        self.rows.remove(&row);
        self.deltas.remove(&row);
        self.first_seen.retain(|seen| *seen != row);
    }
}

struct Row {
    id: i64,
    key: ObjectKey,
    kind: u8,
    length: u64,
    listed: bool,
    deltas: i64,
}

impl Catalogue {
    /// Takes over a listing of the destination: from now on only its objects, and those imported
    /// as present, hold anything. Writes nothing, so that a reader may do it beside a run.
    pub fn reconcile(
        &mut self,
        mut listing: Vec<ListedObject>,
    ) -> Result<Reconciled, CatalogueError> {
        listing.sort_unstable_by_key(|object| object.key);
        let listed = listing.len();
        *self.presence.borrow_mut() = Presence { here: listing, listed, ..Presence::default() };
        self.chunks.borrow_mut().forget_standing();
        let others = self.match_rows()?;
        let mut gone: Vec<_> =
            others.iter().filter(|row| row.listed).map(|row| (row.key, row.kind)).collect();
        gone.sort_unstable();
        let presence = self.presence.borrow();
        if presence.rows.len() == listed {
            return Ok(Reconciled { unknown: Vec::new(), gone });
        }
        let mut is_known = vec![false; listed];
        for place in presence.rows.values() {
            is_known[*place as usize] = true;
        }
        let unknown = presence.here.iter().zip(is_known).filter(|(_, is_known)| !is_known);
        Ok(Reconciled { unknown: unknown.map(|(object, _)| *object).collect(), gone })
    }

    /// Finds the rows of the listed objects; returns the other rows, except those of objects that
    /// are listed at another length: they are unknown, and importing them replaces the row.
    fn match_rows(&self) -> Result<Vec<Row>, CatalogueError> {
        let mut presence = self.presence.borrow_mut();
        let mut others = Vec::new();
        let mut query =
            self.connection.prepare("SELECT id, key, length, listed, kind, deltas FROM object")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let key = row.get_ref(1)?.as_blob().ok().and_then(ObjectKey::from_slice);
            let key = key.ok_or_else(|| CatalogueError::row("object"))?;
            let length = row.get::<_, i64>(2)?.cast_unsigned();
            let (id, listed, kind) = (row.get(0)?, row.get(3)?, row.get(4)?);
            let row = Row { id, key, kind, length, listed, deltas: row.get(5)? };
            match presence.find(&row.key) {
                Some(place) if presence.here[place as usize].length == row.length => {
                    presence.rows.insert(row.id, place);
                    if row.deltas > 0 {
                        presence.deltas.insert(row.id);
                    }
                    if !row.listed {
                        presence.first_seen.push(row.id);
                    }
                }
                Some(_) => {}
                None => others.push(row),
            }
        }
        Ok(others)
    }

    /// Reads the rows of the listed objects again, after a rollback has taken some away.
    pub(super) fn refresh_presence(&self) -> Result<(), CatalogueError> {
        let mut presence = self.presence.borrow_mut();
        presence.rows.clear();
        presence.deltas.clear();
        presence.first_seen.clear();
        drop(presence);
        self.match_rows().map(drop)
    }

    /// Keeps which objects have been seen here for the first time.
    pub(super) fn save_listed(&self) -> Result<(), CatalogueError> {
        let rows = std::mem::take(&mut self.presence.borrow_mut().first_seen);
        let mut update =
            self.connection.prepare_cached("UPDATE object SET listed = 1 WHERE id = ?1")?;
        for row in rows {
            update.execute([row])?;
        }
        Ok(())
    }

    /// Counts objects as not here, whatever the listing says.
    pub fn count_out(&self, objects: &HashSet<ObjectKey>) {
        if objects.is_empty() {
            return;
        }
        self.chunks.borrow_mut().forget_standing();
        let mut presence = self.presence.borrow_mut();
        let Presence { here, out, rows, first_seen, .. } = &mut *presence;
        out.extend(objects);
        rows.retain(|_, place| !objects.contains(&here[*place as usize].key));
        first_seen.retain(|row| rows.contains_key(row));
    }

    /// Whether an object's contents are known, and the object is here.
    pub fn is_imported(&self, key: &ObjectKey) -> Result<bool, CatalogueError> {
        let mut query =
            self.connection.prepare_cached("SELECT length FROM object WHERE key = ?1")?;
        let known: Option<i64> =
            query.query_row([&key.to_bytes()[..]], |row| row.get(0)).optional()?;
        let presence = self.presence.borrow();
        let here = presence.length(key);
        Ok(known.is_some_and(|known| here.is_none_or(|here| here == known.cast_unsigned())))
    }

    /// Whether an object is here, imported or not.
    pub fn is_present(&self, key: &ObjectKey) -> bool {
        self.presence.borrow().find(key).is_some()
    }
}
