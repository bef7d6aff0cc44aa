//! Sealed, deduplicated objects over a store: keys, listing, writing, reading, snapshots.
//!
//! This room never opens a source or a target and never touches the catalogue: it finds chunks
//! through [`crate::model::Locate`].

mod availability;
mod chain;
mod copies;
mod delta;
mod error;
mod file_role;
mod filling;
mod index_pieces;
mod kept_bases;
mod key_block;
mod key_change;
mod key_copies;
mod key_edition;
mod key_lineage;
mod key_open;
mod keys;
mod listed;
mod listing;
mod object;
mod outgoing;
mod packing;
mod piece_reader;
mod piece_walk;
mod proving;
mod put_record;
mod reader;
mod snapshot_tree;
mod stored;
#[cfg(test)]
pub(crate) mod tests;
mod tree_size;
mod writer;

pub use availability::Availability;
pub use chain::{Chain, Chains, SnapshotRecord};
pub use copies::{Copies, Stored};
pub use delta::{DeltaBases, Recipe};
pub use error::RepositoryError;
pub use key_block::{COPIES, Candidate, NamedBlock, SlotSecret, create, fresh_salt};
pub use key_change::{KeyChange, KnownSlot, NewSlot};
pub use key_open::{Opened, Unlock, open};
pub use keys::{Keys, RepositoryAccess};
pub use listed::ListedObject;
pub use listing::{Listing, RawListing};
pub use object::Spare;
pub use piece_reader::PieceReader;
pub use piece_walk::{Extents, PieceWalk, SeenLists};
pub use put_record::put_record;
pub use reader::{ObjectReader, block_place, split};
pub use snapshot_tree::{Parts, Refused, SnapshotTree};
pub use stored::{Destination, StoredObject, object_entry};
pub use tree_size::ENTRIES_MAX;
pub use writer::{Finished, RunWriter};
