//! The verbs: one file or folder each, and nothing else. No verb calls another; they share `session`.
//!
//! A verb is a function: its inputs are arguments, its result is a report, and events meanwhile go
//! to one [`Observer`]. A problem with one file is in the report; an [`Error`] ends the run.

mod backup;
mod check;
mod device;
mod diff;
mod dump;
mod forget;
mod init;
mod key;
mod list;
mod mark;
mod prune;
mod recollection;
mod restore;
mod status;
mod tidy;

pub use crate::catalogue::{CheckKind, RunProblem, RunRow};
pub use crate::session::access::{Access, CatalogueAt, Installation, KeyCacheAt};
pub use crate::session::error::{Error, ErrorKind};
pub use crate::session::event::{Answer, ChangeKind, Event, Newer, Observer, Phase, Silent};
pub use crate::session::missing_path::MissingPath;
pub use crate::session::options::{
    BackupOptions, CheckOptions, Deletions, DiffAgainst, DiffOptions, DumpOptions, Forget,
    ForgetOptions, KeepRules, ListOptions, MarkOptions, Overwrite, Owner, PruneOptions, ReadData,
    RestoreOptions, SnapshotChoice, SnapshotsOptions, Which,
};
pub use crate::session::paths::{Around, Asked, Paths};
pub use crate::session::recovery_code::RecoveryCode;
pub use crate::session::report::{
    BackupReport, CheckReport, EntryKind, EntryLine, ListReport, Outcome, Problem, ProblemKind,
    SnapshotLine, SnapshotState, SnapshotsReport,
};
pub use backup::backup;
pub use check::check;
pub use device::{DeviceChangeReport, device_rename, device_retire};
pub use diff::{Aspect, DiffKind, DiffLine, DiffReport, diff};
pub use dump::{DumpReport, dump};
pub use forget::{Decision, ForgetLine, ForgetReport, KeptBecause, forget};
pub use init::{InitReport, init};
pub use key::{
    KeyChangeReport, KeyListReport, KeySlotKind, KeySlotLine, Presence, key_add, key_list,
    key_opens, key_passwd, key_recovery, key_remove, presence,
};
pub use list::list;
pub use mark::{MarkReport, pin, tag};
pub use prune::{PruneReport, prune};
pub use recollection::{KnownName, KnownSnapshot, Recollection};
pub use restore::{RestoreReport, restore};
pub use status::{CheckLine, DeviceStatus, StatusReport, select_snapshots, snapshots, status};
pub use tidy::{KeptCopy, KeptReason, RemovedCopy, TidyReport, tidy};
