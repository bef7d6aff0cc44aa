//! Names are given last: until then there is none, or a temporary one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Keeper, OnlyNamed, Place, fifo, kind, mode, path, symlink, write_small};
use crate::model::Name;
use crate::seam::Operation;
use crate::target::{Existing, Options, TargetError, TargetErrorKind, is_temporary};
use rustix::io::Errno;

const FIRST: &str = ".keepmum-00000000000000ff.tmp";

fn only_named() -> Place {
    Place::with(Options::default(), Arc::new(OnlyNamed))
}

#[test]
fn a_file_has_no_name_until_it_is_durable() {
    let gate = Keeper::new(Operation::TargetSync);
    let place = Place::with(Options::default(), gate.clone());
    let target = &place.target;
    fs::write(place.at("old"), "old").unwrap();
    for (name, existing) in [("new", Existing::Refuse), ("old", Existing::Replace)] {
        let problems = target.write_small(&path(name), b"new", &mode(0o640), existing).unwrap();
        assert!(problems.is_empty());
    }
    assert_eq!(place.names(), ["old"]);
    assert_eq!(fs::read(place.at("old")).unwrap(), b"old");
    gate.asked.lock().unwrap().clear();
    target.place().unwrap();
    let asked = gate.asked.lock().unwrap().clone();
    use Operation::{TargetLink, TargetRename, TargetSync};
    assert_eq!(asked, [TargetSync, TargetSync, TargetLink, TargetLink, TargetRename]);
    assert_eq!(place.names(), ["new", "old"]);
    assert_eq!(fs::read(place.at("old")).unwrap(), b"new");
    assert!(target.unplaced().unwrap().is_empty());
}

#[test]
fn space_that_somebody_else_has_made_is_tried_again() {
    let place = Place::new();
    let target = &place.target;
    target.write_small(&path("f"), b"f", &mode(0o600), Existing::Refuse).unwrap();
    let full = || TargetError::new(&path("g"), Errno::NOSPC);
    let mut tries = 0;
    let done = target.0.with_space(|| {
        tries += 1;
        match tries {
            1 => {
                // Another thread puts the batch in place before this one can.
                target.place().unwrap();
                Err(full())
            }
            _ => Ok(tries),
        }
    });
    assert_eq!(done.ok(), Some(2));
    let none = target.0.with_space(|| Err::<(), _>(full()));
    assert_eq!(none.unwrap_err().kind, TargetErrorKind::Full, "there was no other batch");
}

#[test]
fn without_unnamed_files_the_name_is_one_that_is_known() {
    let place = only_named();
    let target = &place.target;
    target.make_directory(&path("d")).unwrap();
    target.write_small(&path("d/f"), b"f", &mode(0o600), Existing::Refuse).unwrap();
    // It lies where every restore looks, whatever it restores.
    assert_eq!(place.names(), [FIRST, "d"]);
    assert!(is_temporary(&Name::new(FIRST.as_bytes()).unwrap()));
    target.place().unwrap();
    assert_eq!(place.names(), ["d", "d/f"]);
    let file = target.begin_file(&path("g"), Existing::Replace).unwrap();
    assert_eq!(place.names().len(), 3);
    drop(file);
    assert_eq!(place.names(), ["d", "d/f"]);
    let over = write_small(target, &path("d/f"), b"g", &mode(0o600), Existing::Refuse);
    assert_eq!(kind(over), Some(TargetErrorKind::Occupied));
    write_small(target, &path("d/f"), b"h", &mode(0o600), Existing::Replace).unwrap();
    assert_eq!(fs::read(place.at("d/f")).unwrap(), b"h");
    assert_eq!(place.names(), ["d", "d/f"]);
}

#[test]
fn a_taken_temporary_name_is_not_written_to() {
    let place = only_named();
    fs::write(place.at(FIRST), "of another restore").unwrap();
    write_small(&place.target, &path("f"), b"f", &mode(0o600), Existing::Refuse).unwrap();
    assert_eq!(fs::read(place.at(FIRST)).unwrap(), b"of another restore");
    assert_eq!(place.names(), [FIRST, "f"]);
}

#[test]
fn links_and_pipes_replace_existing_things_in_one_step() {
    let place = Place::new();
    let target = &place.target;
    fs::write(place.at("a"), "a").unwrap();
    fs::write(place.at("b"), "b").unwrap();
    target.symlink(&path("a"), b"x", &mode(0o777), Existing::Replace).unwrap();
    target.fifo(&path("b"), &mode(0o600), Existing::Replace).unwrap();
    assert!(place.names().contains(&"a".to_owned()));
    assert_eq!(fs::read(place.at("a")).unwrap(), b"a");
    target.place().unwrap();
    assert_eq!(place.names(), ["a", "b"]);
    assert!(fs::symlink_metadata(place.at("a")).unwrap().is_symlink());
    assert_eq!(kind(symlink(target, &path("a"), b"x")), Some(TargetErrorKind::Occupied));
    assert_eq!(kind(fifo(target, &path("b"))), Some(TargetErrorKind::Occupied));
    assert_eq!(place.names(), ["a", "b"]);
}

#[test]
fn a_further_name_replaces_an_existing_one_and_leaves_nothing_behind() {
    let place = Place::new();
    let target = &place.target;
    write_small(target, &path("f"), b"x", &mode(0o600), Existing::Refuse).unwrap();
    fs::write(place.at("g"), "old").unwrap();
    // Twice: the second time it is that name already.
    for _ in 0..2 {
        target.hard_link(&path("f"), &path("g"), Existing::Replace, |_| true).unwrap();
        assert_eq!(place.names(), ["f", "g"]);
        assert_eq!(fs::metadata(place.at("g")).unwrap().nlink(), 2);
    }
}

/// A file that is replaced keeps its space until the new one has its name.
#[test]
fn without_space_waiting_files_are_put_in_place_and_the_write_is_tried_again() {
    let gate = Keeper::new(Operation::TargetWrite);
    let place = Place::with(Options::default(), gate.clone());
    let target = &place.target;
    target.write_small(&path("a"), b"a", &mode(0o600), Existing::Refuse).unwrap();
    gate.closed.store(true, Ordering::SeqCst);
    target.write_small(&path("b"), b"b", &mode(0o600), Existing::Refuse).unwrap();
    assert_eq!(place.names(), ["a"]);
    target.place().unwrap();
    assert_eq!(place.names(), ["a", "b"]);
    assert_eq!(fs::read(place.at("b")).unwrap(), b"b");
}

#[test]
fn after_a_failed_sync_nothing_gets_a_name() {
    let gate = Keeper::new(Operation::TargetSync);
    let place = Place::with(Options::default(), gate.clone());
    let target = &place.target;
    for name in ["a", "b"] {
        target.write_small(&path(name), b"x", &mode(0o600), Existing::Refuse).unwrap();
    }
    gate.closed.store(true, Ordering::SeqCst);
    assert!(target.place().is_err());
    assert!(place.names().is_empty());
    // The gate is open again, and the target is not.
    assert!(target.write_small(&path("c"), b"x", &mode(0o600), Existing::Refuse).is_err());
    assert!(target.unplaced().is_err());
    assert!(target.place().is_err());
    assert!(place.names().is_empty());
}

#[test]
fn a_full_batch_is_put_in_place_automatically() {
    let place = Place::new();
    for number in 0..9000 {
        let name = path(format!("{number}"));
        place.target.write_small(&name, b"", &mode(0o600), Existing::Refuse).unwrap();
    }
    let names = place.names().len();
    assert!(names > 0 && names < 9000, "{names}");
    place.target.place().unwrap();
    assert_eq!(place.names().len(), 9000);
}

#[test]
fn a_temporary_name_lies_in_the_highest_folder_that_takes_it() {
    let place = only_named();
    let target = &place.target;
    for name in ["d", "d/e"] {
        target.make_directory(&path(name)).unwrap();
    }
    // The target itself takes none of those that are tried.
    for number in 0..8 {
        fs::write(place.at(format!(".keepmum-{:016x}.tmp", 255 + number)), "taken").unwrap();
    }
    for name in ["d/e/f", "d/e/g"] {
        target.write_small(&path(name), b"f", &mode(0o600), Existing::Refuse).unwrap();
    }
    let beneath = |folder: &str| {
        let names = place.names();
        names.iter().filter(|name| name.starts_with(&format!("{folder}.keepmum-"))).count()
    };
    assert_eq!([beneath("d/"), beneath("d/e/")], [2, 0]);
    target.place().unwrap();
    assert_eq!([beneath("d/"), beneath("d/e/")], [0, 0]);
    assert_eq!(fs::read(place.at("d/e/g")).unwrap(), b"f");
}

#[test]
fn a_leftover_is_removed_unless_a_running_restore_uses_it() {
    let place = only_named();
    let other = ".keepmum-0123456789abcdef.tmp";
    fs::write(place.at(other), "of a restore that was killed").unwrap();
    fs::create_dir(place.at(".keepmum-0123456789abcdee.tmp")).unwrap();
    fs::create_dir(place.at(".keepmum-0123456789abcdea.tmp")).unwrap();
    fs::write(place.at(".keepmum-0123456789abcdea.tmp/mine"), "").unwrap();
    fs::write(place.at(".keepmum-1.tmp"), "mine").unwrap();
    let root = path("");
    let at_work = Place::reopen(&place, Options::default());
    // Its own names are in use, and it may remove those of others all the same.
    place.target.write_small(&path("f"), b"f", &mode(0o600), Existing::Refuse).unwrap();
    at_work.remove_leftovers(&root).unwrap();
    at_work.remove_leftover(&path(other)).unwrap();
    assert!(place.at(other).exists() && place.at(FIRST).exists());
    place.target.remove_leftovers(&root).unwrap();
    assert!(!place.at(other).exists() && place.at(FIRST).exists());
    place.target.place().unwrap();
    let mine = [".keepmum-0123456789abcdea.tmp", ".keepmum-0123456789abcdea.tmp/mine"];
    assert_eq!(place.names(), [&mine[..], &[".keepmum-1.tmp", "f"]].concat());
    // It was killed: nobody uses them any more.
    let Place { target, .. } = &place;
    target.write_small(&path("g"), b"g", &mode(0o600), Existing::Refuse).unwrap();
    let left = fs::read_dir(place.at("")).unwrap().count();
    assert_eq!(left, 4);
    fs::hard_link(place.at("f"), place.at(other)).unwrap();
    target.place().unwrap();
    at_work.remove_leftovers(&root).unwrap();
    assert!(place.at(other).exists(), "its lock lasts as long as the restore");
    let Place { dir, target } = place;
    drop(target);
    at_work.remove_leftovers(&root).unwrap();
    assert!(!dir.path().join("target").join(other).exists());
}
