//! What `diff` says about files that moved: that they did, and what else differs about them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use keepmum::ops::{Aspect, DiffAgainst, DiffKind};

use super::differences::{Compared, age, diff, lines, live};
use crate::scene::{Scene, latest};

/// Against the source, and after a backup between the last two snapshots: both must say the same.
fn both(scene: &Scene) -> Compared {
    let now = diff(scene, live(scene), 0);
    scene.backup().unwrap();
    let between = diff(scene, DiffAgainst::Snapshot(latest(0)), 1);
    assert_eq!(now.differences, between.differences);
    now
}

fn aspects(compared: &Compared, name: &str) -> (DiffKind, Vec<Aspect>) {
    let mut found = compared.differences.iter().filter(|line| line.path.ends_with(name));
    let line = found.next().unwrap_or_else(|| panic!("{name} is not in {compared:?}"));
    (line.change, line.aspects.clone())
}

#[test]
fn another_file_of_the_same_size_and_time_did_not_move() {
    let scene = Scene::new();
    age(&scene.write("old", "AAAA"), 1);
    age(&scene.write("d/x", "1111"), 2);
    age(&scene.write("d/y", "2222"), 2);
    let large = scene.source().join("large");
    fs::write(&large, vec![1; 3_000_000]).unwrap();
    age(&large, 3);
    scene.backup().unwrap();
    fs::remove_file(scene.source().join("old")).unwrap();
    age(&scene.write("new", "BBBB"), 1);
    // The contents of two files are exchanged, and only then their folder moves.
    for (name, text) in [("d/x", "2222"), ("d/y", "1111")] {
        age(&scene.write(name, text), 2);
    }
    fs::rename(scene.source().join("d"), scene.source().join("e")).unwrap();
    // Only the last byte differs.
    fs::remove_file(&large).unwrap();
    let mut bytes = vec![1; 3_000_000];
    *bytes.last_mut().unwrap() = 2;
    fs::write(scene.source().join("other"), &bytes).unwrap();
    age(&scene.source().join("other"), 3);
    let now = both(&scene);
    assert_eq!(
        lines(&scene, &now),
        ["- d", "+ e", "R e/x", "R e/y", "- large", "+ new", "- old", "+ other"]
    );
    let from = |name: &str| {
        let line = now.differences.iter().find(|line| line.path.ends_with(name)).unwrap();
        line.from.clone().unwrap()
    };
    assert!(from("/e/x").ends_with("/d/y") && from("/e/y").ends_with("/d/x"), "{now:?}");
}

#[test]
fn many_files_of_one_size_and_time_are_each_known_again() {
    let scene = Scene::new();
    for number in 0..300 {
        age(&scene.write(&format!("before/{number}"), format!("{number:04}")), 1);
    }
    scene.backup().unwrap();
    // All have other names, so that nothing but the content tells them apart.
    for number in 0..300 {
        let at = |name: String| scene.source().join(name);
        fs::create_dir_all(at("after".into())).unwrap();
        fs::rename(at(format!("before/{number}")), at(format!("after/{}", number + 1000))).unwrap();
    }
    let now = both(&scene);
    assert_eq!((now.moved, now.added, now.removed), (300, 1, 0));
    assert!(now.bytes_read <= 300 * 4, "each is read once: {}", now.bytes_read);
}

#[test]
fn a_file_that_moved_says_what_else_differs() {
    let scene = Scene::new();
    for name in ["mode", "owner", "attribute", "same"] {
        age(&scene.write(name, format!("this is {name}")), 1);
    }
    scene.backup().unwrap();
    let at = |path: &str| scene.source().join(path);
    fs::create_dir(at("into")).unwrap();
    for name in ["mode", "owner", "attribute", "same"] {
        fs::rename(at(name), at("into").join(name)).unwrap();
    }
    fs::set_permissions(at("into/mode"), fs::Permissions::from_mode(0o604)).unwrap();
    let is_root = std::os::unix::fs::chown(at("into/owner"), Some(7), Some(8)).is_ok();
    let attribute = std::process::Command::new("setfattr")
        .args(["-n", "user.k", "-v", "v"])
        .arg(at("into/attribute"))
        .status()
        .is_ok_and(|status| status.success());
    let now = both(&scene);
    assert_eq!((now.moved, now.added, now.removed), (4, 1, 0), "{now:?}");
    assert_eq!(aspects(&now, "/same"), (DiffKind::Moved, Vec::new()));
    assert_eq!(aspects(&now, "/mode"), (DiffKind::Moved, vec![Aspect::Mode]));
    if is_root {
        assert_eq!(aspects(&now, "/owner"), (DiffKind::Moved, vec![Aspect::Owner]));
    }
    if attribute {
        assert_eq!(aspects(&now, "/attribute"), (DiffKind::Moved, vec![Aspect::Attributes]));
    }
}

#[test]
fn entries_of_a_moved_folder_that_differ_are_still_listed() {
    let scene = Scene::new();
    for (number, name) in (1..).zip(["tree/a", "tree/sub/b", "tree/sub/c", "tree/same/d"]) {
        age(&scene.write(name, format!("this is {name}")), number);
    }
    scene.backup().unwrap();
    let at = |path: &str| scene.source().join(path);
    fs::rename(at("tree"), at("moved")).unwrap();
    fs::set_permissions(at("moved/sub/b"), fs::Permissions::from_mode(0o604)).unwrap();
    fs::set_permissions(at("moved/same"), fs::Permissions::from_mode(0o710)).unwrap();
    let now = both(&scene);
    assert_eq!(lines(&scene, &now), ["R moved", "m moved/same", "m moved/sub/b"]);
    assert_eq!((now.moved, now.metadata), (1, 2), "{now:?}");
    assert_eq!(aspects(&now, "/moved"), (DiffKind::Moved, Vec::new()));
    assert_eq!(aspects(&now, "/sub/b"), (DiffKind::Metadata, vec![Aspect::Mode]));
    assert_eq!(aspects(&now, "/same"), (DiffKind::Metadata, vec![Aspect::Mode]));
    let inner = now.differences.iter().find(|line| line.path.ends_with("/sub/b")).unwrap();
    assert!(inner.from.as_ref().unwrap().ends_with("/tree/sub/b"), "{inner:?}");
}

#[test]
fn a_folder_that_moved_and_has_another_mode_says_so() {
    let scene = Scene::new();
    age(&scene.write("tree/a", "text"), 1);
    scene.backup().unwrap();
    let at = |path: &str| scene.source().join(path);
    fs::rename(at("tree"), at("moved")).unwrap();
    fs::set_permissions(at("moved"), fs::Permissions::from_mode(0o710)).unwrap();
    let now = both(&scene);
    assert_eq!(lines(&scene, &now), ["R moved"]);
    assert_eq!(aspects(&now, "/moved"), (DiffKind::Moved, vec![Aspect::Mode]));
}
