//! A config looked at line by line: every value with its line, and every problem, not only the
//! first one. It never repeats a password.

use std::path::{Path, PathBuf};

use super::keys::{KEYS, Key};
use super::reader::{Ini, Value, Wrong};
use super::value::{self, Base};
use super::{Around, Config, folder_of, not_yet, unreadable};
use crate::failure::Failure;
use crate::small_file;
use crate::terminal::text;

/// Something to say about a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    /// The line; none where it is about the whole file.
    pub(crate) line: Option<usize>,
    /// The config cannot be used.
    pub(crate) is_error: bool,
    /// What it is, as a clause without a full stop.
    pub(crate) sentence: String,
}

/// A value as it stands in the file.
pub(crate) struct Given {
    /// The word of its key.
    pub(crate) word: &'static str,
    /// Its line.
    pub(crate) line: usize,
    /// The value; none for a password, and for a command that may hold one.
    pub(crate) text: Option<String>,
}

/// A config and the remarks about it.
pub(crate) struct Review {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its settings, where it can be used.
    pub(crate) config: Option<Config>,
    /// Its values, in the order of the file.
    pub(crate) given: Vec<Given>,
    /// Errors and warnings, in the order of the file.
    pub(crate) remarks: Vec<Remark>,
}

impl Review {
    /// Reads a config.
    pub(crate) fn of(path: &Path, around: Around<'_>) -> Result<Self, Failure> {
        let bytes = small_file::read(path).map_err(|error| unreadable(path, &error))?;
        let folder = folder_of(path).map_err(|error| unreadable(path, &error))?;
        let base = Base { folder: &folder, around };
        let (ini, mut wrong) = Ini::parse_all(&bytes);
        wrong.extend(ini.every().filter_map(|value| problem(value, &ini, &base)));
        let config = match Config::from_ini(&ini, path, &base) {
            Ok(config) => wrong.is_empty().then_some(config),
            Err(first) => {
                if !wrong.contains(&first) {
                    wrong.push(first);
                }
                None
            }
        };
        let mut remarks: Vec<_> = wrong.iter().map(|wrong| remark(wrong, true)).collect();
        remarks.extend(doubts(&ini, &base));
        remarks.extend(not_yet(&ini).iter().map(|(line, sentence)| Remark {
            line: Some(*line),
            is_error: false,
            sentence: sentence.clone(),
        }));
        remarks.sort_by_key(|remark| (remark.line, !remark.is_error));
        let given = ini.every().map(|value| Given {
            word: value.key.word(),
            line: value.line,
            text: (!is_secret(value.key)).then(|| text::bytes(&value.bytes)),
        });
        let given = given.collect();
        Ok(Self { path: path.to_owned(), config, given, remarks })
    }
}

/// Whether a value is a password, or a command that may hold one.
fn is_secret(key: Key) -> bool {
    matches!(key, Key::Password | Key::PasswordCommand)
}

fn remark(wrong: &Wrong, is_error: bool) -> Remark {
    let (line, sentence) = wrong.parts();
    Remark { line: Some(line), is_error, sentence: sentence.to_owned() }
}

/// Why a value cannot be read, by itself.
fn problem(value: &Value, ini: &Ini, base: &Base<'_>) -> Option<Wrong> {
    match value.key {
        Key::Destination | Key::DbPath | Key::ToBackup | Key::PasswordFile => {
            value::path(value, base).err()
        }
        Key::ToExclude => value::pattern(value, base).err(),
        Key::Join
        | Key::DestinationIsPartial
        | Key::ExcludeCaches
        | Key::OneFileSystem
        | Key::CompressTogether
        | Key::AutoForget => value::switch(ini, value.key).err(),
        Key::ExcludeLargerThan => value::size(value).err(),
        Key::Compression => value::level(value).err(),
        Key::Every => value::span(value).err(),
        Key::Name => value::name(value).err(),
        Key::DeviceName => value::device_name(value).err(),
        _ => None,
    }
}

/// Values that can be read and are probably not meant so.
fn doubts(ini: &Ini, base: &Base<'_>) -> Vec<Remark> {
    let roots = ini.all(Key::ToBackup).filter_map(|value| value::path(value, base).ok());
    let roots: Vec<_> = roots.collect();
    let mut remarks = Vec::new();
    let mut warn = |line: usize, sentence: String| {
        remarks.push(Remark { line: Some(line), is_error: false, sentence });
    };
    for value in ini.every() {
        let word = value.key.word();
        let typed = value.bytes.as_slice();
        if is_quoted(typed) {
            warn(value.line, format!("the quotes are part of {word}; a value needs none"));
        }
        if is_secret(value.key) {
            continue;
        }
        if value.key != Key::ToExclude
            && typed.windows(2).any(|pair| pair == b" #" || pair == b" ;")
        {
            warn(
                value.line,
                format!("the comment is part of {word}; a comment needs a line of its own"),
            );
        }
        if value.key == Key::ToBackup {
            let missing = value::path(value, base).is_ok_and(|path| !path.exists());
            let has_comma = typed.contains(&b',');
            if missing && has_comma {
                let sentence =
                    "the comma is part of the path; write each folder on a line of its own";
                warn(value.line, sentence.to_owned());
            } else if missing {
                warn(value.line, format!("there is no such folder: {}", text::bytes(typed)));
            }
        }
        if value.key == Key::ToExclude
            && let Some(why) = useless(value, base, &roots)
        {
            warn(value.line, why);
        }
    }
    let first_exclude = ini.all(Key::ToExclude).next();
    if let Some(first) = first_exclude.filter(|value| value.bytes.starts_with(b"!")) {
        warn(first.line, "nothing is excluded before this line, so `!` has no effect".to_owned());
    }
    if roots.is_empty() && ini.all(Key::ToBackup).next().is_none() {
        let sentence = "to_backup is empty, so there is nothing to back up".to_owned();
        remarks.push(Remark { line: ini.said(Key::ToBackup), is_error: false, sentence });
    }
    remarks
}

/// Slips that keep a path from being found, for every run: quotes, comments, commas.
pub(super) fn slips(ini: &Ini, base: &Base<'_>) -> Vec<(usize, String)> {
    let is_path = |value: &&Value| {
        matches!(value.key, Key::Destination | Key::ToBackup | Key::PasswordFile)
            && value::path(value, base).is_ok_and(|path| !path.exists())
    };
    let slip = |value: &Value| {
        let (word, typed) = (value.key.word(), value.bytes.as_slice());
        let sentence = if is_quoted(typed) {
            format!("the quotes are part of {word}; a value needs none")
        } else if typed.windows(2).any(|pair| matches!(pair, b" #" | b" ;")) {
            format!("the comment is part of {word}; a comment needs a line of its own")
        } else if value.key == Key::ToBackup && typed.contains(&b',') {
            "the comma is part of the path; write each folder on a line of its own".to_owned()
        } else {
            return None;
        };
        Some((value.line, sentence))
    };
    ini.every().filter(is_path).filter_map(slip).collect()
}

/// Whether a value stands in quotes.
fn is_quoted(typed: &[u8]) -> bool {
    let [first, .., last] = typed else { return false };
    first == last && matches!(first, b'"' | b'\'')
}

/// Why a pattern can never match.
fn useless(value: &Value, base: &Base<'_>, roots: &[PathBuf]) -> Option<String> {
    let pattern = value::pattern(value, base).ok()?;
    let body = pattern.strip_prefix('!').unwrap_or(&pattern).trim_end_matches('/');
    let inner = body.strip_prefix('/').unwrap_or(body);
    if inner.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some(format!(
            "no path has `.`, `..` or `//` in it, so this matches nothing: {pattern}"
        ));
    }
    let path = Path::new(body);
    let is_below = roots.iter().any(|root| path.starts_with(root) || root.starts_with(path));
    // From the home, or an existing path: meant as the whole path, and not from a root on.
    let is_whole = pattern.len() > value.bytes.len() || path.exists();
    if path.is_absolute() && !is_below && is_whole && !body.contains(['*', '?', '[']) {
        return Some(format!(
            "this is not below a folder of to_backup, so it matches nothing: {body}"
        ));
    }
    None
}

/// The keys of the table that a config may hold, in its order.
pub(crate) fn words() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    KEYS.iter().map(|entry| (entry.section_word(), entry.word, entry.default))
}

#[cfg(test)]
mod tests;
