//! One transcript for each row of the contract: what is typed, what is said, how it ends. Scripts
//! depend on these texts, so a change of one is a change that somebody has to want.
//!
//! `SNAPSHOTS=overwrite cargo test -p keepmum-cli --test contract` writes them anew.

#![allow(clippy::unwrap_used)] // Everything here is part of a test.

#[path = "../binary/mod.rs"]
mod binary;
#[allow(dead_code)] // Of what makes repositories ready, only a part is needed here.
#[path = "../repository/prepared.rs"]
mod prepared;

mod commands;
mod errors;
mod places;
mod steady;
mod transcript;
