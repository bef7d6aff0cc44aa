//! What one value means.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::str;

use keepmum::Level;
use keepmum::check_pattern;
use keepmum::ops::KeepRules;
use zeroize::Zeroizing;

use super::keys::Key;
use super::reader::{Ini, Value, Wrong};
use super::{Around, Retention};
use crate::size::bytes;

/// Longest name of a source or device, in bytes: it becomes part of a file's name.
const NAME_MAX: usize = 100;

/// What paths in the file count from.
pub(super) struct Base<'a> {
    pub(super) folder: &'a Path,
    pub(super) around: Around<'a>,
}

/// The value as text.
pub(super) fn text(value: &Value) -> Result<&str, Wrong> {
    str::from_utf8(&value.bytes)
        .map_err(|_| Wrong::at(value.line, format!("{} is not UTF-8", value.key.word())))
}

/// An absolute path without `.` and `..`.
pub(super) fn path(value: &Value, base: &Base<'_>) -> Result<PathBuf, Wrong> {
    let typed = with_variables(&value.bytes, base.around.variables);
    let typed = Path::new(OsStr::from_bytes(&typed));
    let mut parts = typed.components().peekable();
    let mut path = match parts.peek() {
        Some(Component::Normal(first)) if *first == "~" => {
            parts.next();
            home(value, base)?.to_owned()
        }
        Some(Component::RootDir) => PathBuf::new(),
        _ => base.folder.to_owned(),
    };
    let mut named = false;
    for part in parts {
        match part {
            Component::RootDir => path.push("/"),
            Component::Normal(name) => {
                named = true;
                path.push(name);
            }
            Component::ParentDir if named => {
                // What lies above a name depends on links, so it is not guessed.
                return Err(Wrong::at(value.line, "`..` can only stand at the front of a path"));
            }
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(path)
}

/// The folder of the objects.
pub(super) fn destination(value: &Value, base: &Base<'_>) -> Result<PathBuf, Wrong> {
    match remote(&value.bytes) {
        Some(sentence) => Err(Wrong::at(value.line, sentence)),
        None => path(value, base),
    }
}

/// What to say of a destination that is meant as a place on a server.
pub(crate) fn remote(typed: &[u8]) -> Option<String> {
    const SCHEMES: [&str; 14] = [
        "s3", "sftp", "ssh", "rest", "rclone", "b2", "gs", "gcs", "azure", "swift", "webdav",
        "http", "https", "ftp",
    ];
    let typed = str::from_utf8(typed).ok()?;
    let (scheme, _) = typed.split_once(':')?;
    let is_known = SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme));
    (is_known || typed.contains("://"))
        .then(|| format!("{scheme}: destinations are not available in this version; name a folder"))
}

/// A path in which `$NAME` stands for the variable of that name, where there is one.
fn with_variables(
    typed: &[u8],
    variables: Option<&HashMap<OsString, OsString>>,
) -> Zeroizing<Vec<u8>> {
    let mut path = Zeroizing::new(Vec::with_capacity(typed.len()));
    let mut rest = typed;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        let (before, from) = rest.split_at(at);
        let name = from[1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_');
        let name = &from[1..1 + name.count()];
        let is_name = name.first().is_some_and(|first| !first.is_ascii_digit());
        let found = variables.and_then(|all| all.get(OsStr::from_bytes(name)));
        path.extend_from_slice(before);
        match found.filter(|_| is_name) {
            Some(value) => path.extend_from_slice(value.as_bytes()),
            None => path.extend_from_slice(&from[..=name.len()]),
        }
        rest = &from[1 + name.len()..];
    }
    path.extend_from_slice(rest);
    path
}

/// An exclude: a gitignore pattern, with `~` before `/` standing for the home.
pub(super) fn pattern(value: &Value, base: &Base<'_>) -> Result<String, Wrong> {
    let pattern = with_home(value, base)?;
    match check_pattern(&pattern) {
        Ok(()) => Ok(pattern),
        Err(reason) => {
            let sentence = format!("the pattern \"{pattern}\" cannot be understood: {reason}");
            Err(Wrong::at(value.line, sentence))
        }
    }
}

fn with_home(value: &Value, base: &Base<'_>) -> Result<String, Wrong> {
    let typed = text(value)?;
    // In a gitignore file this would be a comment; here every value is meant.
    if typed.starts_with('#') {
        return Ok(format!("\\{typed}"));
    }
    let (sign, body) = match typed.strip_prefix('!') {
        Some(body) => ("!", body),
        None => ("", typed),
    };
    match body.strip_prefix("~/") {
        Some(rest) => {
            let home = home(value, base)?.to_string_lossy();
            Ok(format!("{sign}{}/{rest}", home.trim_end_matches('/')))
        }
        None => Ok(typed.to_owned()),
    }
}

fn home<'a>(value: &Value, base: &Base<'a>) -> Result<&'a Path, Wrong> {
    base.around.home.ok_or_else(|| Wrong::at(value.line, "`~` is used, but HOME is not set"))
}

/// `yes` or `no`; nothing where the key is not given or empty.
pub(super) fn switch(ini: &Ini, key: Key) -> Result<Option<bool>, Wrong> {
    let Some(value) = ini.one(key) else { return Ok(None) };
    match text(value)?.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" => Ok(Some(true)),
        "no" | "false" | "off" | "0" => Ok(Some(false)),
        other => Err(Wrong::at(value.line, format!("{} is yes or no, not {other}", key.word()))),
    }
}

/// Bytes: a number with `K`, `M`, `G` or `T`, alone or followed by `iB`, in powers of 1024.
pub(super) fn size(value: &Value) -> Result<u64, Wrong> {
    let typed = text(value)?;
    bytes(typed).ok_or_else(|| {
        let word = value.key.word();
        Wrong::at(value.line, format!("{word} is a size such as 500M or 2G, not {typed}"))
    })
}

/// How hard to compress.
pub(super) fn level(value: &Value) -> Result<Level, Wrong> {
    match text(value)?.to_ascii_lowercase().as_str() {
        "fast" => Ok(Level::Fast),
        "default" => Ok(Level::Default),
        "high" => Ok(Level::High),
        other => {
            Err(Wrong::at(value.line, format!("compression is fast, default or high, not {other}")))
        }
    }
}

/// A source's name. It becomes part of the catalogue's file name, so only letters, digits, `-`,
/// `_` and `.` can be in it.
pub(super) fn name(value: &Value) -> Result<String, Wrong> {
    let typed = text(value)?;
    let letters = typed.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if letters && !typed.starts_with('.') && typed.len() <= NAME_MAX {
        return Ok(typed.to_owned());
    }
    Err(Wrong::at(value.line, "name has letters, digits, `-`, `_` and `.` in it, at most 100"))
}

/// A device's name.
pub(super) fn device_name(value: &Value) -> Result<String, Wrong> {
    let typed = text(value)?;
    if typed.chars().any(char::is_control) || typed.len() > NAME_MAX {
        return Err(Wrong::at(value.line, "device_name is one short line of text"));
    }
    Ok(typed.to_owned())
}

/// A time in seconds: `1d`, `26h`.
pub(super) fn span(value: &Value) -> Result<i64, Wrong> {
    let typed = text(value)?;
    crate::moment::span(typed).ok_or_else(|| {
        let word = value.key.word();
        Wrong::at(value.line, format!("{word} is a time such as 1d or 12h, not {typed}"))
    })
}

/// `[Retention]`.
pub(super) fn retention(ini: &Ini) -> Result<Retention, Wrong> {
    let count = |key| {
        let Some(value) = ini.one(key) else { return Ok(0) };
        text(value)?.parse().map_err(|_| {
            let word = value.key.word();
            Wrong::at(value.line, format!("{word} is a whole number"))
        })
    };
    let within = ini.one(Key::KeepWithin).map(|value| {
        crate::moment::long_span(text(value)?)
            .ok_or_else(|| Wrong::at(value.line, "keep_within is a time such as 30d or 6 months"))
    });
    let rules = KeepRules {
        last: count(Key::KeepLast)?,
        hourly: count(Key::KeepHourly)?,
        daily: count(Key::KeepDaily)?,
        weekly: count(Key::KeepWeekly)?,
        monthly: count(Key::KeepMonthly)?,
        yearly: count(Key::KeepYearly)?,
        within: within.transpose()?,
    };
    let auto_forget = switch(ini, Key::AutoForget)?.unwrap_or(false);
    Ok(Retention { rules, auto_forget })
}
