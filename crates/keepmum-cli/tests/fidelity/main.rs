//! What a backup keeps: each row of `doc/fidelity.md` is one test here, which drives the program
//! on real trees and compares what came back with what was saved.
//!
//! As root most of them run twice: as root, and as an ordinary user to whom everything is handed
//! over first. What only root can make or restore is shown the other way by anybody else: that it
//! is told. The long ones: `cargo test --release -p keepmum-cli --test fidelity -- --ignored`.

#![allow(clippy::unwrap_used)] // Everything here is part of a test.

#[path = "../binary/mod.rs"]
mod binary;
#[path = "../repository/prepared.rs"]
#[allow(dead_code)] // Shared with the other tests of the program; not all of it is used here.
mod prepared;

mod contents;
mod kinds;
mod look;
mod metadata;
mod names;
mod shapes;
mod stage;
mod users;
