//! Reads files of the source, to compare them with the content of a snapshot.

use crate::format::{CHUNK_MAX, PieceKind};
use crate::model::{Content, Found, Piece, TreePath};
use crate::repository::{Keys, PieceReader, PieceWalk};
use crate::session::event::Observer;
use crate::session::walk_error::WalkError;
use crate::source::Source;

/// So much is read at once where a hole is expected.
const AT_ONCE: u64 = 1 << 16;

/// What is needed to compare the content of files.
pub(super) struct Reading<'a, 'r> {
    pub(super) source: &'a Source,
    pub(super) keys: &'a Keys,
    /// For the lists of large files of the snapshot.
    pub(super) lists: &'r mut PieceReader<'a>,
    pub(super) observer: &'a dyn Observer,
    pub(super) bytes_read: u64,
}

impl Reading<'_, '_> {
    /// Whether a file holds just these bytes: chunk by chunk, by their ids.
    pub(super) fn holds(
        &mut self,
        path: &TreePath,
        content: &Content,
        new: &Found,
    ) -> Result<bool, WalkError> {
        let file = self.source.open_file(path, &new.stamp)?;
        let mut walk = PieceWalk::new(content);
        let (mut at, mut buffer) = (0, Vec::new());
        while let Some(piece) = walk.next(self.lists)? {
            self.observer.go_on("compared")?;
            let end = at + piece.length();
            let step = match piece {
                Piece::Chunk { length, .. } => length.min(CHUNK_MAX),
                Piece::Hole { .. } => AT_ONCE,
            };
            while at < end {
                let length = usize::try_from(step.min(end - at)).unwrap_or(usize::MAX);
                buffer.resize(length, 0);
                let mut filled = 0;
                while filled < length {
                    match file.read_at(at + filled as u64, &mut buffer[filled..])? {
                        0 => return Ok(false),
                        count => filled += count,
                    }
                }
                self.bytes_read += length as u64;
                let same = match piece {
                    Piece::Chunk { id, .. } => self.keys.proves(PieceKind::Chunk, &id, &buffer),
                    Piece::Hole { .. } => buffer.iter().all(|byte| *byte == 0),
                };
                if !same {
                    return Ok(false);
                }
                at += length as u64;
            }
        }
        Ok(at == content.size)
    }
}
