//! Writing a first config file, for `init`: the answers, and every other key as a comment.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use keepmum::Passphrase;
use zeroize::Zeroizing;

use super::keys::{Entry, KEYS, Key};

/// The text at the top.
const HEAD: &str = "\
# Settings of keepmum. A value is taken literally, to the end of its line; a comment needs a line
# of its own. `keepmum help config` explains the keys.
";

/// The values for a first config file.
pub(crate) struct Draft {
    /// The folders to back up; absolute.
    pub(crate) roots: Vec<PathBuf>,
    /// Exclude patterns.
    pub(crate) excludes: Vec<String>,
    /// Leave out folders that are marked as caches.
    pub(crate) exclude_caches: bool,
    /// Where to; absolute.
    pub(crate) destination: PathBuf,
    /// The password; none where the config is not to hold it.
    pub(crate) password: Option<Passphrase>,
    /// The name of this computer for people.
    pub(crate) device_name: String,
}

/// Why a value cannot be written so that it is read back the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unwritable(pub(crate) &'static str);

impl Draft {
    /// The text of the file.
    pub(crate) fn text(&self) -> Result<Zeroizing<Vec<u8>>, Unwritable> {
        // Long enough that it does not grow: growing would leave a copy of the password behind.
        let values: usize = self.roots.iter().map(|root| root.as_os_str().len() + 5).sum();
        let room = 16 * 1024 + values + self.password.as_ref().map_or(0, |p| p.expose().len());
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        text.extend_from_slice(HEAD.as_bytes());
        let mut section = "";
        for entry in &KEYS {
            if entry.section_word() != section {
                section = entry.section_word();
                text.extend_from_slice(format!("\n[{section}]\n").as_bytes());
            }
            self.write(entry, &mut text)?;
        }
        Ok(text)
    }

    fn write(&self, entry: &Entry, text: &mut Vec<u8>) -> Result<(), Unwritable> {
        let value = match entry.is_list() {
            true => format!("{}; further ones indented", entry.value),
            false => entry.value.to_owned(),
        };
        let default = match entry.default {
            "" => String::new(),
            default => format!(" (default: {default})"),
        };
        let head = format!("# {}\n# Value: {value}{default}\n", entry.about);
        text.extend_from_slice(head.as_bytes());
        let values = self.values(entry.key);
        let Some((first, further)) = values.split_first() else {
            let line = format!("# {} = {}\n", entry.word, entry.example);
            text.extend_from_slice(line.as_bytes());
            return Ok(());
        };
        text.extend_from_slice(entry.word.as_bytes());
        text.extend_from_slice(b" = ");
        put(first, text)?;
        for value in further {
            if value.as_bytes().starts_with(b"#") || value.as_bytes().starts_with(b";") {
                return Err(Unwritable("A line of its own in a settings file cannot begin with #"));
            }
            text.extend_from_slice(b"    ");
            put(value, text)?;
        }
        Ok(())
    }

    /// The answer for a key; nothing if it stays a comment.
    fn values(&self, key: Key) -> Vec<&OsStr> {
        match key {
            Key::Password => self.password.iter().map(|p| OsStr::new(p.expose())).collect(),
            Key::Destination => vec![self.destination.as_os_str()],
            Key::ToBackup => self.roots.iter().map(|root| root.as_os_str()).collect(),
            Key::ToExclude => self.excludes.iter().map(OsStr::new).collect(),
            Key::ExcludeCaches if self.exclude_caches => vec![OsStr::new("yes")],
            Key::DeviceName => vec![OsStr::new(&self.device_name)],
            _ => Vec::new(),
        }
    }
}

fn put(value: &OsStr, text: &mut Vec<u8>) -> Result<(), Unwritable> {
    writable(value.as_bytes())?;
    text.extend_from_slice(value.as_bytes());
    text.push(b'\n');
    Ok(())
}

/// Whether the reader gives back exactly these bytes.
pub(crate) fn writable(value: &[u8]) -> Result<(), Unwritable> {
    let blank = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_whitespace() || *b == 0x0b);
    if blank(value.first()) || blank(value.last()) {
        return Err(Unwritable("A settings file cannot hold a blank at either end of this"));
    }
    if value.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(Unwritable("A settings file cannot hold a line break in this"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
