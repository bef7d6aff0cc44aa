//! Tests of `choice`: what a word is.

use super::{Choice, Word, word_of};
use crate::args::WhichArgs;
use crate::settings::Environment;
use keepmum::ops::{Asked, Which};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

fn word(typed: &[u8]) -> Result<Word<'_>, String> {
    word_of(typed, |path| path == Path::new("cafe") || path == Path::new("no:snapshot"))
        .map_err(|failure| failure.to_string())
}

fn choose(words: &[&str], at: Option<&str>) -> Result<(Which, Vec<Vec<u8>>), String> {
    let words: Vec<OsString> =
        words.iter().map(|word| OsString::from_vec(word.as_bytes().to_vec())).collect();
    let which =
        WhichArgs { at: at.map(str::to_owned), device: Some("laptop".to_owned()), source: None };
    let environment = Environment { folders: Vec::new(), home: None, ..Environment::real() };
    let choice = Choice::new(&words, &which, true, &environment).map_err(|f| f.to_string())?;
    assert!(choice.snapshot.own && choice.snapshot.device.as_deref() == Some("laptop"));
    let paths = format!("{:?}", choice.paths);
    let typed = words.iter().flat_map(|word| {
        let bytes = word.as_encoded_bytes().to_vec();
        let rest = bytes.iter().position(|byte| *byte == b':').map(|at| bytes[at + 1..].to_vec());
        [Some(bytes), rest].into_iter().flatten()
    });
    let asked = |path: &Vec<u8>| {
        paths.contains(&format!("{:?}", Asked::Typed { path: path.clone(), real: None }))
    };
    Ok((choice.snapshot.which, typed.filter(asked).collect()))
}

#[test]
fn a_snapshot_is_named_in_three_ways() {
    let latest = |back| Which::Latest { back };
    let id = |digits: &str| Which::Id(digits.to_owned());
    let table: [(&[u8], Which, &[u8]); 11] = [
        (b"latest", latest(0), b""),
        (b"latest~2", latest(2), b""),
        (b"latest~", latest(1), b""),
        (b"latest:/home/x", latest(0), b"/home/x"),
        (b"latest:~/x", latest(0), b"~/x"),
        (b":home/x/", latest(0), b"home/x/"),
        (b"latest:", latest(0), b""),
        (b"1a2B", id("1a2b"), b""),
        (b"cafe:", id("cafe"), b""),
        (b"0123456789abcdef0123456789abcdef:a:b", id("0123456789abcdef0123456789abcdef"), b"a:b"),
        (b"latest:/\xff\n", latest(0), b"/\xff\n"),
    ];
    for (typed, which, path) in table {
        let shown = String::from_utf8_lossy(typed);
        assert_eq!(word(typed), Ok(Word::Snapshot(which, path)), "{shown}");
    }
}

#[test]
fn everything_else_is_a_path() {
    let paths: [&[u8]; 17] = [
        b"/home/x",
        b"~",
        b"~/x:y",
        b"~$letter.docx",
        b"./latest",
        b"./cafe",
        b"a/b:c",
        b"letter.odt",
        b"lates",
        b"no:snapshot",
        b"C:\\Users\\anna",
        b"c:/Users",
        b"*.odt",
        b"1a2",
        b"0123456789abcdef0123456789abcdef0",
        b"\x1b[2J\n\xff",
        &[b'x'; 255],
    ];
    for typed in paths {
        assert_eq!(word(typed), Ok(Word::Path(typed)), "{}", String::from_utf8_lossy(typed));
    }
}

#[test]
fn what_could_be_both_or_neither_is_refused() {
    let table: [(&[u8], &str); 7] = [
        (b"", "A path or snapshot is empty."),
        (b"cafe", "\"cafe\" may be a snapshot or a path here. Write ./cafe for the path"),
        (b"latest~x", "\"latest~x\" is not a snapshot. Write a number after latest~"),
        (b"latest~-1:/x", "\"latest~-1\" is not a snapshot. Write a number after latest~"),
        (b"1a2:/x", "\"1a2\" is too short for a snapshot. Type at least 4 characters of its id"),
        (b"file:///home/x", "Write the path without \"file://\": /home/x"),
        (b"\x1b[2J:x", "\"\\x1b[2J\" is not a snapshot"),
    ];
    for (typed, expected) in table {
        let said = word(typed).unwrap_err();
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn paths_may_follow_the_snapshot_and_all_are_of_it() {
    let latest = |back| Which::Latest { back };
    let paths = |paths: &[&str]| paths.iter().map(|path| path.as_bytes().to_vec()).collect();
    assert_eq!(choose(&[], None), Ok((latest(0), paths(&[]))));
    assert_eq!(choose(&["/a", "/b"], None), Ok((latest(0), paths(&["/a", "/b"]))));
    assert_eq!(choose(&["latest~1", "/b"], None), Ok((latest(1), paths(&["/b"]))));
    assert_eq!(choose(&["latest~1:/a", "/b"], None), Ok((latest(1), paths(&["/a", "/b"]))));
    assert_eq!(
        choose(&["latest~1:/a", "latest~1:/b"], None),
        Ok((latest(1), paths(&["/a", "/b"])))
    );
    for wrong in [&["latest:/a", "latest~1:/b"][..], &["/a", "latest:/b"], &["latest", "1a2b"]] {
        let said = choose(wrong, None).unwrap_err();
        assert!(said.starts_with("Name one snapshot, before all paths"), "{said}");
    }
}

#[test]
fn a_time_takes_the_place_of_a_name() {
    for word in [":/etc", "/etc"] {
        let (which, paths) = choose(&[word], Some("2026-11-02T00:00:00Z")).unwrap();
        assert!(matches!(which, Which::At(time) if time.seconds == 1_793_577_600));
        assert_eq!(paths, [b"/etc"]);
    }
    assert!(choose(&["latest"], Some("2026-11-02")).is_err());
    assert!(choose(&[], Some("whenever")).is_err());
}
