//! Paths in a snapshot, as far as the catalogue knows them: those of this device's last backup.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use clap_complete::engine::CompletionCandidate;
use keepmum::TreePath;

use super::known::{Known, in_order};

/// Candidates for a word with a path in it: `latest:/home/an`, `~/Docu`. None where it has no path.
pub(super) fn candidates(known: &Known, word: &OsStr, most: usize) -> Vec<CompletionCandidate> {
    let typed = word.as_bytes();
    let (snapshot, path) = match typed.iter().position(|byte| *byte == b':') {
        Some(colon) => typed.split_at(colon + 1),
        None if typed.contains(&b'/') || typed == b"~" => typed.split_at(0),
        None => return Vec::new(),
    };
    if path.is_empty() {
        let roots =
            known.roots.iter().map(|root| joined(&[snapshot, root.as_os_str().as_bytes(), b"/"]));
        return in_order(roots.map(CompletionCandidate::new).collect());
    }
    let folder_end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (folder, begin) = path.split_at(folder_end);
    let mut found = Vec::new();
    let Some(recollection) = known.recollection() else { return found };
    for place in places(known, folder) {
        for name in recollection.names(&place, begin, most) {
            let end: &[u8] = if name.is_folder { b"/" } else { b"" };
            found.push(CompletionCandidate::new(joined(&[snapshot, folder, &name.name, end])));
        }
        if !found.is_empty() {
            break;
        }
    }
    in_order(found)
}

/// The folders of the snapshot that may be meant by the typed one.
fn places(known: &Known, folder: &[u8]) -> Vec<TreePath> {
    let below =
        |base: &Path, rest: &[u8]| tree_path(&joined(&[base.as_os_str().as_bytes(), b"/", rest]));
    let found = match (folder.strip_prefix(b"~/"), &known.home) {
        _ if folder.starts_with(b"/") => vec![tree_path(&joined(&[folder]))],
        (Some(rest), Some(home)) => vec![below(home, rest)],
        _ => {
            let here = env::current_dir().ok();
            here.iter().chain(&known.roots).map(|base| below(base, folder)).collect()
        }
    };
    found.into_iter().flatten().collect()
}

fn tree_path(typed: &OsStr) -> Option<TreePath> {
    let parts = typed.as_bytes().split(|byte| *byte == b'/');
    let parts: Vec<_> = parts.filter(|part| !part.is_empty() && *part != b".").collect();
    TreePath::new(&parts.join(&b'/')).ok()
}

fn joined(parts: &[&[u8]]) -> OsString {
    OsString::from_vec(parts.concat())
}
