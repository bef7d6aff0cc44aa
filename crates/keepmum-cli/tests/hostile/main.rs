//! Repositories that somebody with the password has made to do harm.
//!
//! Each case is a genuine repository with one honest snapshot, and beside it something that no
//! honest writer writes. The program is run on it as a person would, with little memory and little
//! time: it must not panic, must touch nothing outside its target, must say what it refuses, and
//! must give back what is well.

#![allow(clippy::unwrap_used)] // Everything here is part of a test.
#![allow(clippy::print_stderr)] // A failure says which case it was.

#[path = "../binary/mod.rs"]
mod binary;
#[path = "../repository/prepared.rs"]
#[allow(dead_code)] // Shared with other tests; some of it is for them.
mod prepared;

mod blocks;
mod cbor;
mod deltas;
mod entries;
mod forge;
mod kinds;
mod lists;
mod newer;
mod records;
mod trees;
mod trial;
