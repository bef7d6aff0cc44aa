//! A directory that was renamed is in the next snapshot once, under its new name only.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

use keepmum::compress::Level;
use keepmum::crypto::{Passphrase, Profile};
use keepmum::model::TreePath;
use keepmum::ops::{
    self, Access, BackupOptions, CatalogueAt, EntryLine, Installation, ListOptions, Silent,
    SnapshotChoice, Which,
};
use keepmum::pipeline::Mode;
use keepmum::seam::Seam;
use keepmum::source::Rules;

fn access(folder: &Path) -> Access {
    Access {
        seam: Seam::real(&folder.join("destination")).unwrap(),
        passphrase: Passphrase::new("a password".to_owned()),
        catalogue: CatalogueAt::File(folder.join("catalogue")),
        key_cache: None,
        profile: Profile::Test,
        mode: Mode::Threads(1),
        installation: Installation { identity: vec![1], device_name: "device".to_owned() },
    }
}

fn backup(folder: &Path) {
    let options = BackupOptions {
        source: "source".to_owned(),
        roots: vec![folder.join("source")],
        rules: Rules::default(),
        dry_run: false,
        list_changes: false,
        accept_mass_delete: true,
        create: true,
        destination_is_partial: false,
        level: Level::Fast,
        compress_together: true,
        utc_offset_minutes: 0,
    };
    ops::backup(&access(folder), &options, &Silent).unwrap();
}

/// The paths of the newest snapshot, relative to the source.
fn paths(folder: &Path) -> Vec<String> {
    let source = folder.join("source").into_os_string().into_string().unwrap();
    let which = Which::Latest { back: 0 };
    let snapshot = SnapshotChoice { which, device: None, source: None, own: true };
    let path = TreePath::new(source.trim_matches('/').as_bytes()).unwrap();
    let options = ListOptions { snapshot, path, recursive: true };
    let mut entries = Vec::new();
    let mut each = |line| {
        entries.push(line);
        true
    };
    ops::list(&access(folder), &options, &mut each, &Silent).unwrap();
    let under =
        |path: &str| path.strip_prefix(&source).map(|rest| rest.trim_matches('/').to_owned());
    entries
        .iter()
        .filter_map(|entry: &EntryLine| under(&entry.path))
        .filter(|p| !p.is_empty())
        .collect()
}

/// Renames in a source that was saved, saves it again, and gives the paths of that snapshot.
fn after(renames: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir_all(folder.path().join("destination")).unwrap();
    fs::create_dir_all(source.join("m/x")).unwrap();
    fs::write(source.join("m/x/file"), b"content").unwrap();
    fs::write(source.join("m/stays"), b"content").unwrap();
    backup(folder.path());
    for (from, to) in renames {
        fs::rename(source.join(from), source.join(to)).unwrap();
    }
    backup(folder.path());
    paths(folder.path())
}

#[test]
fn to_a_place_before_its_old_parent() {
    assert_eq!(after(&[("m/x", "a")]), ["a", "a/file", "m", "m/stays"]);
}

#[test]
fn to_a_place_behind_its_old_parent() {
    assert_eq!(after(&[("m/x", "z")]), ["m", "m/stays", "z", "z/file"]);
}

#[test]
fn within_its_parent() {
    assert_eq!(after(&[("m/x", "m/a")]), ["m", "m/a", "m/a/file", "m/stays"]);
    assert_eq!(after(&[("m/x", "m/z")]), ["m", "m/stays", "m/z", "m/z/file"]);
}

#[test]
fn together_with_its_old_parent() {
    assert_eq!(after(&[("m/x", "a"), ("m", "b")]), ["a", "a/file", "b", "b/stays"]);
    assert_eq!(after(&[("m/x", "z"), ("m", "b")]), ["b", "b/stays", "z", "z/file"]);
    assert_eq!(after(&[("m/x", "b"), ("m", "a")]), ["a", "a/stays", "b", "b/file"]);
}

#[test]
fn to_the_name_of_its_old_parent() {
    assert_eq!(after(&[("m", "n"), ("n/x", "m")]), ["m", "m/file", "n", "n/stays"]);
}
