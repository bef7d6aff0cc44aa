//! Files waiting to be written: gathered into windows, so that each block is read once for all
//! files of its window.
//!
//! There are two windows. Small files are put together in memory or written at once; large ones
//! stay open while their chunks arrive, so there are few of those at a time.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::model::{ChunkId, Content, Metadata, Piece, TreePath};
use crate::repository::{BlockPlace, RepositoryError, pieces_of};
use crate::target::Existing;

use super::super::error::Error;
use super::super::part::problem_of;
use super::plan::{Plan, is_plain};
use super::write::{FileState, Output};

/// Up to this size a file is put together in memory.
const SMALL: u64 = 1024 * 1024;
/// Most uses of chunks in a window.
const WINDOW_USES: usize = 96 * 1024;
/// Most large files in a window.
const WINDOW_LARGE: usize = 24;

/// One chunk of one file, and where it is.
pub(super) struct Use {
    pub(super) place: BlockPlace,
    /// Where the chunk begins in the plain block.
    pub(super) at: u32,
    pub(super) length: u32,
    pub(super) id: ChunkId,
    pub(super) file: Arc<FileState>,
    /// Where it goes in the file.
    pub(super) offset: u64,
}

/// Chunks to be fetched and the files that wait for them.
#[derive(Default)]
pub(super) struct Window {
    pub(super) uses: Vec<Use>,
    files: usize,
}

impl Plan<'_, '_, '_> {
    /// Adds a file to its window, or writes it at once if there is nothing to fetch.
    pub(super) fn queue(
        &mut self,
        path: TreePath,
        content: Content,
        metadata: Metadata,
        existing: Existing,
    ) -> Result<(), Error> {
        let pieces = match pieces_of(self.contents, &content) {
            Ok(pieces) => pieces,
            Err(error) => {
                self.unwritten.insert(path.clone());
                let problem = problem_of(&path, error)?;
                self.problem(problem);
                return Ok(());
            }
        };
        let chunks = pieces.iter().filter(|piece| matches!(piece, Piece::Chunk { .. })).count();
        let small = content.size <= SMALL && is_plain(&content);
        if chunks == 0 {
            return self.write_without_chunks(&path, content.size, &metadata, existing);
        }
        let file = Arc::new(FileState {
            path,
            size: content.size,
            content,
            metadata,
            existing,
            waiting: AtomicU64::new(chunks as u64),
            output: std::sync::Mutex::new(Output::new(small && chunks > 1, chunks == 1 && small)),
        });
        let mut offset = 0;
        for piece in pieces {
            if let Piece::Chunk { id, length } = piece {
                let placed = self.place(&file, id, length, offset)?;
                let window = if small { &mut self.small } else { &mut self.large };
                match placed {
                    Some(place) => window.uses.push(place),
                    None => {
                        window.uses.retain(|other| !Arc::ptr_eq(&other.file, &file));
                        file.close();
                        return Ok(());
                    }
                }
                if !small && self.large.uses.len() >= WINDOW_USES {
                    // One file may have more chunks than a window: it stays open meanwhile.
                    let window = std::mem::take(&mut self.large);
                    self.write_window(window)?;
                }
            }
            offset += piece.length();
        }
        let window = if small { &mut self.small } else { &mut self.large };
        window.files += 1;
        Ok(())
    }

    /// Where a chunk is; nothing, and a problem, if it is nowhere.
    fn place(
        &mut self,
        file: &Arc<FileState>,
        id: ChunkId,
        length: u64,
        offset: u64,
    ) -> Result<Option<Use>, Error> {
        let places = self.catalogue.locate(&id).map_err(Error::from)?;
        let found = places.iter().find(|place| u64::from(place.length) == length);
        let Some(found) = found else {
            self.unwritten.insert(file.path.clone());
            let problem = problem_of(&file.path, RepositoryError::Missing(id))?;
            self.problem(problem);
            return Ok(None);
        };
        Ok(Some(Use {
            place: BlockPlace::from(found),
            at: found.offset,
            length: found.length,
            id,
            file: Arc::clone(file),
            offset,
        }))
    }

    fn write_without_chunks(
        &mut self,
        path: &TreePath,
        size: u64,
        metadata: &Metadata,
        existing: Existing,
    ) -> Result<(), Error> {
        let Some(target) = self.target else { return Ok(()) };
        let written = match size {
            0 => target.write_small(path, &[], metadata, existing),
            _ => target.begin_file(path, existing).and_then(|file| {
                file.set_length(size)?;
                file.finish(metadata)
            }),
        };
        self.applied(written)
    }

    /// Writes a window that is full.
    pub(super) fn flush_full_windows(&mut self) -> Result<(), Error> {
        if self.small.uses.len() >= WINDOW_USES {
            let window = std::mem::take(&mut self.small);
            self.write_window(window)?;
        }
        if self.large.uses.len() >= WINDOW_USES || self.large.files >= WINDOW_LARGE {
            let window = std::mem::take(&mut self.large);
            self.write_window(window)?;
        }
        Ok(())
    }

    /// Writes everything that waits.
    pub(super) fn flush_windows(&mut self) -> Result<(), Error> {
        for window in [std::mem::take(&mut self.small), std::mem::take(&mut self.large)] {
            self.write_window(window)?;
        }
        Ok(())
    }
}
