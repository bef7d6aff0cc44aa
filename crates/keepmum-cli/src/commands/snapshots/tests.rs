//! Tests of `snapshots`: what is shown and what is meant.

use super::{Look, page};
use jiff::Zoned;
use keepmum::ops::{SnapshotLine, SnapshotState, SnapshotsReport};
use snapbox::{IntoData, assert_data_eq, str};

pub(crate) fn line(run: u32, state: SnapshotState) -> SnapshotLine {
    SnapshotLine {
        id: format!("{run:08x}{:024}", 0),
        time: 1_793_620_803 + i64::from(run) * 3600,
        utc_offset_minutes: 60,
        device: "laptop\x07".to_owned(),
        device_id: "00".repeat(8),
        source: "docs".to_owned(),
        roots: vec!["/home/anna/docs".to_owned()],
        run,
        files: 12_345,
        bytes: 5 << 30,
        added: 348_160,
        unread: 0,
        state,
        own: true,
        unconfirmed_by: Vec::new(),
        pinned: false,
        tags: Vec::new(),
    }
}

fn now() -> Zoned {
    "2026-11-02T18:10:20+01:00[Europe/Berlin]".parse().unwrap()
}

fn shown(report: &SnapshotsReport, width: usize) -> String {
    let page = page(report, &now(), Look::plain(width));
    for line in page.lines() {
        assert!(line.chars().count() <= width, "{width}: {line}");
    }
    page
}

fn report() -> SnapshotsReport {
    let mut unread = line(2, SnapshotState::Complete);
    unread.unread = 3;
    SnapshotsReport {
        snapshots: vec![
            line(1, SnapshotState::Complete),
            unread,
            line(3, SnapshotState::Pending { here: 412, of: 420 }),
            line(4, SnapshotState::Lost { missing: 1 }),
            line(5, SnapshotState::Unknown { unknown: 2 }),
        ],
        pending_records: 2,
        lost_records: 1,
        unknown_records: 1,
        foreign_files: 0,
        older_snapshots: 7,
    }
}

#[test]
fn a_table() {
    assert_data_eq!(shown(&report(), 120), str![[r#"
id        time (UTC+01:00)  age         files     size   upload  state
00000001  today 14:00       4 h ago     12345  5.0 GiB  340 KiB  complete
00000002  today 15:00       3 h ago     12345  5.0 GiB  340 KiB  complete, 3 files skipped
00000003  today 16:00       2 h ago     12345  5.0 GiB  340 KiB  arriving: 412 of 420 files
00000004  today 17:00       1 h ago     12345  5.0 GiB  340 KiB  1 stored file lost
00000005  today 18:00       10 min ago  12345  5.0 GiB  340 KiB  2 files of a newer version
7 older snapshots are not shown; `keepmum snapshots` without -n shows all.
2 more snapshots are still arriving; let the sync service finish.
1 record of a snapshot is damaged or gone; `keepmum check` says more.
1 record of a snapshot is of a newer version of keepmum, so newer snapshots may exist; use that version.

"#]].raw());
    assert_data_eq!(
        shown(&report(), 80),
        str![[r#"
id        time (UTC+01:00)  age          upload  state
00000001  today 14:00       4 h ago     340 KiB  complete
00000002  today 15:00       3 h ago     340 KiB  complete, 3 files skipped
00000003  today 16:00       2 h ago     340 KiB  arriving: 412 of 420 files
00000004  today 17:00       1 h ago     340 KiB  1 stored file lost
00000005  today 18:00       10 min ago  340 KiB  2 files of a newer version
7 older snapshots are not shown; `keepmum snapshots` without -n shows all.
2 more snapshots are still arriving; let the sync service finish.
1 record of a snapshot is damaged or gone; `keepmum check` says more.
1 record of a snapshot is of a newer version of keepmum, so newer snapshots may
exist; use that version.

"#]]
        .raw()
    );
    assert_data_eq!(
        shown(&report(), 60),
        str![[r#"
id        time (UTC+01:00)  state
00000001  today 14:00       complete
00000002  today 15:00       complete, 3 files skipped
00000003  today 16:00       arriving: 412 of 420 files
00000004  today 17:00       1 stored file lost
00000005  today 18:00       2 files of a newer version
7 older snapshots are not shown; `keepmum snapshots` without
-n shows all.
2 more snapshots are still arriving; let the sync service
finish.
1 record of a snapshot is damaged or gone; `keepmum check`
says more.
1 record of a snapshot is of a newer version of keepmum, so
newer snapshots may exist; use that version.

"#]]
        .raw()
    );
    let report = SnapshotsReport::default();
    let none = "No snapshots yet. `keepmum backup` makes the first one.\n";
    assert_eq!(shown(&report, 60), none);
}

#[test]
fn each_device_has_a_heading_and_the_newest_comes_last() {
    let mut other = line(2, SnapshotState::Complete);
    other.source = "photos".to_owned();
    let mut namesake = line(4, SnapshotState::Complete);
    (namesake.device_id, namesake.own) = ("11".repeat(8), false);
    let snapshots = vec![namesake, line(1, SnapshotState::Complete), other];
    let report = SnapshotsReport { snapshots, ..SnapshotsReport::default() };
    assert_data_eq!(
        shown(&report, 100),
        str![[r#"
laptop\x07, id 0000000000000000 (this computer)
id        time (UTC+01:00)  age      source  files     size   upload  state
00000001  today 14:00       4 h ago  docs    12345  5.0 GiB  340 KiB  complete
00000002  today 15:00       3 h ago  photos  12345  5.0 GiB  340 KiB  complete

laptop\x07, id 1111111111111111
id        time (UTC+01:00)  age      files     size   upload  state
00000004  today 17:00       1 h ago  12345  5.0 GiB  340 KiB  complete

"#]]
        .raw()
    );
}

#[test]
fn no_line_passes_the_width() {
    let mut wide = report();
    for line in &mut wide.snapshots {
        line.source = "a source with quite a long name that somebody gave it".to_owned();
    }
    wide.snapshots[1].source = "other".to_owned();
    for width in 60..=200 {
        shown(&report(), width);
        shown(&wide, width);
    }
}
