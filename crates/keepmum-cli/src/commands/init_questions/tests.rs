//! Tests of `init_questions`: what is shown and what is meant.

use super::{Talk, store};
use crate::config::{Config, Draft};
use keepmum::Passphrase;
use std::path::{Path, PathBuf};

fn talk(input: &str, home: &Path) -> (Result<(PathBuf, PathBuf), String>, String) {
    let mut output = Vec::new();
    let private = home.join("state/keepmum");
    let mut talk = Talk {
        private: vec![&private],
        input: &mut input.as_bytes(),
        output: &mut output,
        home: Some(home),
    };
    let places = talk.places().map_err(|failure| failure.to_string());
    (places, String::from_utf8(output).unwrap())
}

#[test]
fn it_asks_until_both_places_make_sense() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().canonicalize().unwrap();
    std::fs::create_dir(home.join("docs")).unwrap();
    std::fs::write(home.join("file"), "").unwrap();
    let typed = "\n~/nowhere\n~/docs\n~/docs\n~\n~/file\n~/state\n~/new\nn\n~/new\ny\n";
    let (places, said) = talk(typed, &home);
    assert_eq!(places, Ok((home.join("docs"), home.join("new"))));
    // It is made once everything was answered.
    assert!(!home.join("new").exists());
    for expected in [
        "Please give a path.",
        "The source lies in",
        "nowhere is not there.",
        "file is no folder.",
        "state/keepmum would lie in that folder",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    let (places, _) = talk("~/docs\n", &home);
    assert_eq!(places, Err("no answer was given, so nothing was made".to_owned()));
}

#[test]
fn the_config_is_stored_in_a_new_folder_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keepmum/config.ini");
    let draft = Draft {
        roots: vec!["/s".into()],
        excludes: Vec::new(),
        exclude_caches: false,
        destination: "/d".into(),
        password: Some(Passphrase::new("p w".to_owned())),
        device_name: "laptop".to_owned(),
    };
    store(&path, &draft).ok().unwrap();
    assert_eq!(Config::read(&path, None).ok().unwrap().roots, [Path::new("/s")]);
    let failure = store(&path, &draft).err().unwrap().to_string();
    assert!(failure.starts_with("cannot write "), "{failure}");
}
