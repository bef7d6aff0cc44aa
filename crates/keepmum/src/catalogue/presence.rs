//! What the destination's listing says of the objects that the catalogue knows.
//!
//! Presence is held in memory and never written: what was here yesterday says nothing of today.
//! Only whether an object was ever seen is kept, because "gone" and "not yet arrived" differ.

use rusqlite::OptionalExtension;
use std::collections::{HashMap, HashSet};

use super::{Catalogue, CatalogueError};
use crate::model::ObjectKey;

/// An object of the listing that is here whole. Of several copies the caller gives one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Which object.
    pub key: ObjectKey,
    /// Its kind, as the format numbers it.
    pub kind: u8,
    /// Sealed length in bytes.
    pub length: u64,
    /// Where it lies in the destination.
    pub path: String,
}

/// What a listing and the catalogue have to say of each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Positions in the listing of objects that have not been imported, ascending.
    pub unknown: Vec<usize>,
    /// Objects that were here once and are not listed now, with their kinds, sorted.
    pub gone: Vec<(ObjectKey, u8)>,
    /// Objects imported from an index which have never been listed yet, sorted.
    pub pending: Vec<ObjectKey>,
    /// Objects that are listed and imported.
    pub count: usize,
}

/// What is here, as of the last listing and what was written since.
#[derive(Default)]
pub(super) struct Presence {
    here: HashMap<ObjectKey, Here>,
    /// Rows of imported objects that are here.
    rows: HashMap<i64, ObjectKey>,
    /// Those of them that have deltas.
    deltas: HashSet<i64>,
    /// Rows seen for the first time, to be marked so with the next commit.
    first_seen: Vec<i64>,
}

struct Here {
    /// Sealed length, as listed; none for what this run wrote.
    length: Option<u64>,
    path: Option<Box<str>>,
}

impl Presence {
    pub(super) fn has_row(&self, row: i64) -> bool {
        self.rows.contains_key(&row)
    }

    /// Whether some blocks of an imported object that is here stand on others.
    pub(super) fn has_deltas(&self, row: i64) -> bool {
        self.deltas.contains(&row)
    }

    pub(super) fn key(&self, row: i64) -> Option<ObjectKey> {
        self.rows.get(&row).copied()
    }

    /// Counts an imported object as here if it is listed at this length, or if it is `present`
    /// anyway. Returns whether it is here.
    pub(super) fn import(
        &mut self,
        key: &ObjectKey,
        length: u64,
        (row, deltas): (i64, bool),
        present: bool,
    ) -> bool {
        if present {
            self.here.entry(*key).or_insert(Here { length: None, path: None });
        }
        let here = self.here.get(key).is_some_and(|here| here.length.is_none_or(|l| l == length));
        if here {
            self.rows.insert(row, *key);
            if deltas {
                self.deltas.insert(row);
            }
        }
        here
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
    pub fn reconcile(&mut self, listing: &[ListedObject]) -> Result<Reconciled, CatalogueError> {
        let here = listing.iter().map(|object| {
            let path = Some(object.path.as_str().into());
            (object.key, Here { length: Some(object.length), path })
        });
        *self.presence.borrow_mut() = Presence { here: here.collect(), ..Presence::default() };
        self.chunks.borrow_mut().forget_standing();
        let (mut gone, mut pending) = (Vec::new(), Vec::new());
        for row in self.match_rows()? {
            if row.listed {
                gone.push((row.key, row.kind));
            } else {
                pending.push(row.key);
            }
        }
        gone.sort_unstable();
        pending.sort_unstable();
        let presence = self.presence.borrow();
        let mut imported: HashMap<ObjectKey, ()> = HashMap::with_capacity(presence.rows.len());
        imported.extend(presence.rows.values().map(|key| (*key, ())));
        let unknown = listing.iter().enumerate().filter(|(_, o)| !imported.contains_key(&o.key));
        let unknown = unknown.map(|(at, _)| at).collect();
        Ok(Reconciled { unknown, gone, pending, count: imported.len() })
    }

    /// Finds the rows of what is here; returns the other rows, but those of objects that are
    /// listed at another length: they are unknown, and importing them replaces the row.
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
            match presence.here.get(&row.key).map(|here| here.length.unwrap_or(row.length)) {
                Some(length) if length == row.length => {
                    presence.rows.insert(row.id, row.key);
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

    /// Reads the rows of what is here again, after a rollback has taken some away.
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

    /// Where an object lies in the destination, if it is here and its path is known.
    pub fn object_path(&self, key: &ObjectKey) -> Option<String> {
        let presence = self.presence.borrow();
        presence.here.get(key)?.path.as_deref().map(String::from)
    }

    /// Says where an object lies that this run has just written, and that it is here.
    pub fn set_object_path(&self, key: &ObjectKey, path: &str) {
        let mut presence = self.presence.borrow_mut();
        let here = presence.here.entry(*key).or_insert(Here { length: None, path: None });
        here.path = Some(path.into());
    }

    /// Counts objects as not here, whatever the listing says.
    pub fn count_out(&self, objects: &HashSet<ObjectKey>) {
        if objects.is_empty() {
            return;
        }
        self.chunks.borrow_mut().forget_standing();
        let mut presence = self.presence.borrow_mut();
        presence.here.retain(|key, _| !objects.contains(key));
        let Presence { rows, first_seen, .. } = &mut *presence;
        first_seen.retain(|row| rows.get(row).is_none_or(|key| !objects.contains(key)));
        rows.retain(|_, key| !objects.contains(key));
    }

    /// Whether what an object holds is known, and the object here.
    pub fn is_imported(&self, key: &ObjectKey) -> Result<bool, CatalogueError> {
        let mut query =
            self.connection.prepare_cached("SELECT length FROM object WHERE key = ?1")?;
        let known: Option<i64> =
            query.query_row([&key.to_bytes()[..]], |row| row.get(0)).optional()?;
        let presence = self.presence.borrow();
        let here = presence.here.get(key).and_then(|here| here.length);
        Ok(known.is_some_and(|known| here.is_none_or(|here| here == known.cast_unsigned())))
    }

    /// Whether an object is here, imported or not.
    pub fn is_present(&self, key: &ObjectKey) -> bool {
        self.presence.borrow().here.contains_key(key)
    }
}
