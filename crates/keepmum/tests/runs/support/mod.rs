//! The base of the integration tests: random trees and changes, a plain copy as the oracle, and a
//! world with a simulated destination around real folders for source, catalogue and target.
//!
//! Everything random comes from one seed, and a failure says how to repeat it. Nothing here may
//! use the library to judge the library: trees are read and compared by the system alone.

#![allow(dead_code, unused_imports, reason = "one of the two test binaries uses a part of it")]

mod change;
mod dice;
mod grow;
mod heard;
mod power;
mod tree;
mod world;

pub(crate) use change::{change, changes};
pub(crate) use dice::Dice;
pub(crate) use grow::{bytes, grow, names};
pub(crate) use heard::{asked, both, careful, fill, run};
pub(crate) use power::PowerGate;
pub(crate) use tree::{Node, Tree, What, differences, scan};
pub(crate) use world::{World, full_check, latest, options};

/// The number in an environment variable, or the default.
pub(crate) fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Runs `work` for seeds from 1 on: `usual` many, `KEEPMUM_CASES` many, or the one in
/// `KEEPMUM_SEED`. `test` names the test for the command that repeats a failure.
pub(crate) fn cases(test: &str, usual: u64, work: impl Fn(u64)) {
    let one = setting("KEEPMUM_SEED", 0);
    let seeds = if one > 0 { one..=one } else { 1..=setting("KEEPMUM_CASES", usual) };
    for seed in seeds {
        let _repeat = Repeat { test, seed };
        work(seed);
    }
}

/// Says how to repeat a failure, if there was one.
struct Repeat<'a> {
    test: &'a str,
    seed: u64,
}

impl Drop for Repeat<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { test, seed } = self;
            let binary = env!("CARGO_CRATE_NAME");
            eprintln!(
                "seed {seed}; repeat it with\n  KEEPMUM_SEED={seed} cargo test -p keepmum --test {binary} {test}"
            );
        }
    }
}
