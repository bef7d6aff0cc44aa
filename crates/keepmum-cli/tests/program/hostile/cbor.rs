//! Raw CBOR: it can write things that no honest writer would write.

/// A head of any kind with any number; always the shortest form.
pub(crate) fn head(major: u8, value: u64) -> Vec<u8> {
    let major = major << 5;
    let be = value.to_be_bytes();
    match value {
        0..=23 => vec![major | be[7]],
        24..=0xff => vec![major | 24, be[7]],
        0x100..=0xffff => [&[major | 25][..], &be[6..]].concat(),
        0x1_0000..=0xffff_ffff => [&[major | 26][..], &be[4..]].concat(),
        _ => [&[major | 27][..], &be].concat(),
    }
}

/// An unsigned number.
pub(crate) fn uint(value: u64) -> Vec<u8> {
    head(0, value)
}

/// A number that may be negative.
pub(crate) fn int(value: i64) -> Vec<u8> {
    match u64::try_from(value) {
        Ok(value) => head(0, value),
        Err(_) => head(1, (-1 - value).cast_unsigned()),
    }
}

/// A string of bytes.
pub(crate) fn bytes(value: &[u8]) -> Vec<u8> {
    [&head(2, value.len() as u64)[..], value].concat()
}

/// A text.
pub(crate) fn text(value: &str) -> Vec<u8> {
    [&head(3, value.len() as u64)[..], value.as_bytes()].concat()
}

/// An array of items.
pub(crate) fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [&head(4, items.len() as u64)[..], &items.concat()].concat()
}

/// A map with number keys, in the order given.
pub(crate) fn map(items: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut out = head(5, items.len() as u64);
    for (key, value) in items {
        out.extend(uint(*key));
        out.extend(value);
    }
    out
}

/// So many arrays in each other, with a number inside.
pub(crate) fn nested(depth: usize) -> Vec<u8> {
    [vec![0x81; depth], vec![0]].concat()
}
