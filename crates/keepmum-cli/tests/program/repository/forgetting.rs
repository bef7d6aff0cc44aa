//! `forget`, `pin` and `tag`: what a person types, and what is there afterwards.

use std::fs;

use serde_json::Value;

use crate::binary::{Place, Said};
use crate::prepared::{filled, keepmum};

/// A place with so many snapshots.
fn with_history(count: usize) -> Place {
    let place = filled();
    for number in 1..count {
        place.file("source/letter.txt", format!("Dear Anna, {number}\n"));
        assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    }
    place
}

fn json(said: &Said) -> Value {
    serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap()
}

/// The ids of the snapshots, as far as they are shown.
fn ids(place: &Place) -> Vec<String> {
    let report = json(&keepmum(place, ["snapshots", "--json"]));
    let lines = report["snapshots"].as_array().unwrap().iter();
    lines.map(|line| line["id"].as_str().unwrap()[..8].to_owned()).collect()
}

fn with_retention(place: &Place, keys: &str) {
    let config = fs::read_to_string(place.path("config.ini")).unwrap();
    let before = config.split("[Retention]").next().unwrap();
    place.file("config.ini", format!("{before}[Retention]\n{keys}\n"));
}

#[test]
fn a_forgotten_snapshot_is_named_as_one_and_comes_back() {
    let place = with_history(4);
    let made = ids(&place);
    let said = keepmum(&place, ["forget", &made[0]]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("Forgot 1 snapshot."), "{said:?}");
    assert_eq!(ids(&place), made[1..]);
    for words in
        [&["ls", &made[0]][..], &["restore", &made[0], "--target", "out"], &["forget", &made[0]]]
    {
        let said = keepmum(&place, words);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stderr.contains("was forgotten"), "{said:?}");
        assert!(said.stderr.contains("`keepmum forget --undo ID` brings it back"), "{said:?}");
    }
    let said = keepmum(&place, ["forget", "--undo", &made[0]]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(ids(&place), made);
    assert_eq!(keepmum(&place, ["forget", "--undo", "latest"]).code, 1);
    assert_eq!(keepmum(&place, ["restore", &made[0], "--target", "out"]).code, 0);
}

#[test]
fn rules_come_from_the_options_or_the_config_and_from_nowhere_else() {
    let place = with_history(5);
    let made = ids(&place);
    for words in [&["forget"][..], &["forget", "--dry-run"], &["forget", "--keep-last", "0"]] {
        let said = keepmum(&place, words);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(
            said.stderr.contains("--keep-last") && said.stderr.contains("[Retention]"),
            "{said:?}"
        );
    }
    for words in [
        &["forget", "latest~1", "--keep-last", "1"][..],
        &["forget", "--damaged", "--undo"],
        &["forget", "--undo", "--keep-daily", "1"],
        &["forget", "--keep-within", "soon"],
        &["forget", "--keep-last", "-1"],
        &["pin"],
        &["tag", "latest"],
    ] {
        assert_eq!(keepmum(&place, words).code, 1, "{words:?}");
    }
    with_retention(&place, "keep_last = 3");
    let said = keepmum(&place, ["forget", "--dry-run"]);
    assert!(said.stdout.contains("2 snapshots would be forgotten; 3 stay"), "{said:?}");
    // What is typed takes the place of the config, all of it.
    let said = keepmum(&place, ["forget", "--keep-last", "4", "-n"]);
    assert!(said.stdout.contains("1 snapshot would be forgotten; 4 stay"), "{said:?}");
    assert_eq!(ids(&place), made);
    assert_eq!(keepmum(&place, ["forget", "-q"]).stdout, "");
    assert_eq!(ids(&place), made[2..]);
}

#[test]
fn refusals_have_code_5_and_change_nothing() {
    let place = with_history(5);
    let made = ids(&place);
    assert_eq!(keepmum(&place, ["pin", "latest~3"]).code, 0);
    for (words, said_so) in [
        (&["forget", "latest"][..], "newest complete"),
        (&["forget", "latest~3"], "is pinned"),
        (&["forget", "--keep-last", "1"], "3 of 5 snapshots"),
        (&["forget", "--keep-last", "1", "--accept-deletions=2"], "and 2 may be"),
    ] {
        let said = keepmum(&place, words);
        assert_eq!(said.code, 5, "{said:?}");
        assert!(said.stderr.contains(said_so), "{said:?}");
        assert_eq!(ids(&place), made);
    }
    let said = keepmum(&place, ["forget", "--keep-last", "1", "-n"]);
    assert_eq!(said.code, 5, "a dry run says what the command would: {said:?}");
    assert!(said.stdout.contains("3 snapshots would be forgotten"), "{said:?}");
    assert!(said.stdout.contains("--accept-deletions=3"), "{said:?}");
    assert_eq!(keepmum(&place, ["forget", "--keep-last", "1", "--accept-deletions=3"]).code, 0);
    assert_eq!(ids(&place), [made[1].clone(), made[4].clone()]);
    assert_eq!(keepmum(&place, ["forget", "--from", "destination", "latest~1"]).code, 1);
}

#[test]
fn a_refused_backup_keeps_the_rules_from_forgetting() {
    let place = with_history(4);
    for file in ["letter.txt", "photos/a.raw", "photos/b.txt"] {
        fs::remove_file(place.path(&format!("source/{file}"))).unwrap();
    }
    fs::rename(place.path("source"), place.path("unmounted")).unwrap();
    place.folder("source");
    assert_eq!(keepmum(&place, ["backup"]).code, 5);
    let said = keepmum(&place, ["forget", "--keep-last", "3"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.stderr.contains("the last backup was refused"), "{said:?}");
    assert_eq!(ids(&place).len(), 4);
    // By name it is meant.
    assert_eq!(keepmum(&place, ["forget", "latest~3"]).code, 0);
}

#[test]
fn a_backup_forgets_by_itself_where_the_config_says_so() {
    let place = with_history(4);
    with_retention(&place, "keep_last = 4\nauto_forget = yes");
    assert_eq!(keepmum(&place, ["backup"]).stderr, "");
    assert_eq!(ids(&place).len(), 4);
    place.file("source/letter.txt", "Dear Anna, 5\n");
    let said = keepmum(&place, ["backup"]);
    let lines: Vec<_> = said.stdout.lines().collect();
    assert_eq!((said.code, lines[0]), (0, "Forgot 1 snapshot; 4 stay."), "{said:?}");
    assert!(lines[1].starts_with("Saved "), "{said:?}");
    place.file("source/letter.txt", "Dear Anna, 6\n");
    let said = keepmum(&place, ["backup", "--json"]);
    assert!(said.stdout.contains("Forgot 1 snapshot; 4 stay."), "{said:?}");
    assert_eq!(json(&said)["type"], "summary");
    // What would be refused is a warning: the backup itself is done.
    with_retention(&place, "keep_last = 1\nauto_forget = yes");
    place.file("source/letter.txt", "Dear Anna, 7\n");
    let said = keepmum(&place, ["backup"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stderr.contains("auto_forget forgot nothing"), "{said:?}");
    assert_eq!(ids(&place).len(), 5);
    // A dry run forgets nothing.
    with_retention(&place, "keep_last = 4\nauto_forget = yes");
    place.file("source/letter.txt", "Dear Anna, 8\n");
    assert_eq!(keepmum(&place, ["backup", "-n"]).code, 0);
    assert_eq!(ids(&place).len(), 5);
    // Without a rule it can do nothing, and says so.
    with_retention(&place, "auto_forget = yes");
    let said = keepmum(&place, ["backup"]);
    assert!(said.stderr.contains("auto_forget has no effect without a rule"), "{said:?}");
}

#[test]
fn the_log_has_these_runs_and_the_status_is_of_backups() {
    let place = with_history(3);
    assert_eq!(keepmum(&place, ["tag", "latest~2", "first"]).code, 0);
    assert_eq!(keepmum(&place, ["pin", "first"]).code, 0);
    assert_eq!(keepmum(&place, ["forget", "first"]).code, 5);
    assert_eq!(keepmum(&place, ["forget", "latest~1"]).code, 0);
    assert_eq!(keepmum(&place, ["forget", "--keep-last", "2", "-n"]).code, 0);
    let runs = json(&keepmum(&place, ["log", "--json"]));
    let runs = runs["runs"].as_array().unwrap();
    let found: Vec<_> = runs[3..]
        .iter()
        .map(|run| (run["command"].as_str().unwrap(), run["exit_code"].as_u64().unwrap()))
        .collect();
    assert_eq!(found, [("tag", 0), ("pin", 0), ("forget", 5), ("forget", 0)]);
    assert_eq!(runs[5]["error_kind"], "forget_refused");
    assert!(!keepmum(&place, ["log", "7"]).stdout.contains("snapshot"), "it makes none");
    let status = keepmum(&place, ["status"]);
    assert!(status.code == 0 && status.stdout.starts_with("All is well."), "{status:?}");
}

#[test]
fn tags_name_snapshots_everywhere() {
    let place = with_history(3);
    let made = ids(&place);
    assert_eq!(keepmum(&place, ["tag", &made[0], "before-update"]).code, 0);
    for words in [
        &["ls", "before-update:"][..],
        &["ls", "before-update:source/photos"],
        &["restore", "before-update:", "--target", "out"],
        &["dump", "before-update:source/letter.txt"],
        &["diff", "before-update", "latest"],
        &["diff", "before-update:", "latest"],
        &["pin", "before-update"],
        &["pin", "--remove", "before-update"],
    ] {
        assert_eq!(keepmum(&place, words).code, 0, "{words:?}");
    }
    assert_eq!(
        fs::read(
            place.path("out").join(place.path("source/letter.txt").strip_prefix("/").unwrap())
        )
        .unwrap(),
        b"Dear Anna,\n"
    );
    let shown = keepmum(&place, ["snapshots"]).stdout;
    assert!(shown.lines().nth(1).unwrap().ends_with("complete  before-update"), "{shown}");
    for name in ["latest", "a/b", "a b", &made[0]] {
        let said = keepmum(&place, ["tag", "latest", name]);
        assert_eq!(said.code, 1, "{said:?}");
    }
    assert_eq!(keepmum(&place, ["ls", "no-such-tag:"]).code, 1);
    assert_eq!(keepmum(&place, ["tag", "latest", "before-update"]).code, 0);
    let said = keepmum(&place, ["ls", "before-update:"]);
    assert!(said.code == 1 && said.stderr.contains("several snapshots have the tag"), "{said:?}");
    assert_eq!(keepmum(&place, ["tag", "--remove", "latest", "before-update"]).code, 0);
    assert_eq!(keepmum(&place, ["forget", "before-update"]).code, 0);
    assert_eq!(ids(&place), made[1..]);
}
