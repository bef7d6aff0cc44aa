//! Temporary names of a restore. Code that lists a folder must know them: such files belong to
//! nobody.

use crate::model::Name;

/// Whether this is the name of an unfinished leftover of an interrupted restore.
pub fn is_temporary(name: &Name) -> bool {
    let middle = name.as_bytes().strip_prefix(PREFIX).and_then(|n| n.strip_suffix(b".tmp"));
    middle.is_some_and(|hex| {
        hex.len() == 16 && hex.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The common prefix of all of them.
pub(crate) const PREFIX: &[u8] = b".keepmum-";
