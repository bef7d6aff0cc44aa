//! A path that is not in the snapshot: what is said of it, and what to type instead.

use std::path::Path;

use keepmum::ops::{self, ErrorKind, MissingPath};

use super::Session;
use crate::failure::{Failure, Kind};
use crate::moment;
use crate::nearest::nearest;
use crate::terminal::{paths, text};

/// Remembers where a path can be found instead, until the verb has ended.
#[derive(Default)]
pub(super) struct Missed(Option<MissingPath>);

impl Missed {
    /// What a verb ended with.
    pub(super) fn note<R>(&mut self, result: Result<R, ops::Error>) -> Result<R, ops::Error> {
        if let Err(error) = &result {
            self.0 = error.missing_path().cloned();
        }
        result
    }

    /// The failure that a person is told; `verb` is what they typed.
    pub(super) fn explain<R>(
        self,
        result: Result<R, Failure>,
        verb: &str,
        session: &Session<'_>,
    ) -> Result<R, Failure> {
        result.map_err(|failure| match &self.0 {
            None => failure,
            Some(missing) => {
                let message = message(missing, session);
                let hint = hint(missing, verb, session);
                Failure::new(Kind::Library(ErrorKind::NoSuchPath), message).next(hint)
            }
        })
    }
}

/// Whether a word looks like a path at all.
fn is_word(typed: &[u8]) -> bool {
    !typed.contains(&b'/') && !typed.starts_with(b"~")
}

fn message(missing: &MissingPath, session: &Session<'_>) -> String {
    let (typed, home) = (text::bytes(&missing.typed), session.environment.home.as_deref());
    let snapshot = named(&missing.snapshot, session);
    if missing.is_pattern {
        return format!("Nothing in {snapshot} matches {typed}");
    }
    if missing.typed.starts_with(b"~") && home.is_none() {
        return format!("{typed} is not in {snapshot}, and HOME is not set");
    }
    match is_word(&missing.typed) {
        true => format!("\"{typed}\" is neither a snapshot nor a path in {snapshot}"),
        false => format!("{typed} is not in {snapshot}"),
    }
}

fn hint(missing: &MissingPath, verb: &str, session: &Session<'_>) -> String {
    let home = session.environment.home.as_deref();
    if let Some((line, path)) = &missing.held {
        let age = if missing.is_older { "older" } else { "newer" };
        let id = text::id(&line.id);
        let when = moment::short(line.time, &session.environment.now);
        let looked = match missing.looked_at {
            1 => format!("1 {age} snapshot was looked at, and {id} ({when}) has it"),
            count if missing.is_older => {
                format!("{count} older snapshots were looked at, and {id} ({when}) has it")
            }
            count => format!("{count} other snapshots were looked at, and {id} ({when}) has it"),
        };
        return match paths::typed(path, home) {
            Some(path) => format!("{looked}. Use `keepmum {verb} {id}:{path}`"),
            None => looked,
        };
    }
    if is_snapshot_like(&missing.typed) {
        return "a snapshot is latest, latest~1, or at least 4 characters of an id from `keepmum \
                snapshots`"
            .to_owned();
    }
    if let Some(near) = &missing.nearest {
        return format!("did you mean {}?", paths::shown_in_tree(near, home));
    }
    if is_of_windows(&missing.typed) {
        return "write paths with /, as in ~/Documents/letter.odt; `keepmum ls` shows the folders \
                that were backed up"
            .to_owned();
    }
    if missing.is_outside {
        return format!("this snapshot has only {}", paths::some(&missing.roots, home));
    }
    let looked = match (missing.looked_at, missing.others) {
        _ if missing.is_pattern => String::new(),
        (0, _) => String::new(),
        (1, 1) => "the other snapshot does not have it either; ".to_owned(),
        (looked, others) if looked == others => {
            format!("none of the {others} other snapshots has it; ")
        }
        (looked, others) => {
            format!("{looked} of {others} other snapshots were looked at, and none has it; ")
        }
    };
    format!("{looked}{}", show(missing, home))
}

/// The command that shows what there is.
fn show(missing: &MissingPath, home: Option<&Path>) -> String {
    let id = text::id(&missing.snapshot.id);
    match &missing.roots[..] {
        [only] => match paths::typed(only, home) {
            Some(path) => format!("`keepmum ls {id}:{path}` shows what there is"),
            None => format!("`keepmum ls {id}` shows what there is"),
        },
        _ => format!("`keepmum ls {id}` shows what there is"),
    }
}

/// The snapshot as it stands in a sentence: `9a175983 (today 13:49)`.
fn named(line: &ops::SnapshotLine, session: &Session<'_>) -> String {
    let when = moment::short(line.time, &session.environment.now);
    format!("{} ({when})", text::id(&line.id))
}

fn is_of_windows(typed: &[u8]) -> bool {
    let is_drive = matches!(typed, [letter, b':', ..] if letter.is_ascii_alphabetic());
    is_drive || typed.contains(&b'\\')
}

/// Whether a word may be meant as a snapshot.
fn is_snapshot_like(typed: &[u8]) -> bool {
    let word = String::from_utf8_lossy(typed).to_lowercase();
    let is_short = word.len() < 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let known = ["latest", "last", "newest"];
    is_word(typed) && (is_short || nearest(&word, known.into_iter()).is_some())
}
