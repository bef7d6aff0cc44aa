//! The words of `completions`, `man` and `help`.

use clap::Args;
use clap_complete::Shell;

/// `completions`.
#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// `man`.
#[derive(Args)]
pub(crate) struct ManArgs {
    /// The page: a command, or config [default: the overview]
    #[arg(value_name = "PAGE", num_args = 0..)]
    pub(crate) page: Vec<String>,
}

/// `help`.
#[derive(Args)]
pub(crate) struct HelpArgs {
    /// A command, config (every key of the config file) or words (what the words mean) [default:
    /// all commands]
    #[arg(value_name = "COMMAND|config|words", num_args = 0..)]
    pub(crate) topic: Vec<String>,
}
