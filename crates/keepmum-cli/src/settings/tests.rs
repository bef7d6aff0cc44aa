//! What is decided from arguments, config and environment.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jiff::Zoned;
use tempfile::TempDir;

use super::{Environment, LeftOut, PasswordFrom, Settings, config_path, source_name};
use crate::args::Shared;
use crate::exit::ExitCode;

fn environment() -> Environment {
    Environment {
        home: Some(PathBuf::from("/home/anna")),
        config: None,
        password: None,
        variables: HashMap::new(),
        system_config: None,
        config_home: None,
        state_home: None,
        machine: b"0123".to_vec(),
        host_name: "host".to_owned(),
        folders: Vec::new(),
        now: Zoned::default(),
    }
}

fn with_config(text: &str) -> (TempDir, Shared) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.ini");
    fs::write(&path, text).unwrap();
    (folder, Shared { config: Some(path), ..Shared::default() })
}

#[test]
fn the_config_is_looked_for_where_the_contract_says() {
    let mut environment = environment();
    let mut shared = Shared::default();
    let found = |shared: &Shared, environment: &Environment| {
        config_path(shared, environment).ok().map(|path| path.display().to_string())
    };
    let expected = Some("/home/anna/.config/keepmum/config.ini".to_owned());
    assert_eq!(found(&shared, &environment), expected);
    environment.config_home = Some("/xdg".into());
    assert_eq!(found(&shared, &environment).as_deref(), Some("/xdg/keepmum/config.ini"));
    environment.config = Some("env.ini".into());
    assert_eq!(found(&shared, &environment).as_deref(), Some("env.ini"));
    shared.config = Some("typed.ini".into());
    assert_eq!(found(&shared, &environment).as_deref(), Some("typed.ini"));
    let homeless = Environment { home: None, config_home: None, config: None, ..environment };
    assert_eq!(found(&Shared::default(), &homeless), None);
}

#[test]
fn a_missing_config_is_said_and_is_no_panic() {
    let shared = Shared { config: Some("/nowhere/x.ini".into()), ..Shared::default() };
    let failure = Settings::resolve(&shared, &environment()).err().unwrap();
    assert_eq!(failure.to_string(), "there is no config file /nowhere/x.ini");
    assert_eq!(failure.code(), ExitCode::Usage);
    assert!(failure.hint().unwrap().contains("--from"));
}

#[test]
fn without_a_config_nothing_is_kept() {
    let shared = Shared { from: Some("/d".into()), ..Shared::default() };
    // A config in the environment is not even looked at.
    let environment = Environment { config: Some("/nowhere".into()), ..environment() };
    let settings = Settings::resolve(&shared, &environment).ok().unwrap();
    assert_eq!(settings.destination, Path::new("/d"));
    assert!(settings.catalogue.is_none() && settings.source.is_none());
    assert!(matches!(settings.password, PasswordFrom::Question));
    assert_eq!(settings.device_name, "host");
}

#[test]
fn the_catalogue_is_named_after_the_source() {
    let text = "[DropBox]\ndrop_box_dir=/d\n[Backup]\nto_backup=/home/anna/My docs\n";
    let (_folder, shared) = with_config(text);
    let mut environment = environment();
    let at = |environment: &Environment, shared: &Shared| {
        Settings::resolve(shared, environment).ok().unwrap().catalogue.unwrap()
    };
    assert_eq!(
        at(&environment, &shared),
        Path::new("/home/anna/.local/state/keepmum/catalogue-My-docs.sqlite")
    );
    environment.state_home = Some("/state".into());
    assert_eq!(at(&environment, &shared), Path::new("/state/keepmum/catalogue-My-docs.sqlite"));
    let (folder, shared) = with_config(&format!("{text}name=docs\n[DB]\ndb_path = db\n"));
    let expected = folder.path().canonicalize().unwrap().join("db/catalogue-docs.sqlite");
    assert_eq!(at(&environment, &shared), expected);
}

#[test]
fn sources_are_named_after_their_first_root() {
    let name = |roots: &[&str]| source_name(&roots.iter().map(PathBuf::from).collect::<Vec<_>>());
    assert_eq!(name(&["/home/anna/docs", "/x"]), "docs");
    assert_eq!(name(&["/home/anna/.config"]), "config");
    assert_eq!(name(&["/home/anna/Grüße & Küsse"]), "Grüße---Küsse");
    assert_eq!(name(&["/"]), "root");
    assert_eq!(name(&["/..."]), "source");
    assert_eq!(name(&[]), "source");
}

#[test]
fn the_password_comes_from_the_first_place_that_has_one() {
    let base = "[DropBox]\ndrop_box_dir=/d\n";
    let (_kept, mut shared) = with_config(&format!("{base}[Credentials]\npassword=c"));
    let mut environment = environment();
    environment.password = Some(OsString::from("e"));
    let from = |shared: &Shared, environment: &Environment| {
        Settings::resolve(shared, environment).ok().unwrap().password
    };
    assert!(matches!(from(&shared, &environment), PasswordFrom::Config(_)));
    shared.password_file = Some("/p".into());
    assert!(matches!(from(&shared, &environment), PasswordFrom::File(_)));
    let (_kept, shared) = with_config(base);
    assert!(matches!(from(&shared, &environment), PasswordFrom::Environment(_)));
    environment.password = None;
    assert!(matches!(from(&shared, &environment), PasswordFrom::Question));
    let (_kept, shared) = with_config(&format!("{base}[Credentials]\npassword_command=x"));
    assert!(matches!(from(&shared, &environment), PasswordFrom::Command(_)));
}

#[test]
fn the_catalogues_folder_is_made_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a/b/catalogue-x.sqlite");
    let made = super::place::make_folder(&file).ok().unwrap();
    assert!(made.ends_with("a/b/catalogue-x.sqlite") && !made.exists());
    for part in ["a", "a/b"] {
        let mode = fs::metadata(folder.path().join(part)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    assert!(super::place::make_folder(&file).is_ok());
    fs::write(folder.path().join("f"), "").unwrap();
    for inside in ["f/catalogue-x.sqlite", "f/g/catalogue-x.sqlite"] {
        let failure = super::place::make_folder(&folder.path().join(inside)).err().unwrap();
        assert!(failure.to_string().contains("is to be a folder"), "{failure}");
        assert_eq!(failure.code(), ExitCode::Usage);
    }
}

#[test]
fn the_backup_itself_is_left_out_and_nothing_else() {
    let all = |left_out: &LeftOut| [&left_out.paths[..], &left_out.beside].concat();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().canonicalize().unwrap();
    for part in ["src/db", "src/dest", "other"] {
        fs::create_dir_all(at.join(part)).unwrap();
    }
    let (roots, dest) = (vec![at.join("src")], at.join("src/dest"));
    let file = at.join("src/db/catalogue-src.sqlite");
    fs::write(&file, "").unwrap();
    let left_out = LeftOut::of(&roots, &dest, Some(&file));
    assert_eq!(left_out.paths, [dest.clone(), at.join("src/db")]);
    assert_eq!(
        left_out.told,
        [(dest.clone(), "the destination"), (at.join("src/db"), "the catalogue")]
    );

    let others = ["letter.txt", "catalogue-of-films.pdf", "catalogue-films.keys"];
    for other in others {
        fs::write(at.join("src/db").join(other), "a").unwrap();
    }
    fs::write(at.join("src/db/catalogue-shop.sqlite"), "SQLite format 3\0").unwrap();
    for ours in ["sqlite", "sqlite.lock", "keys"] {
        fs::write(at.join("src/db/catalogue-other").with_extension(ours), "").unwrap();
    }
    let left_out = LeftOut::of(&roots, &dest, Some(&file));
    assert!(!left_out.paths.contains(&at.join("src/db")), "a letter would be lost");
    for suffix in
        ["", "-wal", "-shm", "-journal", ".run", ".run.new", ".record", ".record.new", ".lock"]
    {
        let ours = format!("src/db/catalogue-src.sqlite{suffix}");
        assert!(all(&left_out).contains(&at.join(&ours)), "{ours}");
    }
    for ours in ["src.keys", "src.new", "other.sqlite", "other.sqlite.lock", "other.keys"] {
        let ours = at.join(format!("src/db/catalogue-{ours}"));
        assert!(all(&left_out).contains(&ours), "{ours:?}");
    }
    for other in others.into_iter().chain(["catalogue-shop.sqlite"]) {
        assert!(!all(&left_out).contains(&at.join("src/db").join(other)), "{other}");
    }

    let outside =
        LeftOut::of(&roots, &at.join("other"), Some(&at.join("other/catalogue-x.sqlite")));
    assert!(outside.told.is_empty());

    // A root within db_path must not vanish with it.
    fs::create_dir_all(at.join("catalogue-box/catalogue-root")).unwrap();
    let roots = vec![at.join("catalogue-box/catalogue-root")];
    let file = at.join("catalogue-box/catalogue-x.sqlite");
    let left_out = LeftOut::of(&roots, &dest, Some(&file));
    assert!(!left_out.paths.contains(&at.join("catalogue-box")));
}
