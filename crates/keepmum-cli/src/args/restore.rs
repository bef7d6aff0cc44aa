//! The arguments of `restore`: which snapshot, where to, and the rules for files that are there.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::SnapshotArgs;

/// What to do with files that lie in the target already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverwriteArg {
    /// Replace what differs and is older than in the snapshot; ask before something newer goes
    #[default]
    IfOlder,
    /// Replace what differs in size, time or kind, newer or not
    IfChanged,
    /// Write everything anew
    Always,
    /// Leave what is there alone
    Never,
}

/// To whom restored things are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OwnerArg {
    /// To the user and group of the same name, else of the same number
    #[default]
    Name,
    /// To the user and group of the same number
    Number,
    /// To whoever restores
    None,
}

/// `restore`.
#[derive(Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    pub(crate) which: SnapshotArgs,
    /// The folder to restore into [default: where it came from]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) target: Option<PathBuf>,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// What to do with files that are in the target already
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) overwrite: OverwriteArg,
    /// Remove from the target what the snapshot does not have, as far as the backup looked at it;
    /// --dry-run names what would go
    #[arg(long)]
    pub(crate) delete: bool,
    /// With --delete, go on though more than half of the target would go, or more than N entries
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, requires = "delete")]
    #[allow(clippy::option_option, reason = "not given, given without a number, given with one")]
    pub(crate) accept_deletions: Option<Option<u64>>,
    /// To whom restored things are given, where root restores
    #[arg(long, value_enum, default_value_t, value_name = "TO")]
    pub(crate) owner: OwnerArg,
    /// Restore device nodes, set-id bits and privileged attributes too
    #[arg(long)]
    pub(crate) special: bool,
}
