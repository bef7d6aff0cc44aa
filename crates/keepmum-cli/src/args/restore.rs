//! The arguments of `restore`: which snapshot, where to, and the rules for files that are there.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::WhichArgs;

/// When a restore replaces files that are already in the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OverwriteArg {
    /// Replace files that differ and are older than in the snapshot; ask about newer ones
    #[default]
    IfOlder,
    /// Replace files that differ in size, time or kind, newer or not
    IfChanged,
    /// Replace every file
    Always,
    /// Replace nothing
    Never,
}

/// Who owns restored files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OwnerArg {
    /// The user and group of the same name, else of the same number
    #[default]
    Name,
    /// The user and group of the same number
    Number,
    /// You
    None,
}

/// `restore`.
#[derive(Args)]
pub(crate) struct RestoreArgs {
    /// A snapshot, a path in the latest one, or both: latest~1:~/letters. More paths of that
    /// snapshot may follow. Quote wildcards [default: all of the latest snapshot]
    #[arg(value_name = "SNAPSHOT[:PATH] | PATH")]
    pub(crate) what: Vec<OsString>,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    /// Restore into this folder; without a path, everything under its full path [default: where the
    /// files came from]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) target: Option<PathBuf>,
    /// Show what would be restored, and write nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// When to replace files that are already in the target
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) overwrite: OverwriteArg,
    /// Delete files and folders that the snapshot does not have. Excluded ones stay. --dry-run
    /// lists what would be deleted
    #[arg(long)]
    pub(crate) delete: bool,
    /// With --delete, run even if more than half of the target, or up to N files and folders, would
    /// be deleted
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, requires = "delete")]
    #[allow(clippy::option_option, reason = "not given, given without a number, given with one")]
    pub(crate) accept_deletions: Option<Option<u64>>,
    /// Who owns restored files, if root restores
    #[arg(long, value_enum, default_value_t, value_name = "TO")]
    pub(crate) owner: OwnerArg,
    /// Also restore device nodes, set-id bits and privileged attributes
    #[arg(long)]
    pub(crate) special: bool,
}
