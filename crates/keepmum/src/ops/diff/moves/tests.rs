//! Tests of moves, on lines without any snapshot.

use std::time::Instant;

use super::{Held, HeldBack, Likeness};
use crate::model::TreePath;
use crate::ops::diff::report::DiffKind;
use crate::session::report::EntryKind;

/// `+ /a/b 7`: a line of a file with this content; one that ends in a slash is a folder, whose
/// number is its node, if it has one.
fn held(text: &str) -> Held<()> {
    let mut words = text.split(' ');
    let change = match words.next().unwrap() {
        "+" => DiffKind::Added,
        "-" => DiffKind::Removed,
        _ => DiffKind::Content,
    };
    let path = words.next().unwrap();
    let is_folder = path.ends_with('/');
    let path = TreePath::new(path.trim_matches('/').as_bytes()).unwrap();
    let kind = if is_folder { EntryKind::Directory } else { EntryKind::File };
    let likeness = words.next().map(|content| Likeness::of(&content, is_folder));
    Held {
        path,
        from: None,
        kind,
        change,
        aspects: Vec::new(),
        old_size: None,
        new_size: None,
        likeness,
        old: None,
        new: None,
    }
}

/// What is left of these lines, which need not be in order.
fn moved(lines: &[&str]) -> Vec<String> {
    let mut all: Vec<Held<()>> = lines.iter().map(|line| held(line)).collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    let mut back = HeldBack::default();
    for held in all {
        assert!(!back.add(held));
    }
    let shown = |held: Held<()>| match (held.change, held.from) {
        (DiffKind::Moved, Some(from)) => format!("R {from} -> {}", held.path),
        (DiffKind::Added, None) => format!("+ {}", held.path),
        (DiffKind::Removed, None) => format!("- {}", held.path),
        (_, None) => format!("M {}", held.path),
        other => panic!("{other:?}"),
    };
    let lines =
        back.with_moves::<std::convert::Infallible>(&mut |_, _, ()| Ok(Vec::new())).unwrap();
    lines.into_iter().map(shown).collect()
}

#[test]
fn a_file_that_moved_is_one_line() {
    assert_eq!(moved(&["- /a 1", "+ /b 1"]), ["R /a -> /b"]);
    assert_eq!(moved(&["- /a 1", "+ /b 2"]), ["- /a", "+ /b"]);
    assert_eq!(moved(&["- /a 1", "+ /b 1", "+ /c 1"]), ["R /a -> /b", "+ /c"]);
    assert_eq!(moved(&["M /a 1", "+ /b 1"]), ["M /a", "+ /b"]);
    assert_eq!(moved(&["- /a", "+ /b"]), ["- /a", "+ /b"]);
    // The same name comes first.
    assert_eq!(
        moved(&["- /x/a 1", "- /x/b 1", "+ /y/b 1", "+ /z 1"]),
        ["R /x/b -> /y/b", "R /x/a -> /z"]
    );
}

#[test]
fn a_folder_that_moved_is_one_line_with_all_that_is_in_it() {
    let by_node = ["- /a/ 9", "- /a/x 1", "- /a/y 2", "+ /b/ 9", "+ /b/x 1", "+ /b/y 2"];
    assert_eq!(moved(&by_node), ["R /a -> /b"]);
    let by_files = [
        "- /a/",
        "- /a/s/",
        "- /a/s/x 1",
        "- /a/y 2",
        "+ /b/",
        "+ /b/s/",
        "+ /b/s/x 1",
        "+ /b/y 2",
    ];
    assert_eq!(moved(&by_files), ["R /a -> /b"]);
    // Two folders with the same content are not mixed up.
    let two = [
        "- /a/ 8", "- /a/x 1", "- /b/ 9", "- /b/x 1", "- /b/y 2", "+ /c/ 9", "+ /c/x 1",
        "+ /c/y 2", "+ /d/ 8", "+ /d/x 1",
    ];
    assert_eq!(moved(&two), ["R /b -> /c", "R /a -> /d"]);
}

#[test]
fn a_folder_of_which_something_stayed_or_changed_is_not_one_line() {
    assert_eq!(
        moved(&["- /a/ 8", "- /a/x 1", "- /a/y 2", "+ /b/ 9", "+ /b/x 1"]),
        ["- /a", "- /a/y", "+ /b", "R /a/x -> /b/x"]
    );
    assert_eq!(
        moved(&["- /a/", "- /a/x 1", "+ /b/", "+ /b/other 1"]),
        ["- /a", "+ /b", "R /a/x -> /b/other"]
    );
    assert_eq!(
        moved(&["- /IMG_1 1", "- /IMG_2 2", "+ /2026/", "+ /2026/IMG_1 1", "+ /2026/IMG_2 2"]),
        ["+ /2026", "R /IMG_1 -> /2026/IMG_1", "R /IMG_2 -> /2026/IMG_2"]
    );
}

#[test]
fn an_empty_folder_is_known_by_what_it_is_and_its_name() {
    assert_eq!(moved(&["- /a/e/ 1", "+ /b/e/ 1"]), ["R /a/e -> /b/e"]);
    assert_eq!(moved(&["- /a/", "+ /b/"]), ["- /a", "+ /b"]);
}

#[test]
fn deep_and_many_folders_take_no_time() {
    let begun = Instant::now();
    let mut deep = Vec::new();
    for (sign, top) in [("-", "a"), ("+", "b")] {
        let mut path = String::new();
        for depth in 0..1_000 {
            path.push_str(if depth == 0 { top } else { "/d" });
            deep.push(format!("{sign} /{path}/"));
            deep.push(format!("{sign} /{path}/f {depth}"));
        }
    }
    let deep: Vec<&str> = deep.iter().map(String::as_str).collect();
    assert_eq!(moved(&deep), ["R /a -> /b"]);
    let wide: Vec<String> = (0..20_000)
        .flat_map(|at| [format!("- /a/{at}/ {at}"), format!("+ /b/{at}/ {at}")])
        .chain((0..20_000).flat_map(|at| [format!("- /a/{at}/f 1"), format!("+ /b/{at}/f 1")]))
        .collect();
    let wide: Vec<&str> = wide.iter().map(String::as_str).collect();
    assert_eq!(moved(&wide).len(), 20_000);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
