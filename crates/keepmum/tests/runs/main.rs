//! Whole runs of the library on real folders and on a simulated destination, filed by verb.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stderr, reason = "a failure says how to repeat it")]

mod backup {
    mod attributes;
    mod clocks;
    mod crowded;
    mod deltas;
    mod gone;
    mod killed;
    mod moves;
    mod patterns;
    mod programs;
    mod renamed_directories;
    mod stamps;
}
mod check {
    mod checking;
    mod checks;
    mod damage;
    mod healing;
}
mod choice {
    mod choosing;
}
mod devices {
    mod arriving;
    mod at_once;
    mod continued;
    mod first_runs_apart;
    pub(crate) mod identities;
    mod noted;
    mod retired;
    mod subsets;
}
mod diff {
    mod differences;
    mod moved;
}
mod dump {
    mod dumps;
}
mod faults {
    mod gate;
    mod operations;
}
mod forget {
    mod devices;
    mod forgetting;
    mod given;
    mod kills;
    mod undoing;
}
mod key {
    mod keys;
    mod keys_at_once;
    mod keys_cut;
    mod keys_for_ever;
    mod keys_gone;
    mod keys_rotated;
}
mod prune {
    mod prunes;
    mod rest;
    mod set_back;
}
mod restore {
    mod restores;
}
mod tidy {
    mod client_names;
    mod meanwhile;
    mod names;
    mod tidying;
}
mod frozen_repositories;
mod properties;
mod scene;
mod support;
