//! An exhaustive model of `doc/protocol.md`: all histories of a few devices, with every choice of
//! the objects that have arrived at each run. It knows the rules of the protocol and nothing of the program.

pub mod history;
pub mod judge;
pub mod knowledge;
pub mod mutant;
pub mod run;
pub mod scenarios;
pub mod search;
pub mod set;
