//! The exit codes: a contract with scripts. The one place where an error becomes a number.

use std::process;

use keepmum::ops::{ErrorKind, Outcome};

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCode {
    /// All done.
    Done = 0,
    /// What was asked makes no sense, or the config does not, or a local file cannot be used.
    Usage = 1,
    /// Wrong password, or no repository there.
    NoAccess = 2,
    /// Done, but not wholly.
    Partial = 3,
    /// The destination failed.
    Destination = 4,
    /// Refused for safety.
    Refused = 5,
    /// Damaged or lost data.
    Damaged = 6,
    /// Stopped by a signal, as shells number it.
    Interrupted = 130,
    /// Nobody read the output to its end; shells number the signal that ends other programs so.
    Unread = 141,
}

/// What each code means, for help and the manual.
pub(crate) const CODES: [(u8, &str); 9] = [
    (0, "All done"),
    (1, "Wrong usage, or a problem with the config or a local file"),
    (2, "Wrong password, or no repository there"),
    (
        3,
        "Done, but some files could not be read or restored, or something is still arriving, \
         overdue, older than asked for, or of a newer version",
    ),
    (4, "The destination failed"),
    (5, "Refused for safety; nothing was changed"),
    (6, "Damaged or lost data found"),
    (130, "Stopped by Ctrl-C or a signal"),
    (141, "`dump` only: the reader of the output went away before its end"),
];

impl From<ErrorKind> for ExitCode {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::WrongPassword | ErrorKind::NoRepository => Self::NoAccess,
            // A target that fails is no failing destination: what was restored stays.
            ErrorKind::Pending | ErrorKind::NotUnderstood | ErrorKind::Target => Self::Partial,
            ErrorKind::Destination => Self::Destination,
            ErrorKind::Refused
            | ErrorKind::SourceGone
            | ErrorKind::LeftOut
            | ErrorKind::DeletionRefused
            | ErrorKind::ManyDeletions
            | ErrorKind::ForgetRefused
            | ErrorKind::ManyForgotten
            | ErrorKind::Exists
            | ErrorKind::Busy
            | ErrorKind::KeySlots => Self::Refused,
            ErrorKind::Damaged | ErrorKind::KeysGone => Self::Damaged,
            ErrorKind::Interrupted => Self::Interrupted,
            // Usage, NoSnapshot and Local, and whatever the library may learn to say later.
            _ => Self::Usage,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Complete => Self::Done,
            Outcome::Partial => Self::Partial,
            Outcome::Damaged => Self::Damaged,
        }
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::{CODES, ExitCode};
    use keepmum::ops::{ErrorKind, Outcome};

    #[test]
    fn every_kind_has_the_code_of_the_contract() {
        let table = [
            (ErrorKind::Usage, 1),
            (ErrorKind::Unusable, 1),
            (ErrorKind::WrongPassword, 2),
            (ErrorKind::NoRepository, 2),
            (ErrorKind::Pending, 3),
            (ErrorKind::NotUnderstood, 3),
            (ErrorKind::Destination, 4),
            (ErrorKind::Refused, 5),
            (ErrorKind::SourceGone, 5),
            (ErrorKind::LeftOut, 5),
            (ErrorKind::DeletionRefused, 5),
            (ErrorKind::ManyDeletions, 5),
            (ErrorKind::Forgotten, 1),
            (ErrorKind::ForgetRefused, 5),
            (ErrorKind::ManyForgotten, 5),
            (ErrorKind::Exists, 5),
            (ErrorKind::Busy, 5),
            (ErrorKind::Damaged, 6),
            (ErrorKind::Local, 1),
            (ErrorKind::Target, 3),
            (ErrorKind::Interrupted, 130),
        ];
        for (kind, code) in table {
            assert_eq!(ExitCode::from(kind) as u8, code, "{kind:?}");
        }
    }

    #[test]
    fn every_outcome_has_the_code_of_the_contract() {
        assert_eq!(ExitCode::from(Outcome::Complete), ExitCode::Done);
        assert_eq!(ExitCode::from(Outcome::Partial), ExitCode::Partial);
        assert_eq!(ExitCode::from(Outcome::Damaged), ExitCode::Damaged);
    }

    #[test]
    fn the_table_names_each_code_once() {
        let numbers: Vec<_> = CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 130, 141]);
    }
}
