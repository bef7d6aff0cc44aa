//! The one way out while a verb runs.

use crate::model::{Time, TreePath};

use super::error::{Error, ErrorKind};
use super::recovery_code::RecoveryCode;
use super::report::{Problem, SnapshotLine};

/// The current activity of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Deriving keys from the password.
    Unlocking,
    /// Listing the destination and reading metadata that is new.
    Opening,
    /// Walking and storing, restoring, or checking.
    Working,
    /// Writing the record that makes the run count.
    Finishing,
}

/// How an entry differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was not there before.
    New,
    /// Its content or metadata is different.
    Changed,
    /// It is not there any more.
    Gone,
    /// It is left out, for the reason given.
    Excluded,
    /// It stays as it is in the target, though the snapshot has something else.
    Kept,
    /// It is removed from the target.
    Removed,
}

/// An event.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new phase begins.
    Phase(Phase),
    /// It begins with these paths of this snapshot, with all of it if there are none.
    Begun {
        /// The snapshot.
        snapshot: Box<SnapshotLine>,
        /// The paths in order.
        paths: Vec<TreePath>,
    },
    /// So much is done; totals are zero while they are not known.
    Progress {
        /// Entries done.
        entries: u64,
        /// Entries in all, or 0.
        entries_total: u64,
        /// Bytes done.
        bytes: u64,
        /// Bytes in all, or 0.
        bytes_total: u64,
    },
    /// An entry that is new, changed, gone or left out; only when asked for.
    Change {
        /// How it differs.
        kind: ChangeKind,
        /// Where it is.
        path: TreePath,
        /// Why it is left out; empty otherwise.
        reason: String,
    },
    /// An entry that lies at another place than before; only when asked for.
    Moved {
        /// Where it was.
        from: TreePath,
        /// Where it is.
        to: TreePath,
    },
    /// One file could not be handled.
    Problem(Problem),
    /// Something the user should know that is no failure.
    Notice(String),
    /// The run made the repository: its key blocks are durable, whatever happens to the run from
    /// now on.
    RepositoryMade {
        /// Files in the destination that are not ours.
        foreign_files: u64,
    },
}

/// Something in the target that is newer than the snapshot's version.
#[derive(Clone, Debug)]
pub struct Newer {
    /// Where it is, from the target downward.
    pub path: TreePath,
    /// When it was changed.
    pub there: Time,
    /// The time when the snapshot's version was changed.
    pub snapshot: Time,
    /// Whether both can be kept.
    pub can_have_both: bool,
}

/// The treatment of something newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Replace it.
    Overwrite,
    /// Leave it alone.
    Keep,
    /// Leave it alone, and put the snapshot's version beside it under another name.
    Both,
}

/// The receiver of events.
pub trait Observer: Sync {
    /// Something happened. Called often: it must be quick.
    fn event(&self, event: Event);

    /// Whether the user wants the run to stop. Asked between files and between objects.
    fn stopping(&self) -> bool;

    /// The treatment of something newer; nothing if there is nobody to be asked. Then it stays, and
    /// is a problem of the report.
    fn ask(&self, _: &Newer) -> Option<Answer> {
        None
    }

    /// Shows a recovery code, once the data that it opens is durable, and returns whether the
    /// person has it now. If not, the code is in the report of the verb: it must not be lost.
    fn show_recovery_code(&self, _code: &RecoveryCode) -> bool {
        false
    }

    /// Whether somebody waits who can stop it. Where nobody does, a password is not tried on very
    /// many files that may be key blocks.
    fn is_attended(&self) -> bool {
        true
    }
}

/// An observer that hears nothing and never stops.
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}

    fn stopping(&self) -> bool {
        false
    }
}

impl dyn Observer + '_ {
    /// An error if the user wants the verb to stop, which says that not all is `done`.
    pub(crate) fn go_on(&self, done: &str) -> Result<(), Error> {
        match self.stopping() {
            true => {
                Err(Error::new(ErrorKind::Interrupted, format!("stopped before all was {done}")))
            }
            false => Ok(()),
        }
    }
}
