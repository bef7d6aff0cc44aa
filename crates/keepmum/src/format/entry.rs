//! Entries of directories (§6.2). The catalogue keeps the same bytes.

use super::cbor::{Reader, Writer};
use super::content::{read_content, write_content};
use super::error::FormatError;
use super::{CHUNK_MAX, NODE_MAX};
use crate::model::{
    Attribute, ChunkId, Content, DeviceNumber, Entry, Kind, Metadata, Name, Pieces, Time, TreePath,
    Value,
};

const NANOS: u32 = 1_000_000_000;
const MODE: u16 = 0o7777;

/// Appends an entry. Mode and nanoseconds are cut to the range of the format, attributes sorted.
pub fn encode_entry(entry: &Entry, out: &mut Vec<u8>) {
    write_entry(entry, &mut Writer::new(out));
}

/// The entry in these bytes. [`FormatError::Unknown`] means that only this entry is refused.
pub fn decode_entry(bytes: &[u8]) -> Result<Entry, FormatError> {
    Reader::whole(bytes, "an entry", NODE_MAX, read_entry)
}

pub(super) fn read_entry(reader: &mut Reader<'_>) -> Result<Entry, FormatError> {
    let mut fields = Fields::read(reader)?;
    let kind = fields.take_kind()?;
    let (name, metadata) = fields.finish()?;
    Ok(Entry { name, kind, metadata })
}

pub(super) fn write_entry(entry: &Entry, out: &mut Writer<'_>) {
    let Entry { name, kind, metadata } = entry;
    let Metadata { mode, mtime, owner, link, attributes } = metadata;
    let has_value = !matches!(kind, Kind::Fifo);
    let optional = [
        has_value,
        mode.is_some(),
        mtime.is_some(),
        owner.numbers.is_some(),
        link.is_some(),
        owner.user.is_some(),
        owner.group.is_some(),
        attributes.iter().any(|one| one.stored().is_none()),
        attributes.iter().any(|one| one.stored().is_some()),
    ];
    out.map(2 + optional.iter().filter(|there| **there).count());
    out.uint(0);
    out.bytes(name.as_bytes());
    if let Some(user) = &owner.user {
        out.uint(1);
        out.bytes(user);
    }
    out.uint(2);
    out.uint(kind.number().into());
    if let Some(group) = &owner.group {
        out.uint(3);
        out.bytes(group);
    }
    if let Kind::File(content) = kind {
        out.uint(4);
        write_content(content, out);
    }
    if !attributes.is_empty() {
        write_attributes(5, attributes, |one| one.stored().is_none(), out);
    }
    write_value(kind, out);
    if !attributes.is_empty() {
        write_attributes(11, attributes, |one| one.stored().is_some(), out);
    }
    if let Some(mode) = mode {
        out.uint(12);
        out.uint((mode & MODE).into());
    }
    if let Some(Time { seconds, nanos }) = mtime {
        out.uint(14);
        out.array(2);
        out.int(*seconds);
        out.uint((*nanos).min(NANOS - 1).into());
    }
    if let Some((user, group)) = owner.numbers {
        out.uint(16);
        out.array(2);
        out.uint(user.into());
        out.uint(group.into());
    }
    if let Some(link) = link {
        out.uint(18);
        out.uint(*link);
    }
}

/// Those attributes that belong under a key.
fn write_attributes(
    key: u64,
    attributes: &[Attribute],
    belongs: fn(&&Attribute) -> bool,
    out: &mut Writer<'_>,
) {
    let mut sorted: Vec<_> = attributes.iter().filter(belongs).collect();
    if sorted.is_empty() {
        return;
    }
    sorted.sort_by_key(|one| one.key());
    out.uint(key);
    out.array(sorted.len());
    for Attribute { namespace, name, value } in sorted {
        out.array(3);
        out.text(namespace);
        out.bytes(name);
        match value {
            Value::Inline(value) => out.bytes(value),
            Value::Stored(content) => write_content(content, out),
        }
    }
}

/// The fields of one kind only, except the content of a file, whose key comes earlier.
fn write_value(kind: &Kind, out: &mut Writer<'_>) {
    match kind {
        Kind::Directory(node) => {
            out.uint(6);
            out.bytes(&node.0);
        }
        Kind::Symlink(target) => {
            out.uint(8);
            out.bytes(target);
        }
        Kind::CharacterDevice(device) | Kind::BlockDevice(device) => {
            out.uint(10);
            out.array(2);
            out.uint(device.major.into());
            out.uint(device.minor.into());
        }
        Kind::File(_) | Kind::Fifo => {}
    }
}

/// Everything an entry may have, before its required fields are known.
#[derive(Default)]
struct Fields {
    name: Option<Name>,
    number: Option<u64>,
    content: Option<Content>,
    node: Option<ChunkId>,
    target: Option<Box<[u8]>>,
    device: Option<DeviceNumber>,
    metadata: Metadata,
}

impl Fields {
    fn read(reader: &mut Reader<'_>) -> Result<Self, FormatError> {
        let mut fields = Self::default();
        let read = reader.map("an entry", |reader, key| fields.key(reader, key));
        // A kind of a later version may have fields that would be malformed in this one.
        match (fields.number, read) {
            (Some(value), Err(FormatError::BadValue { .. } | FormatError::BadLength { .. }))
                if value > u64::from(Kind::BLOCK_DEVICE) =>
            {
                Err(FormatError::Unknown { what: "entry kind", value })
            }
            (_, read) => read.map(|()| fields),
        }
    }

    fn key(&mut self, reader: &mut Reader<'_>, key: u64) -> Result<bool, FormatError> {
        match key {
            0 => {
                let what = "the name of an entry";
                let name = Name::new(reader.bytes_up_to(what, Name::MAX)?);
                self.name = Some(name.map_err(|_| FormatError::BadValue { what })?);
            }
            2 => self.number = Some(reader.uint("the kind of an entry")?),
            4 => self.content = Some(read_content(reader)?),
            6 => self.node = Some(ChunkId(reader.fixed("the id of a node")?)),
            8 => self.target = Some(reader.bytes_up_to("a link's target", TreePath::MAX)?.into()),
            10 => {
                let (major, minor) = read_pair(reader, "a device number")?;
                self.device = Some(DeviceNumber { major, minor });
            }
            12 => {
                let what = "the mode of an entry";
                let mode = reader.narrow(what)?;
                self.metadata.mode = Some(mode);
                if mode > MODE {
                    return Err(FormatError::BadValue { what });
                }
            }
            14 => self.metadata.mtime = Some(read_time(reader)?),
            16 => {
                let numbers = read_pair(reader, "the owner of an entry")?;
                self.metadata.owner.numbers = Some(numbers);
            }
            18 => self.metadata.link = Some(reader.uint("a hard link group")?),
            20 => {
                let value = reader.uint("the name encoding of an entry")?;
                return Err(FormatError::Unknown { what: "name encoding", value });
            }
            1 => self.metadata.owner.user = Some(reader.bytes("the name of a user")?.into()),
            3 => self.metadata.owner.group = Some(reader.bytes("the name of a group")?.into()),
            5 => self.attributes(reader, |reader| {
                Ok(Value::Inline(reader.bytes("the value of an attribute")?.into()))
            })?,
            11 => self.attributes(reader, |reader| {
                let content = read_content(reader)?;
                match &content.pieces {
                    // A value that a system may accept as a whole is named as a whole.
                    Pieces::Lists { .. } if content.size <= CHUNK_MAX => {
                        Err(FormatError::BadValue { what: "the value of an attribute" })
                    }
                    _ => Ok(Value::Stored(content)),
                }
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Attributes in any order; of one namespace and name the last counts, and before all others
    /// one whose value is stored.
    fn attributes(
        &mut self,
        reader: &mut Reader<'_>,
        value: impl Fn(&mut Reader<'_>) -> Result<Value, FormatError>,
    ) -> Result<(), FormatError> {
        let read = reader.list("attributes", |reader| read_attribute(reader, &value))?;
        let all = &mut self.metadata.attributes;
        all.extend(read);
        all.sort_by(|a, b| {
            a.key().cmp(&b.key()).then(a.stored().is_some().cmp(&b.stored().is_some()))
        });
        all.reverse();
        all.dedup_by(|a, b| a.key() == b.key());
        all.reverse();
        Ok(())
    }

    fn take_kind(&mut self) -> Result<Kind, FormatError> {
        let what = "the kind of an entry";
        let missing = FormatError::BadValue { what };
        let number = self.number.ok_or(missing)?;
        Ok(match u8::try_from(number) {
            Ok(Kind::FILE) => Kind::File(self.content.take().ok_or(missing)?),
            Ok(Kind::DIRECTORY) => Kind::Directory(self.node.take().ok_or(missing)?),
            Ok(Kind::SYMLINK) => Kind::Symlink(self.target.take().ok_or(missing)?),
            Ok(Kind::FIFO) => Kind::Fifo,
            Ok(Kind::CHARACTER_DEVICE) => Kind::CharacterDevice(self.device.take().ok_or(missing)?),
            Ok(Kind::BLOCK_DEVICE) => Kind::BlockDevice(self.device.take().ok_or(missing)?),
            _ => return Err(FormatError::Unknown { what: "entry kind", value: number }),
        })
    }

    /// The rest, provided that nothing is left which only another kind has.
    fn finish(self) -> Result<(Name, Metadata), FormatError> {
        let Self { name, content, node, target, device, metadata, .. } = self;
        let foreign = content.is_some() || node.is_some() || target.is_some() || device.is_some();
        if foreign {
            return Err(FormatError::BadValue { what: "a key of another kind in an entry" });
        }
        let missing = FormatError::BadValue { what: "a missing key of an entry" };
        Ok((name.ok_or(missing)?, metadata))
    }
}

fn read_pair(reader: &mut Reader<'_>, what: &'static str) -> Result<(u32, u32), FormatError> {
    reader.row(what, 2, 2, |reader, _| Ok((reader.narrow(what)?, reader.narrow(what)?)))
}

fn read_time(reader: &mut Reader<'_>) -> Result<Time, FormatError> {
    reader.row("a time", 2, 2, |reader, _| {
        let seconds = reader.int("a time")?;
        let nanos = reader.narrow("a time")?;
        match nanos < NANOS {
            true => Ok(Time { seconds, nanos }),
            false => Err(FormatError::BadValue { what: "a time" }),
        }
    })
}

fn read_attribute(
    reader: &mut Reader<'_>,
    value: impl FnOnce(&mut Reader<'_>) -> Result<Value, FormatError>,
) -> Result<Attribute, FormatError> {
    reader.row("an attribute", 3, 3, |reader, _| {
        Ok(Attribute {
            namespace: reader.text("the namespace of an attribute")?.into(),
            name: reader.bytes("the name of an attribute")?.into(),
            value: value(reader)?,
        })
    })
}
