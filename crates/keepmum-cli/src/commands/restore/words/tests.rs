//! Tests of the words: no sentence contradicts another.

use std::path::PathBuf;

use keepmum::TreePath;
use keepmum::ops::{RestoreOptions, RestoreReport, SnapshotLine, SnapshotState};

use super::Words;
use crate::settings::Environment;

fn environment() -> Environment {
    Environment {
        home: Some(PathBuf::from("/home/anna")),
        now: "2026-11-02T14:10:20Z[UTC]".parse().unwrap(),
        ..Environment::real()
    }
}

fn line(roots: &[&str]) -> SnapshotLine {
    SnapshotLine {
        id: "9a175983366e0123456789abcdef0123".to_owned(),
        time: 1_793_627_340,
        utc_offset_minutes: 0,
        device: "laptop".to_owned(),
        device_id: String::new(),
        source: "home".to_owned(),
        roots: roots.iter().map(|root| (*root).to_owned()).collect(),
        run: 1,
        files: 0,
        bytes: 0,
        added: 0,
        unread: 0,
        state: SnapshotState::Complete,
        own: true,
        unconfirmed_by: Vec::new(),
        pinned: false,
        tags: Vec::new(),
    }
}

fn said(target: Option<&str>, dry_run: bool, what: &[&str], report: RestoreReport) -> Vec<String> {
    let options =
        RestoreOptions { target: target.map(PathBuf::from), dry_run, ..Default::default() };
    let what: Vec<TreePath> =
        what.iter().map(|path| TreePath::new(path.as_bytes()).unwrap()).collect();
    let words = Words::new(&options, &environment());
    let mut said = words.before(&line(&["/home/anna/Documents"]), &what);
    said.push(words.after(&report));
    said
}

fn report() -> RestoreReport {
    RestoreReport {
        files_written: 1,
        entries_written: 1,
        entries_unchanged: 162,
        bytes_written: 6_758,
        bytes_fetched: 1 << 20,
        seconds: 0.8,
        ..RestoreReport::default()
    }
}

#[test]
fn it_says_from_where_to_where_before_and_after() {
    assert_eq!(
        said(None, false, &["home/anna/Documents"], report()),
        [
            "Restoring ~/Documents from 9a175983 (laptop, today 13:49) to where it was",
            "Restored 1 file (6.6 KiB) to ~/Documents from 9a175983 (today 13:49), 162 were right \
             already. Read 1.0 MiB in 0.8 s",
        ]
    );
    assert_eq!(
        said(Some("/home/anna"), false, &[], report())[..2],
        [
            "Restoring ~/Documents from 9a175983 (laptop, today 13:49) to ~",
            "Full paths are kept below the target, as in ~/home/anna/Documents. To get only the \
             content of a folder, name it",
        ]
    );
    assert_eq!(said(None, false, &["a", "b"], report())[1].matches("where it was").count(), 1);
}

#[test]
fn a_dry_run_never_claims_and_never_denies_that_something_was_written() {
    let said = said(Some("/x"), true, &["home/anna/Documents"], report());
    assert_eq!(
        said[1],
        "Would restore 1 file (6.6 KiB) to /x from 9a175983 (today 13:49), 162 right already. \
         Nothing was written"
    );
}

#[test]
fn nothing_to_do_is_said_as_that_and_nothing_done_is_not() {
    let right = RestoreReport { entries_unchanged: 5, ..RestoreReport::default() };
    let kept = RestoreReport { entries_kept: 2, ..RestoreReport::default() };
    for (report, begin) in [(right, "Nothing to restore to ~"), (kept, "Restored nothing to ~")] {
        let said = said(None, false, &[], report);
        assert!(said[1].starts_with(begin), "{said:?}");
    }
}
