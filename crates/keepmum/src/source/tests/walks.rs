//! Walks: order, depth, listers.

use std::convert::Infallible;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::sync::Arc;

use super::{Folder, Keeper, all, beneath, clock, descend, find, open, tree_path};
use crate::model::{FoundKind, Merge, Nothing, PAGE, PageOf, Pair, Side, Step, TreePath};
use crate::seam::Operation;
use crate::source::{Lister, RootProblem, Rules, Source, SourceError, SourceErrorKind, Walk};

fn with_listers<T>(source: &Source, ahead: usize, act: impl FnOnce(Walk) -> T) -> T {
    run(source.walk(ahead), act)
}

fn run<T>((walk, listers): (Walk, Vec<Lister>), act: impl FnOnce(Walk) -> T) -> T {
    std::thread::scope(|scope| {
        for lister in listers {
            scope.spawn(|| lister.run());
        }
        act(walk)
    })
}

#[test]
fn names_are_bytes_and_come_in_order() {
    let folder = Folder::new();
    for name in [&b"b\nc"[..], b"\xff\xfe", b"a", b"a-b", b"a b", b" "] {
        folder.write(std::ffi::OsStr::from_bytes(name), b"x");
    }
    folder.write("d/e", b"y");
    let (mut walk, _) = open(&[folder.path()], Rules::default()).walk(0);
    let seen = all(&mut walk);
    let expected = [" ", "a", "a b", "a-b", "b\\nc", "d", "d/e", "\\xff\\xfe"];
    assert_eq!(beneath(&folder, &seen), expected);
    let mut sorted = seen.clone();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(sorted, seen);
    assert!(walk.take_problems().is_empty());
}

#[test]
fn folders_above_a_root_lead_to_it_and_have_no_time() {
    let folder = Folder::new();
    folder.write("one/x", b"1");
    folder.write("two/y", b"2");
    folder.write("three/z", b"3");
    fs::set_permissions(folder.join("two"), fs::Permissions::from_mode(0o751)).unwrap();
    let roots = [folder.join("two"), folder.join("one/x"), folder.join("two/y")];
    let source = open(&roots, Rules::default());
    let seen = all(&mut source.walk(0).0);
    assert_eq!(beneath(&folder, &seen), ["one", "one/x", "two", "two/y"]);
    assert_eq!(find(&seen, &folder.path()).metadata.mtime, None);
    assert_eq!(find(&seen, &folder.join("one")).metadata.mtime, None);
    let two = find(&seen, &folder.join("two"));
    assert!(two.metadata.mtime.is_some());
    assert_eq!((two.metadata.mode, two.kind), (Some(0o751), FoundKind::Directory));
    assert_eq!(two.stamp.inode, fs::metadata(folder.join("two")).unwrap().ino());
    // A single file as a root can be read like any other.
    let file = find(&seen, &folder.join("one/x"));
    let file = source.open_file(&tree_path(&folder.join("one/x")), &file.stamp).unwrap();
    let mut text = Vec::new();
    file.append_to(&mut text, 1).unwrap();
    assert_eq!(text, b"1");
}

#[test]
fn a_root_that_is_a_link_means_its_target() {
    let folder = Folder::new();
    folder.write("real/x", b"1");
    symlink("real", folder.join("named")).unwrap();
    symlink("real", folder.join("real/inner")).unwrap();
    symlink("nowhere", folder.join("dangling")).unwrap();
    let seen = all(&mut open(&[folder.join("named")], Rules::default()).walk(0).0);
    assert_eq!(beneath(&folder, &seen), ["named", "named/inner", "named/x"]);
    assert_eq!(find(&seen, &folder.join("named")).kind, FoundKind::Directory);
    assert_eq!(find(&seen, &folder.join("named/inner")).kind, FoundKind::Symlink);
    let gate = Arc::new(Keeper::default());
    for missing in [folder.join("dangling"), folder.join("none"), folder.join("real/x/y")] {
        let problem =
            Source::open(&[missing], Rules::default(), gate.clone(), clock()).err().unwrap();
        assert!(matches!(problem, RootProblem::Missing { .. }), "{problem}");
    }
    for invalid in ["relative", "/a/../b"] {
        let problem = Source::open(&[invalid.into()], Rules::default(), gate.clone(), clock());
        assert!(matches!(problem.err(), Some(RootProblem::Invalid { .. })));
    }
    assert!(matches!(
        Source::open(&[], Rules::default(), gate, clock()).err(),
        Some(RootProblem::NoRoots)
    ));
}

fn forest(folder: &Folder) {
    for a in 0..12 {
        for b in 0..12 {
            for c in 0..4 {
                folder.write(format!("d{a}/e{b}/f{c}"), b"");
                folder.write(format!("d{a}/e{b}/g{c}/h"), b"");
            }
        }
    }
}

#[test]
fn listers_change_nothing_but_the_time() {
    let folder = Folder::new();
    forest(&folder);
    let rules = Rules {
        excludes: vec!["g1".into(), "**/e3/f*".into()],
        record_excluded: true,
        ..Rules::default()
    };
    let source = open(&[folder.path()], rules);
    let mut alone = source.walk(0).0;
    let expected = all(&mut alone);
    assert_eq!(beneath(&folder, &expected).len(), 12 + 12 * 12 * (1 + 4 + 3 * 2) - 12 * 4);
    let left_out = alone.take_excluded();
    assert_eq!(left_out.len() as u64, alone.excluded().pattern);
    for ahead in [1, 2, 5] {
        for _ in 0..5 {
            with_listers(&source, ahead, |mut walk| {
                assert!(all(&mut walk) == expected, "{ahead} listers");
                assert_eq!(walk.take_excluded(), left_out);
            });
        }
    }
    // However little may be listed ahead, nobody waits for ever.
    for limit in [0, 1, 7, 100] {
        run(source.walk_within(2, limit, PAGE), |mut walk| assert!(all(&mut walk) == expected));
    }
    // However few entries make a page.
    for (page, ahead) in [(1, 0), (1, 2), (3, 2), (5, 1), (8, 2)] {
        run(source.walk_within(ahead, 100, page), |mut walk| {
            assert!(all(&mut walk) == expected, "pages of {page}");
            assert_eq!(walk.take_excluded(), left_out);
        });
    }
    // Listers that nobody runs hold nothing up.
    let (mut walk, listers) = source.walk(2);
    assert!(all(&mut walk) == expected);
    drop(listers);
}

#[test]
fn directories_may_be_passed_by_or_asked_for_out_of_order() {
    let folder = Folder::new();
    forest(&folder);
    let source = open(&[folder.path()], Rules::default());
    let mut seed = 7_u64;
    let mut wanted = |_: &TreePath| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed >> 63 == 0
    };
    let top = tree_path(&folder.path());
    for ahead in [0, 2] {
        with_listers(&source, ahead, |mut walk| {
            for _ in 0..20 {
                let mut seen = Vec::new();
                let mut entered = Vec::new();
                descend(&mut walk, top.clone(), &mut seen, &mut |path| {
                    let enter = wanted(path);
                    entered.extend(enter.then(|| path.clone()));
                    enter
                });
                let mut other = Vec::new();
                let mut plain = source.walk(0).0;
                descend(&mut plain, top.clone(), &mut other, &mut |path| entered.contains(path));
                assert!(seen == other);
            }
        });
    }
}

#[test]
fn five_thousand_levels() {
    let folder = Folder::new();
    let mut here = std::os::fd::OwnedFd::from(fs::File::open(folder.path()).unwrap());
    for _ in 0..5000 {
        use rustix::fs::{Mode, OFlags, mkdirat, openat};
        mkdirat(&here, "dd", Mode::RWXU).unwrap();
        here = openat(&here, "dd", OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let file = rustix::fs::openat(
        &here,
        "bottom",
        rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY,
        rustix::fs::Mode::RWXU,
    );
    drop((here, file.unwrap()));
    let source = open(&[folder.path()], Rules::default());
    for ahead in [0, 2] {
        with_listers(&source, ahead, |mut walk| {
            let mut seen = all(&mut walk);
            let (path, bottom) = seen.pop().unwrap();
            assert!(path.as_bytes().len() > 15_000);
            let file = source.open_file(&path, &bottom.stamp).unwrap();
            assert_eq!(file.attributes().whole().unwrap(), []);
            assert_eq!(source.all_attributes(&path, FoundKind::File).unwrap(), []);
        });
    }
    // The standard library cannot remove a tree this deep.
    let gone = std::process::Command::new("rm").arg("-rf").arg(folder.path()).status().unwrap();
    assert!(gone.success());
}

#[test]
fn files_deeper_than_the_longest_path_are_a_problem() {
    let folder = Folder::new();
    let mut here = std::os::fd::OwnedFd::from(fs::File::open(folder.path()).unwrap());
    let name = "n".repeat(255);
    for _ in 0..513 {
        use rustix::fs::{Mode, OFlags, mkdirat, openat};
        mkdirat(&here, name.as_str(), Mode::RWXU).unwrap();
        here = openat(&here, name.as_str(), OFlags::PATH, Mode::empty()).unwrap();
    }
    let mut walk = open(&[folder.path()], Rules::default()).walk(0).0;
    let deepest = all(&mut walk).pop().unwrap().0;
    assert!(deepest.as_bytes().len() > TreePath::MAX - 256);
    let problems = walk.take_problems();
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].kind, &problems[0].path), (SourceErrorKind::TooDeep, &deepest));
}

#[test]
fn unreadable_files_are_reported() {
    // Root may read everything.
    if rustix::process::geteuid().is_root() {
        return;
    }
    let folder = Folder::new();
    folder.write("shut/x", b"");
    let file = folder.write("file", b"");
    for path in [&folder.join("shut"), &file] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        let gate = Arc::new(Keeper::default());
        let problem = Source::open(std::slice::from_ref(path), Rules::default(), gate, clock())
            .err()
            .unwrap();
        assert!(matches!(problem, RootProblem::Unreadable { .. }), "{problem}");
    }
    let source = open(&[folder.path()], Rules::default());
    let mut walk = source.walk(0).0;
    let top = walk.list(&(), &tree_path(&folder.path())).unwrap().entries;
    let shut = walk.list(&(), &tree_path(&folder.join("shut"))).err().unwrap();
    assert_eq!(shut.kind, SourceErrorKind::Denied);
    let denied = source.open_file(&tree_path(&file), &top[0].stamp).err().unwrap();
    assert_eq!(denied.kind, SourceErrorKind::Denied);
    fs::set_permissions(folder.join("shut"), fs::Permissions::from_mode(0o700)).unwrap();
}

/// The errors that a merge can return here.
#[derive(Debug)]
struct Failure(SourceError);

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self(error)
    }
}

impl From<Infallible> for Failure {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[test]
fn a_directory_that_became_a_link_is_not_entered() {
    let folder = Folder::new();
    folder.write("root/a/x", b"");
    folder.write("root/b/y", b"");
    folder.write("secret/z", b"");
    let source = open(&[folder.join("root")], Rules::default());
    let mut merge = Merge::new(Nothing, source.walk(0).0);
    let top = tree_path(&folder.join("root"));
    merge.enter::<Failure>(top, None, Some(&())).unwrap();
    fs::rename(folder.join("root/a"), folder.join("root/moved")).unwrap();
    symlink("../secret", folder.join("root/a")).unwrap();
    fs::remove_dir_all(folder.join("root/b")).unwrap();
    let mut kinds = Vec::new();
    while let Some(step) = merge.step::<Failure>() {
        let Step::Pair(path, Pair { new: Some(_), .. }) = step else { continue };
        kinds.push(merge.enter::<Failure>(path, None, Some(&())).unwrap_err().0.kind);
    }
    assert_eq!(kinds, [SourceErrorKind::Changed, SourceErrorKind::Vanished]);
}

#[test]
fn a_refused_listing_is_an_error_of_that_directory_only() {
    let folder = Folder::new();
    folder.write("a/x", b"");
    folder.write("b/y", b"");
    let gate = Arc::new(Keeper { refuse: Some((Operation::SourceList, 2)), ..Keeper::default() });
    let source = Source::open(&[folder.path()], Rules::default(), gate, clock()).unwrap();
    let mut walk = source.walk(0).0;
    let top = tree_path(&folder.path());
    assert_eq!(walk.list(&(), &top).unwrap().entries.len(), 2);
    let error = walk.list(&(), &tree_path(&folder.join("a"))).err().unwrap();
    assert_eq!((error.kind, error.path), (SourceErrorKind::Io, tree_path(&folder.join("a"))));
    assert_eq!(walk.list(&(), &tree_path(&folder.join("b"))).unwrap().entries.len(), 1);
}

/// A folder of ten files, and a walk that has given the first four of them.
fn four_of_ten() -> (Folder, Walk, PageOf<Walk>) {
    let folder = Folder::new();
    for number in 0..10 {
        folder.write(format!("full/{number}"), b"");
    }
    let source = open(&[folder.path()], Rules::default());
    let mut walk = source.walk_within(0, 0, 4).0;
    let page = walk.list(&(), &tree_path(&folder.join("full"))).unwrap();
    assert_eq!(page.entries.len(), 4);
    (folder, walk, page)
}

#[test]
fn a_file_that_vanished_after_its_name_was_read_is_reported() {
    let (folder, mut walk, page) = four_of_ten();
    fs::rename(folder.join("full/5"), folder.join("full/55")).unwrap();
    fs::remove_file(folder.join("full/0")).unwrap();
    let full = tree_path(&folder.join("full"));
    let page = walk.more(page.rest.unwrap(), &full).unwrap();
    let names: Vec<_> = page.entries.iter().map(|entry| entry.name.as_bytes()).collect();
    assert_eq!(names, [b"4", b"6", b"7"]);
    let told = walk.take_problems();
    assert_eq!((told.len(), told[0].kind), (1, SourceErrorKind::Vanished));
    assert_eq!(told[0].path, tree_path(&folder.join("full/5")));
    let last = walk.more(page.rest.unwrap(), &full).unwrap();
    assert_eq!((last.entries.len(), last.rest.is_none()), (2, true));
}

#[test]
fn the_rest_of_a_folder_is_not_looked_for_in_another_one_at_its_place() {
    for replaced in [true, false] {
        let (folder, mut walk, page) = four_of_ten();
        fs::rename(folder.join("full"), folder.join("elsewhere")).unwrap();
        if replaced {
            folder.write("full/5", b"");
        }
        let more = walk.more(page.rest.unwrap(), &tree_path(&folder.join("full")));
        let kind = if replaced { SourceErrorKind::Changed } else { SourceErrorKind::Vanished };
        assert_eq!(more.err().unwrap().kind, kind);
    }
}
