//! Items about snapshots, objects and devices that a record does not bring itself (§7.5 to §7.7).

use super::ITEMS_MAX;
use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::reference::{read_link, read_reference, write_link, write_reference};
use crate::model::{DeviceId, ObjectKey, RecordHash, RecordRef, SnapshotId};

pub(super) const UNDO: u64 = 2;
pub(super) const FORGET: u64 = 5;
pub(super) const PIN: u64 = 6;
pub(super) const TAG: u64 = 7;
pub(super) const INTENT: u64 = 8;
pub(super) const SWEEP: u64 = 9;
pub(super) const RETIRE: u64 = 11;
pub(super) const NAME: u64 = 128;

/// Longest tag and longest name of a device, in bytes.
const TEXT_MAX: usize = 100;

/// An item that says something of snapshots, objects or devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LifeItem {
    /// Snapshots that are not needed any more.
    Forget(Vec<SnapshotId>),
    /// Snapshots that no policy forgets.
    Pin(Vec<SnapshotId>),
    /// Snapshots that have a name.
    Tag {
        /// The snapshots.
        snapshots: Vec<SnapshotId>,
        /// The name, of 1 to 100 bytes.
        name: String,
    },
    /// What these records say of these snapshots counts no more.
    Undo(Undo),
    /// Objects that are to be deleted.
    Intent(Vec<ObjectKey>),
    /// The end of an intent of this device: its objects are deleted, but for those that stay.
    Sweep {
        /// The record of the intent.
        intent: (u32, RecordHash),
        /// The objects that stay after all.
        kept: Vec<ObjectKey>,
    },
    /// A device that will not run again.
    Retire {
        /// The device.
        device: DeviceId,
        /// Its last record that was heeded.
        last: Option<(u32, RecordHash)>,
    },
    /// The name of the record's device from now on, of 1 to 100 bytes.
    Name(String),
}

/// The type of the items that an undo ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Said {
    /// Forgotten.
    Forget,
    /// Pinned.
    Pin,
    /// Tagged.
    Tag,
}

/// The end of a *forget*, a *pin* or a *tag*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// Of what.
    pub said: Said,
    /// Of which snapshots.
    pub snapshots: Vec<SnapshotId>,
    /// The records that said it.
    pub records: Vec<RecordRef>,
}

impl Said {
    fn kind(self) -> u64 {
        match self {
            Self::Forget => FORGET,
            Self::Pin => PIN,
            Self::Tag => TAG,
        }
    }

    fn of(kind: u64) -> Result<Self, FormatError> {
        match kind {
            FORGET => Ok(Self::Forget),
            PIN => Ok(Self::Pin),
            TAG => Ok(Self::Tag),
            value => Err(FormatError::Unknown { what: "the type of an undone item", value }),
        }
    }
}

impl LifeItem {
    pub(super) fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::Forget(snapshots) => on_snapshots(FORGET, snapshots, 1, out),
            Self::Pin(snapshots) => on_snapshots(PIN, snapshots, 1, out),
            Self::Tag { snapshots, name } => {
                on_snapshots(TAG, snapshots, 2, out);
                out.uint(2);
                out.text(name);
            }
            Self::Undo(Undo { said, snapshots, records }) => {
                on_snapshots(UNDO, snapshots, 3, out);
                out.uint(2);
                out.uint(said.kind());
                out.uint(4);
                out.array(records.len());
                records.iter().for_each(|record| write_reference(record, out));
            }
            Self::Intent(objects) => {
                out.uint(INTENT);
                out.map(1);
                out.uint(0);
                write_objects(objects, out);
            }
            Self::Sweep { intent, kept } => {
                out.uint(SWEEP);
                out.map(2);
                out.uint(0);
                write_link(*intent, out);
                out.uint(2);
                write_objects(kept, out);
            }
            Self::Retire { device, last } => {
                out.uint(RETIRE);
                out.map(1 + usize::from(last.is_some()));
                out.uint(0);
                out.bytes(&device.0);
                if let Some(last) = last {
                    out.uint(2);
                    write_link(*last, out);
                }
            }
            Self::Name(name) => {
                out.uint(NAME);
                out.map(1);
                out.uint(0);
                out.text(name);
            }
        }
    }

    /// The body of an item of this type; none if the type is another one.
    pub(super) fn read(kind: u64, reader: &mut Reader<'_>) -> Option<Result<Self, FormatError>> {
        let read = match kind {
            UNDO | FORGET | PIN | TAG => read_on_snapshots(kind, reader),
            INTENT => read_intent(reader),
            SWEEP => read_sweep(reader),
            RETIRE => read_retire(reader),
            NAME => read_name(reader),
            _ => return None,
        };
        Some(read)
    }
}

/// The type of an item on snapshots, and its body up to them; `keys` is how many it has.
fn on_snapshots(kind: u64, snapshots: &[SnapshotId], keys: usize, out: &mut Writer<'_>) {
    out.uint(kind);
    out.map(keys);
    out.uint(0);
    out.array(snapshots.len());
    snapshots.iter().for_each(|id| out.bytes(&id.0));
}

/// Objects by device and run, in order, whatever their order here.
fn write_objects(objects: &[ObjectKey], out: &mut Writer<'_>) {
    let mut objects = objects.to_vec();
    objects.sort_unstable();
    objects.dedup();
    let devices: Vec<_> = objects.chunk_by(|one, next| one.device == next.device).collect();
    out.array(devices.len());
    for of_device in devices {
        out.array(2);
        out.bytes(&of_device[0].device.0);
        let runs: Vec<_> = of_device.chunk_by(|one, next| one.run == next.run).collect();
        out.array(runs.len());
        for of_run in runs {
            out.array(2);
            out.uint(of_run[0].run.into());
            out.array(of_run.len());
            for ObjectKey { number, hash, .. } in of_run {
                out.array(2);
                out.uint((*number).into());
                out.bytes(hash);
            }
        }
    }
}

fn read_objects(reader: &mut Reader<'_>) -> Result<Vec<ObjectKey>, FormatError> {
    let mut objects = Vec::new();
    reader.list_up_to("the devices of objects", ITEMS_MAX, |reader| {
        reader.row("the objects of a device", 2, 2, |reader, _| {
            let device = DeviceId(reader.fixed("a device id")?);
            reader.list("the runs of objects", |reader| {
                reader.row("the objects of a run", 2, 2, |reader, _| {
                    let run = reader.run()?;
                    reader.list("the objects of a run", |reader| {
                        reader.row("an object", 2, 2, |reader, _| {
                            let number = reader.narrow("the number of an object")?;
                            let hash = reader.fixed("the hash of an object")?;
                            objects.push(ObjectKey { device, run, number, hash });
                            Ok(())
                        })
                    })
                })
            })
        })
    })?;
    Ok(objects)
}

fn short_text(reader: &mut Reader<'_>, what: &'static str) -> Result<String, FormatError> {
    let text = reader.text(what)?;
    match (1..=TEXT_MAX).contains(&text.len()) {
        true => Ok(text.to_owned()),
        false => {
            Err(FormatError::BadLength { what, value: text.len() as u64, bound: TEXT_MAX as u64 })
        }
    }
}

fn missing() -> FormatError {
    FormatError::BadValue { what: "a missing key of an item" }
}

fn read_on_snapshots(kind: u64, reader: &mut Reader<'_>) -> Result<LifeItem, FormatError> {
    let (mut snapshots, mut name, mut said, mut records) = (None, None, None, None);
    reader.map("an item on snapshots", |reader, key| {
        match (key, kind) {
            (0, _) => {
                snapshots = Some(reader.list("the snapshots of an item", |reader| {
                    Ok(SnapshotId(reader.fixed("the id of a snapshot")?))
                })?);
            }
            (2, TAG) => name = Some(short_text(reader, "a tag")?),
            (2, UNDO) => said = Some(Said::of(reader.uint("the type of an undone item")?)?),
            (4, UNDO) => records = Some(reader.list("the undone records", read_reference)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let snapshots = snapshots.ok_or_else(missing)?;
    Ok(match kind {
        FORGET => LifeItem::Forget(snapshots),
        PIN => LifeItem::Pin(snapshots),
        TAG => LifeItem::Tag { snapshots, name: name.ok_or_else(missing)? },
        _ => {
            let (said, records) = (said.ok_or_else(missing)?, records.ok_or_else(missing)?);
            LifeItem::Undo(Undo { said, snapshots, records })
        }
    })
}

fn read_intent(reader: &mut Reader<'_>) -> Result<LifeItem, FormatError> {
    let mut objects = None;
    reader.map("an intent", |reader, key| {
        match key {
            0 => objects = Some(read_objects(reader)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(LifeItem::Intent(objects.ok_or_else(missing)?))
}

fn read_sweep(reader: &mut Reader<'_>) -> Result<LifeItem, FormatError> {
    let (mut intent, mut kept) = (None, None);
    reader.map("a sweep", |reader, key| {
        match key {
            0 => intent = Some(read_link(reader)?),
            2 => kept = Some(read_objects(reader)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let (intent, kept) = (intent.ok_or_else(missing)?, kept.ok_or_else(missing)?);
    Ok(LifeItem::Sweep { intent, kept })
}

fn read_retire(reader: &mut Reader<'_>) -> Result<LifeItem, FormatError> {
    let (mut device, mut last) = (None, None);
    reader.map("a retirement", |reader, key| {
        match key {
            0 => device = Some(DeviceId(reader.fixed("a device id")?)),
            2 => last = Some(read_link(reader)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(LifeItem::Retire { device: device.ok_or_else(missing)?, last })
}

fn read_name(reader: &mut Reader<'_>) -> Result<LifeItem, FormatError> {
    let mut name = None;
    reader.map("the name of a device", |reader, key| {
        match key {
            0 => name = Some(short_text(reader, "the name of a device")?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(LifeItem::Name(name.ok_or_else(missing)?))
}
