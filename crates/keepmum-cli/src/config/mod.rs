//! The config file: an INI file that is read literally, as the original script's was.
//!
//! Whatever is not understood is an error that names the line: a misspelt key must never turn
//! into a backup without what it asked for. A password never changes its meaning on the way.

mod draft;
mod keys;
mod reader;
mod review;
mod update;
mod value;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use keepmum::Level;
use keepmum::Passphrase;
use keepmum::ops::KeepRules;

use crate::failure::{Failure, Kind};
use crate::small_file;

pub(crate) use draft::{Draft, writable};
pub(crate) use keys::{Entry, KEYS};
pub(crate) use review::{Remark, Review, words};
pub(crate) use update::{with_first_line, with_value, write_over};
pub(crate) use value::remote;

use keys::Key;
use reader::Ini;

/// Where the password is, as the config says.
pub(crate) enum PasswordIn {
    /// In the config itself.
    Config(Passphrase),
    /// In what a command prints.
    Command(String),
    /// In a file.
    File(PathBuf),
}

/// What values in the file may refer to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Around<'a> {
    /// `~`.
    pub(crate) home: Option<&'a Path>,
    /// `$NAME` in paths.
    pub(crate) variables: Option<&'a HashMap<OsString, OsString>>,
}

/// Which snapshots are kept, and whether a backup forgets the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// The rules; none is the default.
    pub(crate) rules: KeepRules,
    /// `auto_forget`.
    pub(crate) auto_forget: bool,
}

/// Where in the file stands what a message names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// The line of the password, or of where it comes from.
    pub(crate) password: Option<usize>,
    /// The line of `join`.
    pub(crate) join: Option<usize>,
    /// The line of the destination.
    pub(crate) destination: usize,
    /// The line of `db_path`.
    pub(crate) db_path: Option<usize>,
    /// The line of `password_file`, and the file.
    pub(crate) password_file: Option<(usize, PathBuf)>,
}

/// What a config file says, with paths made absolute.
pub(crate) struct Config {
    /// The file.
    pub(crate) path: PathBuf,
    /// `[Credentials]`.
    pub(crate) password: Option<PasswordIn>,
    /// `[Destination] destination`.
    pub(crate) destination: PathBuf,
    /// `[Destination] join`.
    pub(crate) join: bool,
    /// `[Destination] destination_is_partial`.
    pub(crate) destination_is_partial: bool,
    /// `[DB] db_path`.
    pub(crate) db_path: Option<PathBuf>,
    /// `[Backup] to_backup`.
    pub(crate) roots: Vec<PathBuf>,
    /// The line of `to_backup`; the first where it is not said.
    pub(crate) roots_line: usize,
    /// `[Backup] to_exclude`.
    pub(crate) excludes: Vec<String>,
    /// `[Backup] name`.
    pub(crate) name: Option<String>,
    /// `[Backup] device_name`.
    pub(crate) device_name: Option<String>,
    /// `[Backup] exclude_caches`.
    pub(crate) exclude_caches: bool,
    /// `[Backup] exclude_larger_than`, in bytes.
    pub(crate) exclude_larger_than: Option<u64>,
    /// `[Backup] one_file_system`.
    pub(crate) one_file_system: bool,
    /// `[Backup] compression`.
    pub(crate) level: Level,
    /// `[Backup] compress_together`.
    pub(crate) compress_together: bool,
    /// `[Backup] every`, in seconds.
    pub(crate) every: Option<i64>,
    /// `[Retention]`.
    pub(crate) retention: Retention,
    /// Keys that do nothing as they stand, and slips in paths: a sentence each, with its line.
    pub(crate) not_yet: Vec<String>,
    /// Lines that a refusal names.
    pub(crate) lines: Lines,
}

impl Config {
    /// Reads a config file; relative paths in it count from its own folder.
    pub(crate) fn read(path: &Path, around: Around<'_>) -> Result<Self, Failure> {
        let bytes = small_file::read(path).map_err(|error| unreadable(path, &error))?;
        let folder = folder_of(path).map_err(|error| unreadable(path, &error))?;
        Self::parse(&bytes, path, &folder, around)
    }

    /// What these bytes say; `folder` is absolute.
    pub(crate) fn parse(
        bytes: &[u8],
        path: &Path,
        folder: &Path,
        around: Around<'_>,
    ) -> Result<Self, Failure> {
        let ini = Ini::parse(bytes).map_err(|wrong| wrong.in_file(path))?;
        Self::from_ini(&ini, path, &value::Base { folder, around })
            .map_err(|wrong| wrong.in_file(path))
    }

    fn from_ini(ini: &Ini, path: &Path, base: &value::Base<'_>) -> Result<Self, reader::Wrong> {
        let retention = value::retention(ini)?;
        let switch = |key, default| value::switch(ini, key).map(|on| on.unwrap_or(default));
        let destination = ini.one(Key::Destination).map(|v| value::destination(v, base));
        let destination = destination.transpose()?;
        let roots = ini.all(Key::ToBackup).map(|v| value::path(v, base));
        let excludes = ini.all(Key::ToExclude).map(|v| value::pattern(v, base));
        Ok(Self {
            path: path.to_owned(),
            password: password(ini, base)?,
            destination: destination.ok_or_else(|| {
                ini.missing("[Destination] has no destination (or drop_box_dir); name the folder for the backup")
            })?,
            join: switch(Key::Join, false)?,
            destination_is_partial: switch(Key::DestinationIsPartial, false)?,
            db_path: ini.one(Key::DbPath).map(|v| value::path(v, base)).transpose()?,
            roots: roots.collect::<Result<_, _>>()?,
            roots_line: ini.said(Key::ToBackup).unwrap_or(1),
            excludes: excludes.collect::<Result<_, _>>()?,
            name: ini.one(Key::Name).map(value::name).transpose()?,
            device_name: ini.one(Key::DeviceName).map(value::device_name).transpose()?,
            exclude_caches: switch(Key::ExcludeCaches, false)?,
            exclude_larger_than: ini.one(Key::ExcludeLargerThan).map(value::size).transpose()?,
            one_file_system: switch(Key::OneFileSystem, false)?,
            level: ini.one(Key::Compression).map_or(Ok(Level::Default), value::level)?,
            compress_together: switch(Key::CompressTogether, true)?,
            every: ini.one(Key::Every).map(value::span).transpose()?,
            retention,
            not_yet: not_yet(ini)
                .iter()
                .chain(&review::slips(ini, base))
                .map(|(line, sentence)| format!("{}:{line}: {sentence}", path.display()))
                .collect(),
            lines: Lines {
                password: PASSWORDS.into_iter().find_map(|key| Some(ini.one(key)?.line)),
                join: ini.one(Key::Join).map(|value| value.line),
                destination: ini.one(Key::Destination).map_or(1, |value| value.line),
                db_path: ini.one(Key::DbPath).map(|value| value.line),
                password_file: ini
                    .one(Key::PasswordFile)
                    .map(|value| Ok((value.line, value::path(value, base)?)))
                    .transpose()?,
            },
        })
    }

    /// Whether the password itself stands in the file.
    pub(crate) fn holds_password(&self) -> bool {
        matches!(self.password, Some(PasswordIn::Config(_)))
    }
}

/// Says of a key that does nothing as it stands: whoever wrote it believes that it does.
fn not_yet(ini: &Ini) -> Vec<(usize, String)> {
    let sentence = "auto_forget has no effect without a rule such as keep_daily".to_owned();
    let line = ini.one(Key::AutoForget).map(|value| value.line);
    match (line, value::retention(ini)) {
        (Some(line), Ok(Retention { rules, auto_forget: true }))
            if rules == KeepRules::default() =>
        {
            vec![(line, sentence)]
        }
        _ => Vec::new(),
    }
}

/// The keys of a password.
const PASSWORDS: [Key; 3] = [Key::Password, Key::PasswordCommand, Key::PasswordFile];

fn password(ini: &Ini, base: &value::Base<'_>) -> Result<Option<PasswordIn>, reader::Wrong> {
    let given: Vec<_> =
        PASSWORDS.into_iter().filter_map(|key| ini.said(key).map(|line| (key, line))).collect();
    let (key, line) = match given.as_slice() {
        [] => return Ok(None),
        [only] => *only,
        [_, (second, line), ..] => {
            let word = second.word();
            return Err(reader::Wrong::at(
                *line,
                format!("{word} is one too many: the password has one place"),
            ));
        }
    };
    let word = key.word();
    let value = ini
        .one(key)
        .ok_or_else(|| reader::Wrong::at(line, format!("{word} is empty; it must not be")))?;
    Ok(Some(match key {
        Key::PasswordCommand => PasswordIn::Command(value::text(value)?.to_owned()),
        Key::PasswordFile => PasswordIn::File(value::path(value, base)?),
        _ => PasswordIn::Config(Passphrase::new(value::text(value)?.to_owned())),
    }))
}

/// The folder that relative paths in the file count from; links are followed, so that a leading
/// `..` means what the file system says.
fn folder_of(path: &Path) -> io::Result<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).canonicalize()
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::new(Kind::NoConfig, format!("there is no config file {}", path.display()))
        }
        _ => Failure::config(format!("cannot read the config {} ({error})", path.display())),
    }
}

#[cfg(test)]
mod tests;
