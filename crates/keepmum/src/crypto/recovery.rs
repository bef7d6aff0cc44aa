//! The recovery code: 160 random bits that a person writes down.
//!
//! Nine groups of four letters and digits; the last group checks the others, so that a typing error
//! is distinguished from a wrong code. Its strength is in its length, so it needs no slow
//! derivation.

use super::kdf::derive;
use super::secret::{Passphrase, Secret};
use zeroize::{Zeroize, Zeroizing};

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters that carry the 20 bytes.
const BODY: usize = 32;
/// Characters with the check.
pub(super) const CHARACTERS: usize = 36;
pub(super) const GROUP: usize = 4;

/// A recovery code.
pub struct RecoveryCode(Secret<20>);

impl RecoveryCode {
    /// From 20 bytes of randomness.
    #[must_use]
    pub fn new(bytes: [u8; 20]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The code as it is written down: 36 characters of `a–z2–7` in groups of four, joined by `-`.
    #[must_use]
    pub fn to_text(&self) -> Passphrase {
        let mut text = String::with_capacity(CHARACTERS + CHARACTERS / GROUP);
        for (place, symbol) in symbols(self.0.expose()).iter().enumerate() {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(*symbol)]));
        }
        Passphrase::new(text)
    }

    /// Reads a code; case, white space and dashes of any kind do not matter, and `0` and `1`, which
    /// are in no code, count as the letters they look like. `None` unless it has 36 valid characters
    /// and the check group fits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut found = Zeroizing::new([0u8; CHARACTERS]);
        let mut count = 0;
        for character in text.chars().filter(|c| !separates(*c)) {
            *found.get_mut(count)? = symbol(character)?;
            count += 1;
        }
        if count != CHARACTERS {
            return None;
        }
        symbols_fit(&found).then(|| Self(body(&found)))
    }
}

/// The five bits that a character stands for, if it may be in a code.
pub(super) fn symbol(character: char) -> Option<u8> {
    Some(match character.to_ascii_lowercase() {
        '0' => b'o' - b'a',
        '1' => b'l' - b'a',
        letter @ 'a'..='z' => letter as u8 - b'a',
        digit @ '2'..='7' => digit as u8 - b'2' + 26,
        _ => return None,
    })
}

/// Whether the check group is that of the others.
pub(super) fn symbols_fit(found: &[u8; CHARACTERS]) -> bool {
    *symbols(body(found).expose()) == *found
}

/// The bytes that the symbols before the check group carry.
fn body(found: &[u8; CHARACTERS]) -> Secret<20> {
    Secret::written_by(|room| join(&found[..BODY], room))
}

/// Whether a character only stands between groups: spaces, what is not seen, and the dashes that
/// programs for text put in the place of `-`.
pub(super) fn separates(character: char) -> bool {
    match character {
        '-' | '_' | '.' | '\u{ad}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => true,
        '\u{2010}'..='\u{2015}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => true,
        other => other.is_whitespace() || other.is_control(),
    }
}

/// The key that a recovery code gives for a key block with this salt.
#[must_use]
pub fn recovery_key(code: &RecoveryCode, salt: &[u8; 32]) -> Secret<32> {
    let mut extract_salt = b"keepmum v0".to_vec();
    extract_salt.extend_from_slice(salt);
    derive(&extract_salt, code.0.expose(), &[b"recovery"])
}

/// The 36 five-bit symbols of a code: the bytes, then the first 20 bits of their check hash.
fn symbols(bytes: &[u8; 20]) -> Zeroizing<[u8; CHARACTERS]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"keepmum recovery code").update(bytes);
    let mut check = Zeroizing::new([0u8; 5]);
    hasher.finalize_xof().fill(check.as_mut_slice());
    hasher.zeroize();
    let mut symbols = Zeroizing::new([0u8; CHARACTERS]);
    for (group, eight) in bytes.chunks(5).zip(symbols.chunks_mut(8)) {
        split(group, eight);
    }
    split(check.as_slice(), &mut symbols[BODY..]);
    symbols
}

/// Five bytes as up to eight symbols of five bits, most significant first.
fn split(five: &[u8], symbols: &mut [u8]) {
    let bits = five.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    for (place, symbol) in symbols.iter_mut().enumerate() {
        *symbol = (bits >> (35 - 5 * place)) as u8 & 31;
    }
}

/// The reverse of [`split`] over groups of eight symbols.
fn join(symbols: &[u8], bytes: &mut [u8]) {
    for (eight, five) in symbols.chunks(8).zip(bytes.chunks_mut(5)) {
        let bits = eight.iter().fold(0u64, |bits, symbol| bits << 5 | u64::from(*symbol));
        five.copy_from_slice(&bits.to_be_bytes()[3..]);
    }
}
