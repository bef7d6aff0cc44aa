//! The known facts about one object on its way to the store, and once it is there.

use crate::format::{ObjectEntry, ObjectName, Table};
use crate::seam::Random;
use crate::store::Store;

use super::keys::Keys;

/// Where objects go, and with which keys.
#[derive(Clone, Copy)]
pub struct Destination<'env> {
    /// The store.
    pub store: &'env dyn Store,
    /// The keys.
    pub keys: &'env Keys,
    /// Where salts come from.
    pub random: &'env dyn Random,
}

/// An object that was stored in this run.
pub struct StoredObject {
    /// The fields of its name.
    pub name: ObjectName,
    /// Its contents.
    pub table: Table,
}

/// How a record lists an object.
pub fn object_entry(name: &ObjectName) -> ObjectEntry {
    ObjectEntry { number: name.number, kind: name.kind, length: name.length, hash: name.hash }
}
