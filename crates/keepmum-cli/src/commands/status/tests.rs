//! Tests of `status`: what is shown and what is meant.

use super::{Measure, page, verdict};
use crate::commands::snapshots::tests::line;
use crate::exit::ExitCode;
use jiff::Zoned;
use keepmum::ops::{CheckKind, CheckLine, Outcome};
use keepmum::ops::{DeviceStatus, SnapshotState, StatusReport};
use snapbox::{IntoData, assert_data_eq, str};

fn device(name: &str, own: bool, last_time: i64) -> DeviceStatus {
    DeviceStatus {
        id: "0011223344556677".to_owned(),
        name: name.to_owned(),
        own,
        last_run: 9,
        last_time,
        last_change: Some(last_time - 90_000),
        snapshots: 8,
    }
}

#[test]
fn a_page() {
    let now: Zoned = "2026-11-02T16:10:20+01:00[Europe/Berlin]".parse().unwrap();
    let seconds = now.timestamp().as_second();
    let report = StatusReport {
        devices: vec![
            device("laptop", true, seconds - 3_700),
            device("tower", false, seconds - 40 * 86_400),
        ],
        last_snapshot: Some(line(1, SnapshotState::Complete)),
        objects: 420,
        bytes: 5 << 30,
        objects_pending: 8,
        objects_lost: 1,
        foreign_files: 2,
        unopened_files: 0,
        conflict_copies: 3,
        free_bytes: 100 << 30,
        recent_uploads: vec![348_160, 0],
        ..StatusReport::default()
    };
    assert_data_eq!(
        page(&report, &now),
        str![[r#"
last snapshot: 00000001 of docs, 2026-11-02 14:00:03 +01:00 (2 h ago), complete
last check: none yet
destination: 5.0 GiB in 420 objects, 100 GiB free
stored by the last runs: 340 KiB, 0 B
1 object lost; `keepmum check` says which files are affected, if any
8 objects pending: named, and not here yet
3 copies made by a sync client
2 files not of keepmum, ignored

device  id                last record                               last change  snapshots
laptop  0011223344556677  2026-11-02 15:08:40 +01:00 (1 h ago)      1 day ago            8  this one
tower   0011223344556677  2026-09-23 17:10:20 +02:00 (40 days ago)  41 days ago          8  silent

"#]]
        .raw()
    );
    let empty = page(&StatusReport::default(), &now);
    assert_eq!(
        empty,
        "last snapshot: none yet\nlast check: none yet\ndestination: 0 B in 0 objects, 0 B free\n"
    );
}

#[test]
fn a_code_that_opens_a_part_is_not_well_and_one_never_shown_is_said() {
    let now: Zoned = "2026-11-02T16:10:20+01:00[Europe/Berlin]".parse().unwrap();
    let saved = Some(now.timestamp().as_second());
    let report = || StatusReport { last_saved: saved, ..StatusReport::default() };
    assert_eq!(verdict(&report(), Measure::default(), &now).1, ExitCode::Done);
    let part = StatusReport { unopened_files: 2, ..report() };
    let (sentence, code) = verdict(&part, Measure::default(), &now);
    assert_eq!(code, ExitCode::Partial);
    assert!(sentence.contains("does not open 2 stored files"), "{sentence}");
    assert!(page(&part, &now).contains("2 stored files not opened by the recovery code"));
    // Also where nothing of what is open was ever saved.
    let never_saved = StatusReport { last_saved: None, ..part };
    assert_eq!(verdict(&never_saved, Measure::default(), &now).1, ExitCode::Partial);
    let unseen = StatusReport { recovery_code_unseen: true, ..report() };
    // The backups are well all the same.
    assert_eq!(verdict(&unseen, Measure::default(), &now).1, ExitCode::Done);
    assert!(page(&unseen, &now).contains("recovery code: never shown; `keepmum key recovery`"));
}

#[test]
fn what_a_check_did_not_understand_is_said() {
    let now: Zoned = "2026-11-02T16:10:20+01:00[Europe/Berlin]".parse().unwrap();
    let seconds = now.timestamp().as_second();
    let check = |outcome, unknown| CheckLine {
        time: seconds - 3_700,
        kind: CheckKind::Listing,
        outcome,
        problem_count: 1,
        damage_until: (outcome == Outcome::Damaged).then_some(CheckKind::Listing),
        unknown,
    };
    let of = |check, objects_pending| {
        let last_saved = Some(seconds - 60);
        let report = StatusReport {
            last_check: Some(check),
            last_saved,
            objects_pending,
            ..StatusReport::default()
        };
        verdict(&report, Measure { saves: true, ..Measure::default() }, &now)
    };
    let (said, code) = of(check(Outcome::Partial, true), 0);
    assert_eq!(code, ExitCode::Partial);
    assert!(said.starts_with("Not all is understood: the check 1 h ago found"), "{said}");
    // What had not arrived then is here now, or is still to come.
    assert_eq!(of(check(Outcome::Partial, false), 0).1, ExitCode::Done);
    assert_eq!(of(check(Outcome::Partial, false), 3).1, ExitCode::Partial);
    assert_eq!(of(check(Outcome::Damaged, true), 0).1, ExitCode::Damaged);
    assert_eq!(of(check(Outcome::Complete, false), 0).1, ExitCode::Done);
}

#[test]
fn a_run_of_the_future_is_not_well() {
    let now: Zoned = "2026-11-02T16:10:20+01:00[Europe/Berlin]".parse().unwrap();
    let said = |ahead, measure| {
        let last_saved = Some(now.timestamp().as_second() + ahead);
        verdict(&StatusReport { last_saved, ..StatusReport::default() }, measure, &now)
    };
    let saves = Measure { saves: true, ..Measure::default() };
    let asked = Measure { max_age: Some(3600), ..Measure::default() };
    for measure in [saves, asked] {
        let (sentence, code) = said(80_000, measure);
        assert_eq!(code, ExitCode::Partial, "{sentence}");
        let expected = "The last run is of 2026-11-03 14:23:40 +01:00, which lies in the future";
        assert!(sentence.starts_with(expected), "{sentence}");
        // A clock may have been put right since.
        let (sentence, code) = said(5, measure);
        assert_eq!(code, ExitCode::Done);
        assert_eq!(sentence, "All is well: last saved just now.");
    }
}
