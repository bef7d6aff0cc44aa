//! Tests of `choice`: what is shown and what is meant.

use super::Choice;
use crate::args::SnapshotArgs;
use jiff::Zoned;
use keepmum::ops::Which;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

fn choose(snapshot: &[u8], at: Option<&str>) -> Result<(Which, Vec<u8>), String> {
    let args = SnapshotArgs {
        snapshot: (!snapshot.is_empty()).then(|| OsString::from_vec(snapshot.to_vec())),
        at: at.map(str::to_owned),
        device: Some("laptop".to_owned()),
        source: None,
    };
    let choice = Choice::new(&args, true, &Zoned::default()).map_err(|f| f.to_string())?;
    assert!(choice.snapshot.own && choice.snapshot.device.as_deref() == Some("laptop"));
    Ok((choice.snapshot.which, choice.path.as_bytes().to_vec()))
}

#[test]
fn a_snapshot_is_named_in_three_ways() {
    let latest = |back| Which::Latest { back };
    let id = |digits: &str| Which::Id(digits.to_owned());
    let table: [(&[u8], Which, &[u8]); 11] = [
        (b"", latest(0), b""),
        (b"latest", latest(0), b""),
        (b"latest~2", latest(2), b""),
        (b"latest~", latest(1), b""),
        (b"latest:/home/x", latest(0), b"home/x"),
        (b":home/x/", latest(0), b"home/x"),
        (b"latest:", latest(0), b""),
        (b"1a2B", id("1a2b"), b""),
        (b"0123456789abcdef0123456789abcdef:a:b", id("0123456789abcdef0123456789abcdef"), b"a:b"),
        (b"latest://a/./b//", latest(0), b"a/b"),
        (b"latest:/\xff\n", latest(0), b"\xff\n"),
    ];
    for (typed, which, path) in table {
        let expected = Ok((which, path.to_vec()));
        assert_eq!(choose(typed, None), expected, "{}", String::from_utf8_lossy(typed));
    }
}

#[test]
fn what_is_no_snapshot_is_refused() {
    let table: [(&[u8], &str); 8] = [
        (b"1a2", "1a2 is too short: give at least 4 digits of the id"),
        (b"last", "last is no snapshot; it is named by latest"),
        (b"latest~x", "after latest~ comes a number, not \"x\""),
        (b"latest~-1", "after latest~ comes a number, not \"-1\""),
        (b"/home/x", "/home/x is no snapshot; a path comes after a colon, as in latest:/home/x"),
        (b"latest:../x", "../x is no path in a snapshot"),
        (b"0123456789abcdef0123456789abcdef0", "0123456789abcdef0123456789abcdef0 is no snap"),
        (b"\x1b[2J", "\\x1b[2J is no snapshot"),
    ];
    for (typed, expected) in table {
        let said = choose(typed, None).unwrap_err();
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn a_time_takes_the_place_of_a_name() {
    let (which, path) = choose(b":/etc", Some("2026-11-02T00:00:00Z")).unwrap();
    assert!(matches!(which, Which::At(time) if time.seconds == 1_793_577_600));
    assert_eq!(path, b"etc");
    assert!(choose(b"latest", Some("2026-11-02")).is_err());
    assert!(choose(b"", Some("whenever")).is_err());
}
