//! `--json`: the fields of every document are those that `doc/json.md` lists, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::binary::{Place, Said};
use crate::prepared::{filled, keepmum, objects, ready, recovery_code, sample};

/// The fields that the page lists, by heading.
fn listed() -> BTreeMap<String, BTreeSet<String>> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../doc/json.md");
    let page = fs::read_to_string(page).unwrap();
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut heading = String::new();
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            heading = name.to_owned();
        } else if let Some(row) = line.strip_prefix("| `") {
            let names = row.split(" | ").next().unwrap();
            let names = names.split('`').filter(|part| !matches!(part.trim(), "" | ","));
            listed.entry(heading.clone()).or_default().extend(names.map(str::to_owned));
        }
    }
    listed
}

/// Whether a value has just the fields under this heading, but for those that may be missing.
#[track_caller]
fn agrees(value: &Value, heading: &str, may_miss: &[&str]) {
    let mut expected = listed().remove(heading).unwrap_or_else(|| panic!("no page on {heading}"));
    let found = value.as_object().unwrap().keys().cloned();
    // The page says this once, of all.
    let found = found.filter(|name| name != "format" && !name.ends_with("_rfc3339"));
    let found: BTreeSet<String> = found.collect();
    expected.retain(|name| found.contains(name) || !may_miss.contains(&name.as_str()));
    assert_eq!(found, expected, "{heading}");
}

fn lines(said: &Said) -> Vec<Value> {
    for line in said.stdout.lines() {
        assert!(line.starts_with("{\"format\":1,"), "{line}");
    }
    said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn one(said: &Said) -> Value {
    assert_eq!((said.code, said.stderr.as_str(), said.stdout.lines().count()), (0, "", 1));
    lines(said).remove(0)
}

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

const STATES: [&str; 4] = ["here", "of", "unknown", "missing"];

#[test]
fn the_page_lists_what_the_documents_hold() {
    let place = filled();
    let snapshots = one(&keepmum(&place, ["snapshots", "--json"]));
    agrees(&snapshots, "snapshots", &[]);
    agrees(&snapshots["snapshots"][0], "snapshot", &STATES);
    let listing = one(&keepmum(&place, ["ls", "-R", "--json"]));
    agrees(&listing, "ls", &[]);
    agrees(&listing["snapshot"], "snapshot", &STATES);
    for entry in listing["entries"].as_array().unwrap() {
        agrees(entry, "entry", &[]);
    }
    let status = one(&keepmum(&place, ["status", "--json"]));
    agrees(&status, "status", &[]);
    agrees(&status["devices"][0], "device", &[]);
    assert_eq!(status["last_snapshot"]["id"], snapshots["snapshots"][0]["id"]);
    assert_eq!(status["last_snapshot"]["state"], "complete");
    agrees(&status["last_run"], "run", &[]);
    let time = status["last_run"]["time_rfc3339"].as_str().unwrap();
    assert!(time.starts_with("20") && time.contains('T'), "{time}");
    let check = lines(&keepmum(&place, ["check", "--read-data", "--json"]));
    agrees(check.last().unwrap(), "check", &[]);
    let status = one(&keepmum(&place, ["status", "--json"]));
    agrees(&status["last_check"], "last check", &[]);
    let devices = one(&keepmum(&place, ["device", "list", "--json"]));
    agrees(&devices, "device list", &[]);
    agrees(&devices["devices"][0], "device", &[]);
    let object = objects(&place).swap_remove(0);
    fs::copy(&object, object.with_extension("conflict1")).unwrap();
    fs::write(object.with_extension("conflict2"), "cut").unwrap();
    let tidied = one(&keepmum(&place, ["tidy", "--json"]));
    agrees(&tidied, "tidy", &[]);
    agrees(&tidied["kept"][0], "kept copy", &[]);
    assert_eq!(tidied["removed"][0]["bytes"], fs::metadata(&object).unwrap().len());
    let log = one(&keepmum(&place, ["log", "--json"]));
    agrees(&log, "log", &[]);
    agrees(&log["runs"][0], "run", &[]);
    place.file("source/letter.txt", "Dear Anna, hello\n");
    assert_eq!(keepmum(&place, ["backup", "-q"]).code, 0);
    let forgotten = one(&keepmum(&place, ["forget", "latest~1", "--json"]));
    agrees(&forgotten, "forget", &[]);
    let mut decision = listed().remove("decision").unwrap();
    decision.extend(listed().remove("snapshot").unwrap());
    decision.retain(|field| !STATES.contains(&field.as_str()));
    let found = forgotten["snapshots"][0].as_object().unwrap().keys();
    let found: BTreeSet<_> = found.filter(|name| !name.ends_with("_rfc3339")).cloned().collect();
    assert_eq!(found, decision);
    agrees(&one(&keepmum(&place, ["forget", "--undo", "--json"])), "forget", &[]);
    agrees(&one(&keepmum(&place, ["pin", "latest", "--json"])), "pin and tag", &[]);
    agrees(&one(&keepmum(&place, ["tag", "latest", "x-1", "--json"])), "pin and tag", &[]);
    let restore = lines(&keepmum(&place, ["restore", "-t", "out", "--json"]));
    agrees(restore.last().unwrap(), "restore", &[]);
    assert_eq!(restore.last().unwrap()["files_written"], 4);
}

#[test]
fn settings_and_their_problems_are_documents() {
    let place = filled();
    let shown = one(&keepmum(&place, ["config", "show", "--json"]));
    agrees(&shown, "config show", &[]);
    agrees(&shown["settings"][0], "setting", &[]);
    assert!(!shown.to_string().contains("jdndmnn"), "{shown}");
    fs::remove_dir_all(place.path("source")).unwrap();
    let checked = one(&keepmum(&place, ["config", "check", "--json"]));
    agrees(&checked, "config check", &[]);
    agrees(&checked["problems"][0], "config problem", &[]);
    agrees(&one(&place.run(["version", "--json"])), "version", &[]);
}

#[test]
fn a_backup_ends_with_a_summary() {
    let place = ready("to_exclude = *.tmp\n");
    sample(&place);
    place.file("source/x.tmp", "x");
    let said = keepmum(&place, ["backup", "--json", "-v"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    let said = lines(&said);
    let changes = of_type(&said, "change");
    changes.iter().for_each(|change| agrees(change, "change", &[]));
    assert!(changes.iter().any(|change| change["kind"] == "left_out" && change["reason"] != ""));
    let summary = said.last().unwrap();
    agrees(summary, "backup", &[]);
    assert_eq!((&summary["type"], &summary["files"]), (&"summary".into(), &4.into()));
    assert!(summary.get("recovery_code").is_none());
    // Missing data is a notice before it is healed.
    fs::remove_file(&objects(&place)[0]).unwrap();
    let said = lines(&keepmum(&place, ["backup", "--json"]));
    agrees(of_type(&said, "notice")[0], "notice", &[]);
    agrees(said.last().unwrap(), "backup", &[]);
}

#[test]
fn problems_and_failures_are_documents() {
    let place = filled();
    let object = objects(&place).swap_remove(0);
    let mut bytes = fs::read(&object).unwrap();
    bytes[150_000] ^= 1;
    fs::write(&object, bytes).unwrap();
    for words in [&["check", "--read-data", "--json"][..], &["restore", "-t", "out", "--json"]] {
        let said = keepmum(&place, words);
        assert_eq!((said.code, said.stderr.as_str()), (6, ""), "{said:?}");
        let summary = lines(&said).pop().unwrap();
        let problems = summary["problems"].as_array().unwrap();
        assert!(problems.iter().any(|problem| problem["kind"] == "damaged"), "{summary}");
        problems.iter().for_each(|problem| agrees(problem, "problem", &["type"]));
    }
    fs::remove_file(&object).unwrap();
    let lost = one(&keepmum(&place, ["snapshots", "--json"]));
    agrees(&lost["snapshots"][0], "snapshot", &STATES[..3]);
    assert_eq!(lost["snapshots"][0]["state"], "lost");
    let mut elsewhere = place.command(["snapshots", "--from", "destination", "--json"]);
    elsewhere.env("KEEPMUM_PASSWORD", recovery_code());
    let pending = one(&place.said(elsewhere.output().unwrap()));
    agrees(&pending["snapshots"][0], "snapshot", &STATES[2..]);
    let failed = keepmum(&place, ["ls", "0123456789", "--json"]);
    let error = lines(&failed).pop().unwrap();
    agrees(&error, "error", &[]);
    assert_eq!((failed.code, &error["exit_code"], &error["kind"]), (1, &1.into(), &"usage".into()));
}

#[test]
fn what_is_made_is_a_document() {
    let place = Place::new();
    place.config("");
    let made = keepmum(&place, ["init", "--json", "-q"]);
    agrees(&one(&made), "init", &[]);
    fs::remove_dir_all(place.path("destination")).unwrap();
    fs::remove_dir_all(place.path("db")).unwrap();
    place.folder("destination");
    place.file("source/letter.txt", "Dear Anna,\n");
    let said = lines(&keepmum(&place, ["backup", "--json"]));
    agrees(of_type(&said, "repository_made")[0], "repository_made", &[]);
    place.file("source/letter.txt", "Dear Anna, how are you?\n");
    let diff = one(&keepmum(&place, ["diff", "latest", "--json"]));
    agrees(&diff, "diff", &[]);
    agrees(&diff["differences"][0], "difference", &[]);
    let slots = one(&keepmum(&place, ["key", "list", "--json"]));
    agrees(&slots, "key list", &[]);
    agrees(&slots["slots"][0], "slot", &[]);
    let recovery = ["key", "recovery", "--json", "-q", "--recovery-code-file", "code"];
    agrees(&one(&keepmum(&place, recovery)), "key", &[]);
    let path = format!("latest:{}/letter.txt", place.path("source").display());
    let dump = keepmum(&place, ["dump", &path, "--json"]);
    agrees(&serde_json::from_str(&dump.stderr).unwrap(), "dump", &[]);
    // A run on a slow machine may say how far it is.
    of_type(&said, "progress").iter().for_each(|line| agrees(line, "progress", &[]));
    agrees(said.last().unwrap(), "backup", &[]);
}
