//! The contents of an object's name once it has been opened (§4.2).
//!
//! Encryption of names is not done here: these are the 40 plain bytes and the 90 characters.

use super::{OBJECT_MAX, base32};
use crate::model::{DeviceId, ObjectKey};

/// Characters of an object's name.
pub const NAME_LENGTH: usize = base32::CHARACTERS;
/// Plain bytes of a name.
pub const FIELDS_LENGTH: usize = 40;
/// The prefix of the context of every sealed object.
const CONTEXT: &[u8; 17] = b"keepmum v0 object";
/// The part of a name that is known before the object is sealed.
const PLACE_LENGTH: usize = 19;
/// Length of the context of a sealed object in bytes.
pub const CONTEXT_LENGTH: usize = CONTEXT.len() + PLACE_LENGTH;

/// The purpose of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Chunks of files.
    Data,
    /// Tree nodes, list nodes and indexes.
    Meta,
    /// The end of a run: the record, and in a small run everything else as well.
    Record,
    /// A kind that only a later version knows: such an object is counted and never opened.
    Other(u8),
}

impl ObjectKind {
    /// The number of [`ObjectKind::Data`].
    pub const DATA: u8 = 1;
    /// The number of [`ObjectKind::Meta`].
    pub const META: u8 = 2;
    /// The number of [`ObjectKind::Record`].
    pub const RECORD: u8 = 3;

    /// The kind with this number.
    pub const fn from_u8(number: u8) -> Self {
        match number {
            Self::DATA => Self::Data,
            Self::META => Self::Meta,
            Self::RECORD => Self::Record,
            other => Self::Other(other),
        }
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Data => Self::DATA,
            Self::Meta => Self::META,
            Self::Record => Self::RECORD,
            Self::Other(number) => number,
        }
    }
}

/// Everything that a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The epoch whose key seals it, from 1.
    pub epoch: u16,
    /// Its purpose.
    pub kind: ObjectKind,
    /// The device that wrote it.
    pub device: DeviceId,
    /// The run that wrote it, from 1.
    pub run: u32,
    /// Its number in the run, from 0.
    pub number: u32,
    /// Its sealed length in bytes, below 2^40.
    pub length: u64,
    /// The first bytes of the BLAKE3 of its sealed bytes.
    pub hash: [u8; 16],
}

impl ObjectName {
    /// The 40 bytes that are encrypted to the name.
    pub fn to_fields(&self) -> [u8; FIELDS_LENGTH] {
        let mut fields = [0; FIELDS_LENGTH];
        fields[..PLACE_LENGTH].copy_from_slice(&self.context()[CONTEXT.len()..]);
        fields[19..24].copy_from_slice(&self.length.to_be_bytes()[3..]);
        fields[24..].copy_from_slice(&self.hash);
        fields
    }

    /// Reads these bytes. They were authentic, so the name is one of ours, whatever it says: see
    /// [`ObjectName::is_understood`].
    pub fn from_fields(fields: &[u8; FIELDS_LENGTH]) -> Option<Self> {
        let (epoch, rest) = fields.split_first_chunk::<2>()?;
        let ([kind], rest) = rest.split_first_chunk::<1>()?;
        let (device, rest) = rest.split_first_chunk::<8>()?;
        let (run, rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<5>()?;
        let length = length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Some(Self {
            epoch: u16::from_be_bytes(*epoch),
            kind: ObjectKind::from_u8(*kind),
            device: DeviceId(*device),
            run: u32::from_be_bytes(*run),
            number: u32::from_be_bytes(*number),
            length,
            hash: rest.try_into().ok()?,
        })
    }

    /// Whether this version can open the object. It cannot where the name has a kind that it does
    /// not know, epoch 0, run 0, or a length that no object of this version has.
    pub fn is_understood(&self) -> bool {
        let is_known = !matches!(self.kind, ObjectKind::Other(_));
        is_known && self.epoch > 0 && self.run > 0 && self.length <= OBJECT_MAX
    }

    /// The context under which this object is sealed.
    pub fn context(&self) -> [u8; CONTEXT_LENGTH] {
        context(self.epoch, self.kind, self.device, self.run, self.number)
    }

    /// How the catalogue and the reader speak of it.
    pub fn key(&self) -> ObjectKey {
        let Self { device, run, number, hash, .. } = *self;
        ObjectKey { device, run, number, hash }
    }
}

/// The context of an object that is about to be sealed: its length and hash are not known yet.
pub fn context(
    epoch: u16,
    kind: ObjectKind,
    device: DeviceId,
    run: u32,
    number: u32,
) -> [u8; CONTEXT_LENGTH] {
    let mut context = [0; CONTEXT_LENGTH];
    let (label, place) = context.split_at_mut(CONTEXT.len());
    label.copy_from_slice(CONTEXT);
    place[..2].copy_from_slice(&epoch.to_be_bytes());
    place[2] = kind.number();
    place[3..11].copy_from_slice(&device.0);
    place[11..15].copy_from_slice(&run.to_be_bytes());
    place[15..].copy_from_slice(&number.to_be_bytes());
    context
}

/// The name of an object in the last component of a path. Sync clients put words before and after
/// it, and some change its case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileName<'a> {
    /// The bytes that its characters stand for.
    pub sealed: [u8; base32::BYTES],
    /// The characters before it.
    pub before: &'a str,
    /// The characters after it.
    pub after: &'a str,
    /// Whether the characters are those that a writer gives it, and not of another case.
    pub is_spelled: bool,
}

impl<'a> FileName<'a> {
    /// The first name in the last component of a path; none for a file that is foreign by its form.
    pub fn find(path: &'a str) -> Option<Self> {
        let file = path.rsplit('/').next()?;
        let bytes = file.as_bytes();
        let mut begin = 0;
        while bytes.len() >= begin + NAME_LENGTH {
            let letters = bytes[begin..].iter().take_while(|byte| is_letter(**byte)).count();
            if letters >= NAME_LENGTH
                && let Some((before, rest)) = file.split_at_checked(begin)
                && let Some((name, after)) = rest.split_at_checked(NAME_LENGTH)
                && let Some(sealed) = base32::decode(name.to_ascii_lowercase().as_bytes())
            {
                let is_spelled = !name.bytes().any(|byte| byte.is_ascii_uppercase());
                return Some(Self { sealed, before, after, is_spelled });
            }
            begin += letters + 1;
        }
        None
    }

    /// The name as a writer spells it.
    pub fn name(&self) -> String {
        base32::encode(&self.sealed)
    }

    /// Whether the file has the object's own name and nothing else.
    pub fn is_own(&self) -> bool {
        self.is_spelled && self.before.is_empty() && self.after.is_empty()
    }
}

fn is_letter(byte: u8) -> bool {
    matches!(byte.to_ascii_lowercase(), b'a'..=b'z' | b'2'..=b'7')
}
