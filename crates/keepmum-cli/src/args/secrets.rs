//! Where new passwords come from, and where recovery codes go to. Never the secrets themselves.

use std::path::PathBuf;

use clap::Args;

/// Where the recovery code goes without a terminal.
#[derive(Args, Default)]
pub(crate) struct RecoveryCodeArgs {
    /// Write the new recovery code to this new file, which only you can read, instead of the
    /// terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) recovery_code_file: Option<PathBuf>,
}

/// Where a new password comes from.
#[derive(Args)]
pub(crate) struct NewPasswordArgs {
    /// Read the new password from the first line of this file [default: ask twice, or read the
    /// first line of standard input if it is no terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) new_password_file: Option<PathBuf>,
}
