//! The scripts that make shells ask.

use clap_complete::{Shell, generate};

use crate::args;

/// The script of a shell. Those for which nobody wrote one know commands and options only.
pub(crate) fn script(shell: Shell) -> Vec<u8> {
    match shell {
        Shell::Bash => include_bytes!("keepmum.bash").to_vec(),
        Shell::Zsh => include_bytes!("keepmum.zsh").to_vec(),
        Shell::Fish => include_bytes!("keepmum.fish").to_vec(),
        other => {
            let mut script = Vec::new();
            generate(other, &mut args::program(), "keepmum", &mut script);
            script
        }
    }
}
