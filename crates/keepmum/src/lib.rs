//! keepmum: encrypted, versioned backups into a place that is not trusted.
//!
//! The library is a house of rooms; imports go downward only (`tests/house.rs` checks it).
//! It never prints, and it touches clock, randomness and the destination's file system only
//! through [`seam::Seam`], so that a whole run can be replayed under faults from a seed.

mod beneath;
pub mod catalogue;
pub mod chunk;
pub mod compress;
pub mod crypto;
pub mod format;
pub mod model;
pub mod ops;
pub mod pipeline;
pub mod repository;
pub mod seam;
mod session;
pub mod source;
pub mod store;
pub mod target;
