//! A directory that was renamed is in the next snapshot once, under its new name only.

use std::fs;
use std::path::Path;

use crate::support::{Dice, World, full_check};
use keepmum::inside::compress::Level;
use keepmum::inside::crypto::{Passphrase, Profile};
use keepmum::inside::model::TreePath;
use keepmum::inside::pipeline::Mode;
use keepmum::inside::seam::Seam;
use keepmum::inside::source::Rules;
use keepmum::ops::{
    self, Access, BackupOptions, CatalogueAt, Deletions, EntryLine, Installation, ListOptions,
    Silent, SnapshotChoice, Which,
};

fn access(folder: &Path) -> Access {
    Access {
        seam: Seam::real(&folder.join("destination")).unwrap(),
        passphrase: Passphrase::new("a password".to_owned()),
        catalogue: CatalogueAt::File(folder.join("catalogue")),
        key_cache: None,
        profile: Profile::Test,
        mode: Mode::Threads(1),
        installation: Installation {
            machine: vec![1],
            place: None,
            device_name: "device".to_owned(),
            roots: Vec::new(),
        },
    }
}

fn backup(folder: &Path) {
    let options = BackupOptions {
        source: "source".to_owned(),
        roots: vec![folder.join("source")],
        rules: Rules::default(),
        dry_run: false,
        list_changes: false,
        accept_deletions: Deletions::All,
        create: true,
        destination_is_partial: false,
        level: Level::Fast,
        compress_together: true,
        ..BackupOptions::default()
    };
    ops::backup(&access(folder), &options, &Silent).unwrap();
}

/// The paths of the newest snapshot, relative to the source.
fn paths(folder: &Path) -> Vec<String> {
    let source = folder.join("source").into_os_string().into_string().unwrap();
    let which = Which::Latest { back: 0 };
    let snapshot = SnapshotChoice { which, device: None, source: None, own: true };
    let path = TreePath::new(source.trim_matches('/').as_bytes()).unwrap();
    let options = ListOptions { snapshot, paths: path.into(), recursive: true, sums: false };
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

/// A source with a folder of many entries, saved; then two files beneath it are edited, and it is
/// saved again.
fn edited(seed: u64) -> World {
    let mut world = World::new(seed);
    world.mode = Mode::Replay { seed };
    let mut dice = Dice::new(seed);
    fs::create_dir_all(world.source().join("m/many/deep")).unwrap();
    for _ in 0..600 {
        let name = format!("m/many/{:016x}{:016x}", dice.word(), dice.word());
        fs::write(world.source().join(name), dice.word().to_le_bytes()).unwrap();
    }
    fs::create_dir(world.source().join("other")).unwrap();
    fs::write(world.source().join("other/file"), "of another folder").unwrap();
    fs::write(world.source().join("m/many/text"), "a text\n").unwrap();
    fs::write(world.source().join("m/many/deep/text"), "another text\n").unwrap();
    world.backup();
    append(&world, "m/many/text");
    append(&world, "m/many/deep/text");
    world.backup();
    world
}

fn append(world: &World, file: &str) {
    let path = world.source().join(file);
    let before = fs::read_to_string(&path).unwrap();
    fs::write(path, before + "one more line\n").unwrap();
}

fn rename(world: &World, from: &str, to: &str) {
    fs::rename(world.source().join(from), world.source().join(to)).unwrap();
}

/// Saves and answers with the bytes of new objects.
fn stored(world: &mut World) -> u64 {
    let report = world.backup();
    world.verify(&world.stranger());
    report.bytes_stored
}

fn finish(mut world: World) {
    full_check(&world);
    fs::remove_dir_all(world.catalogue().parent().unwrap()).unwrap();
    fs::create_dir(world.catalogue().parent().unwrap()).unwrap();
    append(&world, "other/file");
    world.backup();
    world.verify(&world.own());
    full_check(&world);
}

#[test]
fn with_an_edit_beneath_from_before_it_stores_one_small_object() {
    for (number, to) in ["a", "z", "other/moved"].iter().enumerate() {
        let mut world = edited(31 + number as u64);
        rename(&world, "m", to);
        assert_eq!(stored(&mut world), 4095, "{to}");
        finish(world);
    }
}

#[test]
fn with_an_edit_in_the_same_run_too() {
    for to in ["a", "z"] {
        let mut world = edited(34);
        rename(&world, "m", to);
        append(&world, &format!("{to}/many/text"));
        fs::remove_file(world.source().join(to).join("many/deep/text")).unwrap();
        fs::write(world.source().join(to).join("new"), "new").unwrap();
        assert_eq!(stored(&mut world), 4095);
        finish(world);
    }
}

#[test]
fn again_and_again_and_back() {
    let mut world = edited(35);
    for (from, to) in [("m", "z"), ("z", "a"), ("a", "other/b"), ("other/b", "m"), ("m", "n")] {
        rename(&world, from, to);
        assert_eq!(stored(&mut world), 4095, "{from} to {to}");
        append(&world, &format!("{to}/many/text"));
        assert_eq!(stored(&mut world), 4095, "an edit in {to}");
    }
    fs::remove_dir_all(world.source().join("n")).unwrap();
    assert_eq!(stored(&mut world), 4095);
    finish(world);
}

#[test]
fn one_in_the_other() {
    let ways: [&[(&str, &str)]; 6] = [
        &[("m/many", "a"), ("m", "z")],
        &[("m/many", "z"), ("m", "a")],
        &[("m/many", "n"), ("m", "z")],
        &[("m/many/deep", "n"), ("m/many", "z"), ("m", "a")],
        &[("m/many/deep", "z"), ("m", "n"), ("z", "n/z")],
        &[("other", "z"), ("m", "z/many"), ("z/many/many/deep", "n")],
    ];
    for (number, renames) in ways.iter().enumerate() {
        let mut world = edited(40 + number as u64);
        for (from, to) in *renames {
            rename(&world, from, to);
        }
        assert_eq!(stored(&mut world), 4095, "{renames:?}");
        fs::create_dir_all(world.source().join("other")).unwrap();
        fs::write(world.source().join("other/file"), "text").unwrap();
        for (from, to) in renames.iter().rev() {
            if world.source().join(to).exists() && !world.source().join(from).exists() {
                rename(&world, to, from);
            }
        }
        world.backup();
        world.verify(&world.stranger());
        finish(world);
    }
}

#[test]
fn into_a_new_folder_it_is_written_with_it() {
    let mut world = edited(36);
    fs::create_dir(world.source().join("b")).unwrap();
    rename(&world, "m", "b/m");
    stored(&mut world);
    append(&world, "b/m/many/text");
    assert_eq!(stored(&mut world), 4095);
    rename(&world, "b/m/many/deep", "b/deep");
    rename(&world, "b", "z");
    assert_eq!(stored(&mut world), 4095);
    finish(world);
}
