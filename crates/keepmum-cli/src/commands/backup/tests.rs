//! Tests of `backup`: what is shown and what is meant.

use super::{Look, end, lines};
use keepmum::ops::BackupReport;
use snapbox::{IntoData, assert_data_eq, str};

fn report() -> BackupReport {
    BackupReport {
        snapshot: Some("d9ce43610000".to_owned()),
        new: 3,
        changed: 1,
        bytes_read: 1_258_291,
        bytes_stored: 348_160,
        objects_stored: 2,
        seconds: 1.4,
        foreign_files: 7,
        ..BackupReport::default()
    }
}

#[test]
fn the_last_line_is_the_contract() {
    let expected = "Saved d9ce4361: 3 new, 1 changed files. 340 KiB to upload. 1.4 s";
    assert_eq!(end(&report(), Look::plain(None)), expected);
    assert_eq!(lines(&report(), false, Look::plain(None)), format!("{expected}\n"));
    let moved = BackupReport { new: 0, changed: 0, moved: 400, gone: 1, ..report() };
    let expected = "Saved d9ce4361: 400 moved, 1 deleted files. 340 KiB to upload. 1.4 s";
    assert_eq!(end(&moved, Look::plain(None)), expected);
    let one = BackupReport { new: 2, directories_new: 1, changed: 0, ..report() };
    let expected = "Saved d9ce4361: 1 new file. 340 KiB to upload. 1.4 s";
    assert_eq!(end(&one, Look::plain(None)), expected);
    let folder = BackupReport { new: 0, changed: 2, directories_changed: 2, ..report() };
    let expected = "Saved d9ce4361: 2 changed folders. 340 KiB to upload. 1.4 s";
    assert_eq!(end(&folder, Look::plain(None)), expected);
}

#[test]
fn a_run_that_changes_nothing_says_why_it_stored_something() {
    let nothing = || BackupReport { new: 0, changed: 0, ..report() };
    let said = |report: &BackupReport| end(report, Look::plain(None));
    assert_eq!(said(&BackupReport::default()), "Nothing has changed. Nothing to upload. 0.0 s");
    let alive = "Nothing has changed. Saved d9ce4361 to show that this computer is still backed up. \
                 340 KiB to upload. 1.4 s";
    assert_eq!(said(&nothing()), alive);
    let healed = BackupReport { healed: 2, ..nothing() };
    assert!(said(&healed).contains("Saved d9ce4361 with the repaired pieces. "));
}

#[test]
fn a_dry_run_says_what_would_be_read_and_uploaded() {
    let excluded_by = [("pattern *.tmp".to_owned(), 2), ("too large".to_owned(), 1)].into();
    let (dry_run, bytes_to_read, excluded) = (true, 1_258_291, 3);
    let dry = BackupReport { dry_run, bytes_to_read, excluded, excluded_by, ..report() };
    assert_data_eq!(
        lines(&dry, false, Look::plain(None)),
        str![[r#"
Excluded 3 files and folders: 2 by pattern *.tmp, 1 by too large
Dry run: 3 new, 1 changed files. A backup would read 1.2 MiB and upload at most 1.4 MiB. Nothing was written. 1.4 s

"#]]
        .raw()
    );
    let nothing = BackupReport { dry_run: true, ..BackupReport::default() };
    let expected = "Dry run: nothing has changed, so nothing would be uploaded. 0.0 s\n";
    assert_eq!(lines(&nothing, false, Look::plain(None)), expected);
}

#[test]
fn more_is_told_when_asked_for() {
    let more = BackupReport { excluded: 1, healed: 2, ..report() };
    assert_data_eq!(
        lines(&more, true, Look::plain(None)),
        str![[r#"
7 files there are not keepmum's and will be ignored
Repaired 2 pieces from the files on this disk
Excluded 1 file or folder
Snapshot d9ce43610000
Saved d9ce4361: 3 new, 1 changed files. 340 KiB to upload. 1.4 s

"#]]
        .raw()
    );
}
