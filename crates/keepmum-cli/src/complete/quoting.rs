//! Words as bash hands them on: with the quotes and backslashes that were typed.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The word without them. A quote that is not ended yet reaches to the end.
pub(super) fn plain(word: &OsStr) -> OsString {
    let (mut plain, mut quote) = (Vec::new(), None);
    let mut bytes = word.as_bytes().iter().copied();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (None, b'\\') | (Some(b'"'), b'\\') => plain.extend(bytes.next()),
            (None, b'\'' | b'"') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (_, byte) => plain.push(byte),
        }
    }
    OsString::from_vec(plain)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::plain;

    #[test]
    fn quotes_and_backslashes_are_taken_away() {
        let table = [
            ("a\\ b", "a b"),
            ("'a b", "a b"),
            ("\"a \\\" b\"c", "a \" bc"),
            ("'a\\b'", "a\\b"),
            ("latest:/x", "latest:/x"),
            ("\\", ""),
        ];
        for (typed, meant) in table {
            assert_eq!(plain(OsStr::new(typed)), meant, "{typed}");
        }
    }
}
