//! The data that a snapshot holds about one file, directory or other thing.

use super::id::ChunkId;
use super::path::Name;

/// A point in time as file systems keep it; seconds may lie before 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds, below 1,000,000,000.
    pub nanos: u32,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the directory.
    pub name: Name,
    /// The kind, with the data that only this kind has.
    pub kind: Kind,
    /// The data that all kinds have.
    pub metadata: Metadata,
}

/// The kind of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File(Content),
    /// A directory and the id of its node.
    Directory(ChunkId),
    /// A symbolic link and its target.
    Symlink(Box<[u8]>),
    /// A named pipe.
    Fifo,
    /// A character device.
    CharacterDevice(DeviceNumber),
    /// A block device.
    BlockDevice(DeviceNumber),
}

impl Kind {
    /// The number of a regular file.
    pub const FILE: u8 = 0;
    /// The number of a directory.
    pub const DIRECTORY: u8 = 1;
    /// The number of a symbolic link.
    pub const SYMLINK: u8 = 2;
    /// The number of a named pipe.
    pub const FIFO: u8 = 3;
    /// The number of a character device.
    pub const CHARACTER_DEVICE: u8 = 4;
    /// The number of a block device.
    pub const BLOCK_DEVICE: u8 = 5;

    /// The number of this kind, the same in the format and in the catalogue.
    pub fn number(&self) -> u8 {
        match self {
            Self::File(_) => Self::FILE,
            Self::Directory(_) => Self::DIRECTORY,
            Self::Symlink(_) => Self::SYMLINK,
            Self::Fifo => Self::FIFO,
            Self::CharacterDevice(_) => Self::CHARACTER_DEVICE,
            Self::BlockDevice(_) => Self::BLOCK_DEVICE,
        }
    }
}

/// Numbers of a device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceNumber {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

/// The data that every entry has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Metadata {
    /// The lower twelve mode bits; absent where the system has none.
    pub mode: Option<u16>,
    /// Last change of the content; absent where it is not kept (folders above a source).
    pub mtime: Option<Time>,
    /// To whom it belongs.
    pub owner: Owner,
    /// Hard link group: entries of one snapshot with equal groups are names of one file, where
    /// content and metadata are equal too.
    pub link: Option<u64>,
    /// Extended attributes, in the order of their namespaces and names, each once.
    pub attributes: Vec<Attribute>,
}

/// Owner and group, by number and by name, as far as the system has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Numbers of user and group; absent where the system has none.
    pub numbers: Option<(u32, u32)>,
    /// Name of the user on the machine that was backed up.
    pub user: Option<Box<[u8]>>,
    /// Name of the group there.
    pub group: Option<Box<[u8]>>,
}

/// One attribute in a namespace (`xattr` on Linux).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Which system of attributes it belongs to.
    pub namespace: Box<str>,
    /// Its name there.
    pub name: Box<[u8]>,
    /// Its value.
    pub value: Value,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// It stands in the entry.
    Inline(Box<[u8]>),
    /// It is stored like the content of a file.
    Stored(Content),
}

impl Attribute {
    /// The key by which attributes are distinguished and sorted.
    pub fn key(&self) -> (&str, &[u8]) {
        (&self.namespace, &self.name)
    }

    /// Its value, if that is at hand.
    pub fn value(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Inline(value) => Some(value),
            Value::Stored(_) => None,
        }
    }

    /// Where its value is stored, if it does not stand in the entry.
    pub fn stored(&self) -> Option<&Content> {
        match &self.value {
            Value::Inline(_) => None,
            Value::Stored(content) => Some(content),
        }
    }
}

impl Metadata {
    /// The contents stored beside the entry: the values of large attributes.
    pub fn stored(&self) -> impl Iterator<Item = &Content> {
        self.attributes.iter().filter_map(Attribute::stored)
    }

    /// Bytes that the attributes take in memory.
    pub fn attribute_bytes(&self) -> usize {
        let value = |attribute: &Attribute| match &attribute.value {
            Value::Inline(value) => value.len(),
            Value::Stored(_) => 0,
        };
        self.attributes.iter().map(|attribute| attribute.name.len() + value(attribute)).sum()
    }
}

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Content {
    /// Length of the file in bytes, holes included.
    pub size: u64,
    /// Where its bytes are.
    pub pieces: Pieces,
}

/// The pieces of a file: few stand in the entry, many in list nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pieces {
    /// All chunks and holes, at most eight; none for an empty file.
    Inline(Vec<Piece>),
    /// List nodes of depth `depth - 1`, each with the length of the data beneath; at most eight.
    Lists {
        /// Levels of list nodes, at least one.
        depth: u8,
        /// The list nodes in order.
        nodes: Vec<(u64, ChunkId)>,
    },
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Stored bytes.
    Chunk {
        /// Length in bytes.
        length: u64,
        /// Name of the bytes.
        id: ChunkId,
    },
    /// Zero bytes that are not stored.
    Hole {
        /// Length in bytes.
        length: u64,
    },
}

impl Piece {
    /// Length in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Chunk { length, .. } | Self::Hole { length } => *length,
        }
    }
}

impl Content {
    /// The content of an empty file.
    #[cfg(test)]
    pub fn empty() -> Self {
        Self { size: 0, pieces: Pieces::Inline(Vec::new()) }
    }
}

impl Kind {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Directory(_))
    }
}
