//! Records: the links of a device's chain (§7).

use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::name::ObjectKind;
use super::record_item::Item;
use super::reference::{read_link, read_reference, write_link, write_reference};
use super::{NAMED_MAX, RECORD_MAX};
use crate::model::{DeviceId, RecordHash, RecordRef};

/// The actions of one run of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The device.
    pub device: DeviceId,
    /// The run, from 1.
    pub run: u32,
    /// The record before it in the chain: its run and its hash; none in the first one.
    pub previous: Option<(u32, RecordHash)>,
    /// The last record that the device had seen of each other device.
    pub seen: Vec<RecordRef>,
    /// When the device believed it to be.
    pub time: RecordTime,
    /// Objects of this run and those taken over from runs that ended without a record.
    pub objects: Vec<RunObjects>,
    /// Its items.
    pub items: Vec<Item>,
    /// The program that wrote it; empty if it did not say.
    pub program: String,
}

/// A time of day: shown, never trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordTime {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds, below 1,000,000,000.
    pub nanos: u32,
    /// Offset from UTC in minutes.
    pub offset_minutes: i16,
}

/// Objects of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunObjects {
    /// The run that wrote them.
    pub run: u32,
    /// The objects.
    pub objects: Vec<ObjectEntry>,
}

/// One object, by the fields of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// Its number in the run.
    pub number: u32,
    /// Its purpose.
    pub kind: ObjectKind,
    /// Its sealed length in bytes.
    pub length: u64,
    /// The hash in its name.
    pub hash: [u8; 16],
}

impl Record {
    /// The record as a piece has it. Items that were not understood are not written: they can
    /// only have been read.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        let writer = &mut writer;
        writer.map(7 + usize::from(self.previous.is_some()));
        writer.uint(0);
        writer.bytes(&self.device.0);
        writer.uint(1);
        writer.text(&self.program);
        writer.uint(2);
        writer.uint(self.run.into());
        if let Some(previous) = self.previous {
            writer.uint(4);
            write_link(previous, writer);
        }
        writer.uint(6);
        writer.array(self.seen.len());
        self.seen.iter().for_each(|seen| write_reference(seen, writer));
        writer.uint(8);
        writer.array(3);
        writer.int(self.time.seconds);
        writer.uint(self.time.nanos.into());
        writer.int(self.time.offset_minutes.into());
        writer.uint(10);
        write_objects(&self.objects, writer);
        writer.uint(12);
        Item::write_all(&self.items, writer);
        out
    }

    /// The record in these bytes. Items with something critical and unknown in them come out as
    /// [`Item::Unknown`]; the same elsewhere refuses the record.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        Reader::whole(bytes, "a record", RECORD_MAX, Self::read)
    }

    /// Device and run of a record of any version: keys 0 and 2 mean the same in all of them.
    pub fn place(bytes: &[u8]) -> Option<(DeviceId, u32)> {
        let (mut device, mut run) = (None, None);
        let read = Reader::whole(bytes, "a record", RECORD_MAX, |reader| {
            reader.map("a record", |reader, key| {
                match key {
                    0 => device = Some(DeviceId(reader.fixed("a device id")?)),
                    2 => run = Some(reader.run()?),
                    _ => reader.skip("a record")?,
                }
                Ok(true)
            })
        });
        read.ok().and(device.zip(run))
    }

    /// Whether it says something that only a later version understands, and that must not be
    /// ignored by who prunes, folds or acknowledges.
    pub fn has_unknown_items(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Unknown { critical: true, .. }))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let (mut device, mut run, mut previous) = (None, None, None);
        let (mut seen, mut time, mut objects) = (None, None, None);
        let (mut items, mut program) = (None, String::new());
        reader.map("a record", |reader, key| {
            match key {
                0 => device = Some(DeviceId(reader.fixed("a device id")?)),
                1 => program = reader.text("the program of a record")?.into(),
                2 => run = Some(reader.run()?),
                4 => previous = Some(read_link(reader)?),
                6 => seen = Some(reader.list("the records seen", read_reference)?),
                8 => time = Some(read_time(reader)?),
                10 => objects = Some(reader.list("the runs of a record", read_run)?),
                12 => items = Some(Item::read_all(reader)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = FormatError::BadValue { what: "a missing key of a record" };
        Self {
            device: device.ok_or(missing)?,
            run: run.ok_or(missing)?,
            previous,
            seen: seen.ok_or(missing)?,
            time: time.ok_or(missing)?,
            objects: objects.ok_or(missing)?,
            items: items.ok_or(missing)?,
            program,
        }
        .in_order()
    }

    /// The record, if it follows an earlier one and lists nothing of a later run. Keys come in any
    /// order, so this can be said only of the whole.
    fn in_order(self) -> Result<Self, FormatError> {
        if self.previous.is_some_and(|(before, _)| before >= self.run) {
            return Err(FormatError::BadValue { what: "the run of the previous record" });
        }
        match self.objects.iter().all(|of| of.run <= self.run) {
            true => Ok(self),
            false => Err(FormatError::BadValue { what: "the run of a listed object" }),
        }
    }
}

impl Reader<'_> {
    /// The number of a run, from 1.
    pub(super) fn run(&mut self) -> Result<u32, FormatError> {
        match self.narrow("the number of a run")? {
            0 => Err(FormatError::BadValue { what: "the number of a run" }),
            run => Ok(run),
        }
    }
}

fn write_objects(runs: &[RunObjects], out: &mut Writer<'_>) {
    out.array(runs.len());
    for RunObjects { run, objects } in runs {
        out.array(2);
        out.uint((*run).into());
        out.array(objects.len());
        for ObjectEntry { number, kind, length, hash } in objects {
            out.array(4);
            out.uint((*number).into());
            out.uint(kind.number().into());
            out.uint(*length);
            out.bytes(hash);
        }
    }
}

fn read_time(reader: &mut Reader<'_>) -> Result<RecordTime, FormatError> {
    let what = "the time of a record";
    reader.row(what, 3, 3, |reader, _| {
        let seconds = reader.int(what)?;
        let nanos = reader.narrow(what)?;
        let offset = i16::try_from(reader.int(what)?);
        let offset_minutes = offset.map_err(|_| FormatError::BadValue { what })?;
        match nanos < 1_000_000_000 {
            true => Ok(RecordTime { seconds, nanos, offset_minutes }),
            false => Err(FormatError::BadValue { what }),
        }
    })
}

fn read_run(reader: &mut Reader<'_>) -> Result<RunObjects, FormatError> {
    reader.row("a run of a record", 2, 2, |reader, _| {
        let run = reader.run()?;
        let objects = reader.list("the objects of a run", read_object)?;
        Ok(RunObjects { run, objects })
    })
}

fn read_object(reader: &mut Reader<'_>) -> Result<ObjectEntry, FormatError> {
    reader.row("an object of a run", 4, 4, |reader, _| {
        let number = reader.narrow("the number of an object")?;
        // A list is only a list: it may name objects that this version cannot open.
        let kind = ObjectKind::from_u8(reader.narrow("the kind of an object")?);
        let length = reader.up_to("an object", NAMED_MAX)?;
        Ok(ObjectEntry { number, kind, length, hash: reader.fixed("the hash of an object")? })
    })
}
