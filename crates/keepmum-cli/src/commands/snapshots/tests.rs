//! Tests of `snapshots`: what is shown and what is meant.

use super::table;
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
    }
}

#[test]
fn a_table() {
    let mut unread = line(2, SnapshotState::Complete);
    unread.unread = 3;
    let report = SnapshotsReport {
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
    };
    assert_data_eq!(
        table(&report),
        str![[r#"
id        time                        device      files     size    added  state
00000001  2026-11-02 14:00:03 +01:00  laptop\x07  12345  5.0 GiB  340 KiB  complete
00000002  2026-11-02 15:00:03 +01:00  laptop\x07  12345  5.0 GiB  340 KiB  complete, 3 not read
00000003  2026-11-02 16:00:03 +01:00  laptop\x07  12345  5.0 GiB  340 KiB  pending 412 of 420
00000004  2026-11-02 17:00:03 +01:00  laptop\x07  12345  5.0 GiB  340 KiB  1 object lost
00000005  2026-11-02 18:00:03 +01:00  laptop\x07  12345  5.0 GiB  340 KiB  2 objects not understood
the records of 2 runs have not arrived yet
the records of 1 run are damaged or gone: see `keepmum check`
the records of 1 run are not understood by this version, and with them perhaps newer snapshots: see `keepmum check`

"#]]
        .raw()
    );
    let mut other = line(2, SnapshotState::Complete);
    other.source = "photos".to_owned();
    let snapshots = vec![line(1, SnapshotState::Complete), other];
    assert_data_eq!(
        table(&SnapshotsReport { snapshots, ..SnapshotsReport::default() }),
        str![[r#"
id        time                        device      source  files     size    added  state
00000001  2026-11-02 14:00:03 +01:00  laptop\x07  docs    12345  5.0 GiB  340 KiB  complete
00000002  2026-11-02 15:00:03 +01:00  laptop\x07  photos  12345  5.0 GiB  340 KiB  complete

"#]]
        .raw()
    );
    let report = SnapshotsReport::default();
    assert_eq!(table(&report), "there is no snapshot yet\n");
}
