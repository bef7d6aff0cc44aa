//! A window on its way: its blocks are handed to the workers a few at a time, while the next window
//! is planned, and finished things get their name on the disk's own thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::block::{Use, Worker, Written, write_block};
use crate::pipeline::{Pool, Stage, Ticket};
use crate::repository::{ObjectReader, RepositoryError};
use crate::target::{Target, TargetError};

const WRITING: Stage = Stage(1);

/// A window that is being written while the next one is planned.
#[derive(Default)]
pub(super) struct Writing<'env> {
    /// The blocks without a task so far.
    rest: VecDeque<Use>,
    tickets: VecDeque<Ticket<'env, Result<Written, RepositoryError>>>,
    /// Bytes of the files that are put together in memory.
    assembled: Arc<AtomicUsize>,
    /// Finished things get their name on the disk's own thread.
    placing: Option<Ticket<'env, Result<(), TargetError>>>,
}

impl<'env> Writing<'env> {
    /// Takes the uses of a window, in the order in which they are to be written.
    pub(super) fn begin(&mut self, uses: Vec<Use>) {
        self.rest = uses.into();
        // A file that was given up keeps its bytes to the end of its window.
        self.assembled = Arc::default();
    }

    /// Whether nothing is left to write.
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty() && self.tickets.is_empty()
    }

    /// Hands blocks to the workers, as many as they can begin soon.
    pub(super) fn submit(
        &mut self,
        pool: &Pool<'env, Worker>,
        objects: &'env ObjectReader<'env>,
        target: &'env Target,
    ) {
        while self.tickets.len() < pool.width() * 3
            && let Some(first) = self.rest.front()
        {
            let place = first.block.place;
            let of_it = |used: &&Use| used.block.place == place;
            let block = self.rest.iter().take_while(of_it).count();
            let block: Vec<Use> = self.rest.drain(..block).collect();
            let assembled = Arc::clone(&self.assembled);
            self.tickets.push_back(pool.submit(WRITING, move |worker: &mut Worker| {
                write_block(objects, target, worker, &block, &assembled)
            }));
        }
    }

    /// Whether the block that was handed in first is written.
    pub(super) fn has_written(&self) -> bool {
        self.tickets.front().is_some_and(Ticket::is_done)
    }

    /// Waits for the block that was handed in first; nothing if there is none.
    pub(super) fn written(&mut self) -> Option<Result<Written, RepositoryError>> {
        Some(self.tickets.pop_front()?.wait())
    }

    /// Gives names to finished things, if there are many and no others are being named.
    ///
    /// # Errors
    /// Those that were given before could not be made durable.
    pub(super) fn place(
        &mut self,
        pool: &Pool<'env, Worker>,
        target: &'env Target,
    ) -> Result<(), TargetError> {
        if self.placing.as_ref().is_some_and(Ticket::is_done) {
            self.placed()?;
        }
        if self.placing.is_none() && target.is_half_full() {
            self.placing = Some(pool.on_disk(move || target.place()));
        }
        Ok(())
    }

    /// Waits for the names that are being given.
    ///
    /// # Errors
    /// The things to be named could not be made durable.
    pub(super) fn placed(&mut self) -> Result<(), TargetError> {
        self.placing.take().map_or(Ok(()), Ticket::wait)
    }
}
