//! Tests of what typed paths mean, without a snapshot.

use std::path::PathBuf;
use std::time::Instant;

use super::asked::Around;
use super::expand::{Names, Place, groups, tree_path};
use super::pattern::{Places, check, is_pattern};
use crate::model::TreePath;

fn around() -> Around {
    Around {
        home: Some(PathBuf::from("/home/anna")),
        folders: vec![PathBuf::from("/home/anna/now")],
    }
}

fn roots(roots: &[&str]) -> Vec<TreePath> {
    roots.iter().map(|root| TreePath::new(root.as_bytes()).unwrap()).collect()
}

/// The places of a typed path as text; those of one group on one line.
fn places(typed: &str, around: &Around, recorded: &[&str]) -> Vec<String> {
    let groups = groups(typed.as_bytes(), around, &roots(recorded));
    let shown = |place: &Place| format!("/{}", String::from_utf8_lossy(&place.names.join(&b'/')));
    groups.iter().map(|group| group.0.iter().map(shown).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn an_absolute_path_is_one_place() {
    for (typed, place) in [
        ("/a/b", "/a/b"),
        ("//a///b//", "/a/b"),
        ("/", "/"),
        ("/a/./b/../c", "/a/c"),
        ("/../..", "/"),
        ("/a/~/b", "/a/~/b"),
    ] {
        assert_eq!(places(typed, &around(), &["home/anna/Documents"]), [place], "{typed}");
    }
}

#[test]
fn a_tilde_is_the_home_here_and_then_the_home_there() {
    let all = ["home/ben/Documents", "home/ben/Photos", "srv"];
    assert_eq!(places("~/x", &around(), &all), ["/home/anna/x", "/home/ben/x"]);
    assert_eq!(places("~", &around(), &["srv"]), ["/home/anna"]);
    assert_eq!(places("~/x", &Around::default(), &["Users/ben/D"]), ["/Users/ben/x"]);
    assert_eq!(places("~/x", &Around::default(), &["root/d"]), [["/root", "x"].join("/")]);
    assert!(places("~/x", &Around::default(), &["srv"]).is_empty());
    // Such names are those of files that an office program left, or of another user.
    assert_eq!(places("~$a.docx", &Around::default(), &[]), ["/~$a.docx"]);
}

#[test]
fn a_relative_path_is_tried_here_then_in_the_roots_then_beside_them() {
    let all = ["home/anna/Documents", "srv/Photos"];
    assert_eq!(
        places("a/b", &around(), &all),
        ["/home/anna/now/a/b", "/home/anna/Documents/a/b /srv/Photos/a/b", "/a/b"]
    );
    assert_eq!(
        places("Photos/a", &around(), &all),
        [
            "/home/anna/now/Photos/a",
            "/home/anna/Documents/Photos/a /srv/Photos/Photos/a",
            "/srv/Photos/a",
            "/Photos/a"
        ]
    );
    // Nothing leads out of a root by the way of it.
    assert_eq!(places("../x", &around(), &all), ["/home/anna/x", "/x"]);
    assert_eq!(places(".", &around(), &[]), ["/home/anna/now", "/"]);
}

/// The name of the current folder, of the home or of a root was not typed.
#[test]
fn the_folder_that_a_path_counts_from_is_no_pattern() {
    let around = Around {
        home: Some(PathBuf::from("/home/an*a")),
        folders: vec![PathBuf::from("/src/we*rd/[bad")],
    };
    for (typed, left) in [("n?", "n?"), ("../n?", "n?"), ("~/n?", "n?"), ("/a*/n?", "a*/n?")] {
        for group in groups(typed.as_bytes(), &around, &roots(&["home/[x]/d"])) {
            for place in group.0.iter().filter(|place| place.given > 0 || typed.starts_with('/')) {
                assert_eq!(place.typed().join(&b'/'), left.as_bytes(), "{typed}: {place:?}");
            }
        }
    }
    let first = |typed: &[u8]| groups(typed, &around, &[]).swap_remove(0).0.swap_remove(0);
    assert_eq!((first(b"n?").given, first(b"../../../n?").given), (3, 0));
}

#[test]
fn a_record_with_very_many_roots_costs_no_more() {
    let many: Vec<String> = (0..100_000).map(|number| format!("r/{number:06}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let groups = groups(b"x", &around(), &roots(&many));
    assert!(groups.iter().all(|group| group.0.len() <= 256));
}

#[test]
fn names_that_no_snapshot_can_have_are_no_path() {
    let names = |names: &[&[u8]]| names.iter().map(|name| name.to_vec()).collect::<Names>();
    assert!(tree_path(&names(&[b"a", &[b'x'; 1023]])).is_some());
    assert!(tree_path(&names(&[b"a", &[b'x'; 1024]])).is_none());
    assert!(tree_path(&names(&[b"a\0b"])).is_none());
    assert!(tree_path(&vec![vec![b'x'; 1000]; 200]).is_none());
    assert_eq!(tree_path(&names(&[])), Some(TreePath::root()));
}

/// Whether a path matches, found by a walk from the top.
fn matches(pattern: &str, path: &str) -> bool {
    let split =
        |text: &str| -> Names { text.split('/').map(|name| name.as_bytes().to_vec()).collect() };
    let (pattern, path) = (split(pattern), split(path));
    let mut places = Some(Places::at(&pattern, 0));
    let mut is_whole = false;
    for name in &path {
        let Some(here) = places.take() else { return false };
        let step = here.step(&pattern, name);
        (places, is_whole) = (step.beneath, step.is_whole);
    }
    is_whole
}

#[test]
fn wildcards_match_within_names_and_two_stars_match_folders() {
    for (pattern, path) in [
        ("a/*.odt", "a/b.odt"),
        ("a/*.odt", "a/.odt"),
        ("a/?", "a/b"),
        ("a/[bc]", "a/c"),
        ("*/b", "a/b"),
        ("**/b", "b"),
        ("**/b", "x/y/b"),
        ("a/**/b", "a/b"),
        ("a/**/b/**/c", "a/x/b/y/z/c"),
        ("a/**", "a/x/y"),
        ("**", "a"),
        ("a\\*b", "a*b"),
        ("[x]*/[y", "[x]*/[y"),
    ] {
        assert!(matches(pattern, path), "{pattern} {path}");
    }
    for (pattern, path) in [
        ("a/*.odt", "a/b/c.odt"),
        ("a/**", "a"),
        ("**/b", "b/c"),
        ("*", "a/b"),
        ("a\\*b", "axb"),
        ("a/?", "a/bc"),
        ("[!a]", "a"),
    ] {
        assert!(!matches(pattern, path), "{pattern} {path}");
    }
    assert!(is_pattern(b"a*") && is_pattern(b"[a]") && is_pattern(b"a\\b") && !is_pattern(b"a b~"));
    assert!(check(&[b"[a".to_vec()]).is_err() && check(&[b"a\\".to_vec()]).is_err());
}

#[test]
fn hostile_patterns_take_no_time() {
    let begun = Instant::now();
    let name = "a".repeat(255);
    assert!(!matches(&("a*".repeat(120) + "b"), &name));
    assert!(!matches(&("*a".repeat(120) + "*b*"), &name));
    let deep = vec!["a"; 200].join("/");
    assert!(!matches(&("**/".repeat(40) + "b"), &deep));
    assert!(!matches(&("**/a/".repeat(40) + "b"), &deep));
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}
