//! Reports of the verbs: plain values whose field names are those of `--json`.

use std::collections::BTreeMap;

use crate::model::TreePath;

use super::recovery_code::RecoveryCode;
use serde::Serialize;

/// Digits of a snapshot's id that are shown: nearly always enough to name it by.
pub(crate) const DIGITS: usize = 8;

/// How it ended, for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All done.
    Complete,
    /// Some files could not be handled, or something is pending.
    Partial,
    /// Damaged or lost data.
    Damaged,
}

/// The kind of a problem with one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// A source file could not be read; its earlier version stays.
    Unreadable,
    /// A source file changed while it was read; it was saved as read, and is read again next time.
    ChangedWhileRead,
    /// A source file was saved, but not all of its attributes, or not with the size that it states.
    NotWhole,
    /// A target could not be written.
    NotWritten,
    /// Something newer is in the target, and nobody said that it is to be overwritten.
    Newer,
    /// Something could not be removed from the target.
    NotRemoved,
    /// Content is there, some of its metadata is not.
    Metadata,
    /// Stored data that is not here yet.
    Pending,
    /// A newer snapshot is known but cannot be read; an older one was taken in its place.
    Older,
    /// Stored by a newer version, and not understood by this one.
    Unknown,
    /// Stored data is damaged or lost.
    Damaged,
}

/// One thing that could not be done, or only in part.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// The kind.
    pub kind: ProblemKind,
    /// The path; for display, bytes that are not UTF-8 replaced.
    pub path: String,
    /// A plain sentence.
    pub sentence: String,
}

/// The result of `backup`.
#[derive(Debug, Default, Serialize)]
pub struct BackupReport {
    /// The snapshot, unless nothing was to be written.
    pub snapshot: Option<String>,
    /// Its files.
    pub files: u64,
    /// Its directories.
    pub directories: u64,
    /// Symlinks, pipes and device nodes.
    pub others: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Entries that were not there before, directories included.
    pub new: u64,
    /// Entries that differ, directories included.
    pub changed: u64,
    /// Entries that lie at another place than before, directories included. The contents of a moved
    /// directory are not counted.
    pub moved: u64,
    /// Entries that are there no more, directories included.
    pub gone: u64,
    /// Those of the new entries that are directories.
    pub directories_new: u64,
    /// Those of the changed entries that are directories.
    pub directories_changed: u64,
    /// Those of the moved entries that are directories.
    pub directories_moved: u64,
    /// Those of the entries gone that are directories.
    pub directories_gone: u64,
    /// Bytes read from the source.
    pub bytes_read: u64,
    /// Bytes written to the destination.
    pub bytes_stored: u64,
    /// Objects written to the destination.
    pub objects_stored: u64,
    /// Chunks whose stored copy was lost and that were stored again.
    pub healed: u64,
    /// Entries left out by rules.
    pub excluded: u64,
    /// How many of them each rule left out, as far as that was recorded.
    pub excluded_by: BTreeMap<String, u64>,
    /// Bytes of the files that a dry run would have read.
    pub bytes_to_read: u64,
    /// Files in the destination that are not ours.
    pub foreign_files: u64,
    /// Nothing was written because this was a dry run.
    pub dry_run: bool,
    /// Seconds it took.
    pub seconds: f64,
    /// The problems.
    pub problems: Vec<Problem>,
    /// Of a repository that this run made, where the observer did not show it; never in JSON.
    #[serde(skip)]
    pub recovery_code: Option<RecoveryCode>,
}

/// Whether all of a snapshot is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum SnapshotState {
    /// All of it.
    Complete,
    /// Some objects have not arrived.
    Pending {
        /// Objects that are here.
        here: u64,
        /// Objects that there are.
        of: u64,
    },
    /// A newer version wrote objects of it, which this one does not understand.
    Unknown {
        /// How many.
        unknown: u64,
    },
    /// Objects that were here are gone or shorter.
    Lost {
        /// How many.
        missing: u64,
    },
    /// All objects are here, and the last check found something of it damaged.
    Damaged,
}

/// One snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct SnapshotLine {
    /// Its id, 32 hexadecimal digits.
    pub id: String,
    /// Seconds since 1970 when it was made.
    pub time: i64,
    /// Offset from UTC there, in minutes.
    pub utc_offset_minutes: i16,
    /// The device's name.
    pub device: String,
    /// The device's id.
    pub device_id: String,
    /// The source's name.
    pub source: String,
    /// The totals of the source.
    pub roots: Vec<String>,
    /// Run number.
    pub run: u32,
    /// Files in it.
    pub files: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// Bytes the run wrote to the destination.
    pub added: u64,
    /// Source entries that could not be read.
    pub unread: u64,
    /// Whether it is all here.
    #[serde(flatten)]
    pub state: SnapshotState,
    /// Whether this device made it.
    pub own: bool,
    /// Devices with which it shares data and that have not yet run since they could know of it.
    pub unconfirmed_by: Vec<String>,
    /// Whether no policy forgets it.
    pub pinned: bool,
    /// Its names.
    pub tags: Vec<String>,
}

/// The result of `snapshots`: oldest first, each device in the order of its chain.
#[derive(Debug, Default, Serialize)]
pub struct SnapshotsReport {
    /// The snapshots.
    pub snapshots: Vec<SnapshotLine>,
    /// Records named by others that are not here yet.
    pub pending_records: u64,
    /// Records that are here and cannot be read, or were here and are gone.
    pub lost_records: u64,
    /// Records that are here and that this version does not understand, in whole or in part.
    pub unknown_records: u64,
    /// Files in the destination that are not ours.
    pub foreign_files: u64,
    /// Older ones that are not among these, because only the newest were asked for.
    pub older_snapshots: u64,
}

/// The kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum EntryKind {
    File,
    Directory,
    Symlink,
    Fifo,
    CharacterDevice,
    BlockDevice,
}

/// One line of a listing.
#[derive(Clone, Debug, Serialize)]
pub struct EntryLine {
    /// Path from `/`; for display, bytes that are not UTF-8 replaced.
    pub path: String,
    /// The path's exact bytes, for programs that are given it.
    #[serde(skip)]
    pub path_bytes: Vec<u8>,
    /// How much of them is above what was asked for.
    #[serde(skip)]
    pub above: usize,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of a file, and of all files beneath a folder where that was asked for.
    pub size: u64,
    /// Files beneath a folder, where that was asked for.
    pub files_beneath: Option<u64>,
    /// Mode bits, if the snapshot has them.
    pub mode: Option<u16>,
    /// Owner's number, if the snapshot has it.
    pub uid: Option<u32>,
    /// Group's number, if the snapshot has it.
    pub gid: Option<u32>,
    /// Owner's name.
    pub user: Option<String>,
    /// Group's name.
    pub group: Option<String>,
    /// Seconds since 1970 of its last change.
    pub mtime: Option<i64>,
    /// The target of a symlink; for display.
    pub link_target: Option<String>,
    /// The exact bytes of that.
    #[serde(skip)]
    pub link_target_bytes: Option<Vec<u8>>,
}

/// The result of `ls`.
#[derive(Debug, Serialize)]
pub struct ListReport {
    /// The snapshot.
    pub snapshot: SnapshotLine,
    /// The parts of it that could not be read.
    pub problems: Vec<Problem>,
}

/// The result of `check`.
#[derive(Debug, Default, Serialize)]
pub struct CheckReport {
    /// Snapshots looked at.
    pub snapshots: u64,
    /// Objects here.
    pub objects: u64,
    /// Objects that are named and not here yet.
    pub objects_pending: u64,
    /// Objects that were here and are gone or shorter.
    pub objects_lost: u64,
    /// Objects that fail authentication or have wrong contents.
    pub objects_damaged: u64,
    /// Objects that a newer version wrote and that this one does not understand, or not in all that
    /// they hold.
    pub objects_unknown: u64,
    /// Objects that no record names (left by runs that were cut off).
    pub objects_unclaimed: u64,
    /// Copies that a sync client made.
    pub conflict_copies: u64,
    /// Files in the destination that are not ours.
    pub foreign_files: u64,
    /// Stored files of a keyring that the recovery code which was given does not open.
    pub unopened_files: u64,
    /// Chunks that trees refer to, each counted once.
    pub chunks: u64,
    /// Bytes of the destination that were read.
    pub bytes_read: u64,
    /// Objects that were read.
    pub objects_read: u64,
    /// Bytes of the objects that were read.
    pub bytes_covered: u64,
    /// Bytes of all objects that are here.
    pub bytes_here: u64,
    /// Seconds it took.
    pub seconds: f64,
    /// Ids of the newest snapshots, one for each device and source.
    pub latest_snapshots: Vec<String>,
    /// The problems, by object, file and snapshot.
    pub problems: Vec<Problem>,
}

/// Most problems that a report lists, and most bytes of their texts: a hostile repository, or a
/// destination that is gone, has as many as there are files.
const LISTED: usize = 1 << 16;
const LISTED_BYTES: usize = 8 << 20;

/// Adds a problem to a report. If there are too many, the last one says so, and is as grave as the
/// gravest of those that it replaces.
pub(crate) fn note(problems: &mut Vec<Problem>, problem: Problem) {
    const MORE: &str = "there are more problems than are listed";
    if let Some(last) = problems.last_mut().filter(|last| last.sentence == MORE) {
        if problem.kind == ProblemKind::Damaged {
            last.kind = problem.kind;
        }
        return;
    }
    // Now and then is enough: a text is as long as a path at most.
    let is_long = problems.len().is_multiple_of(256)
        && problems.iter().map(|one| one.path.len() + one.sentence.len()).sum::<usize>()
            >= LISTED_BYTES;
    match problems.len() >= LISTED || is_long {
        true => problems.push(Problem { path: "/".into(), sentence: MORE.into(), ..problem }),
        false => problems.push(problem),
    }
}

impl Problem {
    /// A problem of a path in the source, a snapshot or a target.
    pub(crate) fn at(kind: ProblemKind, path: &TreePath, sentence: impl Into<String>) -> Self {
        Self { kind, path: path.to_string(), sentence: sentence.into() }
    }

    /// Adds it to a list as long as that may become.
    pub fn note_in(self, problems: &mut Vec<Self>) {
        note(problems, self);
    }
}

pub(crate) fn worst(problems: &[Problem]) -> Outcome {
    problems
        .iter()
        .map(|p| if p.kind == ProblemKind::Damaged { Outcome::Damaged } else { Outcome::Partial })
        .max()
        .unwrap_or(Outcome::Complete)
}

impl BackupReport {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        worst(&self.problems)
    }
}

impl ListReport {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        worst(&self.problems)
    }
}

impl CheckReport {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        let pending = match self.objects_pending + self.objects_unknown + self.unopened_files {
            0 => Outcome::Complete,
            _ => Outcome::Partial,
        };
        let lost = if self.objects_lost + self.objects_damaged > 0 {
            Outcome::Damaged
        } else {
            Outcome::Complete
        };
        worst(&self.problems).max(pending).max(lost)
    }
}

/// Bytes of a path for display.
pub(crate) fn display(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
