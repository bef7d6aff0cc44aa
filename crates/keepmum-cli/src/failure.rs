//! What ends a command, and the one place that knows what a person can do about it.
//!
//! A message says what happened and to which path; the hint, chosen by the kind alone, says
//! what to do next.

mod hints;

use std::fmt;
use std::path::PathBuf;

use keepmum::ops;
use keepmum::ops::ErrorKind;

use crate::exit::ExitCode;

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
}

impl Failure {
    /// A failure with a sentence that begins in lower case and ends without a full stop.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), named: false, temporary: false, hint: None }
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
            ErrorKind::NoRepository
            | ErrorKind::WrongPassword
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
            Kind::Library(ErrorKind::SourceGone) => "source_gone",
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
        let hint = error.deletions().map(hints::of_deletions);
        Self { named, hint, ..Self::new(Kind::Library(error.kind()), error.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Kind, Places};
    use crate::exit::ExitCode;
    use keepmum::ops;
    use keepmum::ops::ErrorKind;

    #[test]
    fn every_kind_of_the_library_has_a_hint_and_its_own_word() {
        let kinds = [
            ErrorKind::Usage,
            ErrorKind::NoSnapshot,
            ErrorKind::WrongPassword,
            ErrorKind::NoRepository,
            ErrorKind::Pending,
            ErrorKind::KeysGone,
            ErrorKind::Destination,
            ErrorKind::Refused,
            ErrorKind::SourceGone,
            ErrorKind::DeletionRefused,
            ErrorKind::ManyDeletions,
            ErrorKind::Exists,
            ErrorKind::Busy,
            ErrorKind::Damaged,
            ErrorKind::Local,
            ErrorKind::Target,
            ErrorKind::Interrupted,
        ];
        let mut words = Vec::new();
        for kind in kinds {
            let failure = Failure::from(ops::Error::new(kind, "it failed").at("/some/path"));
            assert_eq!(failure.to_string(), "it failed: /some/path");
            let hint = failure.hint().unwrap_or_else(|| panic!("{kind:?} has no hint"));
            assert!(!hint.ends_with('.') && !hint.contains("  "), "{hint}");
            words.push(failure.word());
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), kinds.len());
    }

    #[test]
    fn a_message_names_the_place_that_the_library_cannot_know() {
        let library = |kind, said: &str| Failure::from(ops::Error::new(kind, said));
        let mut places = Places {
            destination: "/d".into(),
            catalogue: Some("/c".into()),
            roots: Some("/config.ini:3".to_owned()),
        };
        let table = [
            (ErrorKind::Destination, "the disk failed", "/d: the disk failed"),
            (ErrorKind::NoRepository, "there is none", "there is none: /d"),
            (ErrorKind::OtherSource, "it is taken", "/config.ini:3: it is taken"),
            (ErrorKind::Local, "the catalogue is full", "the catalogue is full: /c"),
            (ErrorKind::Local, "no randomness", "no randomness"),
            (ErrorKind::Usage, "no such snapshot", "no such snapshot"),
        ];
        for (kind, said, expected) in table {
            assert_eq!(library(kind, said).within(Some(&places)).to_string(), expected);
        }
        let named = Failure::from(ops::Error::new(ErrorKind::Pending, "not here").at("/f"));
        assert_eq!(named.within(Some(&places)).to_string(), "not here: /f");
        // Without a config the catalogue is where temporary files are.
        places.catalogue = None;
        let full = library(ErrorKind::Local, "the disk that holds the catalogue is full");
        let full = full.within(Some(&places));
        assert!(full.to_string().ends_with(" (a private one in the temporary folder)"), "{full}");
        assert!(full.hint().unwrap().starts_with("name a folder with room in TMPDIR"));
    }

    #[test]
    fn a_missing_destination_is_the_destinations_failure() {
        assert_eq!(Failure::new(Kind::NoDestination, "").code(), ExitCode::Destination);
        assert_eq!(Failure::new(Kind::NoPassword, "").code(), ExitCode::Usage);
        assert_eq!(Failure::config("").code(), ExitCode::Usage);
    }
}
