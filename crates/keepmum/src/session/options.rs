//! The options of the verbs.

use std::path::PathBuf;

use crate::compress::Level;
use crate::model::Time;
use crate::source::Rules;

use super::paths::Paths;

pub use crate::target::Owner;

/// Below this many entries gone, nothing is refused.
const FEW: u64 = 10;

/// How many entries may go in one run: from the source since the last backup, or from the target
/// of a restore that deletes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletions {
    /// Up to a half. More is refused, because a disk that is not mounted looks like that.
    #[default]
    Refuse,
    /// At most so many.
    AtMost(u64),
    /// As many as there are.
    All,
}

impl Deletions {
    /// Whether so many of so many entries may go.
    pub(crate) fn accept(self, gone: u64, of: u64) -> bool {
        match self {
            Self::Refuse => gone < FEW || gone <= of / 2,
            Self::AtMost(most) => gone <= most,
            Self::All => true,
        }
    }
}

/// The options of a backup. By default it saves nothing: set `source` and `roots`.
#[derive(Clone)]
pub struct BackupOptions {
    /// Name of the source.
    pub source: String,
    /// Absolute paths of the folders to save.
    pub roots: Vec<PathBuf>,
    /// The exclude rules.
    pub rules: Rules,
    /// Only report the actions, as a dry run.
    pub dry_run: bool,
    /// Report each entry that is new, changed, gone or left out.
    pub list_changes: bool,
    /// How many files may be gone.
    pub accept_deletions: Deletions,
    /// Make a repository where none is, and the catalogue knows of none.
    pub create: bool,
    /// Missing objects of our own are no surprise and are not stored again.
    pub destination_is_partial: bool,
    /// How hard to compress.
    pub level: Level,
    /// Compress small files together.
    pub compress_together: bool,
    /// A run that is longer than so many stored bytes writes a checkpoint after each of them.
    pub checkpoint_after: u64,
    /// Offset from UTC in minutes, for display of the snapshot's time.
    pub utc_offset_minutes: i16,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self {
            source: String::new(),
            roots: Vec::new(),
            rules: Rules::default(),
            dry_run: false,
            list_changes: false,
            accept_deletions: Deletions::default(),
            create: false,
            destination_is_partial: false,
            level: Level::Default,
            compress_together: true,
            checkpoint_after: 1 << 30,
            utc_offset_minutes: 0,
        }
    }
}

/// Which snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The newest complete one, or the one so many before it.
    Latest {
        /// How many before the newest.
        back: u32,
    },
    /// The one whose id begins with these hexadecimal digits.
    Id(String),
    /// The last one at or before a time.
    At(Time),
    /// The one that has this tag.
    Tag(String),
}

impl Default for Which {
    fn default() -> Self {
        Self::Latest { back: 0 }
    }
}

/// Which snapshot, of which device and source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotChoice {
    /// Which one.
    pub which: Which,
    /// Only of this device (its name or the beginning of its id).
    pub device: Option<String>,
    /// Only of this source.
    pub source: Option<String>,
    /// Prefer this device's own when neither is given (a config is in use).
    pub own: bool,
}

/// How many snapshots to keep of each device and source: one for each of so many hours, days, and so
/// on. A snapshot stays if one of these keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepRules {
    /// The newest, however close together.
    pub last: u32,
    /// One for each hour.
    pub hourly: u32,
    /// One for each day.
    pub daily: u32,
    /// One for each week.
    pub weekly: u32,
    /// One for each month.
    pub monthly: u32,
    /// One for each year.
    pub yearly: u32,
    /// All that were made in so many seconds before the newest one.
    pub within: Option<i64>,
}

/// Which snapshots to forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
    /// These.
    Named(Vec<Which>),
    /// All that no rule keeps.
    Unkept(KeepRules),
    /// Those that are damaged or lost, as the last check and the listing say.
    Damaged,
    /// None: bring back those whose ids begin so, or without any those of this device's last
    /// *forget*.
    Undo(Vec<String>),
}

/// The options of a *forget*.
#[derive(Clone, Debug)]
pub struct ForgetOptions {
    /// Which ones.
    pub which: Forget,
    /// Of this device (its name or the beginning of its id) in place of the one that runs.
    pub device: Option<String>,
    /// Only of this source.
    pub source: Option<String>,
    /// How many may go at once.
    pub accept_deletions: Deletions,
    /// Only say what would be forgotten.
    pub dry_run: bool,
    /// Offset from UTC in minutes, for the time of the record.
    pub utc_offset_minutes: i16,
}

/// The options of a pin or a tag.
#[derive(Clone, Debug, Default)]
pub struct MarkOptions {
    /// Which snapshots.
    pub snapshots: Vec<Which>,
    /// Of which device (its name or the beginning of its id); by default of this one.
    pub device: Option<String>,
    /// Only of this source.
    pub source: Option<String>,
    /// Take the mark away.
    pub remove: bool,
    /// Offset from UTC in minutes, for the time of the record.
    pub utc_offset_minutes: i16,
}

/// Which snapshots a table is to show.
#[derive(Clone, Debug, Default)]
pub struct SnapshotsOptions {
    /// Only those of this device (its name or the beginning of its id).
    pub device: Option<String>,
    /// Only those of this source.
    pub source: Option<String>,
    /// Only so many, the newest.
    pub newest: Option<usize>,
}

/// The options of a listing.
#[derive(Clone, Default)]
pub struct ListOptions {
    /// Of which snapshot.
    pub snapshot: SnapshotChoice,
    /// What in it: of one folder what is in it, of several things these; by default the roots.
    pub paths: Paths,
    /// Also what is beneath the folders beneath.
    pub recursive: bool,
    /// Count what is beneath each folder.
    pub sums: bool,
}

/// The treatment of files that are already in the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// Replace things that differ in size, time or kind, but ask before something newer is
    /// replaced.
    #[default]
    IfOlder,
    /// Replace things that differ in size, time or kind.
    IfChanged,
    /// Write everything again.
    Always,
    /// Leave existing things alone.
    Never,
}

/// The options of a restore.
#[derive(Clone, Default)]
pub struct RestoreOptions {
    /// Which snapshot.
    pub snapshot: SnapshotChoice,
    /// What in it.
    pub paths: Paths,
    /// Where to; nothing for where it came from.
    pub target: Option<PathBuf>,
    /// Only report the actions, as a dry run.
    pub dry_run: bool,
    /// The treatment of existing files.
    pub overwrite: Overwrite,
    /// Remove things that the snapshot does not have.
    pub delete: bool,
    /// How much of it.
    pub deletions: Deletions,
    /// Things that must never be removed: the destination, the catalogue, the config.
    pub staying: Vec<PathBuf>,
    /// To whom things are given.
    pub owner: Owner,
    /// Restore device nodes, set-id bits and privileged attributes too.
    pub special: bool,
    /// Report each entry that is written.
    pub list_changes: bool,
}

/// How much of the stored data a check reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadData {
    /// None: only the listing is looked at.
    #[default]
    Nothing,
    /// A share of its bytes, in percent, and at least one object. Repeated checks read all.
    Percent(u8),
    /// So many bytes, and at least one object. Repeated checks read all.
    Bytes(u64),
    /// All of it.
    Everything,
}

/// The options of a check.
#[derive(Clone, Default)]
pub struct CheckOptions {
    /// How much of the stored data to read.
    pub read_data: ReadData,
}

/// The two sides of a comparison.
pub struct DiffOptions {
    /// The older side.
    pub old: SnapshotChoice,
    /// The newer side.
    pub new: DiffAgainst,
}

/// The newer side of a comparison.
pub enum DiffAgainst {
    /// Another snapshot.
    Snapshot(SnapshotChoice),
    /// The source as it is now: absolute paths of its roots, and the exclude rules.
    Source {
        /// Absolute paths.
        roots: Vec<PathBuf>,
        /// The exclude rules.
        rules: Rules,
    },
}

/// The options of a dump.
#[derive(Clone, Default)]
pub struct DumpOptions {
    /// Of which snapshot.
    pub snapshot: SnapshotChoice,
    /// What in it: one file, or one folder; by default all.
    pub paths: Paths,
}

#[cfg(test)]
mod tests {
    use super::Deletions;

    #[test]
    fn more_than_half_is_refused_unless_it_was_accepted() {
        for (gone, of, accepted) in [(0, 0, true), (9, 9, true), (10, 20, true), (11, 20, false)] {
            assert_eq!(Deletions::default().accept(gone, of), accepted, "{gone} of {of}");
            assert!(Deletions::All.accept(gone, of));
        }
        assert!(Deletions::AtMost(11).accept(11, 12));
        assert!(!Deletions::AtMost(10).accept(11, 12));
        assert!(!Deletions::AtMost(0).accept(1, 1000));
    }
}

/// How a prune is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PruneOptions {
    /// Only say what would happen.
    pub dry_run: bool,
    /// So many bytes may be uploaded to free more; without it, one part in twenty of what that
    /// frees. At 0 only stored files go of which nothing is needed.
    pub max_upload: Option<u64>,
    /// The clock's offset from UTC in minutes, for the record.
    pub utc_offset_minutes: i16,
}
