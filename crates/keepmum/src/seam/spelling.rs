//! A reversible spelling of any path as text.
//!
//! Sync clients and people make folders whose names are not UTF-8, and an object that was
//! moved into one must still be found and opened. A byte that is no text is spelled as U+FFFD
//! and two hexadecimal digits; a genuine U+FFFD is spelled through its own three bytes, so
//! that no two paths share a spelling.

const MARK: char = '\u{FFFD}';

/// Spells the bytes of a path; UTF-8 without U+FFFD stays as it is.
#[must_use]
pub fn path_from_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for part in bytes.utf8_chunks() {
        for letter in part.valid().chars() {
            if letter == MARK {
                letter.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| escape(&mut text, byte));
            } else {
                text.push(letter);
            }
        }
        part.invalid().iter().for_each(|byte| escape(&mut text, *byte));
    }
    text
}

/// The bytes that [`path_from_bytes`] spelled. A mark without two digits stays as it is.
#[must_use]
pub fn path_to_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let after = &rest[at + MARK.len_utf8()..];
        let digits = after.get(..2).filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.extend_from_slice(MARK.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn escape(text: &mut String, byte: u8) {
    text.push(MARK);
    for digit in [byte >> 4, byte & 15] {
        text.extend(char::from_digit(u32::from(digit), 16));
    }
}
