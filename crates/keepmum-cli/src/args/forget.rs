//! The words of `forget`, `prune`, `pin` and `tag`.

use std::ffi::OsString;

use clap::Args;
use keepmum::ops::{Deletions, KeepRules};

use super::WhichArgs;

/// `forget`.
#[derive(Args)]
pub(crate) struct ForgetArgs {
    /// The snapshots to forget: the start of an id, latest~N or a tag [default: all that no rule
    /// keeps]
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshots: Vec<OsString>,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    /// Show the plan, and write nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Forget even more than half of the snapshots at once. With =N, forget only if they are at
    /// most N
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, value_parser = crate::size::deletions,
          default_missing_value = "all")]
    pub(crate) accept_deletions: Option<Deletions>,
    /// Forget the snapshots that are damaged or lost, so that `check` finds no problem any more
    #[arg(long, conflicts_with_all = ["snapshots", "at", "undo"])]
    pub(crate) damaged: bool,
    /// Bring forgotten snapshots back, while their data is there [default: those that this computer
    /// forgot last]
    #[arg(long, conflicts_with_all = ["at", "device", "source"])]
    pub(crate) undo: bool,
    /// Then run `prune`, which gives back the space
    #[arg(long, conflicts_with = "undo")]
    pub(crate) prune: bool,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
}

/// `prune`.
#[derive(Args)]
pub(crate) struct PruneArgs {
    /// Show the plan, and write nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Upload up to this much to free more [default: a twentieth of the freed space]. With 0,
    /// delete only stored files of which nothing is needed
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_upload: Option<u64>,
}

fn size(text: &str) -> Result<u64, String> {
    crate::size::bytes(text).ok_or_else(|| "type a number of bytes, such as 500K or 20M".to_owned())
}

/// Which snapshots to keep.
#[derive(Args)]
#[command(next_help_heading = "Rules (default: those of [Retention] in the config)")]
pub(crate) struct KeepArgs {
    /// Keep the newest N snapshots
    #[arg(long, value_name = "N", conflicts_with_all = OTHER_WAYS)]
    pub(crate) keep_last: Option<u32>,
    /// Keep one snapshot of each of the last N hours that have any
    #[arg(long, value_name = "N", conflicts_with_all = OTHER_WAYS)]
    pub(crate) keep_hourly: Option<u32>,
    /// Keep one snapshot of each of the last N days that have any
    #[arg(long, value_name = "N", conflicts_with_all = OTHER_WAYS)]
    pub(crate) keep_daily: Option<u32>,
    /// Keep one snapshot of each of the last N weeks that have any
    #[arg(long, value_name = "N", conflicts_with_all = OTHER_WAYS)]
    pub(crate) keep_weekly: Option<u32>,
    /// Keep one snapshot of each of the last N months that have any
    #[arg(long, value_name = "N", conflicts_with_all = OTHER_WAYS)]
    pub(crate) keep_monthly: Option<u32>,
    /// Keep one snapshot of each of the last N years that have any
    #[arg(long, value_name = "N", conflicts_with_all = OTHER_WAYS)]
    pub(crate) keep_yearly: Option<u32>,
    /// Keep all snapshots made within this time before the newest one: 30d, "6 months"
    #[arg(long, value_name = "TIME", conflicts_with_all = OTHER_WAYS, value_parser = within)]
    pub(crate) keep_within: Option<i64>,
}

/// Ways to say which snapshots to forget that are no rules.
const OTHER_WAYS: [&str; 4] = ["snapshots", "at", "damaged", "undo"];

impl KeepArgs {
    /// The rules, if any was typed.
    pub(crate) fn rules(&self) -> Option<KeepRules> {
        let counts = [
            self.keep_last,
            self.keep_hourly,
            self.keep_daily,
            self.keep_weekly,
            self.keep_monthly,
            self.keep_yearly,
        ];
        if counts.iter().all(Option::is_none) && self.keep_within.is_none() {
            return None;
        }
        let [last, hourly, daily, weekly, monthly, yearly] = counts.map(Option::unwrap_or_default);
        let within = self.keep_within;
        Some(KeepRules { last, hourly, daily, weekly, monthly, yearly, within })
    }
}

/// `pin`.
#[derive(Args)]
pub(crate) struct PinArgs {
    /// The snapshots: the start of an id, latest, latest~N or a tag
    #[arg(value_name = "SNAPSHOT", required_unless_present = "at")]
    pub(crate) snapshots: Vec<OsString>,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    /// Take the pin away
    #[arg(long)]
    pub(crate) remove: bool,
}

/// `tag`.
#[derive(Args)]
pub(crate) struct TagArgs {
    /// The snapshot: the start of an id, latest, latest~N or another tag
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: OsString,
    /// The tag: letters, digits, - and _
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Use only snapshots of this device: its name, or the start of its id
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    /// Use only snapshots of this source
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// Take the tag away
    #[arg(long)]
    pub(crate) remove: bool,
}

/// Reads `30d` or `6 months`.
fn within(text: &str) -> Result<i64, String> {
    crate::moment::long_span(text).ok_or_else(|| "type a time such as 30d or \"6 months\"".into())
}
