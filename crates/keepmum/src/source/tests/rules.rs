//! Things left out.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Folder, all, beneath, clock, open, tree_path};
use crate::seam::OpenGate;
use crate::source::{Excluded, RootProblem, Rules, Source, Why};

fn seen(folder: &Folder, rules: &Rules) -> (Vec<String>, Vec<(String, Why)>) {
    let source = open(&[folder.path()], Rules { record_excluded: true, ..rules.clone() });
    let mut walk = source.walk(0).0;
    let seen = beneath(folder, &all(&mut walk));
    let top = tree_path(&folder.path()).as_bytes().len() + 1;
    let left_out = walk.take_excluded();
    let text = |e: &Excluded| String::from_utf8_lossy(&e.path.as_bytes()[top..]).into_owned();
    (seen, left_out.iter().map(|e| (text(e), e.why.clone())).collect())
}

#[test]
fn patterns_count_from_a_root() {
    let folder = Folder::new();
    for name in
        ["a/x.o", "a/keep.o", "top/x", "b/top/x", "c/cache", "d/cache/x", "e\nf.o", "here/x"]
    {
        folder.write(name, b"");
    }
    let absolute = format!("{}/here", folder.path().display());
    let excludes = ["*.o", "!keep.o", "/top", "cache/", "# a remark", "", &absolute];
    let rules = Rules { excludes: excludes.map(String::from).into(), ..Rules::default() };
    let (seen, left_out) = seen(&folder, &rules);
    assert_eq!(seen, ["a", "a/keep.o", "b", "b/top", "b/top/x", "c", "c/cache", "d"]);
    let pattern = |p: &str| Why::Pattern(p.into());
    let expected = [
        ("a/x.o", pattern("*.o")),
        ("d/cache", pattern("cache/")),
        ("e\nf.o", pattern("*.o")),
        ("here", pattern("/here")),
        ("top", pattern("/top")),
    ];
    let mut left_out = left_out;
    left_out.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(left_out, expected.map(|(path, why)| (path.to_owned(), why)));
}

#[test]
fn a_pattern_with_a_roots_path_counts_below_that_root_only() {
    let folder = Folder::new();
    folder.write("one/x", b"");
    folder.write("two/x", b"");
    let rules =
        Rules { excludes: vec![format!("{}/one/x", folder.path().display())], ..Rules::default() };
    let source = open(&[folder.join("one"), folder.join("two")], rules);
    let seen = all(&mut source.walk(0).0);
    assert_eq!(beneath(&folder, &seen), ["one", "two", "two/x"]);
}

#[test]
fn a_tagged_cache_keeps_its_tag_only() {
    let folder = Folder::new();
    let tag = b"Signature: 8a477f597d28d172789f06886806bc55\n# more";
    folder.write("cache/CACHEDIR.TAG", tag);
    folder.write("cache/junk/x", b"");
    folder.write("false/CACHEDIR.TAG", b"Signature: none");
    folder.write("false/x", b"");
    fs::create_dir_all(folder.join("linked")).unwrap();
    symlink("../cache/CACHEDIR.TAG", folder.join("linked/CACHEDIR.TAG")).unwrap();
    folder.write("linked/x", b"");
    let rules = Rules { exclude_caches: true, ..Rules::default() };
    let (seen, left_out) = seen(&folder, &rules);
    let expected = [
        "cache",
        "cache/CACHEDIR.TAG",
        "false",
        "false/CACHEDIR.TAG",
        "false/x",
        "linked",
        "linked/CACHEDIR.TAG",
        "linked/x",
    ];
    assert_eq!(seen, expected);
    assert_eq!(left_out, [("cache".to_owned(), Why::Cache)]);
}

#[test]
fn large_files_are_left_out_but_not_large_anything_else() {
    let folder = Folder::new();
    folder.write("small", &[0; 10]);
    folder.write("large", &[0; 11]);
    symlink("a target of many bytes", folder.join("link")).unwrap();
    let rules = Rules { exclude_larger_than: Some(10), ..Rules::default() };
    let (seen, left_out) = seen(&folder, &rules);
    assert_eq!(seen, ["link", "small"]);
    assert_eq!(left_out, [("large".to_owned(), Why::Size)]);
}

#[test]
fn the_backup_itself_is_never_backed_up() {
    let folder = Folder::new();
    folder.write("store/object", b"");
    folder.write("db/catalogue", b"");
    folder.write("x", b"");
    // A second path to the same thing: found by identity.
    fs::hard_link(folder.join("db/catalogue"), folder.join("alias")).unwrap();
    symlink("store", folder.join("link")).unwrap();
    let elsewhere = Folder::new();
    symlink(folder.path(), elsewhere.join("way")).unwrap();
    let never = vec![
        elsewhere.join("way/store"),
        folder.join("db/catalogue"),
        folder.join("db/not-yet-there"),
    ];
    let rules = Rules { never, ..Rules::default() };
    folder.write("db/not-yet", b"");
    let source = open(&[folder.path()], rules.clone());
    folder.write("db/not-yet-there", b"");
    let mut walk = source.walk(0).0;
    assert_eq!(beneath(&folder, &all(&mut walk)), ["db", "db/not-yet", "link", "x"]);
    assert_eq!(walk.excluded().never, 4);
    // They are named though nobody asked for that: the record of the run says them.
    assert_eq!(walk.take_excluded().len(), 4);
    // Seen through a link that is a root, it is the same.
    let source = open(&[elsewhere.join("way")], rules.clone());
    let seen = beneath(&elsewhere, &all(&mut source.walk(0).0));
    assert_eq!(
        seen,
        ["way", "way/db", "way/db/not-yet", "way/db/not-yet-there", "way/link", "way/x"]
            .into_iter()
            .filter(|p| !p.ends_with("there"))
            .collect::<Vec<_>>()
    );
    let inside = Source::open(&[folder.join("store")], rules, Arc::new(OpenGate), clock()).err();
    assert!(matches!(inside, Some(RootProblem::LeftOut { .. })));
}

#[test]
fn a_named_root_is_not_lost_within_another() {
    let folder = Folder::new();
    folder.write("a/b/x", b"");
    let refused = |rules: Rules, inner: &str| {
        let roots: [PathBuf; 2] = [folder.path(), folder.join(inner)];
        Source::open(&roots, rules, Arc::new(OpenGate), clock())
            .err()
            .map(|problem| problem.to_string())
    };
    let rules = Rules { excludes: vec!["/a".into()], ..Rules::default() };
    assert!(refused(rules, "a/b").unwrap().contains("\"/a\""));
    assert_eq!(refused(Rules::default(), "a/b"), None);
    symlink("a", folder.join("link")).unwrap();
    assert!(refused(Rules::default(), "link").unwrap().contains("link"));
    let whole = Rules { excludes: vec![folder.path().display().to_string()], ..Rules::default() };
    assert!(matches!(
        Source::open(&[folder.path()], whole, Arc::new(OpenGate), clock()).err(),
        Some(RootProblem::LeftOut { .. })
    ));
    let bad = Rules { excludes: vec!["[a".into()], ..Rules::default() };
    assert!(matches!(
        Source::open(&[folder.path()], bad, Arc::new(OpenGate), clock()).err(),
        Some(RootProblem::BadPattern { .. })
    ));
}

#[test]
fn a_pattern_counts_from_a_root_within_a_root_too() {
    let folder = Folder::new();
    for name in ["cache", "dave/cache", "dave/x/cache", "dave/keep.o", "b.o"] {
        folder.write(name, b"");
    }
    let excludes = ["/cache", "*.o", "!/keep.o"].map(String::from).into();
    let roots = [folder.path(), folder.join("dave")];
    let rules = Rules { excludes, ..Rules::default() };
    let together = open(&roots, rules.clone());
    let seen = beneath(&folder, &all(&mut together.walk(0).0));
    assert_eq!(seen, ["dave", "dave/keep.o", "dave/x", "dave/x/cache"]);
    // Alone it shows the same.
    let alone = open(&roots[1..], rules);
    assert_eq!(beneath(&folder, &all(&mut alone.walk(0).0)), seen);
}

#[test]
fn an_inode_that_was_the_backups_is_not_left_out_for_that() {
    let folder = Folder::new();
    let run = folder.write("db/catalogue.run", b"1");
    // The system gives the inode of a file that was replaced to another one.
    fs::hard_link(&run, folder.join("letter")).unwrap();
    folder.write("db/other", b"");
    let rules = Rules { beside: vec![run], ..Rules::default() };
    let source = open(&[folder.path()], rules);
    assert_eq!(beneath(&folder, &all(&mut source.walk(0).0)), ["db", "db/other", "letter"]);
}

#[test]
fn a_pattern_that_can_match_nothing_is_reported() {
    let folder = Folder::new();
    folder.write("root/x", b"");
    let root = folder.join("root");
    let above = folder.path().display().to_string();
    let below = root.join("x").display().to_string();
    let excludes = [&above, "../x", "./x", "a//b", "~/x", "/usr", "/x", "x", "*.o", "!y", &below];
    let rules = Rules { excludes: excludes.map(String::from).into(), ..Rules::default() };
    let source = open(&[root], rules);
    let useless: Vec<_> = source.useless_patterns().map(|(pattern, _)| pattern).collect();
    assert_eq!(useless, [&above, "../x", "./x", "a//b", "~/x", "/usr"]);
}

#[test]
fn other_file_systems_leave_an_empty_mount_point() {
    // Every Linux system mounts something below /dev or /proc; which does not matter.
    let rules = Rules { one_file_system: true, record_excluded: true, ..Rules::default() };
    let Ok(source) = Source::open(&["/dev".into()], rules, Arc::new(OpenGate), clock()) else {
        return;
    };
    use crate::model::Side;
    use std::os::unix::fs::MetadataExt;
    let (Ok(dev), Ok(pts)) = (fs::metadata("/dev"), fs::metadata("/dev/pts")) else { return };
    if dev.dev() == pts.dev() {
        return;
    }
    let mut walk = source.walk(0).0;
    let top = walk.list(&(), &tree_path("/dev".as_ref())).unwrap().entries;
    assert!(top.iter().any(|entry| entry.name.as_bytes() == b"pts"));
    assert_eq!(walk.list(&(), &tree_path("/dev/pts".as_ref())).unwrap().entries, []);
    assert_eq!(walk.excluded().other_file_system, 1);
}

#[test]
fn leftovers_of_an_interrupted_restore_are_left_out() {
    let folder = Folder::new();
    let left = ["a", "b"].map(|name| format!(".keepmum-00000000000000f{name}.tmp"));
    folder.write(&left[0], b"half");
    folder.write(format!("sub/{}", left[0]), b"half");
    fs::create_dir(folder.join(&left[1])).unwrap();
    symlink("nowhere", folder.join("sub").join(&left[1])).unwrap();
    // Somebody's own: a folder that holds something, and names that are nearly alike.
    folder.write(".keepmum-0123456789abcdef.tmp/mine", b"");
    for name in ["!", ".keepmum-", ".keepmum-0123456789abcdeF.tmp", ".keepmum-1.tmp", "z"] {
        folder.write(name, b"");
    }
    let (seen, left_out) = seen(&folder, &Rules::default());
    let expected = [
        "!",
        ".keepmum-",
        ".keepmum-0123456789abcdeF.tmp",
        ".keepmum-0123456789abcdef.tmp",
        ".keepmum-0123456789abcdef.tmp/mine",
        ".keepmum-1.tmp",
        "sub",
        "z",
    ];
    assert_eq!(seen, expected);
    let mut left_out = left_out;
    left_out.sort_by(|a, b| a.0.cmp(&b.0));
    let sub = [format!("sub/{}", left[0]), format!("sub/{}", left[1])];
    let all = left.into_iter().chain(sub);
    assert_eq!(left_out, all.map(|path| (path, Why::Unfinished)).collect::<Vec<_>>());
}
