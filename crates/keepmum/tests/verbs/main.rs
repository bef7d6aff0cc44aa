//! The verbs as a whole, on a simulated destination: keys, differences, dumps, choosing.

#![allow(clippy::unwrap_used, reason = "in a test, what is not there is a failure")]

mod checking;
mod choosing;
mod differences;
mod dumps;
mod keys;
mod keys_at_once;
mod keys_cut;
mod keys_for_ever;
mod keys_gone;
mod keys_rotated;
mod scene;
