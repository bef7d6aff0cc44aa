//! Base pieces that are kept for the next deltas on them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::ChunkId;

/// So many bytes of base pieces are kept for the next deltas on them.
const KEPT: usize = 8 * 1024 * 1024;

/// Base pieces that were read, the last ones used at the end.
#[derive(Default)]
pub(super) struct KeptBases {
    pieces: VecDeque<(ChunkId, Arc<Vec<u8>>)>,
    bytes: usize,
}

impl KeptBases {
    pub(super) fn get(&mut self, id: &ChunkId) -> Option<Arc<Vec<u8>>> {
        let at = self.pieces.iter().position(|(known, _)| known == id)?;
        let found = self.pieces.remove(at)?;
        let bytes = Arc::clone(&found.1);
        self.pieces.push_back(found);
        Some(bytes)
    }

    pub(super) fn keep(&mut self, id: ChunkId, bytes: Arc<Vec<u8>>) {
        self.bytes += bytes.len() + ChunkId::LENGTH;
        self.pieces.push_back((id, bytes));
        while self.bytes > KEPT
            && let Some((_, oldest)) = self.pieces.pop_front()
        {
            self.bytes -= oldest.len() + ChunkId::LENGTH;
        }
    }
}
