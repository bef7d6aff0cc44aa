//! The program as users run it: each test looks at its exit code and its output.
//!
//! `contract` has one transcript for each row of the contract; `SNAPSHOTS=overwrite` writes them
//! anew. `fidelity` has one test for each row of `doc/fidelity.md`. `hostile` runs the program on
//! repositories that somebody with the password made to do harm, with little memory and time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test says what it cannot try")]

mod contract {
    mod commands;
    mod errors;
    mod forgetting;
    mod paths;
    mod places;
    mod steady;
    pub(crate) mod transcript;
    mod upkeep;
}
mod fidelity {
    mod contents;
    mod kinds;
    mod look;
    mod metadata;
    mod names;
    mod shapes;
    mod stage;
    mod users;
}
mod hostile {
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
}
mod repository {
    mod damage;
    mod deleting;
    mod destination;
    mod devices;
    mod documents;
    mod everyday;
    mod fitting;
    mod forgetting;
    mod history;
    mod interactive;
    mod interrupted;
    mod keeping;
    mod limits;
    mod looking;
    mod namespace;
    mod naming;
    mod occupied;
    mod passwords;
    mod private;
    mod pruning;
    mod reading;
    mod restoring;
    mod side_by_side;
    mod slots;
    mod source;
    mod wellness;
}
mod setup {
    mod joining;
    mod keys;
    mod leaving;
    pub(crate) mod screen;
}
mod answers;
mod binary;
mod configs;
mod manual;
mod prepared;
mod shells;
mod typing;
