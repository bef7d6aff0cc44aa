//! `SNAPSHOT[:PATH]` and `PATH`: which snapshot is meant, and what in it.
//!
//! It decides what a word is; where a path leads is the library's. A word that could be both a
//! snapshot and a path is never guessed at.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use keepmum::ops::{Around, Asked, Paths, SnapshotChoice, Which};

use crate::args::WhichArgs;
use crate::failure::Failure;
use crate::moment;
use crate::settings::Environment;
use crate::terminal::text;

/// Digits of an id.
const ID: usize = 32;
/// So many digits at least: fewer would mean another snapshot after the next run.
const ID_LEAST: usize = 4;

/// A snapshot and paths in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Which snapshot.
    pub(crate) snapshot: SnapshotChoice,
    /// What in it; everything when nothing was said.
    pub(crate) paths: Paths,
}

/// What one word means.
#[derive(Debug, PartialEq, Eq)]
enum Word<'w> {
    /// A snapshot, and a path in it if that is not empty.
    Snapshot(Which, &'w [u8]),
    /// A path.
    Path(&'w [u8]),
}

impl Choice {
    /// What was meant; `own` when a config says which source this is about.
    pub(crate) fn new(
        words: &[OsString],
        which: &WhichArgs,
        own: bool,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let around =
            Around { home: environment.home.clone(), folders: environment.folders.clone() };
        let (mut chosen, mut paths) = (None, Vec::new());
        for (number, word) in words.iter().enumerate() {
            let is_there = |path: &Path| path.symlink_metadata().is_ok();
            match word_of(word.as_bytes(), is_there)? {
                Word::Path(path) => paths.push(asked(path, &around)),
                Word::Snapshot(named, path) => {
                    match &chosen {
                        None if number == 0 => chosen = Some(named),
                        Some(first) if *first == named && !path.is_empty() => {}
                        _ => return Err(several(word)),
                    }
                    if !path.is_empty() {
                        paths.push(asked(path, &around));
                    }
                }
            }
        }
        let is_said = words.first().is_some_and(|first| !first.as_bytes().starts_with(b":"));
        let which_one = match (&which.at, chosen) {
            (None, chosen) => chosen.unwrap_or_default(),
            (Some(_), Some(_)) if is_said => {
                return Err(Failure::usage(
                    "--at says which snapshot, and so does the name. Leave one of them out; a path \
                     alone is enough after --at",
                ));
            }
            (Some(at), _) => {
                Which::At(moment::parse(at, &environment.now).map_err(Failure::usage)?)
            }
        };
        let (device, source) = (which.device.clone(), which.source.clone());
        let snapshot = SnapshotChoice { which: which_one, device, source, own };
        Ok(Self { snapshot, paths: Paths::new(paths, around) })
    }
}

/// What a word means.
fn word_of(typed: &[u8], is_there: impl Fn(&Path) -> bool) -> Result<Word<'_>, Failure> {
    if typed.is_empty() {
        // As of a variable of a script that is not set: everything would be a bad guess.
        return Err(Failure::usage("A path or snapshot is empty. Name one, or leave it out"));
    }
    let there = |path: &[u8]| is_there(Path::new(OsStr::from_bytes(path)));
    if typed.starts_with(b"~") {
        return Ok(Word::Path(typed));
    }
    let end = typed.iter().position(|byte| matches!(byte, b':' | b'/'));
    let (name, path) = match end {
        // `a/b:c` is a path with a colon in it, and so is `C:\Users`, which nothing will be found at.
        Some(at) if typed[at] == b'/' || is_drive(typed) => return Ok(Word::Path(typed)),
        Some(at) => (&typed[..at], Some(&typed[at + 1..])),
        None => (typed, None),
    };
    match (which(name)?, path) {
        (Some(which @ Which::Id(_)), None) if there(typed) => {
            let shown = text::bytes(typed);
            drop(which);
            Err(Failure::usage(format!(
                "\"{shown}\" may be a snapshot or a path here. Write ./{shown} for the path, \
                 {shown}: for the snapshot"
            )))
        }
        (Some(which), path) => Ok(Word::Snapshot(which, path.unwrap_or_default())),
        (None, None) => Ok(Word::Path(typed)),
        (None, Some(_)) if there(typed) => Ok(Word::Path(typed)),
        (None, Some(path)) if name != b"file" && tag(name).is_some() => {
            Ok(Word::Snapshot(Which::Tag(text::bytes(name)), path))
        }
        (None, Some(rest)) => Err(no_snapshot(name, rest, typed)),
    }
}

/// Whether it begins as Windows names a disk.
fn is_drive(typed: &[u8]) -> bool {
    matches!(typed, [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic())
}

/// The snapshot that a name means; nothing if it has not the form of one.
fn which(name: &[u8]) -> Result<Option<Which>, Failure> {
    if name.is_empty() || name == b"latest" {
        return Ok(Some(Which::Latest { back: 0 }));
    }
    let shown = text::bytes(name);
    if let Some(back) = shown.strip_prefix("latest~") {
        let number = if back.is_empty() { Ok(1) } else { back.parse() };
        return number.map(|back| Some(Which::Latest { back })).map_err(|_| {
            Failure::usage(format!("\"{shown}\" is not a snapshot. Write a number after latest~"))
        });
    }
    let is_id = (ID_LEAST..=ID).contains(&name.len()) && name.iter().all(u8::is_ascii_hexdigit);
    Ok(is_id.then(|| Which::Id(shown.to_ascii_lowercase())))
}

/// A word that names one snapshot.
pub(crate) fn snapshot(word: &OsStr) -> Result<Which, Failure> {
    let typed = word.as_bytes();
    // `latest:` is how one writes where a path could stand as well.
    let name = typed.strip_suffix(b":").filter(|name| !name.is_empty()).unwrap_or(typed);
    if name.is_empty() {
        return Err(Failure::usage("A snapshot is empty. Name one, or leave it out"));
    }
    match which(name)? {
        Some(which) => Ok(which),
        None => tag(name).map(Which::Tag).ok_or_else(|| {
            let shown = text::bytes(typed);
            let failure = Failure::usage(format!("\"{shown}\" is not a snapshot"));
            failure.next("`keepmum snapshots` lists the snapshots with their ids and tags")
        }),
    }
}

/// Words that name snapshots, and a time.
pub(crate) fn snapshots(
    (words, at): (&[OsString], Option<&str>),
    environment: &Environment,
) -> Result<Vec<Which>, Failure> {
    let mut named = words.iter().map(|word| snapshot(word)).collect::<Result<Vec<_>, _>>()?;
    if let Some(at) = at {
        named.push(Which::At(moment::parse(at, &environment.now).map_err(Failure::usage)?));
    }
    Ok(named)
}

/// The beginning of an id.
pub(crate) fn id(word: &OsStr) -> Result<String, Failure> {
    match which(word.as_bytes()) {
        Ok(Some(Which::Id(id))) => Ok(id),
        _ => {
            let shown = text::line(&word.to_string_lossy());
            let sentence = format!("\"{shown}\" is no id of a forgotten snapshot");
            Err(Failure::usage(sentence).next("type at least 4 characters of its id"))
        }
    }
}

/// A name that may be a tag.
fn tag(name: &[u8]) -> Option<String> {
    let is_short_id = name.len() < ID_LEAST && name.iter().all(u8::is_ascii_hexdigit);
    let is_odd = |byte: &u8| {
        byte.is_ascii_whitespace() || byte.is_ascii_control() || b"/:*?[]\\".contains(byte)
    };
    let is_odd = name.iter().any(is_odd) || name.starts_with(b".") || name.starts_with(b"-");
    let name = std::str::from_utf8(name).ok().filter(|_| !is_odd && !is_short_id)?;
    (!name.starts_with("latest")).then(|| name.to_owned())
}

fn no_snapshot(name: &[u8], rest: &[u8], typed: &[u8]) -> Failure {
    let shown = text::bytes(name);
    if name == b"file" && rest.starts_with(b"//") {
        let path = text::bytes(rest.strip_prefix(b"//").unwrap_or(rest));
        return Failure::usage(format!("Write the path without \"file://\": {path}"));
    }
    if name.len() < ID_LEAST && name.iter().all(u8::is_ascii_hexdigit) {
        let sentence = format!(
            "\"{shown}\" is too short for a snapshot. Type at least {ID_LEAST} characters of its id"
        );
        return Failure::usage(sentence);
    }
    Failure::usage(format!(
        "\"{shown}\" is not a snapshot. Use latest, latest~1, a date with --at, or an id from \
         `keepmum snapshots`. A path that has a colon in its name begins with ./ or /, as in ./{}",
        text::bytes(typed)
    ))
}

fn several(word: &OsStr) -> Failure {
    Failure::usage(format!(
        "Name one snapshot, before all paths: SNAPSHOT:PATH PATH. Another one is \"{}\"",
        text::bytes(word.as_bytes())
    ))
}

/// A path as it was typed, and where links on this machine lead to from there.
fn asked(typed: &[u8], around: &Around) -> Asked {
    let path = Path::new(OsStr::from_bytes(typed));
    let absolute = match (path.strip_prefix("~"), &around.home, around.folders.first()) {
        (Ok(rest), Some(home), _) => Some(home.join(rest)),
        (_, _, Some(folder)) => Some(folder.join(path)),
        _ => None,
    };
    let real = absolute.and_then(|absolute| {
        // The last name is meant itself, link or not.
        let real = absolute.parent()?.canonicalize().ok()?.join(absolute.file_name()?);
        (real != absolute).then_some(real)
    });
    Asked::Typed { path: typed.to_vec(), real }
}

#[cfg(test)]
mod tests;
