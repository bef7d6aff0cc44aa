//! `key`: the slots of the key block, as they are typed and told.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::binary::{Place, Said};
use crate::prepared::{PASSWORD, keepmum, ready, recovery_code, says};

const NOT_UNDONE: &str = "\
What this does not undo: whoever knew the old one and has a copy of an old key block, as sync
clients and backups of the destination keep them, can still open what was stored until now. What is
stored from now on is closed to them, once each device has seen this change.
";

/// Runs `key` on the destination with a password, without a config.
fn key(place: &Place, password: &str, words: &[&str], typed: &str) -> Said {
    let mut command = place.command(["key", "--from", "destination"]);
    command.args(words).env("KEEPMUM_PASSWORD", password);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who does not ask does not read, which is no matter here.
    child.stdin.take().unwrap().write_all(typed.as_bytes()).ok();
    place.said(child.wait_with_output().unwrap())
}

#[test]
fn a_password_is_changed_and_the_config_is_told_of() {
    let place = ready("");
    place.file("new", "another one\nsecond line\n");
    let said = keepmum(&place, ["key", "passwd", "--new-password-file", "new"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    let expected = "removed: slot [..]\nadded: slot [..]\n\
                    The config still holds the old password: put the new one there.\n";
    says(&said.stdout, &format!("{expected}{NOT_UNDONE}"));
    assert_eq!(keepmum(&place, ["backup"]).code, 2, "the old one opens nothing");
    let said = key(&place, "another one", &["list"], "");
    assert_eq!(said.code, 0, "{said:?}");
    says(
        &said.stdout,
        "\
id                kind           made                        label
[..]  recovery code  [..]
[..]  password       [..]  opened with this
",
    );
}

#[test]
fn passwords_are_added_and_removed() {
    let place = ready("");
    let said = key(&place, PASSWORD, &["add", "--label", "anna\x1b"], "for anna\r\n");
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    says(&said.stdout, "added: slot [..]\n");
    let id = said.stdout.trim().rsplit(' ').next().unwrap().to_owned();
    let list = key(&place, "for anna", &["list"], "").stdout;
    assert!(list.contains("anna\\x1b") && list.contains(&id), "{list}");
    let said = key(&place, "for anna", &["remove", &id[..6]], "");
    assert_eq!(said.code, 5, "{said:?}");
    says(
        &said.stderr,
        "keepmum: this is the slot that you opened the repository with[..]\n\
         hint: nothing was changed; `keepmum key list` shows the slots\n",
    );
    let said = key(&place, recovery_code(), &["remove", &id[..6]], "");
    says(&said.stdout, &format!("removed: slot {id}\n{NOT_UNDONE}"));
    assert_eq!(key(&place, "for anna", &["list"], "").code, 2);
    let said = key(&place, PASSWORD, &["remove", "0123"], "");
    assert_eq!(said.code, 1, "{said:?}");
    says(&said.stderr, "keepmum: there is no such slot; `keepmum key list` lists them\n");
}

#[test]
fn an_empty_or_known_new_password_is_refused() {
    let place = ready("");
    let said = key(&place, PASSWORD, &["passwd"], "\n");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.starts_with("keepmum: the new password from standard input is empty"));
    let said = key(&place, PASSWORD, &["add"], PASSWORD);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.stderr.contains("this password opens the repository already"), "{said:?}");
}

#[test]
fn a_new_recovery_code_goes_into_a_file_of_its_own() {
    let place = ready("");
    let said = key(&place, PASSWORD, &["recovery"], "");
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said:?}");
    assert!(said.stderr.contains("give --recovery-code-file FILE"), "{said:?}");
    place.file("there", "something");
    for (file, why) in [
        ("there", "is there already"),
        ("nowhere/code", "cannot write the recovery code"),
        ("destination/code", "must not lie in the destination"),
    ] {
        let said = key(&place, PASSWORD, &["recovery", "--recovery-code-file", file], "");
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stderr.contains(why), "{said:?}");
    }
    assert_eq!(key(&place, recovery_code(), &["list"], "").code, 0, "nothing was changed");
    let said = key(&place, PASSWORD, &["recovery", "--recovery-code-file", "code"], "");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.stderr, "The recovery code is in [PLACE]/code\n");
    let mode = fs::metadata(place.path("code")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let code = fs::read_to_string(place.path("code")).unwrap();
    assert!(!said.stdout.contains(&code[..9]) && said.stdout.ends_with(NOT_UNDONE), "{said:?}");
    // The file is a password file as it is.
    let list = ["key", "list", "--from", "destination", "--password-file", "code"];
    assert_eq!(place.run(list).code, 0);
    assert_eq!(key(&place, recovery_code(), &["list"], "").code, 2);
    // Nobody sees the next one, and the password opens all the same.
    let said = key(&place, code.trim(), &["recovery", "--recovery-code-file", "next"], "");
    assert_eq!(said.code, 5, "{said:?}");
    assert!(!place.path("next").exists());
}

#[test]
fn a_change_is_a_document() {
    let place = ready("");
    let recovery = ["recovery", "--json", "--recovery-code-file", "code"];
    let said = key(&place, PASSWORD, &recovery, "");
    let document: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    // The old code is removed once the new one is there: two changes.
    assert_eq!(document["generation"], 3);
    assert_eq!((&document["blocks_written"], &document["blocks_left"]), (&6.into(), &0.into()));
    assert!(document["recovery_code_shown"] == true && document["added"].is_string());
    assert!(document.get("recovery_code").is_none());
    let said = key(&place, PASSWORD, &["list", "--json"], "");
    let document: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(document["slots"][0]["kind"], "password");
    assert_eq!(document["slots"][1]["kind"], "recovery_code");
}

#[test]
fn a_label_that_is_too_long_is_refused() {
    let place = ready("");
    let label = "a label that is longer than thirty bytes";
    let said = key(&place, PASSWORD, &["add", "--label", label], "new");
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said:?}");
    assert!(said.stderr.contains("a label has at most 30 bytes, this one 40"), "{said:?}");
}
