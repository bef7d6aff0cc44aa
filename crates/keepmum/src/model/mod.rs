//! The values everything else speaks of: ids, paths, entries, contents, and the one merge.
//!
//! This room holds no bytes of the format, does no input or output, and imports nothing.

mod entry;
mod id;
mod location;
mod merge;
mod path;
mod stamp;

pub use entry::{
    Attribute, Content, DeviceNumber, Entry, Kind, Metadata, Owner, Piece, Pieces, Time, Value,
};
pub use id::{ChunkId, DeviceId, RecordHash, RecordRef, RepositoryId, SnapshotId};
pub use location::{BASES_LENGTH_MAX, Bases, IndexError, Locate, Location, ObjectKey, REACH_MAX};
pub use merge::{Merge, Named, Nothing, PAGE, Page, PageOf, Pair, Side, Step};
pub use path::{Name, TreePath};
pub use stamp::{Found, FoundKind, Stamp};
