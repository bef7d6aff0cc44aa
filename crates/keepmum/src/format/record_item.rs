//! The items of a record (§7.1 to §7.7).

use super::ITEMS_MAX;
use super::cbor::{Reader, Writer};
use super::error::FormatError;
use super::left_out::LeftOut;
use super::life_item::LifeItem;
use super::reference::{read_reference, write_reference};
use crate::model::{ChunkId, DeviceId, RecordRef, TreePath};

const JOIN: u64 = 1;
const BACKUP: u64 = 3;
const CHECKPOINT: u64 = 4;
/// Types from here on may be ignored by who does not know them.
const OPTIONAL: u64 = 128;

/// One thing that a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The device is new here.
    Join {
        /// Its name for people.
        device_name: String,
        /// The token by which an installation recognises itself.
        token: [u8; 16],
        /// The last record of the device that this one was before: this one continues its history,
        /// and that device has ended.
        continues: Option<RecordRef>,
    },
    /// Objects of a run that continues.
    Checkpoint,
    /// A snapshot.
    Backup(Box<Backup>),
    /// Something about snapshots, objects or devices.
    Life(Box<LifeItem>),
    /// An item of an unknown type, or with something critical and unknown in it.
    Unknown {
        /// Its type.
        kind: u64,
        /// Whether it may not be ignored by who prunes or folds.
        critical: bool,
    },
}

/// A snapshot of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Root node of its tree.
    pub root: ChunkId,
    /// The folders backed up.
    pub source: SourceName,
    /// The runs of other devices whose objects may be needed; no other is. Those of its own device
    /// are needed up to its own.
    pub needs: Vec<Needs>,
    /// Entries that could not be read.
    pub unread: u64,
    /// Counts to be shown.
    pub summary: Summary,
    /// The paths that the run left out; nothing if the record does not list them, or not in a form
    /// that this version understands.
    pub left_out: Option<LeftOut>,
}

/// A source, by its name and the paths it begins at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceName {
    /// Its name.
    pub name: String,
    /// Paths of its roots in bytes.
    pub roots: Vec<Vec<u8>>,
}

/// Runs of a device, first and last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The device.
    pub device: DeviceId,
    /// First run.
    pub first: u32,
    /// Last run, not below the first.
    pub last: u32,
}

/// Counts of a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files in the snapshot.
    pub files: u64,
    /// Directories in it.
    pub directories: u64,
    /// Other entries in it.
    pub others: u64,
    /// Sum of the sizes of its files in bytes.
    pub bytes: u64,
    /// Entries that the snapshot before did not have.
    pub new: u64,
    /// Entries that differ from it.
    pub changed: u64,
    /// Entries that only it had.
    pub gone: u64,
    /// Bytes read from the source.
    pub read: u64,
    /// Plain bytes of chunks that were not there before.
    pub chunk_bytes: u64,
    /// Bytes stored by the run before this record.
    pub stored: u64,
}

impl Item {
    pub(super) fn write_all(items: &[Self], out: &mut Writer<'_>) {
        let known = || items.iter().filter(|item| !matches!(item, Self::Unknown { .. }));
        out.array(known().count());
        known().for_each(|item| item.write(out));
    }

    fn write(&self, out: &mut Writer<'_>) {
        out.array(2);
        match self {
            Self::Join { device_name, token, continues } => {
                out.uint(JOIN);
                out.map(2 + usize::from(continues.is_some()));
                out.uint(0);
                out.text(device_name);
                out.uint(2);
                out.bytes(token);
                if let Some(continues) = continues {
                    out.uint(4);
                    write_reference(continues, out);
                }
            }
            Self::Checkpoint => {
                out.uint(CHECKPOINT);
                out.map(0);
            }
            Self::Backup(backup) => {
                out.uint(BACKUP);
                backup.write(out);
            }
            Self::Life(item) => item.write(out),
            // The caller has left it out; an empty body keeps the array whole all the same.
            Self::Unknown { kind, .. } => {
                out.uint(*kind);
                out.map(0);
            }
        }
    }

    pub(super) fn read_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, FormatError> {
        let items = reader.list_up_to("the items of a record", ITEMS_MAX, Self::read)?;
        let is_backup = |item: &&Self| match item {
            Self::Backup(_) => true,
            Self::Unknown { kind, .. } => *kind == BACKUP,
            Self::Join { .. } | Self::Checkpoint | Self::Life(_) => false,
        };
        match items.iter().filter(is_backup).count() {
            0 | 1 => Ok(items),
            _ => Err(FormatError::BadValue { what: "the number of backups in a record" }),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        reader.row("an item of a record", 2, 2, |reader, _| {
            let kind = reader.uint("the type of an item")?;
            let body = "the body of an item";
            let item = match kind {
                JOIN => reader.refusable(body, read_join)?,
                CHECKPOINT => {
                    let read = |reader: &mut Reader<'_>| reader.map(body, |_, _| Ok(false));
                    reader.refusable(body, read)?.map(|()| Self::Checkpoint)
                }
                BACKUP => {
                    let backup = reader.refusable(body, Backup::read)?;
                    backup.map(|backup| Self::Backup(Box::new(backup)))
                }
                _ => {
                    let known = |reader: &mut Reader<'_>| match LifeItem::read(kind, reader) {
                        Some(read) => read.map(|item| Self::Life(Box::new(item))),
                        None => Err(FormatError::Unknown { what: "an item", value: kind }),
                    };
                    reader.refusable(body, known)?
                }
            };
            Ok(item.unwrap_or(Self::Unknown { kind, critical: kind < OPTIONAL }))
        })
    }
}

fn read_join(reader: &mut Reader<'_>) -> Result<Item, FormatError> {
    let (mut name, mut token, mut continues) = (None, None, None);
    reader.map("a join", |reader, key| {
        match key {
            0 => name = Some(reader.text("the name of a device")?.to_owned()),
            2 => token = Some(reader.fixed("the token of a join")?),
            4 => continues = Some(read_reference(reader)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let missing = FormatError::BadValue { what: "a missing key of a join" };
    let (device_name, token) = (name.ok_or(missing)?, token.ok_or(missing)?);
    Ok(Item::Join { device_name, token, continues })
}

impl Backup {
    fn write(&self, out: &mut Writer<'_>) {
        out.map(5 + usize::from(self.left_out.is_some()));
        out.uint(0);
        out.bytes(&self.root.0);
        out.uint(1);
        self.summary.write(out);
        if let Some(left_out) = &self.left_out {
            out.uint(3);
            left_out.write(out);
        }
        out.uint(4);
        out.array(2);
        out.text(&self.source.name);
        out.array(self.source.roots.len());
        self.source.roots.iter().for_each(|root| out.bytes(root));
        out.uint(6);
        out.array(self.needs.len());
        for Needs { device, first, last } in &self.needs {
            out.array(3);
            out.bytes(&device.0);
            out.uint((*first).into());
            out.uint((*last).into());
        }
        out.uint(8);
        out.uint(self.unread);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let (mut root, mut source) = (None, None);
        let (mut needs, mut unread, mut summary) = (None, None, Summary::default());
        let mut left_out = None;
        reader.map("a backup", |reader, key| {
            match key {
                0 => root = Some(ChunkId(reader.fixed("the id of a node")?)),
                1 => summary = Summary::read(reader)?,
                // Unknown items here must not cost the snapshot.
                3 => left_out = reader.refusable("what was left out", LeftOut::read)?,
                4 => source = Some(reader.row("a source", 2, 2, read_source)?),
                6 => needs = Some(reader.list("the needs of a backup", read_needs)?),
                8 => unread = Some(reader.uint("a count of entries")?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let missing = FormatError::BadValue { what: "a missing key of a backup" };
        Ok(Self {
            root: root.ok_or(missing)?,
            source: source.ok_or(missing)?,
            needs: needs.ok_or(missing)?,
            unread: unread.ok_or(missing)?,
            summary,
            left_out,
        })
    }
}

fn read_source(reader: &mut Reader<'_>, _: u64) -> Result<SourceName, FormatError> {
    let name = reader.text("the name of a source")?.to_owned();
    let root = "the root of a source";
    let roots = reader.list_up_to("the roots of a source", ITEMS_MAX, |reader| {
        reader.bytes_up_to(root, TreePath::MAX).map(<[u8]>::to_vec)
    })?;
    Ok(SourceName { name, roots })
}

fn read_needs(reader: &mut Reader<'_>) -> Result<Needs, FormatError> {
    reader.row("a range of runs", 3, 3, |reader, _| {
        let device = DeviceId(reader.fixed("a device id")?);
        let (first, last) = (reader.run()?, reader.run()?);
        match first <= last {
            true => Ok(Needs { device, first, last }),
            false => Err(FormatError::BadValue { what: "a range of runs" }),
        }
    })
}

impl Summary {
    fn write(&self, out: &mut Writer<'_>) {
        let Self { files, directories, others, bytes, .. } = *self;
        let Self { new, changed, gone, read, chunk_bytes, stored, .. } = *self;
        let counts =
            [files, directories, others, bytes, new, changed, gone, read, chunk_bytes, stored];
        out.map(counts.len());
        for (key, count) in (0..).zip(counts) {
            out.uint(key);
            out.uint(count);
        }
    }

    /// Counts are only shown: one that is missing is zero.
    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let mut counts = [0; 10];
        reader.map("a summary", |reader, key| {
            let count = usize::try_from(key).ok().and_then(|key| counts.get_mut(key));
            let Some(count) = count else { return Ok(false) };
            *count = reader.uint("a count of a summary")?;
            Ok(true)
        })?;
        let [files, directories, others, bytes, new, changed, gone, read, chunk_bytes, stored] =
            counts;
        Ok(Self {
            files,
            directories,
            others,
            bytes,
            new,
            changed,
            gone,
            read,
            chunk_bytes,
            stored,
        })
    }
}
