//! One pattern of a gitignore file, and many of them: the last one that matches decides.

use super::wildmatch::{self, is_special};

/// One pattern.
#[derive(Clone, Debug)]
struct Pattern {
    /// As it was written, without blanks at its end.
    text: String,
    /// Without `!`, without `/` at either end.
    body: Vec<u8>,
    /// Literal bytes at the beginning.
    plain: usize,
    /// Matching entries stay.
    keeps: bool,
    only_directories: bool,
    /// It is matched with the last name of a path, wherever that is.
    by_name: bool,
    /// A star, and then only literal bytes.
    is_suffix: bool,
}

/// The mistake in a pattern.
///
/// # Errors
/// A sentence that says it.
pub fn check_pattern(text: &str) -> Result<(), String> {
    Pattern::new(text).map(drop)
}

impl Pattern {
    /// Nothing for an empty line and a remark.
    fn new(text: &str) -> Result<Option<Self>, String> {
        let text = without_blanks(text.trim_end_matches('\r'));
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        let (keeps, body) = match text.strip_prefix('!') {
            Some(body) => (true, body),
            None => (false, text),
        };
        let (only_directories, body) = match body.strip_suffix('/') {
            Some(body) => (true, body),
            None => (false, body),
        };
        wildmatch::check(body.as_bytes())?;
        let by_name = !body.contains('/');
        let body = body.strip_prefix('/').unwrap_or(body).as_bytes().to_vec();
        let plain = body.iter().position(|byte| is_special(*byte)).unwrap_or(body.len());
        let is_suffix = body.first() == Some(&b'*') && !body[1..].iter().any(|b| is_special(*b));
        let text = text.to_owned();
        Ok(Some(Self { text, body, plain, keeps, only_directories, by_name, is_suffix }))
    }

    fn matches(&self, path: &[u8], name: &[u8], is_directory: bool) -> bool {
        if self.only_directories && !is_directory {
            return false;
        }
        if self.by_name {
            return if self.plain == self.body.len() {
                self.body == name
            } else if self.is_suffix {
                name.ends_with(&self.body[1..])
            } else {
                name.starts_with(&self.body[..self.plain])
                    && wildmatch::matches(&self.body, name, false)
            };
        }
        // As in git, the part after the plain prefix is a pattern of its own.
        let (plain, rest) = self.body.split_at(self.plain);
        let Some(left) = path.strip_prefix(plain) else { return false };
        wildmatch::matches(rest, left, true)
    }
}

/// A line without the blanks at its end, but for one behind a backslash.
fn without_blanks(line: &str) -> &str {
    let mut end = 0;
    let mut bytes = line.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b' ' => continue,
            b'\\' => end = bytes.next().map_or(at, |(at, _)| at) + 1,
            _ => end = at + 1,
        }
    }
    // A character of several bytes ends where the last of them does.
    line.get(..end).unwrap_or(line)
}

/// Patterns in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct PatternList(Vec<Pattern>);

/// The verdict of a list about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// This pattern leaves it out.
    LeftOut(&'a str),
    /// A pattern keeps it.
    Kept,
}

impl PatternList {
    /// Adds a pattern.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        self.0.extend(Pattern::new(text)?);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its verdict about a path without slashes at its ends; nothing if no pattern matches.
    pub(super) fn verdict(&self, path: &[u8], is_directory: bool) -> Option<Verdict<'_>> {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let last = self.0.iter().rev().find(|one| one.matches(path, name, is_directory))?;
        Some(if last.keeps { Verdict::Kept } else { Verdict::LeftOut(&last.text) })
    }
}
