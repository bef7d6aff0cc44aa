//! Each sentence by which a document promises something has one test, and no test file and no
//! link is forgotten.

use std::collections::BTreeSet;

use super::none;
use super::sources::{files, root, text};

const TABLE: &str = "doc/testing.md";

/// Words without marks of emphasis and without line breaks.
fn plain(text: &str) -> String {
    let text = text.replace(['*', '`'], "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The rows of the promise table: sentence, document, test.
fn promises() -> Vec<[String; 3]> {
    let table = text(TABLE).unwrap();
    let (_, part) = table.split_once("\n## Promises\n").expect("the part with the promises");
    let part = part.split("\n## ").next().unwrap();
    let rows = part.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(plain).collect();
        <[String; 3]>::try_from(cells).unwrap_or_else(|_| panic!("three columns: {row}"))
    })
    .collect()
}

#[test]
fn each_promise_stands_in_its_document_and_has_a_test_of_its_own() {
    let mut found = Vec::new();
    let mut taken = BTreeSet::new();
    let promises = promises();
    for [sentence, document, test] in &promises {
        match text(document) {
            None => found.push(format!("there is no document {document}")),
            Some(said) if !plain(&said).contains(sentence) => {
                found.push(format!("{document} does not say: {sentence}"));
            }
            Some(_) => {}
        }
        let (file, name) = test.split_once("::").expect("a file, two colons, a function");
        let start = if file.ends_with(".py") { "def" } else { "fn" };
        match text(file) {
            None => found.push(format!("there is no file {file}")),
            Some(code) if !code.contains(&format!("{start} {name}(")) => {
                found.push(format!("{file} has no test {name}"));
            }
            Some(_) => {}
        }
        if !taken.insert(test.clone()) {
            found.push(format!("{test} stands for two promises"));
        }
    }
    none("promises", &found);
    assert!(promises.len() >= 20, "only {} promises were found", promises.len());
}

/// The test functions in a file, and whether each is left to be run by hand.
fn tests_in(code: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let (mut is_test, mut is_long) = (false, false);
    for line in code.lines().map(str::trim) {
        is_test |= line == "#[test]";
        is_long |= line.starts_with("#[ignore");
        if let Some((name, _)) = line.strip_prefix("fn ").and_then(|rest| rest.split_once('(')) {
            if is_test {
                found.push((name.to_owned(), is_long));
            }
            (is_test, is_long) = (false, false);
        }
    }
    found
}

#[test]
fn each_row_of_the_fidelity_page_is_a_test_and_each_test_a_row() {
    const FIDELITY: &str = "doc/fidelity.md";
    const TESTS: &str = "crates/keepmum-cli/tests/program/fidelity/";
    let table = text(FIDELITY).unwrap();
    let is_row = |line: &&str| {
        line.starts_with("| ") && !line.starts_with("| property |") && !line.starts_with("|---")
    };
    let mut there = BTreeSet::new();
    for path in files().into_iter().filter(|path| path.starts_with(TESTS)) {
        let tests = tests_in(&text(&path).unwrap());
        there.extend(tests.into_iter().map(|(name, long)| (format!("{path}::{name}"), long)));
    }
    let mut found = Vec::new();
    let mut rows = BTreeSet::new();
    for row in table.lines().filter(is_row) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        let [property, .., test] = cells[..] else { panic!("no row: {row}") };
        if cells.len() != 5 || cells.iter().any(|cell| plain(cell).is_empty()) {
            found.push(format!("not one word on each platform: {row}"));
        }
        let test = (test.trim().trim_matches('`').to_owned(), property.contains("(*long*)"));
        if !there.contains(&test) {
            found.push(format!("no such test, or not as long as is said: {row}"));
        }
        if !rows.insert(test) {
            found.push(format!("the test of another row: {row}"));
        }
    }
    found.extend(there.difference(&rows).map(|(test, _)| format!("stands in no row: {test}")));
    none(FIDELITY, &found);
    assert!(rows.len() >= 30, "only {} rows were found", rows.len());
}

#[test]
fn no_test_file_is_forgotten() {
    let said = text(TABLE).unwrap();
    let is_test = |path: &String| {
        let parts: Vec<_> = path.split('/').collect();
        matches!(parts[..], ["crates", _, "tests", file] if file.ends_with(".rs"))
            || matches!(parts[..], ["crates", _, "tests", _, "main.rs"])
            || matches!(parts[..], [_, file] if file.starts_with("test_"))
    };
    let tests: Vec<_> = files().into_iter().filter(is_test).collect();
    assert!(tests.len() >= 4, "only {} test files were found", tests.len());
    let forgotten: Vec<_> =
        tests.into_iter().filter(|path| !said.contains(&format!("`{path}`"))).collect();
    none("doc/testing.md does not name", &forgotten);
}

#[test]
fn no_link_leads_nowhere() {
    let mut found = Vec::new();
    for path in files().into_iter().filter(|path| path.ends_with(".md")) {
        let folder = root().join(&path);
        let folder = folder.parent().unwrap();
        let said = text(&path).unwrap();
        for part in said.split("](").skip(1) {
            let link = part.split([')', '#']).next().unwrap();
            if !link.is_empty() && !link.contains("://") && !folder.join(link).exists() {
                found.push(format!("{path}: {link}"));
            }
        }
    }
    none("links to what is not there", &found);
}
