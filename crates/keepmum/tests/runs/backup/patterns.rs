//! Exclude patterns are gitignore's: git itself is asked, for patterns of every kind.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::support::{Dice, setting};
use keepmum::inside::model::{FoundKind, Side, TreePath};
use keepmum::inside::seam::{OpenGate, RealClock};
use keepmum::inside::source::{Rules, Source, check_pattern};

/// Names that patterns find hard to distinguish.
const NAMES: [&str; 22] = [
    "a",
    "b",
    "ab",
    "abc",
    "a.o",
    "b.o",
    "d",
    "{a,d}",
    "{8A69-D5}",
    "UPPER",
    "Mixed",
    "u]x",
    "x ",
    "[z]",
    "z",
    "!n",
    "#h",
    "a\\b",
    "é",
    "a-b",
    "^",
    "*",
];
/// The building blocks of patterns.
const PARTS: [&str; 46] = [
    "a",
    "b",
    "ab",
    "d",
    "x",
    "z",
    "foo",
    "/",
    "/",
    "/",
    "*",
    "*",
    "?",
    "**",
    "**/",
    "/**",
    "/**/",
    "[ab]",
    "[!a]",
    "[^a]",
    "[a-c]",
    "[]x]",
    "[!]a]",
    "[[:upper:]]",
    "[[:alpha:][:digit:]]",
    "[a-]",
    "[\\]]",
    "[\\a-c]",
    "[[:lower:]-z]",
    "{a,d}",
    "{",
    "}",
    ",",
    "\\*",
    "\\{",
    "\\a",
    ".o",
    "\\ ",
    " ",
    "!",
    "#",
    "]",
    "-",
    "é",
    "U*",
    "[[]z]",
];
/// Patterns that are hard on their own.
const HARD: [&str; 40] = [
    "{8A69-D5}",
    "{a,d}",
    "[[:upper:]]*",
    "x\\ ",
    "x[ ]",
    "\\!n",
    "\\#h",
    "!n",
    "#h",
    "a{",
    "}",
    "*",
    "/*",
    "*/",
    "**",
    "/**",
    "a/**",
    "**/a",
    "a/**/b",
    "a/*/b",
    "/a",
    "a/",
    "/a/b",
    "foo**/b",
    "a**b",
    "a**",
    "**b",
    "[[:space:]]",
    "x\\ \\ ",
    "x  ",
    "a/b/",
    "//a",
    "a//b",
    "./a",
    "../a",
    "\\a",
    "a\\\\b",
    "[a-c]/b",
    "a[/]b",
    "a?b",
];

fn tree(folder: &Path) {
    for (number, name) in NAMES.iter().enumerate() {
        let at = folder.join(name);
        if number % 3 == 2 {
            fs::write(&at, "x").unwrap();
            continue;
        }
        for (number, inner) in NAMES.iter().enumerate() {
            match number % 5 {
                0 => fs::create_dir_all(at.join(inner).join("b")).unwrap(),
                1 => fs::create_dir_all(at.join("foo").join(inner)).unwrap(),
                _ => fs::create_dir_all(&at).unwrap(),
            }
            if number % 5 > 1 {
                fs::write(at.join(inner), "x").unwrap();
            } else if number % 2 == 0 {
                fs::write(at.join(inner).join("a.o"), "x").unwrap_or_default();
            }
        }
    }
}

/// All that lies beneath a folder, and all of it that a source shows.
fn seen(folder: &Path, excludes: &[String]) -> BTreeSet<Vec<u8>> {
    let rules = Rules { excludes: excludes.to_vec(), ..Rules::default() };
    let clock = Arc::new(RealClock::start());
    let source = Source::open(&[folder.to_owned()], rules, Arc::new(OpenGate), clock).unwrap();
    let (mut walk, _) = source.walk(0);
    let top = folder.as_os_str().as_bytes()[1..].to_vec();
    let mut open = vec![TreePath::new(&top).unwrap()];
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop() {
        for entry in walk.list(&(), &path).unwrap().entries {
            let at = path.join(&entry.name);
            seen.insert(at.as_bytes()[top.len() + 1..].to_vec());
            if entry.kind == FoundKind::Directory {
                open.push(at);
            }
        }
    }
    seen
}

/// Those of these paths that git ignores.
fn ignored(git: &Path, paths: &BTreeSet<Vec<u8>>, patterns: &[String]) -> BTreeSet<Vec<u8>> {
    fs::write(git.join(".git/info/exclude"), patterns.join("\n") + "\n").unwrap();
    let mut child = Command::new("git")
        .current_dir(git)
        .args(["-c", "core.excludesFile=/dev/null"])
        .args(["check-ignore", "--no-index", "--stdin", "-z"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: Vec<u8> =
        paths.iter().flat_map(|path| [b"./", path.as_slice(), b"\0"].concat()).collect();
    let writer = std::thread::spawn(move || input.write_all(&lines).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let lines = output.stdout.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    lines.map(|line| line.strip_prefix(b"./").unwrap_or(line).to_vec()).collect()
}

#[test]
fn files_that_git_ignores_are_left_out_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let made = Command::new("git").args(["init", "-q"]).arg(&folder).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("there is no git to compare with");
        return;
    }
    tree(&folder);
    let all: BTreeSet<_> =
        seen(&folder, &["/.git".into()]).into_iter().filter(|p| !p.starts_with(b".git")).collect();
    let mut dice = Dice::new(setting("KEEPMUM_SEED", 1));
    let made_up = (0..setting("KEEPMUM_CASES", 400)).map(|number| {
        let count = if number % 4 == 0 { 2 } else { 1 };
        let pattern = |dice: &mut Dice| -> String {
            (0..1 + dice.below(4)).map(|_| PARTS[dice.below(PARTS.len())]).collect()
        };
        (0..count).map(|_| pattern(&mut dice)).collect::<Vec<_>>()
    });
    let hard = HARD.iter().map(|one| vec![(*one).to_owned()]);
    let mut compared = 0;
    for patterns in hard.chain(made_up.collect::<Vec<_>>()) {
        let expected = ignored(&folder, &all, &patterns);
        let (good, bad): (Vec<_>, Vec<_>) =
            patterns.into_iter().partition(|one| check_pattern(one).is_ok());
        if !bad.is_empty() {
            // A pattern refused here matches nothing there.
            assert!(ignored(&folder, &all, &bad).is_empty(), "{bad:?} is refused");
            continue;
        }
        let mut rules = good.clone();
        rules.insert(0, "/.git".to_owned());
        let kept = seen(&folder, &rules);
        let left_out: BTreeSet<_> = all.difference(&kept).cloned().collect();
        let text = |set: BTreeSet<Vec<u8>>, other: &BTreeSet<Vec<u8>>| {
            let only = set.difference(other).take(5);
            only.map(|p| String::from_utf8_lossy(p).into_owned()).collect::<Vec<_>>()
        };
        assert!(
            left_out == expected,
            "{good:?}: only left out here {:?}, only ignored by git {:?}",
            text(left_out.clone(), &expected),
            text(expected.clone(), &left_out)
        );
        compared += 1;
    }
    assert!(compared > 300, "only {compared} were compared");
}
