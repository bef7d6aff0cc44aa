//! Names.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::fidelity::stage::{Stage, each_way};

/// A file, a folder with a file, and a link of each name.
fn fill(stage: &Stage, names: &[&[u8]]) {
    for (number, name) in names.iter().enumerate() {
        let name = OsStr::from_bytes(name);
        stage.file(name, number.to_string());
        stage.file(Path::new("folders").join(name).join("file"), number.to_string());
        fs::create_dir_all(stage.source("links")).unwrap();
        symlink(name, stage.source("links").join(name)).unwrap();
    }
}

#[test]
fn names_of_255_bytes() {
    each_way(|stage| {
        let umlauts = "ö".repeat(127) + "x";
        fill(stage, &[&[b'n'; 255], umlauts.as_bytes(), &[0xff; 255]]);
        stage.comes_back();
    });
}

#[test]
fn names_with_newlines_quotes_and_escape_sequences() {
    each_way(|stage| {
        let names: [&[u8]; 14] = [
            b"new\nline",
            b"\n",
            b"carriage\rreturn",
            b"\x1b[31mred\x1b[0m",
            b"\x1b]0;title\x07",
            b"\"quotes\" and 'more'",
            b"back\\slash",
            b"-rf",
            b" space before and behind ",
            b"...",
            b"*?[a-z]{b,c}!#~$HOME`id`;&|",
            b".keepmum-0123456789abcdef.tmp.not",
            b"tab\tdel\x7f",
            "\u{202e}right to left".as_bytes(),
        ];
        fill(stage, &names);
        stage.comes_back();
    });
}

#[test]
fn names_that_are_not_utf_8() {
    each_way(|stage| {
        fill(stage, &[b"\xff\xfe", b"caf\xe9", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"]);
        stage.comes_back();
    });
}

#[test]
fn case_and_unicode_twins() {
    each_way(|stage| {
        let names: [&str; 9] =
            ["Case", "case", "CASE", "\u{e9}", "e\u{301}", "\u{df}", "ss", "\u{212b}", "\u{c5}"];
        fill(stage, &names.map(str::as_bytes));
        stage.comes_back();
        assert_eq!(fs::read_dir(stage.out("links")).unwrap().count(), names.len());
    });
}
