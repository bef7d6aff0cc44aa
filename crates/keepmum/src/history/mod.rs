//! Conclusions from the records of all devices (`doc/protocol.md`, §3): which of them count, which
//! snapshots stand, which objects are to be deleted or are deleted, and who lives.
//!
//! Pure: it looks at records and at nothing else, and decides nothing that is written.

mod past;
mod standing;
#[cfg(test)]
mod tests;

pub use past::Past;
pub use standing::{Intent, Standing};
