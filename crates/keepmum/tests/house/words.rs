//! How this project is written: the worst habit is counted, documents have one width, decisions
//! say when they were taken and whether they hold, and no address leads nowhere.
//!
//! The habit is "what" in place of a noun ("what is there", "what it found"). It makes a reader
//! guess the noun.

use std::collections::BTreeMap;

use super::none;
use super::sources::{files, text};

/// The most times "what" may stand in 1,000 words, outside questions and quotes.
const WHAT: usize = 5;

/// The widest line of prose.
const WIDTH: usize = 100;

/// The longest that the first page may be, in lines.
const README_LINES: usize = 150;

/// Rooms whose comments still have more, and their limit in 1,000 words. None is added.
const STILL_MORE: [(&str, usize); 5] = [
    ("crates/keepmum-cli/src", 16),
    ("crates/keepmum-cli/src/commands", 38),
    ("crates/keepmum-cli/src/config", 28),
    ("crates/keepmum-cli/src/settings", 27),
    ("crates/keepmum-cli/src/terminal", 17),
];

/// The hosts that documents and manifests may name. The project has no public address yet.
const HOSTS: [&str; 1] = ["c2sp.org"];

/// The documents.
fn documents() -> impl Iterator<Item = String> {
    files().into_iter().filter(|path| path.ends_with(".md"))
}

/// The prose of a document: without code, marks of links and quotes.
fn prose(text: &str) -> String {
    let mut lines = String::new();
    let mut is_code = false;
    for line in text.lines() {
        match line.trim_start().starts_with("```") {
            true => is_code = !is_code,
            false if !is_code => {
                lines.push_str(line);
                lines.push('\n');
            }
            false => {}
        }
    }
    without(&without(&lines, '`'), '"')
}

/// A text without the parts between two marks of one paragraph.
fn without(text: &str, mark: char) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let parts: Vec<_> = paragraph.split(mark).collect();
        let is_closed = parts.len() % 2 == 1;
        let kept = parts.iter().enumerate().filter(|(at, _)| at % 2 == 0 || !is_closed);
        kept.map(|(_, part)| *part).collect::<Vec<_>>().join(" ")
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// The comments of a Rust file, one line each.
fn comments(code: &str) -> String {
    let lines = code.lines().filter_map(|line| {
        let line = line.trim_start();
        let own = line.strip_prefix("//").map(|rest| rest.trim_start_matches(['/', '!']));
        own.or_else(|| line.split_once(" // ").map(|(_, rest)| rest).filter(|r| !r.contains('"')))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// How many words a prose has, and how often one is "what" outside a question.
fn count(prose: &str) -> (usize, usize) {
    let is_letter = |c: char| c.is_alphanumeric() || c == '\'' || c == '-';
    let words = |part: &str| {
        let words = part.split(|c| !is_letter(c)).filter(|word| !word.is_empty());
        let words: Vec<_> = words.map(str::to_lowercase).collect();
        let found = words.iter().filter(|word| *word == "what").count();
        (words.len(), found)
    };
    prose.split_inclusive(['.', '!', '?', ';', ':']).fold((0, 0), |(all, found), sentence| {
        let (more, what) = words(sentence);
        (all + more, found + if sentence.ends_with('?') { 0 } else { what })
    })
}

/// How often the word may stand in a prose of so many words.
fn allowed(words: usize, rate: usize) -> usize {
    (words * rate).div_ceil(1000)
}

#[test]
fn documents_name_things_by_nouns() {
    let mut found = Vec::new();
    for path in documents() {
        let (words, what) = count(&prose(&text(&path).unwrap()));
        if what > allowed(words, WHAT) {
            found.push(format!("{path}: {what} in {words} words"));
        }
    }
    none("documents with too many a \"what\"", &found);
}

#[test]
fn comments_name_things_by_nouns() {
    let mut rooms: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for path in files().into_iter().filter(|path| path.ends_with(".rs")) {
        let room: Vec<_> = path.split('/').take(4).filter(|part| !part.ends_with(".rs")).collect();
        let (words, what) = count(&without(&without(&comments(&text(&path).unwrap()), '`'), '"'));
        let sum = rooms.entry(room.join("/")).or_default();
        *sum = (sum.0 + words, sum.1 + what);
    }
    let mut found = Vec::new();
    for (room, (words, what)) in &rooms {
        let more = STILL_MORE.iter().find(|(name, _)| name == room).map(|(_, rate)| *rate);
        if *what > allowed(*words, more.unwrap_or(WHAT)) {
            found.push(format!("{room}: {what} in {words} words"));
        }
    }
    none("comments with too many a \"what\"", &found);
    assert!(rooms.len() > 20, "only {} rooms were found", rooms.len());
}

#[test]
fn documents_have_one_width() {
    let mut found = Vec::new();
    for path in documents() {
        let mut is_code = false;
        for (number, line) in text(&path).unwrap().lines().enumerate() {
            is_code ^= line.trim_start().starts_with("```");
            let is_link = line.contains("](") || line.contains("://");
            let is_code = is_code || line.starts_with("    ");
            let is_free = is_code || is_link || line.trim_start().starts_with('|');
            if !is_free && line.chars().count() > WIDTH {
                found.push(format!("{path}:{}", number + 1));
            }
        }
    }
    none("lines of more than 100 columns", &found);
}

#[test]
fn the_first_page_is_short() {
    let lines = text("README.md").unwrap().lines().count();
    assert!(lines <= README_LINES, "README.md has {lines} lines");
}

#[test]
fn decisions_say_when_they_were_taken_and_whether_they_hold() {
    let mut found = Vec::new();
    let decisions: Vec<_> = documents().filter(|path| path.starts_with("doc/decisions/")).collect();
    for path in &decisions {
        let said = text(path).unwrap();
        let lines: Vec<_> = said.lines().take(5).collect();
        let number = path.rsplit('/').next().unwrap().split('-').next().unwrap();
        if !lines[0].starts_with(&format!("# {number}: ")) {
            found.push(format!("{path} does not begin with its number, a colon and its title"));
        }
        let date = lines.iter().find_map(|line| line.strip_prefix("Date: "));
        let is_date = |date: &str| {
            let digits = date.bytes().filter(u8::is_ascii_digit).count();
            date.len() == 10 && digits == 8 && date.split('-').count() == 3
        };
        if !date.is_some_and(is_date) {
            found.push(format!("{path} has no date"));
        }
        let status = lines.iter().find_map(|line| line.strip_prefix("Status: "));
        if !status.is_some_and(|it| it.starts_with("accepted") || it.starts_with("superseded by "))
        {
            found.push(format!("{path} has no status"));
        }
    }
    none("decisions", &found);
    assert!(decisions.len() > 40, "only {} decisions were found", decisions.len());
}

#[test]
fn no_address_is_invented() {
    let is_said = |path: &String| path.ends_with(".md") || path.ends_with("Cargo.toml");
    let mut found = Vec::new();
    for path in files().into_iter().filter(is_said) {
        for part in text(&path).unwrap().split("://").skip(1) {
            let host = part.split(|c: char| !c.is_alphanumeric() && c != '.' && c != '-').next();
            let host = host.unwrap_or_default();
            if !HOSTS.contains(&host) {
                found.push(format!("{path}: {host}"));
            }
        }
    }
    none("addresses that this project does not have", &found);
}

#[test]
fn the_counter_sees_through_quotes_code_and_questions() {
    let text = "What is kept is what counts. Is it what you want? \"what\" `what`\n\
                ```\nwhat\n```\nSo what; a somewhat whatever";
    assert_eq!(count(&prose(text)), (16, 3));
    let code = "let a = 1; // what it is\n/// What else\nlet what = \"// what\";";
    assert_eq!(count(&comments(code)), (5, 2));
    assert_eq!((allowed(0, 5), allowed(1, 5), allowed(200, 5), allowed(201, 5)), (0, 1, 1, 2));
}
