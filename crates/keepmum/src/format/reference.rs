//! References to records (§7.1).

use super::cbor::{Reader, Writer};
use super::error::FormatError;
use crate::model::{DeviceId, RecordHash, RecordRef};

pub(super) fn write_reference(RecordRef { device, run, hash }: &RecordRef, out: &mut Writer<'_>) {
    out.array(3);
    out.bytes(&device.0);
    write_link_within((*run, *hash), out);
}

/// A record of a device that is known from elsewhere.
pub(super) fn write_link(link: (u32, RecordHash), out: &mut Writer<'_>) {
    out.array(2);
    write_link_within(link, out);
}

fn write_link_within((run, hash): (u32, RecordHash), out: &mut Writer<'_>) {
    out.uint(run.into());
    out.bytes(&hash.0);
}

pub(super) fn read_reference(reader: &mut Reader<'_>) -> Result<RecordRef, FormatError> {
    reader.row("a record seen", 3, 3, |reader, _| {
        Ok(RecordRef {
            device: DeviceId(reader.fixed("a device id")?),
            run: reader.run()?,
            hash: RecordHash(reader.fixed("the hash of a record")?),
        })
    })
}

pub(super) fn read_link(reader: &mut Reader<'_>) -> Result<(u32, RecordHash), FormatError> {
    reader.row("a record of a device", 2, 2, |reader, _| {
        Ok((reader.run()?, RecordHash(reader.fixed("the hash of a record")?)))
    })
}
