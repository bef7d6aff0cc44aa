//! Tests of `draft`: what is written is read back.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keepmum::Passphrase;

use super::Draft;
use crate::config::{Around, Config, KEYS, PasswordIn};
use crate::new_file::NewFile;

#[test]
fn a_first_config_is_read_back_the_same_and_only_by_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.ini");
    for secret in ["jdndmnn$23", "#a;b = c: %d", "[x]", "ü \" '"] {
        let draft = Draft {
            roots: vec![PathBuf::from("/home/anna/my docs"), PathBuf::from("/srv/#1 = ;")],
            excludes: vec!["node_modules/".to_owned(), "*.tmp".to_owned()],
            exclude_caches: true,
            destination: PathBuf::from("/media/disk #1"),
            password: Some(Passphrase::new(secret.to_owned())),
            device_name: "Anna's laptop".to_owned(),
        };
        NewFile::whole(&path, &draft.text().unwrap()).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(NewFile::whole(&path, b"").is_err(), "a file was written over");
        let config = Config::read(&path, Around::default()).unwrap();
        match &config.password {
            Some(PasswordIn::Config(password)) => assert_eq!(password.expose(), secret),
            _ => panic!("the password is not in the config"),
        }
        assert_eq!(config.roots, draft.roots);
        assert_eq!(config.destination, draft.destination);
        assert_eq!(config.excludes, draft.excludes);
        assert!(config.exclude_caches);
        assert_eq!(config.device_name.as_deref(), Some("Anna's laptop"));
        std::fs::remove_file(&path).unwrap();
    }
    for bad in [" a", "a ", "a\nb", "\ta", "a\0"] {
        assert!(drafted(Some(bad), &[]).text().is_err(), "{bad:?}");
    }
    // On a line of its own it would be a comment.
    assert!(drafted(None, &["a", "#b"]).text().is_err());
    assert!(drafted(None, &["#a", "b"]).text().is_ok());
}

fn drafted(password: Option<&str>, excludes: &[&str]) -> Draft {
    Draft {
        roots: vec!["/s".into()],
        excludes: excludes.iter().map(|pattern| (*pattern).to_owned()).collect(),
        exclude_caches: false,
        destination: "/d".into(),
        password: password.map(|password| Passphrase::new(password.to_owned())),
        device_name: "laptop".to_owned(),
    }
}

#[test]
fn every_other_key_stands_in_the_file_as_a_comment() {
    let text = drafted(None, &[]).text().unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    for entry in &KEYS {
        let given = ["to_backup", "destination", "device_name"].contains(&entry.word);
        let mark = if given { "" } else { "# " };
        let line = format!("\n{mark}{} = ", entry.word);
        assert_eq!(text.matches(&line).count(), 1, "{line}");
        assert!(text.contains(&format!("\n# {}", entry.about)), "{}", entry.word);
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    // Without its mark each of them is one that the reader takes.
    let entries =
        KEYS.iter().filter(|entry| !["password_file", "password_command"].contains(&entry.word));
    let text = entries.fold(text, |text, entry| {
        text.replace(&format!("\n# {} = ", entry.word), &format!("\n{} = ", entry.word))
    });
    let around = Around { home: Some(Path::new("/home/anna")), ..Around::default() };
    let config = Config::parse(text.as_bytes(), Path::new("/c.ini"), Path::new("/"), around);
    let config = config.unwrap();
    assert!(config.join && config.one_file_system && config.name.is_some());
}
