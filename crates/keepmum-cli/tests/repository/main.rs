//! What the program does with repositories: each test runs it, and looks at its exit code and at
//! what it says.

#![allow(clippy::unwrap_used)] // Everything here is part of a test.
#![allow(clippy::print_stdout)] // A test that cannot be done here says so.

#[path = "../binary/mod.rs"]
mod binary;

mod damage;
mod deleting;
mod destination;
mod devices;
mod documents;
mod everyday;
mod fitting;
mod history;
mod interactive;
mod interrupted;
mod keeping;
mod limits;
mod looking;
mod namespace;
mod occupied;
mod passwords;
mod prepared;
mod private;
mod reading;
mod restoring;
mod side_by_side;
mod slots;
mod source;
