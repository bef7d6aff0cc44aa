//! The command line: its words, and the meaning of each.
//!
//! Help, man pages and completions are all made from this. It reads no file and decides nothing.

mod asking;
mod definition;
mod examples;
pub(crate) mod foreign;
mod forget;
mod mistakes;
mod notes;
mod restore;
mod secrets;
mod upkeep;

use std::ffi::OsString;
use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use keepmum::ops::{Deletions, ReadData};

pub(crate) use asking::{CompletionsArgs, HelpArgs, ManArgs};
#[cfg(test)]
pub(crate) use definition::commands;
pub(crate) use definition::{codes, program, program_within, read, subcommand, width};
pub(crate) use examples::examples;
pub(crate) use forget::{ForgetArgs, PinArgs, PruneArgs, TagArgs};
pub(crate) use mistakes::{mistake, unknown_command};
pub(crate) use restore::{OverwriteArg, OwnerArg, RestoreArgs};
pub(crate) use secrets::{NewPasswordArgs, RecoveryCodeArgs};
pub(crate) use upkeep::{DeviceArgs, DeviceVerb, TidyArgs};

/// Encrypted, versioned backups into Dropbox, OneDrive, Nextcloud or any other folder
#[derive(Parser)]
#[command(
    name = "keepmum",
    version,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command.
#[derive(Args, Default)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Shared {
    /// Use this config file [default: $KEEPMUM_CONFIG, else ~/.config/keepmum/config.ini]
    #[arg(short, long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Use the repository in this folder, without a config
    #[arg(long, value_name = "DESTINATION", global = true, conflicts_with = "config")]
    pub(crate) from: Option<PathBuf>,
    /// Read the password or recovery code from the first line of this file
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) password_file: Option<PathBuf>,
    /// Print JSON: one document, or one line per event and a summary at the end
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing on success
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print more, such as each new, changed, moved, deleted or excluded file
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Use this number of threads [default: one per core]
    #[arg(long, value_name = "N", global = true, value_parser = threads)]
    pub(crate) threads: Option<NonZero<usize>>,
    /// Limit uploads to this many bytes per second, such as 500K or 2M
    #[arg(long, value_name = "SIZE", global = true, value_parser = rate)]
    pub(crate) limit_upload: Option<NonZero<u64>>,
    /// Limit reading to this many bytes per second, from source and destination together
    #[arg(long, value_name = "SIZE", global = true, value_parser = rate)]
    pub(crate) limit_read: Option<NonZero<u64>>,
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Set up a backup: write a config file and make a repository, or join an existing one
    Init(InitArgs),
    /// Back up the folders that the config names
    Backup(BackupArgs),
    /// List the snapshots
    Snapshots(SnapshotsArgs),
    /// List the files and folders of a snapshot
    Ls(LsArgs),
    /// Restore a snapshot, or one file or folder of it
    Restore(RestoreArgs),
    /// Write one file to standard output, or a folder as a tar archive
    Dump(DumpArgs),
    /// Show the differences between two snapshots, or between a snapshot and the source
    Diff(DiffArgs),
    /// Remove snapshots that are not needed any more, by name or by rules
    Forget(ForgetArgs),
    /// Give back the space of data that no snapshot needs any more
    Prune(PruneArgs),
    /// Keep a snapshot for ever, whatever the rules say
    Pin(PinArgs),
    /// Give a snapshot a name
    Tag(TagArgs),
    /// Verify that every stored file is there and intact
    Check(CheckArgs),
    /// Say whether your files are safe, then show devices, the last check and the space used
    Status(StatusArgs),
    /// List the runs of this computer, including those that failed or found no changes
    Log(LogArgs),
    /// List the devices of the repository, rename this one, or retire another one
    Device(DeviceArgs),
    /// Delete copies that a sync client made of stored files that are here
    Tidy(TidyArgs),
    /// List, add, change or remove passwords and recovery codes
    Key(KeyArgs),
    /// Show the settings that hold, or check the config for mistakes
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Show help for a command, the keys of the config, or the words that keepmum uses
    Help(HelpArgs),
    /// Open the manual
    Man(ManArgs),
    /// Print the script that lets a shell complete commands, snapshots and paths
    Completions(CompletionsArgs),
    /// Print the version
    Version,
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
    /// Show what would be saved, and write nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Run even if more than half of the files were deleted or a disk seems to be missing. With
    /// =N, run only if at most N files were deleted
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, value_parser = crate::size::deletions,
          default_missing_value = "all", alias = "accept-mass-delete")]
    pub(crate) accept_deletions: Option<Deletions>,
}

/// Which snapshot, where its name does not say it.
#[derive(Args, Default)]
pub(crate) struct WhichArgs {
    /// Use the last snapshot at or before this time: 2026-11-02, "2026-11-02 14:00", yesterday,
    /// "3 days ago"
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// Use only snapshots of this device: its name, or the start of its id
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    /// Use only snapshots of this source
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
}

/// `snapshots`.
#[derive(Args)]
pub(crate) struct SnapshotsArgs {
    /// Only the newest N
    #[arg(short = 'n', value_name = "N")]
    pub(crate) count: Option<usize>,
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
    /// A snapshot, a path in the latest one, or both: latest~1:~/letters. Quote wildcards. Several
    /// paths, or what a pattern matches, are listed themselves, without what is in them [default:
    /// the folders that were backed up]
    #[arg(value_name = "SNAPSHOT[:PATH] | PATH")]
    pub(crate) what: Vec<OsString>,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    /// Show mode, owner, size and time; of a folder, the size of all files in it
    #[arg(short, long)]
    pub(crate) long: bool,
    /// List subfolders too
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

/// `dump`.
#[derive(Args)]
pub(crate) struct DumpArgs {
    /// A path in the latest snapshot, or a snapshot and a path: latest~1:~/letters [default: all of
    /// the latest snapshot]
    #[arg(value_name = "SNAPSHOT[:PATH] | PATH")]
    pub(crate) what: Option<OsString>,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    /// Write to this new file instead of standard output. An existing file is never overwritten
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `diff`.
#[derive(Args)]
pub(crate) struct DiffArgs {
    /// The older snapshot: latest, latest~N or the start of an id
    #[arg(value_name = "A")]
    pub(crate) old: OsString,
    /// The newer snapshot [default: the source as it is now]
    #[arg(value_name = "B")]
    pub(crate) new: Option<OsString>,
    /// Use only snapshots of this device: its name, or the start of its id
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    /// Use only snapshots of this source
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
}

/// `key`.
#[derive(Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) verb: KeyVerb,
}

/// The changes of passwords and recovery codes.
#[derive(Subcommand)]
pub(crate) enum KeyVerb {
    /// List the passwords and recovery codes
    List,
    /// Add another password
    Add {
        #[command(flatten)]
        new: NewPasswordArgs,
        /// Name the password, in at most 30 bytes
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        label: String,
    },
    /// Remove a password or recovery code, so that it stops working
    Remove {
        /// The id of the password or code, or the start of the id (see `keepmum key list`)
        #[arg(value_name = "ID")]
        id: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Change the password, or replace a forgotten one with the help of a recovery code
    Passwd {
        #[command(flatten)]
        new: NewPasswordArgs,
        /// Put the new password in the place of the old one in the config or its password file,
        /// without asking
        #[arg(long)]
        update_config: bool,
    },
    /// Make a new recovery code; the old one works until you confirm the new one
    Recovery {
        #[command(flatten)]
        code: RecoveryCodeArgs,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Write a sheet to print: where the backup is, its recovery code, and how to get it back
    Sheet {
        /// The new HTML file, which only you can read. It must not be in the destination
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Make a new recovery code for the sheet [default: ask for the code that you have, or read
        /// it from the first line of standard input if it is no terminal]
        #[arg(long)]
        new: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// `check`.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Read all stored data and verify every byte
    #[arg(long, conflicts_with = "read_data_subset")]
    pub(crate) read_data: bool,
    /// Read and verify this share (5%) or this much (500M) of the stored data. Repeated checks
    /// cover all of it in turn
    #[arg(long, value_name = "N%|SIZE", value_parser = subset)]
    pub(crate) read_data_subset: Option<ReadData>,
    /// List every file that is affected by damage
    #[arg(long)]
    pub(crate) list: bool,
}

/// `status`.
#[derive(Args)]
pub(crate) struct StatusArgs {
    /// Exit with 3 if the last backup is older than this: 26h, 2d
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) max_age: Option<i64>,
}

/// `log`.
#[derive(Args)]
pub(crate) struct LogArgs {
    /// Show this many runs, the newest last
    #[arg(short = 'n', value_name = "N", default_value_t = 20)]
    pub(crate) count: u32,
    /// Show the problems of the run with this number
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<i64>,
}

/// `config`.
#[derive(Subcommand)]
pub(crate) enum ConfigVerb {
    /// Name every problem of the config
    Check,
    /// Show every setting, and the line or the default that it comes from
    Show,
}

/// Reads `500K` or `2M`.
fn rate(text: &str) -> Result<NonZero<u64>, String> {
    let bytes = crate::size::bytes(text).and_then(NonZero::new);
    bytes.ok_or_else(|| "type a number of bytes per second, such as 500K or 2M".to_owned())
}

/// Reads a number of threads: more than a machine has cores help nobody.
fn threads(text: &str) -> Result<NonZero<usize>, String> {
    let count = text.parse().ok().filter(|count| *count <= 256).and_then(NonZero::new);
    count.ok_or_else(|| "type a whole number from 1 to 256".to_owned())
}

/// Reads `26h`.
fn time(text: &str) -> Result<i64, String> {
    crate::moment::span(text).ok_or_else(|| "type a time such as 26h or 2d".to_owned())
}

/// Reads `5%`, `5` or `500M`.
fn subset(text: &str) -> Result<ReadData, String> {
    let wrong = || "type a share from 1% to 100%, or a size such as 500M".to_owned();
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
    use super::subset;
    use keepmum::ops::ReadData;

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
}
