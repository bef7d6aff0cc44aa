//! Identifiers. Each is a type of its own, so that one can never stand where another is meant.

use std::fmt;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = $length;

            /// The id in these bytes, if there are as many as it needs.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The id in these hexadecimal digits, as it is displayed.
            pub fn from_hex(text: &str) -> Option<Self> {
                let digits = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
                let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(digits).collect();
                Self::from_slice(&bytes?)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

id_type!(
    /// Keyed hash of a piece's plain bytes: the name by which trees refer to content.
    ChunkId, 32
);
id_type!(
    /// One machine with its own catalogue.
    DeviceId, 8
);
id_type!(
    /// Hash of a record's bytes: the link of a device's chain.
    RecordHash, 32
);
id_type!(
    /// One repository of a keyring.
    RepositoryId, 8
);
id_type!(
    /// The state of one source on one device at one time.
    SnapshotId, 16
);

impl From<RecordHash> for SnapshotId {
    /// A snapshot is named by the record that holds it, so its id is the same for everybody who
    /// has the record, and for ever.
    fn from(hash: RecordHash) -> Self {
        let mut id = [0; Self::LENGTH];
        id.copy_from_slice(&hash.0[..Self::LENGTH]);
        Self(id)
    }
}

/// One record of a device's chain, by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordRef {
    /// The device whose chain it is in.
    pub device: DeviceId,
    /// Its run number.
    pub run: u32,
    /// The hash of its bytes.
    pub hash: RecordHash,
}
