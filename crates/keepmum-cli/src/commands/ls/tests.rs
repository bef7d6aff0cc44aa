//! Tests of `ls`: what is shown and what is meant.

use super::{Widths, mode, name};
use jiff::Zoned;
use keepmum::ops::{EntryKind, EntryLine};

fn entry(kind: EntryKind, path: &str) -> EntryLine {
    EntryLine {
        path: path.to_owned(),
        path_bytes: path.as_bytes().to_vec(),
        kind,
        size: 348_160,
        mode: Some(0o644),
        uid: Some(1000),
        gid: Some(5),
        user: Some("anna".to_owned()),
        group: None,
        mtime: Some(0),
        link_target: None,
        link_target_bytes: None,
    }
}

#[test]
fn modes_are_those_of_ls() {
    let table = [
        (EntryKind::Directory, 0o755, "drwxr-xr-x"),
        (EntryKind::File, 0o600, "-rw-------"),
        (EntryKind::File, 0o6754, "-rwsr-sr--"),
        (EntryKind::Directory, 0o1777, "drwxrwxrwt"),
        (EntryKind::File, 0o7000, "---S--S--T"),
        (EntryKind::Symlink, 0o777, "lrwxrwxrwx"),
        (EntryKind::Fifo, 0, "p---------"),
        (EntryKind::BlockDevice, 0o660, "brw-rw----"),
        (EntryKind::CharacterDevice, 0o660, "crw-rw----"),
    ];
    for (kind, bits, expected) in table {
        assert_eq!(mode(kind, Some(bits)), expected);
    }
    assert_eq!(mode(EntryKind::Directory, None), "d?????????");
}

#[test]
fn names_are_escaped_for_people_only() {
    let mut link = entry(EntryKind::Symlink, "/a\nb");
    link.link_target_bytes = Some(b"\x1b\xff".to_vec());
    assert_eq!(name(&link, true, false), b"/a\\nb");
    assert_eq!(name(&link, true, true), b"/a\\nb -> \\x1b\\xff");
    assert_eq!(name(&link, false, false), b"/a\nb");
    assert_eq!(name(&link, false, true), b"/a\nb -> \x1b\xff");
}

#[test]
fn a_long_line() {
    let mut entries = [entry(EntryKind::File, "/a"), entry(EntryKind::File, "/b")];
    entries[1].group = Some("users".to_owned());
    entries[1].mtime = None;
    entries[1].size = 1;
    let mut widths = Widths::default();
    widths.fit(&entries);
    let lines = entries.each_ref().map(|entry| widths.details(entry, &Zoned::default()));
    assert_eq!(lines[0], "-rw-r--r-- anna 5     340 KiB 1970-01-01 00:00:00 +00:00 ");
    assert_eq!(lines[1], "-rw-r--r-- anna users     1 B                            ");
    let mut bare = entry(EntryKind::File, "/c");
    (bare.mode, bare.uid, bare.gid, bare.user) = (None, None, None, None);
    let mut widths = Widths::default();
    widths.fit(std::slice::from_ref(&bare));
    let line = widths.details(&bare, &Zoned::default());
    assert_eq!(line, "-????????? ? ? 340 KiB 1970-01-01 00:00:00 +00:00 ");
}
