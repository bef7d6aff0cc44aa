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
    /// Give this computer another name
    Rename {
        /// The new name
        #[arg(value_name = "NEW")]
        new: String,
    },
    /// Say that another computer will not back up again; its snapshots stay
    Retire {
        /// The name of the device, or the start of its id (see `keepmum device list`)
        #[arg(value_name = "NAME")]
        device: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}
