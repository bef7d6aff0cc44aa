//! How the tables of objects are gathered into the pieces of an index. It knows nothing of where
//! they are written.

use crate::format::{Block, IndexEntry};

use super::packing::BLOCK_TARGET;

/// Tables of at most so many objects make one index piece.
const OBJECTS_PER_INDEX: usize = 8;

/// Parts of a list of tables that are one index piece each: a few objects, and never more than a
/// block holds.
pub(super) fn index_pieces(entries: &[IndexEntry]) -> Vec<&[IndexEntry]> {
    let mut pieces = Vec::new();
    let (mut begin, mut length) = (0, 0);
    for (at, entry) in entries.iter().enumerate() {
        let blocks = &entry.table.blocks;
        let count = blocks.iter().map(Block::ids).sum();
        let more = IndexEntry::bound(blocks.len(), count);
        if at > begin && (at - begin == OBJECTS_PER_INDEX || length + more > BLOCK_TARGET) {
            pieces.push(&entries[begin..at]);
            (begin, length) = (at, 0);
        }
        length += more;
    }
    if begin < entries.len() {
        pieces.push(&entries[begin..]);
    }
    pieces
}

/// Takes those that fill a piece, so that few are held at a time.
pub(super) fn take_whole(entries: &mut Vec<IndexEntry>) -> Vec<IndexEntry> {
    let last = index_pieces(entries).last().map_or(0, |last| last.len());
    let kept = entries.split_off(entries.len() - last);
    std::mem::replace(entries, kept)
}
