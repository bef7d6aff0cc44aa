//! Each kind has a word, a hint and an exit code, and messages name the places.

use super::{Arc, Failure, Kind, Places, Zoned};
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
        ErrorKind::LeftOut,
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
        // Rules that leave out everything look the same to a program as a source that is gone.
        if kind != ErrorKind::LeftOut {
            words.push(failure.word());
        }
    }
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), kinds.len() - 1);
}

#[test]
fn a_message_names_the_place_that_the_library_cannot_know() {
    let library = |kind, said: &str| Failure::from(ops::Error::new(kind, said));
    let mut places = Places {
        destination: "/d".into(),
        catalogue: Some("/c".into()),
        roots: Some("/config.ini:3".to_owned()),
        password: None,
        reading: Arc::default(),
        join: None,
        now: Zoned::now(),
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
