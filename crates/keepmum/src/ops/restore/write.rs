//! Writing the windows: the workers' results are taken in while the next window is planned, and a
//! file that met damage is tried again from every other place that holds its content.

use crate::format::PieceKind;
use crate::model::Piece;
use crate::repository::{PieceWalk, RepositoryError};

use super::block::{FileState, Written};
use super::plan::Plan;
use super::refusals::target_failed;
use super::waiting::Cause;
use super::window::Window;
use crate::session::error::{Error, ErrorKind};
use crate::session::walk_error::problem_of;

impl Plan<'_, '_, '_> {
    /// Writes a window and waits until that is done.
    pub(super) fn write_window(&mut self, window: Window) -> Result<(), Error> {
        self.begin_window(window)?;
        self.end_window()
    }

    /// Begins to write a window, once the one before it is written.
    pub(super) fn begin_window(&mut self, window: Window) -> Result<(), Error> {
        self.end_window()?;
        // A long restore does not hold on to one state of the catalogue.
        self.catalogue.read_anew()?;
        let mut uses = window.uses;
        uses.sort_by(|a, b| (&a.block.place, a.at).cmp(&(&b.block.place, b.at)));
        self.writing.begin(uses);
        self.write_on()
    }

    /// Keeps the workers busy, and takes in their results meanwhile.
    pub(super) fn write_on(&mut self) -> Result<(), Error> {
        self.submit();
        while self.writing.has_written() {
            self.take_written()?;
            self.submit();
        }
        Ok(())
    }

    fn end_window(&mut self) -> Result<(), Error> {
        while self.target.is_some() && !self.writing.is_done() {
            self.submit();
            self.take_written()?;
            if self.set.observer.stopping() {
                return Err(stopped());
            }
        }
        Ok(())
    }

    fn submit(&mut self) {
        if let Some(target) = self.target {
            self.writing.submit(self.set.pool, self.set.objects, target);
        }
    }

    fn take_written(&mut self) -> Result<(), Error> {
        let (Some(target), Some(written)) = (self.target, self.writing.written()) else {
            return Ok(());
        };
        self.report_written(written?)?;
        let placed = self.writing.place(self.set.pool, target);
        placed.map_err(|error| target_failed(&error, self.set.options))
    }

    fn report_written(&mut self, written: Written) -> Result<(), Error> {
        self.report.bytes_fetched += written.fetched;
        self.applied(Ok(written.problems))?;
        self.take_unplaced()?;
        for (file, error) in written.failed {
            self.not_written(&file.unwritten(), Cause::Place);
            self.target_problem(&error)?;
        }
        for (file, error) in written.damaged {
            // Another copy of a chunk may be whole where this one is not.
            if self.write_from_copies(&file)? {
                continue;
            }
            self.not_written(&file.unwritten(), Cause::Content);
            let problem = problem_of(&file.path, error, self.set.state)?;
            self.problem(problem);
        }
        self.tick();
        Ok(())
    }

    /// A file one of whose chunks was damaged where it was read: tried again from every other
    /// place that holds it.
    fn write_from_copies(&mut self, file: &FileState) -> Result<bool, Error> {
        let Some(target) = self.target else { return Ok(false) };
        let mut walk = PieceWalk::new(&file.content);
        let out = match target.begin_file(&file.path, file.existing) {
            Ok(out) => out,
            Err(error) => {
                self.not_written(&file.unwritten(), Cause::Place);
                return self.target_problem(&error).map(|()| true);
            }
        };
        let mut offset = 0;
        let elsewhere = |error: RepositoryError| match error {
            RepositoryError::Missing(_) => Ok(false),
            error if error.is_of_one_object() => Ok(false),
            error => Err(error.into()),
        };
        loop {
            let piece = match walk.next(self.contents) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => return elsewhere(error),
            };
            if self.set.observer.stopping() {
                return Err(stopped());
            }
            if let Piece::Chunk { id, .. } = piece {
                let bytes = match self.contents.piece(PieceKind::Chunk, &id) {
                    Ok(bytes) => bytes,
                    Err(error) => return elsewhere(error),
                };
                if let Err(error) = out.write_at(offset, &bytes) {
                    self.not_written(&file.unwritten(), Cause::Place);
                    return self.target_problem(&error).map(|()| true);
                }
            }
            offset += piece.length();
        }
        let done = out.set_length(file.size).and_then(|()| out.finish(&file.metadata));
        if done.is_err() {
            self.not_written(&file.unwritten(), Cause::Place);
        }
        self.applied(done).map(|()| true)
    }
}

/// The user wants no more of it.
pub(super) fn stopped() -> Error {
    Error::new(ErrorKind::Interrupted, "stopped before all was restored")
}
