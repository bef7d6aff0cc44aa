//! Tests of `ls`: what is shown and what is meant.

use super::{Columns, Page, Widths, mode};
use crate::args::Shared;
use crate::terminal::Terminal;
use jiff::Zoned;
use keepmum::ops::{EntryKind, EntryLine};
use std::path::Path;

fn entry(kind: EntryKind, path: &str) -> EntryLine {
    EntryLine {
        path: path.to_owned(),
        path_bytes: path.as_bytes().to_vec(),
        above: 0,
        kind,
        size: 348_160,
        files_beneath: None,
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

fn name(entry: &EntryLine, person: bool, columns: Columns) -> Vec<u8> {
    let mut terminal = Terminal::new(&Shared::default(), false);
    terminal.person_reads = person;
    let page = Page {
        terminal: &terminal,
        now: &Zoned::default(),
        home: Some(Path::new("/home/anna")),
        columns,
        widths: Widths::default(),
        lines: Vec::new(),
        length: 0,
    };
    page.name(entry)
}

#[test]
fn names_are_escaped_for_people_only() {
    let mut link = entry(EntryKind::Symlink, "/a\nb");
    link.link_target_bytes = Some(b"\x1b\xff".to_vec());
    assert_eq!(name(&link, true, Columns::Names), b"/a\\nb");
    assert_eq!(name(&link, true, Columns::All), b"/a\\nb -> \\x1b\\xff");
    assert_eq!(name(&link, false, Columns::Names), b"/a\nb");
    assert_eq!(name(&link, false, Columns::All), b"/a\nb -> \x1b\xff");
}

#[test]
fn paths_count_from_what_was_asked_for_and_folders_end_in_a_slash() {
    let mut folder = entry(EntryKind::Directory, "/home/anna/a/b");
    assert_eq!(name(&folder, true, Columns::Names), b"~/a/b/");
    assert_eq!(name(&folder, false, Columns::Names), b"/home/anna/a/b/");
    folder.above = "/home/anna/".len();
    assert_eq!(name(&folder, true, Columns::Names), b"a/b/");
    assert_eq!(name(&folder, false, Columns::Names), b"a/b/");
}

#[test]
fn columns_are_as_wide_as_the_widest() {
    let now: Zoned = "1970-01-05T14:10:20Z[UTC]".parse().unwrap();
    let mut entries = [entry(EntryKind::File, "/a"), entry(EntryKind::File, "/b")];
    entries[1].group = Some("users".to_owned());
    entries[1].mtime = None;
    entries[1].size = 1;
    let mut widths = Widths::default();
    widths.fit(&entries, &now, |_| 0);
    let lines = entries.each_ref().map(|entry| widths.details(entry, &now));
    assert_eq!(lines[0], "-rw-r--r-- anna 5     340 KiB 1 Jan 00:00 ");
    assert_eq!(lines[1], "-rw-r--r-- anna users     1 B             ");
    let mut bare = entry(EntryKind::File, "/c");
    (bare.mode, bare.uid, bare.gid, bare.user) = (None, None, None, None);
    let mut widths = Widths::default();
    widths.fit(std::slice::from_ref(&bare), &now, |_| 0);
    assert_eq!(widths.details(&bare, &now), "-????????? ? ? 340 KiB 1 Jan 00:00 ");
}

#[test]
fn sums_stand_under_each_other() {
    let mut entries =
        [entry(EntryKind::Directory, "/Documents"), entry(EntryKind::Directory, "/Fotos ü")];
    (entries[0].files_beneath, entries[1].files_beneath) = (Some(160), Some(1));
    entries[1].size = 5;
    let mut widths = Widths::default();
    widths.fit(&entries, &Zoned::default(), |entry| entry.path.chars().count() + 1);
    let line = |at: usize, name: &str| {
        String::from_utf8(widths.sums(&entries[at], name.as_bytes())).unwrap()
    };
    assert_eq!(line(0, "/Documents/"), "/Documents/  160 files  340 KiB");
    assert_eq!(line(1, "/Fotos ü/"), "/Fotos ü/       1 file      5 B");
}
