//! Files waiting to be written: gathered into windows, so that each block is read once for all
//! files of its window.
//!
//! There are two windows. Small files are put together in memory or written at once; large ones
//! stay open while their chunks arrive, so there are few of those at a time.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::model::{ChunkId, Content, Location, Metadata, Piece, Pieces, TreePath};
use crate::repository::{PieceWalk, Recipe, RepositoryError};
use crate::target::Existing;

use super::block::{FileState, Output, Use};
use super::plan::Plan;
use super::waiting::{Cause, Unwritten};
use crate::session::error::Error;
use crate::session::placed::placed;
use crate::session::report::{Problem, ProblemKind};
use crate::session::walk_error::problem_of;

/// Up to this size a file is put together in memory.
const SMALL: u64 = 1024 * 1024;
/// Most uses of chunks in a window. One is planned while another is written.
const WINDOW_USES: usize = 48 * 1024;
/// So many are enough where the workers have nothing else to do.
const ENOUGH_USES: usize = 4 * 1024;
/// Most bytes of paths and attributes in a window: both may be long.
const WINDOW_HELD: usize = 8 * 1024 * 1024;
/// Most large files in a window.
const WINDOW_LARGE: usize = 24;

impl Plan<'_, '_, '_> {
    /// Adds a file to its window, or writes it at once if there is nothing to fetch.
    pub(super) fn queue(
        &mut self,
        path: TreePath,
        content: Content,
        metadata: Metadata,
        existing: Existing,
    ) -> Result<(), Error> {
        // All lists are read before anything is written, and a file that cannot fit is not begun.
        let extent = match self.extents.of(self.contents, &content) {
            Ok(extent) if extent.bytes > self.capacity => {
                self.not_written(&unwritten(&path, content.size, &metadata), Cause::Content);
                self.problem(larger_than_the_target(&path, extent.bytes));
                return Ok(());
            }
            Ok(extent) => extent,
            Err(error) => {
                return self.not_readable(&unwritten(&path, content.size, &metadata), error);
            }
        };
        let small = content.size <= SMALL && is_plain(&content);
        if extent.chunks == 0 {
            return self.write_without_chunks(&path, content.size, &metadata, existing);
        }
        let whole = extent.chunks == 1 && small;
        let mut walk = PieceWalk::new(&content);
        let file = Arc::new(FileState {
            path,
            size: content.size,
            content,
            metadata,
            existing,
            waiting: AtomicU64::new(extent.chunks),
            output: std::sync::Mutex::new(Output::new(small && !whole, whole)),
        });
        let mut offset = 0;
        loop {
            let piece = match walk.next(self.contents) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => {
                    self.give_up(&file, small);
                    return self.not_readable(&file.unwritten(), error);
                }
            };
            if let Piece::Chunk { id, length } = piece {
                match self.place(&file, id, length, offset)? {
                    Some(place) if small => self.windows.small.uses.push(place),
                    Some(place) => self.windows.large.uses.push(place),
                    None => {
                        self.give_up(&file, small);
                        return Ok(());
                    }
                }
                if !small && self.windows.large.uses.len() >= WINDOW_USES {
                    // One file may have more chunks than a window: it stays open meanwhile.
                    let window = std::mem::take(&mut self.windows.large);
                    self.write_window(window)?;
                    if file.is_closed() {
                        return Ok(());
                    }
                }
            }
            offset += piece.length();
        }
        let window = if small { &mut self.windows.small } else { &mut self.windows.large };
        window.files += 1;
        window.held += file.path.as_bytes().len() + file.metadata.attribute_bytes();
        Ok(())
    }

    /// Takes a file back that waits in its window.
    fn give_up(&mut self, file: &Arc<FileState>, small: bool) {
        let window = if small { &mut self.windows.small } else { &mut self.windows.large };
        // They came last.
        while window.uses.pop_if(|other| Arc::ptr_eq(&other.file, file)).is_some() {}
        file.close();
    }

    fn not_readable(&mut self, file: &Unwritten<'_>, error: RepositoryError) -> Result<(), Error> {
        self.not_written(file, Cause::Content);
        let problem = problem_of(file.path, error, self.set.state)?;
        self.problem(problem);
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
        let found = placed(self.catalogue, &id, length).and_then(|places| {
            let Location { offset, length, .. } = places[0];
            Ok((Recipe::of(self.catalogue, &places[0])?, offset, length))
        });
        match found {
            Ok((block, at, length)) => {
                Ok(Some(Use { block, at, length, id, file: Arc::clone(file), offset }))
            }
            Err(error) => {
                self.not_readable(&file.unwritten(), error)?;
                Ok(None)
            }
        }
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
        if written.is_err() {
            self.not_written(&unwritten(path, size, metadata), Cause::Place);
        }
        self.applied(written)?;
        self.take_unplaced()
    }

    /// Writes a window that is full, or that the workers wait for.
    pub(super) fn flush_full_windows(&mut self) -> Result<(), Error> {
        self.write_on()?;
        let uses = self.windows.small.uses.len();
        let wanted = uses >= ENOUGH_USES && self.writing.is_done();
        if wanted || uses >= WINDOW_USES || self.windows.small.held >= WINDOW_HELD {
            let window = std::mem::take(&mut self.windows.small);
            self.begin_window(window)?;
        }
        if self.windows.large.uses.len() >= WINDOW_USES || self.windows.large.files >= WINDOW_LARGE
        {
            let window = std::mem::take(&mut self.windows.large);
            self.begin_window(window)?;
        }
        Ok(())
    }

    /// Writes everything that waits.
    pub(super) fn flush_windows(&mut self) -> Result<(), Error> {
        for window in
            [std::mem::take(&mut self.windows.small), std::mem::take(&mut self.windows.large)]
        {
            self.write_window(window)?;
        }
        Ok(())
    }
}

fn unwritten<'a>(path: &'a TreePath, size: u64, metadata: &Metadata) -> Unwritten<'a> {
    Unwritten { path, size, linked: metadata.link.is_some() }
}

/// No file system holds more than it has room for: a list whose parts are shared can claim more
/// bytes than there are disks.
fn larger_than_the_target(path: &TreePath, bytes: u64) -> Problem {
    Problem::at(
        ProblemKind::NotWritten,
        path,
        format!("its {bytes} bytes are more than the whole target can hold"),
    )
}

/// Whether a file can be put together in memory: no holes, and few bytes.
fn is_plain(content: &Content) -> bool {
    match &content.pieces {
        Pieces::Inline(pieces) => pieces.iter().all(|piece| matches!(piece, Piece::Chunk { .. })),
        Pieces::Lists { .. } => false,
    }
}
