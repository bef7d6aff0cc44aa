//! The one place that spawns threads: a pool of workers, and jobs that hasten one.
//!
//! Work is the same on many threads and on none: in [`Mode::Replay`] tasks run one at a time
//! inside `wait`, in an order that a seed chooses, so that a failure can be replayed. A task
//! must never submit or wait itself, and a panic in one is raised where its ticket is waited for.

mod buffers;
mod pool;
mod queue;
#[cfg(test)]
mod tests;
mod ticket;

pub use buffers::Buffers;
pub use pool::{Mode, Pool, in_parts, run};
pub use queue::Stage;
pub use ticket::Ticket;
