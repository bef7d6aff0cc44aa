//! Files, links, pipes, depth.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::sync::Arc;

use super::{Keeper, Place, fifo, kind, mode, path, symlink, write_small};
use crate::model::{DeviceNumber, FoundKind, Side, Time, TreePath};
use crate::seam::Operation;
use crate::target::{Existing, Options, TargetErrorKind};

#[test]
fn a_file_is_written_in_pieces_by_several_threads() {
    let place = Place::new();
    let file = Arc::new(place.target.begin_file(&path("f"), Existing::Refuse).unwrap());
    std::thread::scope(|scope| {
        for part in 0..8_u8 {
            let file = file.clone();
            scope.spawn(move || file.write_at(u64::from(part) * 1000, &[part; 1000]).unwrap());
        }
    });
    file.set_length(1 << 30).unwrap();
    let mut metadata = mode(0o640);
    metadata.mtime = Some(Time { seconds: -5, nanos: 7 });
    assert!(file.finish(&metadata).unwrap().is_empty());
    drop(file);
    place.target.place().unwrap();
    let found = fs::metadata(place.at("f")).unwrap();
    assert_eq!((found.len(), found.mode() & 0o7777), (1 << 30, 0o640));
    assert_eq!((found.mtime(), found.mtime_nsec()), (-5, 7));
    assert!(found.blocks() < 1000, "the hole was filled");
    use std::os::unix::fs::FileExt;
    let (read, mut bytes) = (fs::File::open(place.at("f")).unwrap(), [9; 8001]);
    read.read_exact_at(&mut bytes, 0).unwrap();
    assert!((0..8000).all(|at| usize::from(bytes[at]) == at / 1000) && bytes[8000] == 0);
}

#[test]
fn replacing_shows_the_old_file_until_the_new_one_is_whole() {
    let place = Place::new();
    let target = &place.target;
    write_small(target, &path("f"), b"old", &mode(0o600), Existing::Refuse).unwrap();
    let file = target.begin_file(&path("f"), Existing::Replace).unwrap();
    file.write_at(0, b"new").unwrap();
    assert_eq!(fs::read(place.at("f")).unwrap(), b"old");
    file.finish(&mode(0o600)).unwrap();
    assert_eq!(fs::read(place.at("f")).unwrap(), b"old");
    target.place().unwrap();
    assert_eq!(fs::read(place.at("f")).unwrap(), b"new");
    let file = target.begin_file(&path("f"), Existing::Replace).unwrap();
    file.write_at(0, b"worse").unwrap();
    drop(file);
    target.place().unwrap();
    assert_eq!(fs::read(place.at("f")).unwrap(), b"new");
    let second = kind(write_small(target, &path("f"), b"", &mode(0o600), Existing::Refuse));
    assert_eq!(second, Some(TargetErrorKind::Occupied));
    assert_eq!(place.names(), ["f"]);
}

#[test]
fn modes_are_right_under_any_defaults_of_the_folder() {
    let place = Place::new();
    let target = &place.target;
    target.make_directory(&path("d")).unwrap();
    assert_eq!(fs::metadata(place.at("d")).unwrap().mode() & 0o7777, 0o700);
    // More than one of each: the first file shows how the folder changes modes.
    for round in 0..3 {
        for wanted in [0o600, 0o644, 0o000, 0o777, 0o666, 0o1755, 0o444] {
            let name = format!("d/{wanted:o}-{round}");
            let problems =
                write_small(target, &path(&name), b"x", &mode(wanted), Existing::Refuse).unwrap();
            assert!(problems.is_empty());
            let found = fs::metadata(place.at(&name)).unwrap();
            assert_eq!(found.mode() & 0o7777, u32::from(wanted), "{name}");
        }
    }
}

#[test]
fn links_pipes_and_devices() {
    let place = Place::new();
    let target = &place.target;
    symlink(target, &path("l"), b"\xff/../nowhere").unwrap();
    let text = rustix::fs::readlinkat(rustix::fs::CWD, place.at("l"), Vec::new()).unwrap();
    assert_eq!(text.as_bytes(), b"\xff/../nowhere");
    let mut metadata = mode(0o777);
    metadata.mtime = Some(Time { seconds: 12, nanos: 34 });
    assert!(target.apply_metadata(&path("l"), FoundKind::Symlink, &metadata).unwrap().is_empty());
    let link = fs::symlink_metadata(place.at("l")).unwrap();
    assert_eq!((link.mtime(), link.mtime_nsec()), (12, 34));
    assert!(symlink(target, &path("bad"), b"a\0b").is_err());
    fifo(target, &path("p")).unwrap();
    metadata.mode = Some(0o620);
    assert!(target.apply_metadata(&path("p"), FoundKind::Fifo, &metadata).unwrap().is_empty());
    let pipe = fs::symlink_metadata(place.at("p")).unwrap();
    assert!(pipe.file_type().is_fifo());
    assert_eq!((pipe.mode() & 0o7777, pipe.mtime()), (0o620, 12));
    write_small(target, &path("f"), b"x", &mode(0o600), Existing::Refuse).unwrap();
    target.hard_link(&path("f"), &path("g"), Existing::Refuse, |_| true).unwrap();
    assert_eq!(fs::metadata(place.at("g")).unwrap().nlink(), 2);
    assert_eq!(
        kind(target.hard_link(&path("f"), &path("l"), Existing::Refuse, |_| true)),
        Some(TargetErrorKind::Occupied)
    );
    let null = FoundKind::CharacterDevice(DeviceNumber { major: 1, minor: 3 });
    let refused = kind(target.device(&path("n"), null, &mode(0o600), Existing::Refuse));
    assert_eq!(refused, Some(TargetErrorKind::NotPermitted));
    let special = place.reopen(Options { special: true, ..Options::default() });
    match super::place(&special, special.device(&path("n"), null, &mode(0o600), Existing::Refuse)) {
        Ok(problems) => {
            assert!(problems.is_empty());
            let found = fs::symlink_metadata(place.at("n")).unwrap();
            assert!(found.file_type().is_char_device());
            assert_eq!(found.rdev(), rustix::fs::makedev(1, 3));
        }
        Err(error) => assert_eq!(error.kind, TargetErrorKind::Denied),
    }
}

#[test]
fn the_tree_lists_existing_things() {
    let place = Place::new();
    let target = &place.target;
    target.make_directory(&path("d")).unwrap();
    assert!(target.make_directory(&path("e")).unwrap());
    assert!(!target.make_directory(&path("e")).unwrap());
    write_small(target, &path("d/x"), b"123", &mode(0o604), Existing::Refuse).unwrap();
    let mut tree = target.tree();
    let top = tree.list(&(), &TreePath::root()).unwrap().entries;
    assert_eq!(top.len(), 2);
    assert!(top.iter().all(|entry| tree.place(entry).is_some()));
    let inside = tree.list(&(), &path("d")).unwrap().entries;
    assert_eq!((inside[0].stamp.size, inside[0].metadata.mode), (3, Some(0o604)));
    assert!(tree.place(&inside[0]).is_none());
}

#[test]
fn five_thousand_levels_are_made() {
    let place = Place::new();
    let target = &place.target;
    let mut deep = path("top");
    let name = crate::model::Name::new(b"d").unwrap();
    target.make_directory(&deep).unwrap();
    for _ in 0..5000 {
        deep = deep.join(&name);
        target.make_directory(&deep).unwrap();
    }
    let file = deep.join(&crate::model::Name::new(b"file").unwrap());
    write_small(target, &file, b"deep", &mode(0o600), Existing::Refuse).unwrap();
    assert_eq!(target.tree().list(&(), &deep).unwrap().entries.len(), 1);
    assert!(target.apply_metadata(&deep, FoundKind::Directory, &mode(0o755)).unwrap().is_empty());
    target.remove_file(&file).unwrap();
    target.remove_empty(&deep).unwrap();
}

#[test]
fn a_folder_that_may_not_be_written_is_opened_to_its_owner() {
    let place = Place::new();
    fs::DirBuilder::new().mode(0o555).create(place.at("d")).unwrap();
    fs::set_permissions(place.at("d"), fs::Permissions::from_mode(0o555)).unwrap();
    place.target.make_directory(&path("d")).unwrap();
    write_small(&place.target, &path("d/f"), b"", &mode(0o400), Existing::Refuse).unwrap();
    let done = place.target.apply_metadata(&path("d"), FoundKind::Directory, &mode(0o555)).unwrap();
    assert!(done.is_empty());
    assert_eq!(fs::metadata(place.at("d")).unwrap().mode() & 0o7777, 0o555);
    fs::set_permissions(place.at("d"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_small_file_costs_few_accesses() {
    let gate = Keeper::new(Operation::TargetSync);
    let place = Place::with(Options::default(), gate.clone());
    let mut metadata = mode(0o644);
    metadata.mtime = Some(Time { seconds: 1, nanos: 1 });
    for name in ["a", "b", "c"] {
        gate.asked.lock().unwrap().clear();
        write_small(&place.target, &path(name), b"x", &metadata, Existing::Refuse).unwrap();
    }
    let asked = gate.asked.lock().unwrap().clone();
    use Operation::{TargetLink, TargetMetadata, TargetSync, TargetUnnamed, TargetWrite};
    assert_eq!(asked[..2], [TargetUnnamed, TargetWrite]);
    let (asked, end) = asked.split_at(asked.len() - 2);
    assert_eq!(end, [TargetSync, TargetLink]);
    // The times, and the mode only if the umask of this machine forbids the wanted one.
    assert!(asked[2..].len() <= 2 && asked[2..].iter().all(|o| *o == TargetMetadata), "{asked:?}");
}
