//! The snapshot that a tag or the beginning of an id names; of several nobody can say which.

use super::descent::Candidate;
use super::error::{Error, ErrorKind};
use super::report::DIGITS;

/// The one that is tagged so. Of several nobody can say which one is meant.
pub(crate) fn by_tag<'c>(found: &[Candidate<'c>], tag: &str) -> Result<Candidate<'c>, Error> {
    match found {
        [] => Err(none(&format!("no snapshot has the tag \"{tag}\""))),
        [one] => Ok(*one),
        several => {
            let ids: Vec<_> = several.iter().map(|one| one.id()[..DIGITS].to_owned()).collect();
            let sentence = format!("several snapshots have the tag \"{tag}\": {}", ids.join(", "));
            Err(none(&sentence))
        }
    }
}

/// The one whose id begins so.
pub(crate) fn by_id<'c>(found: &[Candidate<'c>], prefix: &str) -> Result<Candidate<'c>, Error> {
    let prefix = prefix.to_ascii_lowercase();
    let ids = found.iter().map(|one| (one.id(), *one));
    let found: Vec<_> = ids.filter(|(id, _)| id.starts_with(&prefix)).collect();
    match &found[..] {
        [] => Err(none(&format!("there is no snapshot {prefix}"))),
        [(_, one)] => Ok(*one),
        several => {
            // More than are shown elsewhere, if those are ambiguous.
            let digits = (prefix.len() + 4).max(DIGITS);
            let ids: Vec<&str> =
                several.iter().map(|(id, _)| id.get(..digits).unwrap_or(id)).collect();
            let sentence = format!("\"{prefix}\" is the beginning of {}", ids.join(", "));
            Err(Error::new(ErrorKind::Usage, sentence))
        }
    }
}

/// There is none that is meant.
pub(crate) fn none(sentence: &str) -> Error {
    Error::new(ErrorKind::Usage, sentence)
}
