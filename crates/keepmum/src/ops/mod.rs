//! One file per verb. Here source, target, catalogue and repository meet; no verb calls another.
//!
//! A verb is a function: what it needs comes in, a report comes out, and what happens meanwhile
//! goes to one [`Observer`]. A problem with one file is in the report; an [`Error`] ends the run.

mod access;
mod backup;
mod check;
mod checked;
mod choose;
mod claims;
mod descent;
mod diff;
mod doubt;
mod dump;
mod error;
mod event;
mod examine;
mod healing;
mod import;
mod init;
mod kept_blocks;
mod key;
mod key_cache;
mod key_copies;
mod key_report;
mod list;
mod losses;
mod metadata;
mod new_repository;
mod older;
mod open;
mod options;
mod part;
mod placed;
mod remember;
mod report;
mod restore;
mod roots;
mod shown_code;
mod snapshots;
mod status_report;
mod subset;
mod unlock;
mod whole;

pub use crate::catalogue::{CheckKind, RunProblem, RunRow};
pub use access::{Access, CatalogueAt, Installation, KeyCacheAt};
pub use backup::backup;
pub use check::check;
pub use diff::{Aspect, DiffKind, DiffLine, DiffReport, diff};
pub use dump::{DumpReport, dump};
pub use error::{Error, ErrorKind};
pub use event::{Answer, ChangeKind, Event, Newer, Observer, Phase, RecoveryCode, Silent};
pub use init::{InitReport, init};
pub use key::{key_add, key_list, key_passwd, key_recovery, key_remove};
pub use key_report::{KeyChangeReport, KeyListReport, KeySlotKind, KeySlotLine};
pub use list::list;
pub use options::{
    BackupOptions, CheckOptions, Deletions, DiffAgainst, DiffOptions, DumpOptions, ListOptions,
    Overwrite, Owner, ReadData, RestoreOptions, SnapshotChoice, Which,
};
pub use report::{
    BackupReport, CheckReport, EntryKind, EntryLine, ListReport, Outcome, Problem, ProblemKind,
    SnapshotLine, SnapshotState, SnapshotsReport,
};
pub use restore::{RestoreReport, restore};
pub use snapshots::{snapshots, status};
pub use status_report::{CheckLine, DeviceStatus, StatusReport};
