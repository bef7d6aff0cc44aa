//! Tests of `status`: what is shown and what is meant.

use std::path::Path;

use super::{Look, Measure, Page, verdict};
use crate::commands::snapshots::tests::line;
use crate::exit::ExitCode;
use jiff::Zoned;
use keepmum::ops::{CheckKind, CheckLine, Outcome, RunRow};
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
        retired: false,
    }
}

fn now() -> Zoned {
    "2026-11-02T16:10:20+01:00[Europe/Berlin]".parse().unwrap()
}

fn report() -> StatusReport {
    let seconds = now().timestamp().as_second();
    StatusReport {
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
        foreign_names: vec!["holiday.jpg".to_owned()],
        conflict_copies: 3,
        free_bytes: 100 << 30,
        recent_uploads: vec![348_160, 0],
        ..StatusReport::default()
    }
}

#[test]
fn a_page() {
    assert_data_eq!(
        shown(&report(), &now(), 80),
        str![[r#"

   device  last backup  state
   tower   40 days ago  OVERDUE: expected every day, since 24 Sep 17:10
*  laptop  1 h ago      ok
* this computer

Latest snapshot  00000001 of docs, today 14:00 (UTC+01:00), complete
Last check       never; `keepmum check` makes one
Repository       5.0 GiB in 420 stored files, 100 GiB free, in
                 /home/anna/Dropbox/Backup
Upload           0 B in the last 24 hours, 0 B in 7 days, 0 B in 30 days
Lost             1 stored file missing; `keepmum check` says what that affects
Arriving         8 stored files to come; let the sync service finish
Copies           3 copies made by a sync service, harmless; `keepmum tidy`
                 deletes them
Ignored          2 files not made by keepmum: holiday.jpg and 1 more

"#]]
        .raw()
    );
    assert_data_eq!(
        shown(&StatusReport::default(), &now(), 80),
        str![[r#"

Latest snapshot  none yet
Last check       never; `keepmum check` makes one
Repository       0 B in 0 stored files, 0 B free, in /home/anna/Dropbox/Backup

"#]]
        .raw()
    );
}

#[test]
fn a_narrow_page() {
    assert_data_eq!(
        shown(&report(), &now(), 60),
        str![[r#"

   device  last backup  state
   tower   40 days ago  OVERDUE: expected every day, since
                        24 Sep 17:10
*  laptop  1 h ago      ok
* this computer

Latest snapshot  00000001 of docs, today 14:00 (UTC+01:00),
                 complete
Last check       never; `keepmum check` makes one
Repository       5.0 GiB in 420 stored files, 100 GiB free,
                 in /home/anna/Dropbox/Backup
Upload           0 B in the last 24 hours, 0 B in 7 days,
                 0 B in 30 days
Lost             1 stored file missing; `keepmum check` says
                 what that affects
Arriving         8 stored files to come; let the sync
                 service finish
Copies           3 copies made by a sync service, harmless;
                 `keepmum tidy` deletes them
Ignored          2 files not made by keepmum: holiday.jpg
                 and 1 more

"#]]
        .raw()
    );
    for width in 60..=200 {
        shown(&report(), &now(), width);
    }
}

/// The page at this width, which only a path may pass.
fn shown(report: &StatusReport, now: &Zoned, width: usize) -> String {
    let by = Measure { saves: true, every: Some(86_400), max_age: None };
    let page = Page { report, by, now, look: Look::plain(width), has_ids: false };
    let page = page.all(Path::new("/home/anna/Dropbox/Backup"));
    for line in page.lines() {
        assert!(line.chars().count() <= width || line.contains('/'), "{width}: {line}");
    }
    page
}

#[test]
fn a_code_that_opens_a_part_is_not_well_and_one_never_shown_is_said() {
    let now: Zoned = "2026-11-02T16:10:20+01:00[Europe/Berlin]".parse().unwrap();
    let saved = Some(now.timestamp().as_second());
    let report =
        || StatusReport { last_saved: saved, last_saved_own: true, ..StatusReport::default() };
    assert_eq!(verdict(&report(), Measure::default(), &now).1, ExitCode::Done);
    let part = StatusReport { unopened_files: 2, ..report() };
    let (sentence, code) = verdict(&part, Measure::default(), &now);
    assert_eq!(code, ExitCode::Partial);
    assert!(sentence.contains("does not open 2 stored files"), "{sentence}");
    assert!(
        shown(&part, &now, 80).contains("2 stored files: this recovery code does not open them")
    );
    // Also where nothing of what is open was ever saved.
    let never_saved = StatusReport { last_saved: None, ..part };
    assert_eq!(verdict(&never_saved, Measure::default(), &now).1, ExitCode::Partial);
    let unseen = StatusReport { recovery_code_unseen: true, ..report() };
    // The backups are well all the same.
    assert_eq!(verdict(&unseen, Measure::default(), &now).1, ExitCode::Done);
    assert!(
        shown(&unseen, &now, 80)
            .contains("Recovery code    not confirmed yet; `keepmum key recovery`")
    );
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
            last_saved_own: true,
            objects_pending,
            ..StatusReport::default()
        };
        verdict(&report, Measure { saves: true, ..Measure::default() }, &now)
    };
    let (said, code) = of(check(Outcome::Partial, true), 0);
    assert_eq!(code, ExitCode::Partial);
    assert!(said.starts_with("A newer version of keepmum is needed: the check 1 h ago"), "{said}");
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
        verdict(
            &StatusReport { last_saved, last_saved_own: true, ..StatusReport::default() },
            measure,
            &now,
        )
    };
    let saves = Measure { saves: true, ..Measure::default() };
    let asked = Measure { max_age: Some(3600), ..Measure::default() };
    for measure in [saves, asked] {
        let (sentence, code) = said(80_000, measure);
        assert_eq!(code, ExitCode::Partial, "{sentence}");
        let expected = "The last backup is dated in the future, 3 Nov 14:23. Is a clock wrong?";
        assert!(sentence.starts_with(expected), "{sentence}");
        // A clock may have been put right since.
        let (sentence, code) = said(5, measure);
        assert_eq!(code, ExitCode::Done);
        assert!(sentence.starts_with("All is well. "), "{sentence}");
    }
}

#[test]
fn others_are_overdue_only_after_a_week_more() {
    let (now, seconds) = (now(), now().timestamp().as_second());
    let after = |days: i64, every| {
        let report = StatusReport {
            devices: vec![
                device("laptop", true, seconds),
                device("tower", false, seconds - days * 86_400),
            ],
            last_saved: Some(seconds),
            last_saved_own: true,
            ..StatusReport::default()
        };
        let by = Measure { saves: true, every, max_age: None };
        verdict(&report, by, &now)
    };
    assert_eq!(after(7, Some(86_400)).1, ExitCode::Done);
    let (said, code) = after(9, Some(86_400));
    assert_eq!(code, ExitCode::Partial);
    let expected =
        "This computer is backed up, but tower is overdue: its last backup was 9 days ago.";
    assert_eq!(said, expected);
    // Nobody said how often.
    assert_eq!(after(90, None).1, ExitCode::Done);
    // A clock that was wrong hides nothing for years.
    let (said, code) = after(-3000, Some(86_400));
    assert_eq!(code, ExitCode::Partial);
    assert!(said.starts_with("This computer is backed up, but nobody can say when tower was"));
}

/// A backup of another computer is none of this one.
#[test]
fn a_computer_that_was_never_backed_up_is_not_well() {
    let (now, seconds) = (now(), now().timestamp().as_second());
    let report = StatusReport {
        devices: vec![device("tower", false, seconds)],
        last_saved: Some(seconds),
        ..StatusReport::default()
    };
    let saves = Measure { saves: true, max_age: Some(3600), ..Measure::default() };
    let (said, code) = verdict(&report, saves, &now);
    assert_eq!(code, ExitCode::Partial, "{said}");
    assert!(said.starts_with("No backup of this computer is known yet."), "{said}");
    // Whoever only looks means the newest there is.
    let looks = Measure { max_age: Some(3600), ..Measure::default() };
    assert_eq!(verdict(&report, looks, &now).1, ExitCode::Done);
}

#[test]
fn a_run_that_was_killed_and_a_long_silence_are_not_well() {
    let (now, seconds) = (now(), now().timestamp().as_second());
    let saves = Measure { saves: true, ..Measure::default() };
    let report = |ago: i64| StatusReport {
        last_saved: Some(seconds - ago),
        last_saved_own: true,
        ..StatusReport::default()
    };
    let run = RunRow { time: seconds - 300, ..RunRow::default() };
    let killed = StatusReport { unended_run: Some(run.clone()), ..report(900) };
    let (said, code) = verdict(&killed, saves, &now);
    assert_eq!(code, ExitCode::Partial);
    assert_eq!(
        said,
        "The last backup was stopped before its end, 5 min ago. `keepmum backup` goes on."
    );
    let at_work = StatusReport { unended_run: Some(run), run_at_work: true, ..report(900) };
    assert_eq!(verdict(&at_work, saves, &now).1, ExitCode::Done);
    assert_eq!(verdict(&report(27 * 86_400), saves, &now).1, ExitCode::Done);
    let (said, code) = verdict(&report(40 * 86_400), saves, &now);
    assert_eq!(
        (said.as_str(), code),
        ("The last backup of this computer was 40 days ago.", ExitCode::Partial)
    );
}

#[test]
fn a_missing_copy_of_the_key_is_damage() {
    let report =
        StatusReport { key_copies_missing: 1, last_saved_own: true, ..StatusReport::default() };
    let (said, code) = verdict(&report, Measure::default(), &now());
    assert_eq!(code, ExitCode::Damaged);
    assert!(said.starts_with("The key is at risk: 1 copy"), "{said}");
}
