//! What ends a command, and the one place that knows what a person can do about it.
//!
//! A message says what happened and to which path; the hint, chosen by the kind alone, says
//! what to do next.

mod hints;
mod password;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use jiff::Zoned;
use keepmum::CodeReading;
use keepmum::ops;
use keepmum::ops::ErrorKind;

use crate::exit::ExitCode;

pub(crate) use password::about_code;

/// What kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What was typed makes no sense.
    Usage,
    /// The config file makes no sense, or cannot be read.
    Config,
    /// There is no config file, and none of the other ways was taken.
    NoConfig,
    /// There is no config file, and nobody to ask for one.
    NoTerminal,
    /// No password, or an empty one.
    NoPassword,
    /// The destination is not there.
    NoDestination,
    /// There is no place for the catalogue.
    NoCatalogue,
    /// Something on this machine, outside source and destination, failed.
    Local,
    /// The output could not be written.
    Output,
    /// The library said so.
    Library(ErrorKind),
}

/// What a command was at work on, for messages of the library that cannot know how it is called.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The folder of the objects.
    pub(crate) destination: PathBuf,
    /// The file of the catalogue; none where it is a private one in the temporary folder.
    pub(crate) catalogue: Option<PathBuf>,
    /// The config and the line that name the roots.
    pub(crate) roots: Option<String>,
    /// Where the password stands, as the beginning of a sentence; nothing where it was asked for.
    pub(crate) password: Option<String>,
    /// What the password is, read as a recovery code.
    pub(crate) reading: Arc<Mutex<Option<CodeReading>>>,
    /// The config and the line by which no repository is ever made.
    pub(crate) join: Option<String>,
    /// The time, here.
    pub(crate) now: Zoned,
}

/// A sentence for a person, and a kind for programs.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    /// It names the path that it happened to.
    named: bool,
    /// It is about a catalogue in the temporary folder.
    temporary: bool,
    /// The hint, where it has a number in it.
    hint: Option<String>,
    /// The file of the key block that took the place of one which the password opened.
    replaced_by: Option<String>,
}

impl Failure {
    /// A failure with a sentence that begins in lower case and ends without a full stop.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message, named: false, temporary: false, hint: None, replaced_by: None }
    }

    /// Adds the path that it happened to, where the message does not name it yet.
    pub(crate) fn within(mut self, places: Option<&Places>) -> Self {
        let (Kind::Library(kind), Some(places), false) = (self.kind, places, self.named) else {
            return self;
        };
        let destination = places.destination.display();
        match kind {
            ErrorKind::Destination => self.message = format!("{destination}: {}", self.message),
            ErrorKind::OtherSource => match &places.roots {
                Some(line) => self.message = format!("{line}: {}", self.message),
                None => return self,
            },
            ErrorKind::WrongPassword => {
                let replaced_by = self.replaced_by.as_deref();
                self.message = password::message(&self.message, places);
                self.hint = Some(password::hint(replaced_by, places));
            }
            ErrorKind::NoRepository if places.join.is_some() => {
                self.message.push_str(&format!(": {destination}"));
                self.hint = places.join.as_ref().map(|at| {
                    format!(
                        "no repository is made, because of `join = yes` in {at}; is this the right \
                         folder, and has the sync client brought the files?"
                    )
                });
            }
            ErrorKind::NoRepository
            | ErrorKind::Pending
            | ErrorKind::KeysGone
            | ErrorKind::Refused
            | ErrorKind::Exists => self.message.push_str(&format!(": {destination}")),
            ErrorKind::Local | ErrorKind::Busy if self.message.contains("catalogue") => {
                match &places.catalogue {
                    Some(file) => self.message.push_str(&format!(": {}", file.display())),
                    None => {
                        self.temporary = true;
                        self.message.push_str(" (a private one in the temporary folder)");
                    }
                }
            }
            _ => return self,
        }
        self.named = true;
        self
    }

    /// Whether a password does not open the repository.
    pub(crate) fn is_wrong_password(&self) -> bool {
        self.kind == Kind::Library(ErrorKind::WrongPassword)
    }

    /// The request makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Says what to do next.
    pub(crate) fn next(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The config makes no sense.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    /// The person stopped it before anything was begun.
    pub(crate) fn stopped() -> Self {
        Self::new(Kind::Library(ErrorKind::Interrupted), "stopped before the work began")
    }

    /// The person stopped it while it waited for a reader.
    pub(crate) fn unread() -> Self {
        let sentence = "stopped before all was written: nobody reads the output";
        Self::new(Kind::Library(ErrorKind::Interrupted), sentence)
    }

    /// The exit code.
    pub(crate) fn code(&self) -> ExitCode {
        match self.kind {
            Kind::Usage
            | Kind::Config
            | Kind::NoConfig
            | Kind::NoTerminal
            | Kind::NoPassword
            | Kind::NoCatalogue
            | Kind::Local
            | Kind::Output => ExitCode::Usage,
            Kind::NoDestination => ExitCode::Destination,
            Kind::Library(kind) => kind.into(),
        }
    }

    /// The kind as one word, for `--json`.
    pub(crate) fn word(&self) -> &'static str {
        match self.kind {
            Kind::Usage | Kind::Library(ErrorKind::Usage | ErrorKind::Unusable) => "usage",
            Kind::Config | Kind::NoConfig | Kind::NoTerminal => "config",
            Kind::Library(ErrorKind::OtherSource) => "config",
            Kind::Library(ErrorKind::NoSnapshot) => "no_snapshot",
            Kind::Library(ErrorKind::Forgotten) => "forgotten",
            Kind::Library(ErrorKind::ForgetRefused) => "forget_refused",
            Kind::Library(ErrorKind::ManyForgotten) => "many_forgotten",
            Kind::NoPassword => "no_password",
            Kind::NoDestination | Kind::Library(ErrorKind::Destination) => "destination",
            Kind::Output => "output",
            Kind::Library(ErrorKind::NoSuchPath) => "no_such_path",
            Kind::Library(ErrorKind::WrongPassword) => "wrong_password",
            Kind::Library(ErrorKind::NoRepository) => "no_repository",
            Kind::Library(ErrorKind::Pending) => "pending",
            Kind::Library(ErrorKind::NotUnderstood) => "not_understood",
            Kind::Library(ErrorKind::KeysGone) => "keys_gone",
            Kind::Library(ErrorKind::Refused) => "refused",
            Kind::Library(ErrorKind::SourceGone | ErrorKind::LeftOut) => "source_gone",
            Kind::Library(ErrorKind::DeletionRefused) => "deletion_refused",
            Kind::Library(ErrorKind::ManyDeletions) => "many_deletions",
            Kind::Library(ErrorKind::Exists) => "exists",
            Kind::Library(ErrorKind::Busy) => "busy",
            Kind::Library(ErrorKind::KeySlots) => "key_slots",
            Kind::Library(ErrorKind::Damaged) => "damaged",
            Kind::Library(ErrorKind::Target) => "target",
            Kind::Library(ErrorKind::Interrupted) => "interrupted",
            Kind::NoCatalogue | Kind::Local | Kind::Library(_) => "local",
        }
    }

    /// What to do next, where there is something to say.
    pub(crate) fn hint(&self) -> Option<&str> {
        if let Some(hint) = &self.hint {
            return Some(hint);
        }
        Some(match self.kind {
            Kind::Usage | Kind::Config | Kind::Output => return None,
            Kind::NoConfig => {
                "make one with `keepmum init`, name one with --config, or read a repository \
                 without any by --from DESTINATION"
            }
            Kind::NoTerminal => {
                "run this on a terminal to be asked, or write the file yourself: [Destination] \
                 destination, [Backup] to_backup, [Credentials] password"
            }
            Kind::NoPassword => {
                "give it in the config, by --password-file FILE or in KEEPMUM_PASSWORD, or run \
                 this on a terminal to be asked"
            }
            Kind::NoDestination => {
                "is the disk mounted, and the sync client set up? A missing destination is never \
                 made by itself, so that a backup cannot land where nobody looks"
            }
            Kind::NoCatalogue => "name a folder of your own as db_path in [DB] of the config",
            Kind::Local => return None,
            Kind::Library(ErrorKind::Local) if self.temporary => {
                "name a folder with room in TMPDIR, or use a config, which keeps the catalogue in \
                 its db_path"
            }
            Kind::Library(kind) => return hints::of(kind),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ops::Error> for Failure {
    fn from(error: ops::Error) -> Self {
        let named = error.path().is_some();
        let hint = error.deletions().map(|count| match error.kind() {
            ErrorKind::ManyForgotten => hints::of_forgotten(count),
            _ => hints::of_deletions(count),
        });
        let replaced_by = error.replaced_by().map(str::to_owned);
        let kind = Kind::Library(error.kind());
        Self { named, hint, replaced_by, ..Self::new(kind, error.to_string()) }
    }
}
