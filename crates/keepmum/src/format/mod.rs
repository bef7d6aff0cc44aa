//! The format: bytes to values and back, section by section as `doc/format.md` has it.
//!
//! Everything here is pure. No cipher, no clock, no storage: sealed bytes are opened elsewhere
//! and come in as plain ones. Whatever is decoded may come from an enemy, so no length is
//! believed before it was compared with its bound, and nothing unknown is passed over in silence.

pub mod base32;
mod cbor;
pub mod content;
pub mod entry;
mod error;
mod further;
pub mod index;
pub mod key_block;
pub mod keyring;
mod keyring_parts;
mod left_out;
mod life_item;
mod list_writer;
pub mod name;
mod node_writer;
pub mod object;
pub mod padding;
pub mod record;
mod record_item;
mod reference;
#[cfg(test)]
mod tests;
pub mod tree;

pub use content::ListNode;
pub use entry::{decode_entry, encode_entry};
pub use error::FormatError;
pub use further::Further;
pub use index::{IndexEntry, decode_index, encode_index};
pub use key_block::{SlotKind, is_key_block_length};
pub use keyring::{
    Epoch, Family, Former, Keyring, KeyringRepository, Parameters, SlotId, SlotLine, unite,
};
pub use left_out::LeftOut;
pub use life_item::{LifeItem, Said, Undo};
pub use list_writer::ListWriter;
pub use name::{FileName, NAME_LENGTH, ObjectKind, ObjectName};
pub use node_writer::NodeWriter;
pub use object::{Block, PieceKind, Table, footer, parse_footer};
pub use padding::{padded_length, plain_for_sealed};
pub use record::{ObjectEntry, Record, RecordTime, RunObjects};
pub use record_item::{Backup, Item, Needs, SourceName, Summary};
pub use tree::Node;

/// Longest object, sealed, in bytes.
pub const OBJECT_MAX: u64 = 256 << 20;
/// Longest object that a name can speak of: one that is longer than [`OBJECT_MAX`] is never opened.
pub const NAMED_MAX: u64 = (1 << 40) - 1;
/// Longest block, plain, in bytes.
pub const BLOCK_MAX: u64 = 4 << 20;
/// Longest chunk in bytes.
pub const CHUNK_MAX: u64 = 4 << 20;
/// Longest file in bytes: no system has longer ones.
pub const SIZE_MAX: u64 = i64::MAX.cast_unsigned();
/// Longest table of an object in bytes: a reader without its object finds it in a block.
pub const TABLE_MAX: u64 = BLOCK_MAX;
/// Longest record in bytes: it is one piece, so it fits one block.
pub const RECORD_MAX: u64 = BLOCK_MAX;
/// Most items of a record, and most roots of a source.
pub const ITEMS_MAX: u64 = 65_535;
/// Longest node of a tree in bytes.
pub const NODE_MAX: u64 = 4 << 20;
/// Most levels of a list or of a split directory.
pub const LEVELS_MAX: u8 = 8;
