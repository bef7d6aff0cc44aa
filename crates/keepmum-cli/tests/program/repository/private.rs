//! Files that must not lie in the destination, nor in another folder that a sync client uploads.

use std::fs;
use std::os::unix::fs::symlink;

use crate::binary::{Place, Said};
use crate::prepared::{PASSWORD, filled, keepmum};

/// A place whose config has this in place of its `db_path`.
fn with_db(db: &str) -> Place {
    let place = filled();
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let at = place.path("").display().to_string();
    place.file(
        "config.ini",
        config.replace(&format!("db_path = {at}db"), &format!("db_path = {db}")),
    );
    place
}

#[track_caller]
fn refused(place: &Place, words: &[&str], begins: &str) -> Said {
    let before = fs::read_dir(place.path("destination")).unwrap().count();
    let said = place.run(words);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.starts_with(begins), "{said:?}");
    let after = fs::read_dir(place.path("destination")).unwrap().count();
    assert_eq!(before, after, "something was written");
    said
}

#[test]
fn a_catalogue_in_the_destination_is_refused_by_whatever_path() {
    for db in
        ["destination", "destination/db", "./destination/", "link", "link/deep/db", "other/db"]
    {
        let place = with_db(db);
        symlink(place.path("destination"), place.path("link")).unwrap();
        place.folder("other");
        symlink(place.path("destination"), place.path("other/db")).unwrap();
        for words in [&["backup", "-c", "config.ini"][..], &["snapshots", "-c", "config.ini"]] {
            let begins = "keepmum: config.ini:8: db_path lies inside the destination ([PLACE]/";
            refused(&place, words, begins);
        }
    }
    // The destination inside db_path is no leak: the files beside it stay here.
    let place = with_db("db");
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let at = place.path("").display().to_string();
    let inside = config.replace(&format!("{at}destination"), &format!("{at}db/destination"));
    place.file("config.ini", inside);
    fs::create_dir(place.path("db/destination")).unwrap();
    let other = place.run(["backup", "-c", "config.ini"]);
    assert_ne!(other.code, 1, "{other:?}");
}

#[test]
fn a_config_in_the_destination_is_refused() {
    let place = filled();
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    place.file("destination/config.ini", &config);
    symlink(place.path("destination"), place.path("link")).unwrap();
    for path in ["destination/config.ini", "./link/config.ini", "destination/../link/config.ini"] {
        let begins = format!("keepmum: {path}:5: the destination ([PLACE]/destination) holds this");
        refused(&place, &["backup", "-c", path], &begins);
    }
    // Without it everything can still be read.
    let mut command = place.command(["snapshots", "--from", "destination"]);
    let said = place.said(command.env("KEEPMUM_PASSWORD", PASSWORD).output().unwrap());
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_password_file_in_the_destination_is_refused() {
    let place = filled();
    place.file("destination/secret", PASSWORD);
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let line = format!("password={PASSWORD}");
    for file in ["destination/secret", "link/secret"] {
        place.file("config.ini", config.replace(&line, &format!("password_file = {file}")));
        fs::remove_file(place.path("link")).ok();
        symlink(place.path("destination"), place.path("link")).unwrap();
        let begins = "keepmum: config.ini:2: the password file lies inside the destination";
        refused(&place, &["backup", "-c", "config.ini"], begins);
    }
}

#[test]
fn a_folder_that_a_sync_client_carries_away_is_warned_of() {
    for marker in [".dropbox.cache", ".stfolder", ".sync_0123456789ab.db"] {
        let place = filled();
        assert_eq!(keepmum(&place, ["snapshots"]).stderr, "");
        place.folder(marker);
        let said = keepmum(&place, ["snapshots"]);
        assert_eq!(said.code, 0, "{said:?}");
        for what in ["the catalogue (names in clear text)", "the config with the password"] {
            let told = format!("warning: {what} lies in a folder that ");
            assert!(said.stderr.contains(&told), "{marker}: {said:?}");
        }
    }
    let place = with_db("OneDrive/db");
    let said = keepmum(&place, ["snapshots"]);
    assert!(said.stderr.contains("a folder that OneDrive uploads ([PLACE]/OneDrive)"), "{said:?}");
    assert!(!said.stderr.contains("the config with the password"), "{said:?}");
}

#[test]
fn a_secret_that_is_typed_and_lies_in_the_destination_is_refused() {
    let place = filled();
    place.file("destination/secret", format!("{PASSWORD}\n"));
    symlink(place.path("destination"), place.path("link")).unwrap();
    for file in ["destination/secret", "link/secret", "./link/../destination/secret"] {
        let typed = ["--password-file", file];
        let commands: [&[&str]; 4] = [
            &["backup", "-c", "config.ini"],
            &["init", "-c", "config.ini"],
            &["snapshots", "--from", "destination"],
            &["restore", "--from", "destination", "latest", "--target", "target"],
        ];
        for words in commands {
            let words = [words, &typed].concat();
            let said = refused(&place, &words, "keepmum: the password file lies inside the");
            assert!(said.stderr.contains(file), "{said:?}");
        }
    }
    let passwd = ["key", "passwd", "-c", "config.ini", "--new-password-file", "link/secret"];
    refused(&place, &passwd, "keepmum: the new password file lies inside the destination");
    let code = ["key", "recovery", "-c", "config.ini", "--recovery-code-file", "link/code"];
    refused(&place, &code, "keepmum: the recovery code must not lie in the destination");
    let code = ["init", "-c", "config.ini", "--recovery-code-file", "link/code"];
    refused(&place, &code, "keepmum: the recovery code must not lie in the destination");
    assert!(!place.path("target").exists());
}

#[test]
fn init_that_refuses_a_place_leaves_nothing_behind() {
    for (from, to, is_refused) in [
        ("db_path = [AT]db", "db_path = [AT]destination/db", true),
        ("password=jdndmnn$23", "password_file=[AT]destination/secret", true),
        ("db_path = [AT]db", "db_path = [AT]source/db", false),
        ("drop_box_dir = [AT]destination", "drop_box_dir = [AT]source/destination", false),
    ] {
        let place = Place::new();
        place.config("");
        place.folder("source/destination");
        fs::remove_dir(place.path("db")).unwrap();
        let at = place.path("").display().to_string();
        let config = fs::read_to_string(place.path("config.ini")).unwrap();
        let (from, to) = (from.replace("[AT]", &at), to.replace("[AT]", &at));
        place.file("config.ini", config.replace(&from, &to));
        let said = place.run(["init", "-c", "config.ini", "--recovery-code-file", "code"]);
        let files = |folder: &str| fs::read_dir(place.path(folder)).unwrap().count();
        match is_refused {
            true => {
                assert_eq!(said.code, 1, "{to}: {said:?}");
                let left = place.path("db").exists() || place.path("code").exists();
                assert_eq!((files("destination"), left), (0, false), "{to}");
            }
            false => assert_eq!(said.code, 0, "{to}: {said:?}"),
        }
    }
}

/// The disk with the backup may be the only one that is left, so it is no refusal.
#[test]
fn a_restore_into_the_destination_warns_of_clear_text() {
    let place = filled();
    symlink("destination", place.path("link")).unwrap();
    let letter = format!("latest:{}", place.path("source/letter.txt").display());
    let cases: [(&[&str], bool); 6] = [
        (&["restore", &letter, "-t", "destination/out"], true),
        (&["restore", &letter, "-t", "link/new/out"], true),
        (&["restore", &letter, "-t", "out"], false),
        (&["dump", &letter, "-o", "destination/letter"], true),
        (&["dump", &letter, "-o", "link/letter2"], true),
        (&["dump", &letter, "-o", "letter"], false),
    ];
    for (words, is_inside) in cases {
        let said = keepmum(&place, words);
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(said.stderr.contains("lies inside the destination"), is_inside, "{said:?}");
    }
}
