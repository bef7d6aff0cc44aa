//! `SNAPSHOT[:PATH]`: which snapshot is meant, and what in it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use jiff::Zoned;
use keepmum::TreePath;
use keepmum::ops::{SnapshotChoice, Which};

use crate::args::SnapshotArgs;
use crate::failure::Failure;
use crate::moment;
use crate::terminal::text;

/// Digits of an id.
const ID: usize = 32;
/// So many digits at least: fewer would mean another snapshot after the next run.
const ID_LEAST: usize = 4;

/// A snapshot and a path in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Which snapshot.
    pub(crate) snapshot: SnapshotChoice,
    /// What in it; the root when nothing was said.
    pub(crate) path: TreePath,
}

impl Choice {
    /// What was meant; `own` when a config says which source this is about.
    pub(crate) fn new(args: &SnapshotArgs, own: bool, now: &Zoned) -> Result<Self, Failure> {
        let typed = args.snapshot.as_deref().map_or(&b""[..], OsStr::as_bytes);
        let (name, path) = match typed.iter().position(|byte| *byte == b':') {
            Some(at) => (&typed[..at], &typed[at + 1..]),
            None => (typed, &b""[..]),
        };
        let which = match &args.at {
            None => which(name)?,
            Some(at) if name.is_empty() => {
                Which::At(moment::parse(at, now).map_err(Failure::usage)?)
            }
            Some(_) => {
                return Err(Failure::usage(
                    "--at says which snapshot, and so does the name; for a path alone write :PATH",
                ));
            }
        };
        let snapshot =
            SnapshotChoice { which, device: args.device.clone(), source: args.source.clone(), own };
        Ok(Self { snapshot, path: tree_path(path)? })
    }
}

fn which(name: &[u8]) -> Result<Which, Failure> {
    let shown = text::bytes(name);
    if name.is_empty() || name == b"latest" {
        return Ok(Which::Latest { back: 0 });
    }
    if let Some(back) = shown.strip_prefix("latest~") {
        let number = if back.is_empty() { Ok(1) } else { back.parse() };
        return number
            .map(|back| Which::Latest { back })
            .map_err(|_| Failure::usage(format!("after latest~ comes a number, not {back:?}")));
    }
    let digits = name.iter().all(u8::is_ascii_hexdigit);
    match name.len() {
        ID_LEAST..=ID if digits => Ok(Which::Id(shown.to_ascii_lowercase())),
        ..ID_LEAST if digits => {
            Err(Failure::usage(format!("{shown} is too short: give at least 4 digits of the id")))
        }
        _ if name.contains(&b'/') => Err(Failure::usage(format!(
            "{shown} is no snapshot; a path comes after a colon, as in latest:{shown}"
        ))),
        _ => Err(Failure::usage(format!(
            "{shown} is no snapshot; it is named by latest, latest~N or the beginning of its id"
        ))),
    }
}

/// The path as it is in a snapshot: with or without `/` at either end, and without `.`.
fn tree_path(typed: &[u8]) -> Result<TreePath, Failure> {
    let parts: Vec<&[u8]> = typed
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    TreePath::new(&parts.join(&b'/'))
        .map_err(|_| Failure::usage(format!("{} is no path in a snapshot", text::bytes(typed))))
}

#[cfg(test)]
mod tests;
