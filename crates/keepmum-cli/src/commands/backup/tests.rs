//! Tests of `backup`: what is shown and what is meant.

use super::{end, lines};
use keepmum::ops::BackupReport;
use snapbox::{IntoData, assert_data_eq, str};

fn report() -> BackupReport {
    BackupReport {
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
    let expected = "files: 3 new, 1 changed, 0 moved, 0 gone; read 1.2 MiB, stored 340 KiB in 2 objects; 1.4 s";
    assert_eq!(end(&report()), expected);
    assert_eq!(lines(&report(), false), format!("{expected}\n"));
    let dry = BackupReport { dry_run: true, ..report() };
    assert_eq!(
        end(&dry),
        "dry run, nothing was written: files: 3 new, 1 changed, 0 moved, 0 gone; read 1.2 MiB; 1.4 s"
    );
    let nothing = end(&BackupReport::default());
    assert!(nothing.ends_with("read 0 B, stored 0 B in 0 objects; 0.0 s"), "{nothing}");
}

#[test]
fn more_is_told_when_asked_for() {
    let more =
        BackupReport { snapshot: Some("00ff".to_owned()), excluded: 1, healed: 2, ..report() };
    assert_data_eq!(
        lines(&more, true),
        str![[r#"
7 files there are not keepmum's and will be ignored
2 chunks whose stored copy was lost: stored again
1 entry left out by rules
snapshot 00ff
files: 3 new, 1 changed, 0 moved, 0 gone; read 1.2 MiB, stored 340 KiB in 2 objects; 1.4 s

"#]]
        .raw()
    );
}
