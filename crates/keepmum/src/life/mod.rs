//! The life of a repository apart from saving: which device writes, on which objects it may lean, and
//! runs that store no snapshot.
//!
//! The rules are those of `doc/protocol.md`. Nothing here reads a source, and nothing is deleted that
//! a durable record of this device has not called swept.

mod identity;
mod lean;
mod listed;
mod needed;
mod put_back;
mod sweep;
mod writing;

pub(crate) use identity::{Identity, identify};
pub(crate) use lean::{refuse_behind, set_aside};
pub(crate) use listed::Listed;
pub(crate) use needed::Needed;
pub(crate) use put_back::put_back_records;
pub(crate) use sweep::{Sweep, delete_swept, due, has_work, sweep_due};
pub(crate) use writing::{Copies, Opening, Writing};
