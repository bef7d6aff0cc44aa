//! Names of staging files, for file systems without unnamed files.
//!
//! `.~lock.x.tmp` is the shape that all sync clients but Syncthing leave alone, so that half-written
//! objects are not carried away. (Only names that belong to Syncthing itself would be left alone by
//! it too.) The grammar is exact, because a leftover of this shape is removed: nothing else that
//! people keep may ever match.

use std::io;

use super::Random;

/// Staging files younger than this may belong to a live run and are left alone.
pub const STAGING_AGE_SECONDS: i64 = 24 * 60 * 60;

/// Random characters of a name.
const LETTERS: usize = 26;
const PREFIX: &str = ".~lock.";
const SUFFIX: &str = ".tmp";
/// The ends of names as versions before 2026-11-28 made them; leftovers of theirs are removed too.
const FORMER: (&[u8], &[u8]) = (b"~", b".~1.tmp");
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A fresh staging name: `.~lock.`, 26 random characters of a–z2–7, `.tmp`.
///
/// # Errors
/// There was no randomness.
pub fn staging_name(random: &dyn Random) -> io::Result<String> {
    let mut bytes = [0u8; LETTERS];
    random.fill(&mut bytes)?;
    let letters = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    Ok(PREFIX.chars().chain(letters).chain(SUFFIX.chars()).collect())
}

/// Whether `name` has exactly the shape that [`staging_name`] makes, or once made.
#[must_use]
pub fn is_staging_name(name: &[u8]) -> bool {
    let shapes = [(PREFIX.as_bytes(), SUFFIX.as_bytes()), FORMER];
    shapes.into_iter().any(|(prefix, suffix)| {
        let body = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
        body.is_some_and(|body| {
            body.len() == LETTERS && body.iter().all(|byte| ALPHABET.contains(byte))
        })
    })
}
