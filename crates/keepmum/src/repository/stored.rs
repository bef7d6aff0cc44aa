//! What is known of one object on its way to the store, and once it is there.

use std::sync::Arc;

use crate::compress::{Compressor, Effort, Level};
use crate::format::{ObjectEntry, ObjectKind, ObjectName, PieceKind, Table};
use crate::model::ObjectKey;
use crate::pipeline::{self, Mode};
use crate::seam::Random;
use crate::store::Store;

use super::error::RepositoryError;
use super::keys::Keys;
use super::object::{ObjectBuilder, ObjectPlace, Spare};
use super::outgoing::Outgoing;
use super::packing::OpenBlock;

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

/// Stores a record again, in an object of its own: under the device, run and number of the one
/// that held it, which is gone. Durable when this returns.
pub fn put_record(
    to: Destination<'_>,
    lost: &ObjectKey,
    record: &[u8],
) -> Result<StoredObject, RepositoryError> {
    let spare = Arc::new(Spare::default());
    let mut block = OpenBlock::new(PieceKind::Record, Vec::new());
    block.push(to.keys.writing().piece_id(PieceKind::Record, record), record);
    let mut builder = ObjectBuilder::default();
    builder.push(block.pack(&mut Compressor::new(Level::Default), Effort::Usual, &spare));
    let ObjectKey { device, run, number, .. } = *lost;
    let place = ObjectPlace { kind: ObjectKind::Record, device, run, number };
    let stored = pipeline::run(
        Mode::Replay { seed: 0 },
        || (),
        |pool| {
            let object = Outgoing::begin(pool, to, place, builder.first_id(), spare)?;
            object.end(pool, builder)?.wait()
        },
    )?;
    to.store.sync()?;
    Ok(stored)
}

/// How a record lists an object.
pub fn object_entry(name: &ObjectName) -> ObjectEntry {
    ObjectEntry { number: name.number, kind: name.kind, length: name.length, hash: name.hash }
}
