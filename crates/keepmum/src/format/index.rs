//! The tables of data objects, kept where they can be read without the objects (§8).

use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::object::Table;
use super::{BLOCK_MAX, OBJECT_MAX};
use crate::model::DeviceId;

/// One data object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// The device that wrote it: not always the one that wrote the index.
    pub device: DeviceId,
    /// The run that wrote it.
    pub run: u32,
    /// Its number in the run.
    pub number: u32,
    /// Its sealed length in bytes.
    pub length: u64,
    /// The hash in its name.
    pub hash: [u8; 16],
    /// Its table.
    pub table: Table,
}

impl IndexEntry {
    /// At least as many bytes as an entry with so many blocks and pieces takes in an index.
    pub fn bound(blocks: usize, pieces: usize) -> usize {
        1 + 9 + 5 + 5 + 9 + 17 + Table::bound(blocks, pieces)
    }
}

/// The index as a piece has it. An index longer than a block's 4 MiB is not readable: a writer
/// divides the objects among several.
pub fn encode_index(entries: &[IndexEntry]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    writer.array(entries.len());
    for IndexEntry { device, run, number, length, hash, table } in entries {
        writer.array(6);
        writer.bytes(&device.0);
        writer.uint((*run).into());
        writer.uint((*number).into());
        writer.uint(*length);
        writer.bytes(hash);
        table.write(&mut writer);
    }
    out
}

/// The index in these bytes.
pub fn decode_index(bytes: &[u8]) -> Result<Vec<IndexEntry>, FormatError> {
    Reader::whole(bytes, "an index", BLOCK_MAX, |reader| {
        reader.list("an index", |reader| {
            reader.row("an entry of an index", 6, 6, |reader, _| {
                Ok(IndexEntry {
                    device: DeviceId(reader.fixed("a device id")?),
                    run: reader.run()?,
                    number: reader.narrow("the number of an object")?,
                    length: reader.up_to("an object", OBJECT_MAX)?,
                    hash: reader.fixed("the hash of an object")?,
                    table: Table::read(reader)?,
                })
            })
        })
    })
}
