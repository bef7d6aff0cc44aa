//! Names of staging files, for file systems without unnamed files.
//!
//! `~x.~1.tmp` is the shape that most sync clients leave alone, so that half-written objects
//! are not carried away. The grammar is exact, because a leftover of this shape is removed:
//! nothing else that people keep may ever match.

use std::io;

use super::Random;

/// Staging files younger than this may belong to a live run and are left alone.
pub const STAGING_AGE_SECONDS: i64 = 24 * 60 * 60;

/// Characters between `~` and the suffix.
const LETTERS: usize = 26;
const SUFFIX: &str = ".~1.tmp";
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A fresh staging name: `~`, 26 random characters of a–z2–7, `.~1.tmp`.
///
/// # Errors
/// There was no randomness.
pub fn staging_name(random: &dyn Random) -> io::Result<String> {
    let mut bytes = [0u8; LETTERS];
    random.fill(&mut bytes)?;
    let letters = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    Ok(std::iter::once('~').chain(letters).chain(SUFFIX.chars()).collect())
}

/// Whether `name` has exactly the shape that [`staging_name`] makes.
#[must_use]
pub fn is_staging_name(name: &[u8]) -> bool {
    name.strip_prefix(b"~")
        .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()))
        .is_some_and(|body| body.len() == LETTERS && body.iter().all(|b| ALPHABET.contains(b)))
}
