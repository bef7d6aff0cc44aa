//! Each remark, by its line.

use std::fs;
use std::path::Path;

use super::Review;
use crate::config::Around;

fn remarks(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.ini");
    fs::create_dir(folder.path().join("docs")).unwrap();
    fs::write(&path, text).unwrap();
    let around = Around { home: Some(Path::new("/home/anna")), ..Around::default() };
    let review = Review::of(&path, around).ok().unwrap();
    let shown = review.remarks.iter().map(|remark| {
        let level = if remark.is_error { "error" } else { "warning" };
        format!("{level} {}: {}", remark.line.unwrap_or(0), remark.sentence)
    });
    shown.collect()
}

fn of_backup(lines: &str) -> Vec<String> {
    remarks(&format!("[Destination]\ndestination = /d\n[Backup]\n{lines}\n"))
}

#[test]
fn a_config_that_is_well_has_no_remark() {
    let lines =
        "to_backup = docs\nto_exclude = *.tmp\n  /cache\n  node_modules/\n  !a.tmp\nevery = 1d";
    assert_eq!(of_backup(lines), Vec::<String>::new());
}

#[test]
fn every_error_is_named_and_not_only_the_first() {
    let text = "stray\n[Bakcup]\nfolders = x\n[Destination]\ndestination = /d\njoin = perhaps\n[Backup]\n\
                to_exlude = x\nto_backup = docs\nevery = often\nto_exclude = [a\ncompression = much\n";
    let found = remarks(text);
    let lines: Vec<_> = found.iter().filter_map(|said| said.split(':').next()).collect();
    let errors = ["error 1", "error 2", "error 6", "error 8", "error 10", "error 11", "error 12"];
    assert_eq!(lines, errors, "{found:#?}");
}

#[test]
fn values_that_are_probably_not_meant_so_are_warned_about() {
    let table = [
        ("to_backup = \"docs\"", "warning 4: the quotes are part of to_backup"),
        ("to_backup = docs # mine", "warning 4: the comment is part of to_backup"),
        ("to_backup = docs, pictures", "warning 4: the comma is part of the path"),
        ("to_backup = nowhere", "warning 4: there is no such folder: nowhere"),
        ("to_exclude = x", "warning 0: to_backup is empty"),
        ("to_backup = docs\nto_exclude = ./x", "warning 5: no path has `.`"),
        ("to_backup = docs\nto_exclude = a/../x", "warning 5: no path has `.`"),
        ("to_backup = docs\nto_exclude = ~/Videos", "warning 5: this is not below"),
        ("to_backup = docs\nto_exclude = /etc", "warning 5: this is not below"),
        ("to_backup = docs\nto_exclude = !x", "warning 5: nothing is excluded before"),
        (
            "to_backup = docs\n[Retention]\nauto_forget = yes",
            "warning 6: auto_forget has no effect without a rule",
        ),
    ];
    for (lines, expected) in table {
        let found = of_backup(lines);
        assert!(found.iter().any(|said| said.starts_with(expected)), "{lines}: {found:#?}");
    }
}

#[test]
fn no_remark_repeats_a_password() {
    let found =
        remarks("[Credentials]\npassword = \"sesame # x\"\n[Destination]\ndestination = /d\n");
    assert!(!found.is_empty() && found.iter().all(|said| !said.contains("sesame")), "{found:?}");
}
