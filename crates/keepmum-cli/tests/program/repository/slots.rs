//! `key` without a terminal: passwords and recovery codes are added, changed and removed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::binary::{Place, Said};
use crate::prepared::{PASSWORD, keepmum, ready, recovery_code, says};

const NOT_UNDONE: &str = "\
This does not undo everything: whoever knew the old one and has a copy of an
old key block, as sync services keep them, can still read what was stored until
now. What is stored from now on is closed to them, once each device has seen
this change.
";

/// Strong enough that nobody is warned of it.
const NEW: &str = "plum-Vault-93-ostrich-kettle";

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
    place.file("new", format!("{NEW}\nsecond line\n"));
    let said = keepmum(&place, ["key", "passwd", "--new-password-file", "new"]);
    let old = "The old password is still in config.ini. Put the new one there before the next \
               backup.\n";
    assert_eq!((said.code, said.stderr.as_str()), (0, old));
    says(&said.stdout, &format!("Password changed.\n{NOT_UNDONE}"));
    assert_eq!(keepmum(&place, ["backup"]).code, 2, "the old one opens nothing");
    let said = key(&place, NEW, &["list"], "");
    assert_eq!(said.code, 0, "{said:?}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = said.stdout.lines().map(words).collect();
    assert_eq!(lines[0].join(" "), "id kind made name or device", "{said:?}");
    assert_eq!(lines[1][1..3], ["recovery", "code"], "{said:?}");
    assert!(lines[2][1] == "password" && said.stdout.trim_end().ends_with("used now"), "{said:?}");
    assert!(lines[1..].iter().all(|line| line[0].len() == 8), "{said:?}");
    assert_eq!(lines.len(), 3, "{said:?}");
}

#[test]
fn passwords_are_added_and_removed() {
    let place = ready("");
    let said = key(&place, PASSWORD, &["add", "--label", "anna\x1b"], &format!("{NEW}\r\n"));
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    let added = "Password \"anna\\x1b\" added. Its id is ";
    assert!(said.stdout.starts_with(added) && said.stdout.lines().count() == 1, "{said:?}");
    let id = said.stdout.trim().trim_end_matches('.').rsplit(' ').next().unwrap().to_owned();
    assert_eq!(id.len(), 8, "{said:?}");
    let list = key(&place, NEW, &["list"], "").stdout;
    assert!(list.contains("anna\\x1b") && list.contains(&id), "{list}");
    let said = key(&place, NEW, &["remove", &id[..6], "--yes"], "");
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.stderr.contains("hint: ") && said.stdout.is_empty(), "{said:?}");
    // Nobody is there to be asked.
    let said = key(&place, recovery_code(), &["remove", &id[..6]], "y\n");
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said:?}");
    says(&said.stderr, "keepmum: there is no terminal to ask on; to remove it, add --yes\n");
    assert_eq!(key(&place, NEW, &["list"], "").code, 0, "it opens as before");
    let said = key(&place, recovery_code(), &["remove", &id[..6], "--yes"], "");
    assert!(said.stdout.starts_with("The password \"anna\\x1b\" of "), "{said:?}");
    let gone = format!(" ({id}) no longer opens this repository.\n{NOT_UNDONE}");
    assert!(said.stdout.ends_with(&gone), "{said:?}");
    assert_eq!(key(&place, NEW, &["list"], "").code, 2);
    let said = key(&place, PASSWORD, &["remove", "0123", "--yes"], "");
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said:?}");
    assert!(said.stderr.contains("`keepmum key list`"), "{said:?}");
}

#[test]
fn a_weak_new_password_is_named_where_nobody_can_be_asked() {
    let place = ready("");
    let said = key(&place, PASSWORD, &["add"], "pass\n");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.starts_with("warning: This password is weak. "), "{said:?}");
    says(&said.stdout, "Password added. Its id is [..].\n");
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
        ("there", "this one exists"),
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
