//! The files of this project, and the code in a Rust file: without comments, without the content of
//! literals, and without parts that are only compiled for tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Folders that are no part of the project: paths, or names anywhere.
const SKIPPED: [&str; 5] = ["/target", "/.git", ".venv", "venv", "__pycache__"];

/// The top folder of the project.
pub(super) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// All files of the project: paths from its top folder, sorted.
pub(super) fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let top = if folder.is_empty() { format!("/{name}") } else { String::new() };
            if SKIPPED.iter().any(|skipped| *skipped == name || *skipped == top) {
                continue;
            }
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    assert!(found.len() > 200, "only {} files were found", found.len());
    found
}

/// The text of a file, if it is text.
pub(super) fn text(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

/// One Rust file.
pub(super) struct Source {
    pub(super) path: String,
    /// Without comments and literals; lines stay where they are.
    pub(super) code: String,
    /// The same without parts that are compiled for tests only; empty in a test file.
    pub(super) own: String,
}

impl Source {
    /// The room and how deep in it, for a file of the library that is in one.
    pub(super) fn room(&self) -> Option<(&str, usize)> {
        let (room, rest) = self.path.strip_prefix("crates/keepmum/src/")?.split_once('/')?;
        let depth = rest.split('/').count() - usize::from(rest.ends_with("mod.rs"));
        Some((room, depth))
    }

    /// Whether it belongs to the library.
    pub(super) fn is_library(&self) -> bool {
        self.path.starts_with("crates/keepmum/src/")
    }
}

/// All Rust files.
pub(super) fn sources() -> Vec<Source> {
    let mut tests = BTreeSet::new();
    let mut sources = Vec::new();
    for path in files().into_iter().filter(|path| path.ends_with(".rs")) {
        let code = blank(&text(&path).unwrap());
        let mut own = code.clone();
        for module in cut_tests(&mut own) {
            tests.insert(format!("{}/{module}", children_of(&path)));
        }
        sources.push(Source { path, code, own });
    }
    for source in &mut sources {
        let stem = source.path.trim_end_matches(".rs");
        let below = |test: &String| stem == test || stem.starts_with(&format!("{test}/"));
        if source.path.contains("/tests/") || tests.iter().any(below) {
            source.own.clear();
        }
    }
    sources
}

/// The folder in which the modules of a file lie.
fn children_of(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap();
    match file {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        other => format!("{folder}/{}", other.trim_end_matches(".rs")),
    }
}

/// Takes out every item behind `#[cfg(test)]`; answers with the modules that lie in other files.
fn cut_tests(code: &mut String) -> Vec<String> {
    const MARK: &str = "#[cfg(test)]";
    let mut modules = Vec::new();
    while let Some(start) = code.find(MARK) {
        let rest = &code[start + MARK.len()..];
        let end = item_end(rest).unwrap_or(rest.len());
        let item = rest[..end].trim();
        if let Some(module) = item.strip_suffix(';').and_then(|item| item.split_once("mod ")) {
            modules.push(module.1.trim().to_owned());
        }
        let stop = start + MARK.len() + end;
        let lines = "\n".repeat(code[start..stop].matches('\n').count());
        code.replace_range(start..stop, &lines);
    }
    modules
}

/// Where an item ends: behind its first `;` or the end of its first `{ }`.
pub(super) fn item_end(code: &str) -> Option<usize> {
    let (mut nested, mut braces) = (0_i32, 0_i32);
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' => nested += 1,
            b')' | b']' => nested -= 1,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                if braces == 0 {
                    return Some(at + 1);
                }
            }
            b';' if nested == 0 && braces == 0 => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Spaces for comments and for the content of literals; as many bytes and lines as before.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => find(text, at, "\n"),
            b'/' if bytes[at..].starts_with(b"/*") => find(text, at, "*/") + 2,
            b'r' if raw_string(text, at).is_some() => raw_string(text, at).unwrap(),
            b'"' => closing(bytes, at, b'"'),
            b'\'' if is_character(text, at) => closing(bytes, at, b'\''),
            _ => {
                at += 1;
                continue;
            }
        };
        let end = end.min(bytes.len());
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).unwrap()
}

fn find(text: &str, from: usize, what: &str) -> usize {
    text[from..].find(what).map_or(text.len(), |at| from + at)
}

/// Behind the end of a raw string that begins here.
fn raw_string(text: &str, at: usize) -> Option<usize> {
    let before = text[..at].bytes().last().filter(|byte| *byte != b'b');
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let hashes = text[at + 1..].bytes().take_while(|byte| *byte == b'#').count();
    let begin = at + 1 + hashes;
    text[begin..].starts_with('"').then(|| {
        let mark = format!("\"{}", "#".repeat(hashes));
        find(text, begin + 1, &mark) + mark.len()
    })
}

/// Behind the end of a literal with escapes.
fn closing(bytes: &[u8], at: usize, mark: u8) -> usize {
    let mut next = at + 1;
    while next < bytes.len() && bytes[next] != mark {
        next += 1 + usize::from(bytes[next] == b'\\');
    }
    next + 1
}

/// Whether a quote begins a character, and not a lifetime.
fn is_character(text: &str, at: usize) -> bool {
    let mut rest = text[at + 1..].chars();
    match rest.next() {
        Some('\\') => true,
        Some(_) => rest.next() == Some('\''),
        None => false,
    }
}

#[test]
fn code_is_told_from_comments_and_literals() {
    let text = "a /* x */ \"b // c\" 'd' '\\'' &'e f; // g\nr#\"h \" i\"# 'j' br\"k\" l";
    let kept: String = blank(text).split_whitespace().collect();
    assert_eq!(kept, "a&'ef;bl");
    assert_eq!(blank(text).len(), text.len());
    let mut code = "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\nmod c {\n{}\n}\nmod d;".to_owned();
    assert_eq!(cut_tests(&mut code), ["b"]);
    assert_eq!(code.split_whitespace().collect::<String>(), "moda;modd;");
    assert_eq!(code.lines().count(), 8);
}
