//! The rules of this house that can be checked by reading: imports, sizes, forbidden calls, and
//! that each promise has its test.
//!
//! A rule that is broken for a good reason is changed here, with the reason beside it.

#![allow(clippy::unwrap_used, reason = "in a test, what is not there is a failure")]

#[path = "house/promises.rs"]
mod promises;
#[path = "house/rooms.rs"]
mod rooms;
#[path = "house/sources.rs"]
mod sources;
#[path = "house/words.rs"]
mod words;

use sources::{Source, files, item_end, root, sources, text};

/// Names that only some rooms may use: one place for each risk.
const ONLY_IN: [(&str, &[&str]); 15] = [
    ("ring::", &["crypto"]),
    ("aes_siv::", &["crypto"]),
    ("argon2::", &["crypto"]),
    ("aes::", &["chunk"]),
    ("rusqlite::", &["catalogue"]),
    ("zstd::", &["compress"]),
    ("minicbor::", &["format"]),
    ("ignore::", &["source"]),
    ("crossbeam_channel::", &["pipeline"]),
    ("thread::spawn", &["pipeline"]),
    ("thread::scope", &["pipeline"]),
    ("thread::Builder", &["pipeline"]),
    ("thread::sleep", &["seam"]),
    ("TcpStream", &[]),
    ("Command::new", &[]),
];

/// Calls that the library never makes.
const ABSENT: [&str; 10] = [
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "dbg!",
    "std::env",
    "env::var",
    "SystemTime::now",
    "Instant::now",
    "getrandom",
];

/// The files that may: they are the door.
const DOOR: [&str; 2] = ["crates/keepmum/src/seam/real.rs", "crates/keepmum/src/seam/real/"];

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;

/// Longer files, and why.
const LONG_FILES: [(&str, &str); 2] = [
    ("reader/repository.py", "the whole format in one file, to be read beside doc/format.md"),
    ("reader/test_reader.py", "goes with the one file that it tests"),
];

/// Longer functions (`path::name`), and why.
const LONG_FUNCTIONS: [(&str, &str); 0] = [];

/// Names under which rooms without a purpose grow.
const BANNED_NAMES: [&str; 8] =
    ["util", "utils", "misc", "helper", "helpers", "manager", "managers", "common"];

/// Words that tell where something was written instead of describing it.
const BANNED_WORDS: [&str; 8] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("sub", "agent"),
    concat!("assis", "tant"),
    concat!("language ", "model"),
    concat!("index.", "crates"),
];

/// Fails with everything that was found.
fn none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where a word stands in code, not as a part of another one.
fn places<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code.as_bytes().get(at.wrapping_sub(1)).copied().is_some_and(is_word);
        let after = code.as_bytes().get(at + word.len()).copied().is_some_and(is_word);
        let joined_before = before && word.bytes().next().is_some_and(is_word);
        let joined_after = after && word.bytes().last().is_some_and(is_word);
        !joined_before && !joined_after
    })
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn first_word(code: &str) -> &str {
    let code = code.trim_start();
    &code[..code.bytes().position(|byte| !is_word(byte)).unwrap_or(code.len())]
}

/// The rooms that a file names: by `crate::`, and by `super::` beyond the top of its own.
fn imports(source: &Source, depth: usize) -> Vec<(usize, String)> {
    let code = &source.own;
    let mut found = Vec::new();
    let mut add = |at: usize, rest: &str| match rest.strip_prefix('{') {
        None => found.push((line_of(code, at), first_word(rest).to_owned())),
        Some(group) => {
            let mut level = 0;
            let mut begins = true;
            for (index, byte) in group.bytes().enumerate() {
                match byte {
                    b'{' => level += 1,
                    b'}' if level == 0 => break,
                    b'}' => level -= 1,
                    b',' if level == 0 => begins = true,
                    _ if begins && is_word(byte) => {
                        found.push((line_of(code, at), first_word(&group[index..]).to_owned()));
                        begins = false;
                    }
                    _ => {}
                }
            }
        }
    };
    for at in places(code, "crate::") {
        add(at, &code[at + "crate::".len()..]);
    }
    for at in places(code, "super::").filter(|at| !code[..*at].ends_with("super::")) {
        let above = code[at..].split("super::").take_while(|part| part.is_empty()).count();
        if above > depth {
            add(at, &code[at + above * "super::".len()..]);
        }
    }
    found
}

#[test]
fn no_verb_calls_another() {
    const VERBS: [&str; 9] =
        ["backup", "check", "diff", "dump", "init", "key", "list", "restore", "status"];
    let mut found = Vec::new();
    for source in sources() {
        if source.room().is_none_or(|(room, _)| room != "ops")
            || source.path.ends_with("ops/mod.rs")
        {
            continue;
        }
        let within = source.path.split("/ops/").nth(1).unwrap_or_default();
        let own = VERBS
            .into_iter()
            .find(|verb| within == format!("{verb}.rs") || within.starts_with(&format!("{verb}/")));
        for verb in VERBS.into_iter().filter(|verb| own.is_some() && own != Some(*verb)) {
            // Not even its internals: parts shared by verbs lie in files of their own.
            let more = places(&source.own, &format!("super::{verb}::")).collect::<Vec<_>>();
            let more = more.into_iter().map(|at| line_of(&source.own, at));
            found.extend(more.map(|line| format!("{}:{line}: {verb}", source.path)));
        }
        for verb in VERBS {
            let call = format!("{verb}::{verb}");
            let more = places(&source.own, &call);
            found.extend(more.map(|at| format!("{}:{}", source.path, line_of(&source.own, at))));
        }
    }
    none("a verb calls another", &found);
}

#[test]
fn each_risk_is_in_one_place() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.is_library()) {
        let room = source.room().map_or("", |(room, _)| room);
        for (word, rooms) in ONLY_IN {
            for at in places(&source.own, word).filter(|_| !rooms.contains(&room)) {
                found.push(format!("{}:{}: {word}", source.path, line_of(&source.own, at)));
            }
        }
        if source.path == DOOR[0] || source.path.starts_with(DOOR[1]) {
            continue;
        }
        for word in ABSENT {
            for at in places(&source.own, word) {
                found.push(format!("{}:{}: {word}", source.path, line_of(&source.own, at)));
            }
        }
    }
    none("only certain rooms, or none, may do this", &found);
}

#[test]
fn nothing_is_unsafe_and_imports_are_explicit() {
    let mut found = Vec::new();
    for source in sources() {
        let unsafe_word = places(&source.code, concat!("un", "safe"));
        found.extend(unsafe_word.map(|at| (source.path.clone(), line_of(&source.code, at))));
        let globs = places(&source.own, "::*");
        found.extend(globs.map(|at| (source.path.clone(), line_of(&source.own, at))));
    }
    let found: Vec<_> = found.iter().map(|(path, line)| format!("{path}:{line}")).collect();
    none("an unsafe block, or an import of everything", &found);
}

#[test]
fn files_are_short() {
    let mut found = Vec::new();
    for path in files().iter().filter(|path| path.ends_with(".rs") || path.ends_with(".py")) {
        let lines = text(path).unwrap().lines().count();
        match LONG_FILES.iter().any(|(long, _)| long == path) {
            true if lines <= FILE_LINES => found.push(format!("{path} is no exception any more")),
            false if lines > FILE_LINES => found.push(format!("{path}: {lines} lines")),
            _ => {}
        }
    }
    none("files of more than 400 lines", &found);
}

#[test]
fn functions_are_short() {
    let mut found = Vec::new();
    let mut seen = 0;
    for source in sources() {
        for at in places(&source.code, "fn ") {
            let name = first_word(&source.code[at + 3..]);
            let Some(end) = item_end(&source.code[at..]) else { continue };
            let lines = line_of(&source.code[at..at + end], end);
            seen += 1;
            let function = format!("{}::{name}", source.path);
            let excepted = LONG_FUNCTIONS.iter().any(|(long, _)| *long == function);
            if lines > FUNCTION_LINES && !excepted {
                found.push(format!("{function}: {lines} lines"));
            }
        }
    }
    none("functions of more than 70 lines", &found);
    assert!(seen > 800, "only {seen} functions were found");
}

#[test]
fn names_and_words_are_those_of_the_field() {
    let mut found = Vec::new();
    for path in files() {
        let mut words = path.split(|c: char| !c.is_alphanumeric());
        if words.any(|word| BANNED_NAMES.contains(&word)) {
            found.push(path.clone());
        }
        if path == "Cargo.lock" {
            continue;
        }
        for (number, line) in text(&path).unwrap_or_default().lines().enumerate() {
            for word in BANNED_WORDS.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{path}:{}: {word}", number + 1));
            }
        }
    }
    for source in sources() {
        for at in places(&source.code, "mod ") {
            let mut words = first_word(&source.code[at + 4..]).split('_');
            if words.any(|word| BANNED_NAMES.contains(&word)) {
                found.push(format!("{}:{}", source.path, line_of(&source.code, at)));
            }
        }
    }
    none("words that say nothing, or that belong elsewhere", &found);
}

#[test]
fn every_dependency_is_used_and_has_its_reason() {
    let reasons = text("doc/decisions/0002-dependencies.md").unwrap();
    let mut found = Vec::new();
    for package in ["keepmum", "keepmum-cli"] {
        let folder = format!("crates/{package}/");
        let mine: Vec<_> =
            sources().into_iter().filter(|source| source.path.starts_with(&folder)).collect();
        let manifest = text(&format!("{folder}Cargo.toml")).unwrap();
        let sections = manifest.split("\n[").filter(|part| {
            part.starts_with("dependencies]") || part.starts_with("dev-dependencies]")
        });
        for line in sections.flat_map(|part| part.lines().skip(1)) {
            let Some((name, _)) = line.split_once(" = ") else { continue };
            let word = name.replace('-', "_");
            if !mine.iter().any(|source| places(&source.code, &word).next().is_some()) {
                found.push(format!("{package}: nothing uses {name}"));
            }
            if name != "keepmum" && !reasons.contains(&format!("`{name}`")) {
                found.push(format!("{package}: no reason is given for {name}"));
            }
        }
    }
    // And each that has a reason there is still one.
    let manifests: Vec<String> = ["keepmum", "keepmum-cli"]
        .map(|package| text(&format!("crates/{package}/Cargo.toml")).unwrap())
        .to_vec();
    for line in reasons.lines() {
        let Some((name, _)) = line.strip_prefix("| `").and_then(|row| row.split_once('`')) else {
            continue;
        };
        let is_one = |line: &str| line.split_once(" = ").is_some_and(|(first, _)| first == name);
        if !manifests.iter().flat_map(|manifest| manifest.lines()).any(is_one) {
            found.push(format!("no manifest has {name}, which has a reason"));
        }
    }
    none("dependencies", &found);
    assert!(root().join("deny.toml").exists());
}
