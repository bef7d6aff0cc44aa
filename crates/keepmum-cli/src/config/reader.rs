//! From bytes to sections, keys and values, each with its line.
//!
//! The rules are those of Python's configparser, for whose files people have habits: `=` or `:`,
//! comments (`#`, `;`) only where a line begins, further values on indented lines, blanks at both
//! ends of a value dropped. Unlike there, nothing in a value is ever interpreted, and a key or
//! section given twice is always an error. Blanks are the ASCII ones.

use std::path::Path;

use zeroize::Zeroizing;

use super::keys::{Key, Section, key, section};
use crate::failure::Failure;

/// One value and the line that it stands on. It may be the password: wiped after use.
pub(super) struct Value {
    pub(super) key: Key,
    pub(super) line: usize,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl Value {
    /// In a pattern a blank behind a backslash is a part of it, at the end of a line too.
    fn keep_blank(&mut self, line: &[u8]) {
        let backslashes = self.bytes.iter().rev().take_while(|byte| **byte == b'\\').count();
        let end = line.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1);
        let is_blank = line.get(end) == Some(&b' ');
        if self.key == Key::ToExclude && backslashes % 2 == 1 && is_blank {
            self.bytes.push(b' ');
        }
    }
}

/// A config file taken apart.
#[derive(Default)]
pub(super) struct Ini {
    /// Values that are not empty, in the order of the file.
    values: Vec<Value>,
    /// Keys and the line where each was first given, values or not.
    said: Vec<(Key, usize)>,
    /// Sections and where each begins.
    sections: Vec<(Section, usize)>,
    lines: usize,
}

/// The mistake, and its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    line: usize,
    sentence: String,
}

impl Wrong {
    /// Something is wrong on a line; the first is 1.
    pub(super) fn at(line: usize, sentence: impl Into<String>) -> Self {
        Self { line, sentence: sentence.into() }
    }

    /// The line and the sentence.
    pub(super) fn parts(&self) -> (usize, &str) {
        (self.line, &self.sentence)
    }

    /// The same as a failure that names the file.
    pub(super) fn in_file(self, path: &Path) -> Failure {
        Failure::config(format!("{}:{}: {}", path.display(), self.line, self.sentence))
    }
}

impl Ini {
    /// Takes a file apart.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Wrong> {
        let (ini, wrong) = Self::parse_all(bytes);
        wrong.into_iter().next().map_or(Ok(ini), Err)
    }

    /// The same, with everything that is wrong; lines that are wrong are left out.
    pub(super) fn parse_all(bytes: &[u8]) -> (Self, Vec<Wrong>) {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            let wrong = Wrong::at(1, "this is UTF-16 text; save the file as UTF-8");
            return (Self::default(), vec![wrong]);
        }
        let mut wrong = Vec::new();
        let mut is_unknown = false;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut ini = Self::default();
        // The key that an indented line would go on with, and how far that key was indented.
        let mut open: Option<(Key, usize)> = None;
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            ini.lines = number;
            let text = trim(line);
            if text.is_empty() || matches!(text.first(), Some(b'#' | b';')) {
                continue;
            }
            if text.contains(&0) {
                wrong.push(Wrong::at(number, "there is a zero byte in this line"));
                continue;
            }
            let pushed = ini.values.len();
            let indent = line.iter().take_while(|byte| is_blank(**byte)).count();
            let read = match open {
                Some((key, at)) if indent > at => ini.go_on(key, number, text),
                _ if text.starts_with(b"[") => {
                    open = None;
                    let opened = ini.open_section(number, text);
                    is_unknown = opened.is_err();
                    opened
                }
                // Nobody knows the keys of a section that is not known.
                _ if is_unknown => Ok(()),
                _ => ini.open_key(number, text).map(|key| open = Some((key, indent))),
            };
            wrong.extend(read.err());
            ini.values.iter_mut().skip(pushed).for_each(|value| value.keep_blank(line));
        }
        (ini, wrong)
    }

    fn open_section(&mut self, line: usize, text: &[u8]) -> Result<(), Wrong> {
        let word = text.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
        let word = word.ok_or_else(|| Wrong::at(line, "a section is written [Name]"))?;
        let found = section(&shown(trim(word))).map_err(|said| Wrong::at(line, said))?;
        if let Some((_, first)) = self.sections.iter().find(|(known, _)| *known == found) {
            let word = shown(word);
            return Err(Wrong::at(line, format!("[{word}] was there before, on line {first}")));
        }
        self.sections.push((found, line));
        Ok(())
    }

    fn open_key(&mut self, line: usize, text: &[u8]) -> Result<Key, Wrong> {
        let Some((section, _)) = self.sections.last() else {
            return Err(Wrong::at(line, "there is no [Section] above this line"));
        };
        let Some(at) = text.iter().position(|byte| matches!(byte, b'=' | b':')) else {
            // The line itself is not repeated: it may be half of a password.
            return Err(Wrong::at(line, "this is neither [Section] nor key = value"));
        };
        let word = shown(trim(&text[..at]));
        let found = key(*section, &word).map_err(|said| Wrong::at(line, said))?;
        match self.said(found) {
            Some(first) if !found.is_list() => {
                return Err(Wrong::at(line, format!("{word} was given before, on line {first}")));
            }
            Some(_) => {}
            None => self.said.push((found, line)),
        }
        self.push(found, line, trim(&text[at + 1..]));
        Ok(found)
    }

    fn go_on(&mut self, key: Key, line: usize, text: &[u8]) -> Result<(), Wrong> {
        if !key.is_list() {
            let word = key.word();
            return Err(Wrong::at(
                line,
                format!("this indented line would be one more value, but {word} has only one"),
            ));
        }
        self.push(key, line, text);
        Ok(())
    }

    fn push(&mut self, key: Key, line: usize, bytes: &[u8]) {
        // In units of systemd `%d` is the folder of credentials, and nobody means another one here.
        let bytes = match bytes.strip_prefix(b"%d/") {
            Some(file) if key == Key::PasswordFile => [b"$CREDENTIALS_DIRECTORY/", file].concat(),
            _ => bytes.to_vec(),
        };
        if !bytes.is_empty() {
            self.values.push(Value { key, line, bytes: Zeroizing::new(bytes) });
        }
    }

    /// All values.
    pub(super) fn every(&self) -> impl Iterator<Item = &Value> {
        self.values.iter()
    }

    /// All values of a key.
    pub(super) fn all(&self, key: Key) -> impl Iterator<Item = &Value> {
        self.values.iter().filter(move |value| value.key == key)
    }

    /// The value of a key that has one; nothing where it is empty or not there.
    pub(super) fn one(&self, key: Key) -> Option<&Value> {
        self.all(key).next()
    }

    /// The line on which a key is given, with or without a value.
    pub(super) fn said(&self, key: Key) -> Option<usize> {
        self.said.iter().find(|(known, _)| *known == key).map(|(_, line)| *line)
    }

    /// Something that is nowhere in the file.
    pub(super) fn missing(&self, sentence: &str) -> Wrong {
        Wrong::at(self.lines, sentence)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}

fn trim(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|byte| !is_blank(*byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    &line[start..end]
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Ini, Key};

    #[test]
    fn the_folder_of_credentials_has_a_short_name_in_password_file() {
        let text = b"[Credentials]\npassword_file = %d/keepmum\n[Backup]\nto_backup = %d/x\n";
        let ini = Ini::parse(text).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let value = |key| ini.one(key).unwrap().bytes.to_vec();
        assert_eq!(value(Key::PasswordFile), b"$CREDENTIALS_DIRECTORY/keepmum");
        assert_eq!(value(Key::ToBackup), b"%d/x");
    }
}
