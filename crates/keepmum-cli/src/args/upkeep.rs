//! What looks after a repository: its devices, and the copies that sync clients make.

use clap::{Args, Subcommand};

/// `tidy`.
#[derive(Args)]
pub(crate) struct TidyArgs {
    /// Show which copies would be deleted, and delete nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

/// `device`.
#[derive(Args)]
pub(crate) struct DeviceArgs {
    #[command(subcommand)]
    pub(crate) verb: DeviceVerb,
}

/// What to do with devices.
#[derive(Subcommand)]
pub(crate) enum DeviceVerb {
    /// List the devices with their ids, last backups and snapshots
    List,
}
