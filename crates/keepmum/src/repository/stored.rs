//! One object on its way to the store, and what is known of it once it is there.

use crate::compress::{Compressor, Level};
use crate::format::{ObjectEntry, ObjectKind, ObjectName, PieceKind, Table};
use crate::model::ObjectKey;
use crate::seam::Random;
use crate::store::Store;

use super::error::RepositoryError;
use super::keys::Keys;
use super::object::{ObjectBuilder, ObjectPlace, OpenBlock, Spare};

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
    /// What its name says.
    pub name: ObjectName,
    /// Its file name.
    pub file_name: String,
    /// What is in it.
    pub table: Table,
}

/// Seals an object and stores it. Its bytes are durable when this returns, its name is with the
/// store's next sync.
pub(super) fn put(
    builder: ObjectBuilder,
    place: ObjectPlace,
    to: Destination<'_>,
    spare: &Spare,
) -> Result<StoredObject, RepositoryError> {
    let sealed = builder.seal(place, to.keys, to.random)?;
    // The name holds the hash of the bytes: what lies there already is the same.
    let _same = to.store.put_new(&sealed.file_name, &sealed.bytes)?;
    spare.give_object(sealed.bytes);
    Ok(StoredObject { name: sealed.name, file_name: sealed.file_name, table: sealed.table })
}

/// Stores a record again, in an object of its own: under the device, run and number of the one
/// that held it, which is gone. Durable when this returns.
pub fn put_record(
    to: Destination<'_>,
    lost: &ObjectKey,
    record: &[u8],
) -> Result<StoredObject, RepositoryError> {
    let spare = Spare::default();
    let mut block = OpenBlock::new(PieceKind::Record, Vec::new());
    block.push(to.keys.writing().chunk_id(record), record);
    let mut builder = ObjectBuilder::default();
    builder.push(block.pack(&mut Compressor::new(Level::Default), &spare), &spare);
    let ObjectKey { device, run, number, .. } = *lost;
    let place = ObjectPlace { kind: ObjectKind::Record, device, run, number };
    let stored = put(builder, place, to, &spare)?;
    to.store.sync()?;
    Ok(stored)
}

/// How a record lists an object.
pub fn object_entry(name: &ObjectName) -> ObjectEntry {
    ObjectEntry { number: name.number, kind: name.kind, length: name.length, hash: name.hash }
}
