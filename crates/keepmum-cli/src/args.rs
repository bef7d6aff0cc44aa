//! What was typed, and nothing more: no environment, no files, no decisions.
//!
//! Help, man pages and completions are all made from this.

mod restore;
mod secrets;

use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use keepmum::ops::{Deletions, ReadData};

use crate::exit::TABLE;

pub(crate) use restore::{OverwriteArg, OwnerArg, RestoreArgs};
pub(crate) use secrets::{NewPasswordArgs, RecoveryCodeArgs};

/// Encrypted, versioned backups into a folder that a sync client carries away.
#[derive(Parser)]
#[command(
    name = "keepmum",
    version,
    max_term_width = 100,
    after_help = TABLE,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args, Default)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Shared {
    /// The config file [default: KEEPMUM_CONFIG, else keepmum/config.ini in the config folder]
    #[arg(short, long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Use the repository in this folder, without any config
    #[arg(long, value_name = "DESTINATION", global = true, conflicts_with = "config")]
    pub(crate) from: Option<PathBuf>,
    /// Read the password (or recovery code) from the first line of this file
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) password_file: Option<PathBuf>,
    /// Print JSON: one document, or one line each with a summary at the end
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Show no progress and no notices
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Tell more: list each entry that is new, changed, moved, gone or left out
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Work on so many threads [default: one for each core]
    #[arg(long, value_name = "N", global = true, value_parser = threads)]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Write at most so many bytes a second to the destination: 500K, 2M
    #[arg(long, value_name = "SIZE", global = true, value_parser = rate)]
    pub(crate) limit_upload: Option<NonZero<u64>>,
    /// Read at most so many bytes a second, from source and destination together
    #[arg(long, value_name = "SIZE", global = true, value_parser = rate)]
    pub(crate) limit_read: Option<NonZero<u64>>,
}

/// The verbs.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make the repository, and a config file where there is none
    #[command(after_help = "Example:\n  keepmum init --config ~/backup.ini")]
    Init(InitArgs),
    /// Save the source: one run
    #[command(after_help = "Example:\n  keepmum backup --dry-run --verbose")]
    Backup(BackupArgs),
    /// List the snapshots
    #[command(after_help = "Example:\n  keepmum snapshots --from /media/disk/backup")]
    Snapshots,
    /// List what is in a snapshot
    #[command(after_help = "Example:\n  keepmum ls latest:/home/anna/letters -l")]
    Ls(LsArgs),
    /// Bring back a snapshot, or one path of it
    #[command(
        after_help = "Example:\n  keepmum restore latest~2:/home/anna/letters --target /tmp/letters"
    )]
    Restore(RestoreArgs),
    /// Write a file to standard output, or a folder as a tar archive
    #[command(after_help = "Example:\n  keepmum dump latest:/home/anna/letters -o letters.tar")]
    Dump(DumpArgs),
    /// Show what differs between two snapshots, or a snapshot and the source as it is now
    #[command(after_help = "Example:\n  keepmum diff latest~1 latest")]
    Diff(DiffArgs),
    /// See whether all that is referenced is here and whole
    #[command(after_help = "Example:\n  keepmum check --read-data-subset 5%")]
    Check(CheckArgs),
    /// Say in one sentence whether all is well, then show runs, devices, checks and space
    #[command(after_help = "Example:\n  keepmum status --max-age 26h")]
    Status(StatusArgs),
    /// List the runs of this machine, also those that failed or stored nothing
    #[command(after_help = "Example:\n  keepmum log -n 5")]
    Log(LogArgs),
    /// List, add, change or remove what opens the repository
    #[command(after_help = "Example:\n  keepmum key passwd")]
    Key(KeyArgs),
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  keepmum completions bash > ~/.local/share/bash-completion/completions/keepmum"
    )]
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_help = "Example:\n  keepmum man restore > keepmum-restore.1")]
    Man(ManArgs),
}

/// `init`.
#[derive(Args)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    pub(crate) code: RecoveryCodeArgs,
}

/// `backup`.
#[derive(Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    pub(crate) code: RecoveryCodeArgs,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Go on though more than half of the files are gone from the source, or a disk seems to be
    /// missing; with a number only while at most so many files are gone
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, value_parser = crate::size::deletions,
          default_missing_value = "all", alias = "accept-mass-delete")]
    pub(crate) accept_deletions: Option<Deletions>,
}

/// Which snapshot, and what in it.
#[derive(Args, Default)]
pub(crate) struct SnapshotArgs {
    /// latest, latest~N, or the beginning of an id; after a colon a path in it [default: latest]
    #[arg(value_name = "SNAPSHOT[:PATH]")]
    pub(crate) snapshot: Option<OsString>,
    /// The last one at or before this time: 2026-11-02, "2026-11-02 14:00", "3 days ago"
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Only snapshots of this device (its name, or the beginning of its id)
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    /// Only snapshots of this source
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
}

/// `ls`.
#[derive(Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    pub(crate) which: SnapshotArgs,
    /// Show mode, owner, size and time too
    #[arg(short, long)]
    pub(crate) long: bool,
    /// Also what lies in the folders beneath
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

/// `dump`.
#[derive(Args)]
pub(crate) struct DumpArgs {
    #[command(flatten)]
    pub(crate) which: SnapshotArgs,
    /// Write to this new file; it appears once it is whole, and a file that is there is never
    /// overwritten [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `diff`.
#[derive(Args)]
pub(crate) struct DiffArgs {
    /// The older side: latest, latest~N, or the beginning of an id
    #[arg(value_name = "A")]
    pub(crate) old: OsString,
    /// The newer side [default: the source as it is now]
    #[arg(value_name = "B")]
    pub(crate) new: Option<OsString>,
    /// Only snapshots of this device (its name, or the beginning of its id)
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    /// Only snapshots of this source
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
}

/// `key`.
#[derive(Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) verb: KeyVerb,
}

/// What to do with the slots of the key.
#[derive(Subcommand)]
pub(crate) enum KeyVerb {
    /// List the slots: passwords and recovery codes
    List,
    /// Add a password
    Add {
        #[command(flatten)]
        new: NewPasswordArgs,
        /// What to call it, at most 30 bytes
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
    },
    /// Remove a slot: what it was opened with opens nothing any more
    Remove {
        /// Its id, or the beginning of it (see `key list`)
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Change the password; with a recovery code, set a new one in place of a forgotten one
    Passwd {
        #[command(flatten)]
        new: NewPasswordArgs,
    },
    /// Make a new recovery code; the old one opens until you have the new one
    Recovery {
        #[command(flatten)]
        code: RecoveryCodeArgs,
    },
}

/// `check`.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Read all stored data: every byte must decrypt and hash
    #[arg(long, conflicts_with = "read_data_subset")]
    pub(crate) read_data: bool,
    /// Read this share of the stored data (5%), or so many bytes of it (500M), and at least one
    /// object; repeated checks read all of it in turn
    #[arg(long, value_name = "N%|SIZE", value_parser = subset)]
    pub(crate) read_data_subset: Option<ReadData>,
}

/// `status`.
#[derive(Args)]
pub(crate) struct StatusArgs {
    /// End with 3 where nothing was saved for so long: 26h, 2d
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) max_age: Option<i64>,
}

/// `log`.
#[derive(Args)]
pub(crate) struct LogArgs {
    /// How many runs, the newest last
    #[arg(short = 'n', value_name = "N", default_value_t = 20)]
    pub(crate) count: u32,
    /// The number of one run, to see its problems
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<i64>,
}

/// `completions`.
#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// `man`.
#[derive(Args)]
pub(crate) struct ManArgs {
    /// The page of one command [default: the page of the program]
    pub(crate) command: Option<String>,
}

/// Reads `500K` or `2M`.
fn rate(text: &str) -> Result<NonZero<u64>, String> {
    let bytes = crate::size::bytes(text).and_then(NonZero::new);
    bytes.ok_or_else(|| "it is a number of bytes a second, such as 500K or 2M".to_owned())
}

/// Reads a number of threads: more than a machine has cores help nobody.
fn threads(text: &str) -> Result<NonZero<usize>, String> {
    let count = text.parse().ok().filter(|count| *count <= 256).and_then(NonZero::new);
    count.ok_or_else(|| "it is a whole number from 1 to 256".to_owned())
}

/// Reads `26h`.
fn time(text: &str) -> Result<i64, String> {
    crate::moment::span(text).ok_or_else(|| "it is a time such as 26h or 2d".to_owned())
}

/// Reads `5%`, `5` or `500M`.
fn subset(text: &str) -> Result<ReadData, String> {
    let wrong = || "it is a share from 1% to 100%, or a size such as 500M".to_owned();
    if let Ok(share) = text.trim_end_matches('%').trim().parse::<u8>() {
        return Some(share)
            .filter(|share| (1..=100).contains(share))
            .map(ReadData::Percent)
            .ok_or_else(wrong);
    }
    let has_unit = text.ends_with(|last: char| last.is_ascii_alphabetic());
    let bytes = crate::size::bytes(text).filter(|bytes| has_unit && *bytes > 0);
    bytes.map(ReadData::Bytes).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::{Cli, subset};
    use clap::{CommandFactory, Parser};
    use keepmum::ops::ReadData;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_one_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Example:\n  keepmum "), "{}", command.get_name());
            assert_eq!(help.lines().count(), 2, "{}", command.get_name());
            let line = help.lines().nth(1).unwrap();
            let words = line.split_whitespace().map(|word| word.trim_matches('"'));
            let words = words.take_while(|word| *word != ">");
            Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn a_share_is_a_percentage_or_a_size() {
        assert_eq!(subset("5%"), Ok(ReadData::Percent(5)));
        assert_eq!(subset("100"), Ok(ReadData::Percent(100)));
        assert_eq!(subset("2M"), Ok(ReadData::Bytes(2 << 20)));
        assert_eq!(subset("500KiB"), Ok(ReadData::Bytes(500 << 10)));
        for bad in ["0", "0%", "101%", "", "%", "-3%", "2.5%", "0M", "M", "5000", "x"] {
            assert!(subset(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn options_of_every_command_may_stand_after_it() {
        let cli = Cli::try_parse_from(["keepmum", "ls", "-R", "--from", "/d", "--json", "-q"]);
        let cli = cli.unwrap();
        assert!(cli.shared.json && cli.shared.quiet && cli.shared.from.is_some());
        assert!(Cli::try_parse_from(["keepmum", "ls", "--from", "/d", "-c", "x"]).is_err());
        assert!(Cli::try_parse_from(["keepmum", "ls", "-q", "-v"]).is_err());
    }
}
