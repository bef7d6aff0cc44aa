//! Whatever lies in the target or stands in a tree: nothing outside is touched.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::symlink as link;

use super::{Place, fifo, kind, mode, path, symlink, write_small};
use crate::model::{FoundKind, Name, Side, TreePath};
use crate::target::{Existing, TargetErrorKind, is_temporary};

/// A target with links planted in it that lead to a folder outside.
fn planted() -> Place {
    let place = Place::new();
    let outside = place.outside("outside");
    fs::create_dir_all(outside.join("sub")).unwrap();
    fs::write(outside.join("precious"), "precious").unwrap();
    link(&outside, place.at("absolute")).unwrap();
    link("../outside", place.at("relative")).unwrap();
    link("../outside/precious", place.at("file")).unwrap();
    link("../outside/new", place.at("dangling")).unwrap();
    place
}

fn assert_untouched(place: &Place) {
    let outside = place.outside("outside");
    let names = |path: &std::path::Path| -> Vec<_> {
        let mut names: Vec<_> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&outside), ["precious", "sub"]);
    assert!(names(&outside.join("sub")).is_empty());
    let precious = fs::metadata(outside.join("precious")).unwrap();
    assert_eq!(fs::read(outside.join("precious")).unwrap(), b"precious");
    assert_eq!((precious.nlink(), precious.mode() & 0o777), (1, 0o644));
}

#[test]
fn a_path_cannot_even_name_a_place_outside() {
    for bad in [&b"../x"[..], b"/etc/passwd", b"a/../../x", b"a//b", b".", b"a\0b"] {
        assert!(TreePath::new(bad).is_err());
    }
    assert!(Name::new(b"..").is_err());
}

#[test]
fn links_on_the_way_are_not_followed() {
    let place = planted();
    let target = &place.target;
    for link in ["absolute", "relative"] {
        let inside = path(format!("{link}/precious"));
        let new = path(format!("{link}/new"));
        let deep = path(format!("{link}/sub/new"));
        let occupied = Some(TargetErrorKind::Occupied);
        assert_eq!(kind(write_small(target, &deep, b"", &mode(0o600), Existing::Refuse)), occupied);
        assert_eq!(kind(target.make_directory(&deep)), occupied);
        assert_eq!(kind(symlink(target, &deep, b"x")), occupied);
        assert_eq!(kind(target.remove_file(&deep)), occupied);
        for existing in [Existing::Refuse, Existing::Replace] {
            assert_eq!(
                kind(write_small(target, &inside, b"bad", &mode(0o600), existing)),
                occupied
            );
            assert_eq!(kind(target.begin_file(&new, existing)), occupied);
        }
        assert_eq!(kind(target.make_directory(&new)), occupied);
        assert_eq!(kind(target.make_directory(&path(link))), occupied);
        assert_eq!(kind(symlink(target, &new, b"x")), occupied);
        assert_eq!(kind(fifo(target, &new)), occupied);
        assert_eq!(
            kind(target.hard_link(&inside, &path("stolen"), Existing::Refuse, |_| true)),
            occupied
        );
        assert_eq!(kind(target.apply_metadata(&inside, FoundKind::File, &mode(0o777))), occupied);
        assert_eq!(kind(target.attributes_differ(&inside, FoundKind::File, &[])), occupied);
        assert_eq!(kind(target.remove_file(&inside)), occupied);
        assert_eq!(kind(target.tree().list(&(), &path(link))), occupied);
    }
    assert_untouched(&place);
}

#[test]
fn links_at_the_end_are_not_followed() {
    let place = planted();
    let target = &place.target;
    let occupied = Some(TargetErrorKind::Occupied);
    for link in ["file", "dangling", "absolute"] {
        let refused = write_small(target, &path(link), b"bad", &mode(0o600), Existing::Refuse);
        assert_eq!(kind(refused), occupied);
        for wrong in [FoundKind::File, FoundKind::Directory] {
            assert_eq!(kind(target.apply_metadata(&path(link), wrong, &mode(0o777))), occupied);
        }
    }
    // A link's own metadata is the link's.
    let metadata = mode(0o777);
    assert!(
        target.apply_metadata(&path("file"), FoundKind::Symlink, &metadata).unwrap().is_empty()
    );
    assert_untouched(&place);
    // A second name for a link is a second link.
    target.hard_link(&path("file"), &path("again"), Existing::Refuse, |_| true).unwrap();
    assert!(fs::symlink_metadata(place.at("again")).unwrap().is_symlink());
    // Replacing replaces the link.
    let replaced = write_small(target, &path("file"), b"new", &mode(0o600), Existing::Replace);
    assert!(replaced.unwrap().is_empty());
    assert!(fs::symlink_metadata(place.at("file")).unwrap().is_file());
    for link in ["absolute", "relative", "dangling", "again"] {
        target.remove_file(&path(link)).unwrap();
    }
    assert_eq!(place.names(), ["file"]);
    assert_untouched(&place);
}

#[test]
fn a_folder_swapped_for_a_link_is_not_written_through() {
    let place = planted();
    let target = &place.target;
    target.make_directory(&path("d")).unwrap();
    write_small(target, &path("d/a"), b"1", &mode(0o600), Existing::Refuse).unwrap();
    fs::rename(place.at("d"), place.at("moved")).unwrap();
    link("../outside", place.at("d")).unwrap();
    // The open folder is still the one that was made; the link leads nowhere.
    write_small(target, &path("d/b"), b"2", &mode(0o600), Existing::Refuse).unwrap();
    assert_eq!(fs::read(place.at("moved/b")).unwrap(), b"2");
    assert_eq!(kind(target.make_directory(&path("d/c/e"))), Some(TargetErrorKind::Occupied));
    assert_untouched(&place);
}

#[test]
fn a_file_where_a_folder_should_be_is_in_the_way() {
    let place = Place::new();
    let target = &place.target;
    write_small(target, &path("f"), b"", &mode(0o600), Existing::Refuse).unwrap();
    let occupied = Some(TargetErrorKind::Occupied);
    assert_eq!(kind(target.make_directory(&path("f"))), occupied);
    assert_eq!(kind(target.make_directory(&path("f/x"))), occupied);
    assert_eq!(kind(target.tree().list(&(), &path("f"))), occupied);
    target.make_directory(&path("d")).unwrap();
    let over = write_small(target, &path("d"), b"", &mode(0o600), Existing::Replace);
    assert_eq!(kind(over), occupied);
    assert_eq!(kind(fifo(target, &path("none/x"))), Some(TargetErrorKind::Missing));
    assert!(target.tree().list(&(), &path("none/x")).unwrap().entries.is_empty());
    assert_eq!(place.names(), ["d", "f"]);
}

#[test]
fn unfinished_files_are_known_by_name() {
    let name = |text: &str| is_temporary(&Name::new(text.as_bytes()).unwrap());
    assert!(name(".keepmum-00000000000000ff.tmp"));
    assert!(!name(".keepmum-ff.tmp") && !name(".keepmum-00000000000000ff") && !name("x"));
}
