//! The result of a comparison: plain values whose field names are those of `--json`.

use serde::Serialize;

use crate::session::report::{EntryKind, Outcome, Problem, SnapshotLine, worst};

/// How an entry differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffKind {
    /// Only the newer side has it.
    Added,
    /// Only the older side has it.
    Removed,
    /// Its content differs, or its kind.
    Content,
    /// Only its metadata differs.
    Metadata,
    /// It was at another place before.
    Moved,
}

/// The differences of two entries of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// One is a file, the other something else.
    Kind,
    /// Length of the file.
    Size,
    /// Bytes of the file.
    Content,
    /// The target of the symlink.
    LinkTarget,
    /// Numbers of the device node.
    Device,
    /// Mode bits.
    Mode,
    /// Owner or group.
    Owner,
    /// Time of the last change.
    Mtime,
    /// Extended attributes.
    Attributes,
    /// Whether the file has several names.
    Links,
}

impl Aspect {
    /// Whether it is more than metadata.
    pub(super) fn is_content(self) -> bool {
        matches!(self, Self::Kind | Self::Size | Self::Content | Self::LinkTarget | Self::Device)
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiffLine {
    /// Path from `/`; for display.
    pub path: String,
    /// The path's exact bytes, for programs that are given it.
    #[serde(skip)]
    pub path_bytes: Vec<u8>,
    /// Where it was before, if it moved, or lies in a folder that moved; for display.
    pub from: Option<String>,
    /// The exact bytes of that.
    #[serde(skip)]
    pub from_bytes: Option<Vec<u8>>,
    /// What it is, on the newer side if it is there.
    pub kind: EntryKind,
    /// How it differs.
    pub change: DiffKind,
    /// The aspects; empty for a path on one side only.
    pub aspects: Vec<Aspect>,
    /// Bytes of the file on the older side.
    pub old_size: Option<u64>,
    /// Bytes of the file on the newer side.
    pub new_size: Option<u64>,
}

impl DiffLine {
    /// Whether it is a folder of which only the time differs, as it does when something in it came
    /// or went.
    pub fn is_folder_time(&self) -> bool {
        self.kind == EntryKind::Directory
            && self.change == DiffKind::Metadata
            && self.aspects == [Aspect::Mtime]
    }
}

/// The result of `diff`.
#[derive(Debug, Serialize)]
pub struct DiffReport {
    /// The older side.
    pub old: SnapshotLine,
    /// The newer side; nothing for the source as it is now.
    pub new: Option<SnapshotLine>,
    /// Entries that only the newer side has.
    pub added: u64,
    /// Entries that only the older side has.
    pub removed: u64,
    /// Entries whose content differs.
    pub content: u64,
    /// Entries of which only the metadata differs, but for `folder_times`.
    pub metadata: u64,
    /// Folders of which only the time differs.
    pub folder_times: u64,
    /// Entries that are at another place than before. What is in a folder that moved is not counted;
    /// if its metadata differs, it counts as such.
    pub moved: u64,
    /// Whether moves were looked for: not where there are too many differences.
    pub moves_known: bool,
    /// By how many bytes the files are more; less than nothing where they are fewer.
    pub bytes_more: i64,
    /// Bytes that were read to compare.
    pub bytes_read: u64,
    /// The paths that could not be compared.
    pub problems: Vec<Problem>,
}

impl DiffReport {
    /// The report of a comparison that has found nothing yet.
    pub(super) fn of(old: SnapshotLine, problems: impl IntoIterator<Item = Problem>) -> Self {
        Self {
            old,
            new: None,
            added: 0,
            removed: 0,
            content: 0,
            metadata: 0,
            folder_times: 0,
            moved: 0,
            moves_known: true,
            bytes_more: 0,
            bytes_read: 0,
            problems: problems.into_iter().collect(),
        }
    }

    /// How it ended; that there are differences is no failure.
    pub fn outcome(&self) -> Outcome {
        worst(&self.problems)
    }
}
