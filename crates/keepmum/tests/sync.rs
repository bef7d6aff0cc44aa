//! The sync simulator: machines that back up into folders which a sync service carries, faithless
//! in every way that is known of such services, from a seed.
//!
//! After each step all that is listed as complete must come back. In the end everything is
//! delivered, each machine runs three times, and all snapshots come back exactly.
//!
//! `KEEPMUM_SCHEDULES=100000 cargo test --release -p keepmum --test sync schedules -- --nocapture`
//! runs more; it keeps its place in `target/sync-schedules`, so it may be stopped and started.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stderr, reason = "a failure says how to repeat it")]

#[path = "sync/forgetting.rs"]
mod forgetting;
#[path = "sync/heard.rs"]
mod heard;
#[path = "sync/judge.rs"]
mod judge;
#[path = "sync/machine.rs"]
mod machine;
#[path = "sync/patterns.rs"]
mod patterns;
#[path = "sync/provider.rs"]
mod provider;
#[path = "sync/round.rs"]
mod round;
#[path = "sync/schedule.rs"]
mod schedule;
#[path = "sync/secrets.rs"]
mod secrets;
#[path = "sync/source.rs"]
mod source;
#[path = "sync/space.rs"]
mod space;
#[path = "runs/support/mod.rs"]
mod support;
#[path = "sync/tally.rs"]
mod tally;
#[path = "sync/world.rs"]
mod world;

/// A short round here, and a long one where `KEEPMUM_SCHEDULES` says how long.
#[test]
fn schedules_of_devices_that_share_a_folder_lose_nothing() {
    round::run(60);
}
