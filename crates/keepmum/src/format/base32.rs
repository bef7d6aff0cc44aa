//! base32 as names of objects have it: lower case, no padding, one spelling for each value.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bytes in a name.
pub const BYTES: usize = 56;
/// Characters of a name.
pub const CHARACTERS: usize = 90;

/// The 90 characters of 56 bytes; the two low bits of the last one are zero.
pub fn encode(bytes: &[u8; BYTES]) -> String {
    let mut text = String::with_capacity(CHARACTERS);
    let (mut bits, mut pending) = (0u32, 0u32);
    for byte in bytes {
        bits = (bits << 8 | u32::from(*byte)) & 0xfff;
        pending += 8;
        while pending >= 5 {
            pending -= 5;
            text.push(character(bits >> pending));
        }
    }
    text.push(character(bits << (5 - pending)));
    text
}

fn character(bits: u32) -> char {
    char::from(ALPHABET[(bits & 31) as usize])
}

/// The bytes of exactly 90 characters; none if one is not of the alphabet or unused bits are set.
pub fn decode(text: &[u8]) -> Option<[u8; BYTES]> {
    if text.len() != CHARACTERS {
        return None;
    }
    let mut bytes = [0; BYTES];
    let mut out = bytes.iter_mut();
    let (mut bits, mut pending) = (0u32, 0u32);
    for character in text {
        let value = match character {
            b'a'..=b'z' => character - b'a',
            b'2'..=b'7' => character - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u32::from(value)) & 0xfff;
        pending += 5;
        if pending >= 8 {
            pending -= 8;
            *out.next()? = (bits >> pending & 0xff) as u8;
        }
    }
    (bits & ((1 << pending) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use crate::format::tests::config;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{decode, encode};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn encoded_bytes_are_decoded(bytes in any::<[u8; 32]>(), more in any::<[u8; 24]>()) {
            let bytes: [u8; 56] = [&bytes[..], &more[..]].concat().try_into().unwrap();
            let text = encode(&bytes);
            prop_assert_eq!(text.len(), 90);
            prop_assert_eq!(decode(text.as_bytes()), Some(bytes));
        }
    }

    #[test]
    fn the_order_of_bits_is_that_of_rfc_4648() {
        let mut bytes = [0; 56];
        bytes[..6].copy_from_slice(b"foobar");
        assert!(encode(&bytes).starts_with("mzxw6ytboi"));
        assert!(encode(&[255; 56]).ends_with("774"), "the last character holds three bits");
    }

    #[test]
    fn another_spelling_is_no_name() {
        let good = encode(&[7; 56]).into_bytes();
        assert!(decode(&good).is_some());
        for (at, bad) in [(0, b'A'), (5, b'1'), (5, b'8'), (89, b'b'), (89, b'='), (40, 0)] {
            let mut text = good.clone();
            text[at] = bad;
            assert_eq!(decode(&text), None, "{at} {bad}");
        }
        assert_eq!(decode(&good[..89]), None);
        assert_eq!(decode(&[&good[..], b"a"].concat()), None);
    }
}
