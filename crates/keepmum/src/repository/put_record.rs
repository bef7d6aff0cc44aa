//! A record that is gone, stored again.

use std::sync::Arc;

use crate::compress::{Compressor, Effort, Level};
use crate::format::{ObjectKind, PieceKind};
use crate::model::ObjectKey;
use crate::pipeline::{self, Mode};

use super::error::RepositoryError;
use super::object::{OBJECT_TARGET, ObjectBuilder, ObjectPlace, Spare};
use super::outgoing::Outgoing;
use super::packing::OpenBlock;
use super::stored::{Destination, StoredObject};

/// Numbers from here on are of objects in which a record was stored again. The object that held it
/// first is listed nowhere, so such a number is all that tells a reader that one is missing.
const STORED_AGAIN: u32 = 1 << 31;

/// Whether an object holds a record that was stored again, and nothing else of its run.
pub fn is_stored_again(holder: &ObjectKey) -> bool {
    holder.number >= STORED_AGAIN
}

/// Stores a record again, in an object of its own: under the device and run of the one that held
/// it, which is gone, and with a number that says so. Durable when this returns.
pub fn put_record(
    to: Destination<'_>,
    lost: &ObjectKey,
    record: &[u8],
) -> Result<StoredObject, RepositoryError> {
    let spare = Arc::new(Spare::default());
    let mut block = OpenBlock::new(PieceKind::Record, Vec::new());
    block.push(to.keys.writing().piece_id(PieceKind::Record, record), record);
    let mut builder = ObjectBuilder::of(OBJECT_TARGET);
    builder.push(block.pack(&mut Compressor::new(Level::Default), Effort::Usual, &spare));
    let ObjectKey { device, run, number, .. } = *lost;
    let number = number | STORED_AGAIN;
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
