//! Where things lie in a sealed object: arithmetic only, no key.
//!
//! `salt 24 ‖ commitment 32 ‖ segments`, each segment 16,384 bytes of ciphertext and a 16-byte
//! tag; the last is always shorter, possibly empty, and so marks the end. One plain length has
//! exactly one sealed length.

use std::ops::Range;

/// Bytes of random salt at the start of an object.
pub const SALT: usize = 24;
/// Bytes before the first segment: salt and key commitment.
pub const HEADER: usize = 56;
/// Plain bytes of every segment but the last.
pub const SEGMENT: usize = 16_384;
/// Bytes of authentication tag after each segment.
pub const TAG: usize = 16;

const SEGMENT_U64: u64 = SEGMENT as u64;
const TAG_U64: u64 = TAG as u64;
const HEADER_U64: u64 = HEADER as u64;
/// A segment with its tag.
const STRIDE: u64 = SEGMENT_U64 + TAG_U64;
/// The specification's limit: 2^38 segments, the last of them short.
const PLAIN_LIMIT: u64 = (1 << 38) * SEGMENT_U64;

/// The length of an object with `plain` bytes in it. Saturates for lengths that no object can
/// have (4 PiB and more).
#[must_use]
pub fn sealed_length(plain: u64) -> u64 {
    let tags = (plain / SEGMENT_U64 + 1) * TAG_U64;
    plain.saturating_add(tags).saturating_add(HEADER_U64)
}

/// The number of plain bytes in an object of `sealed` bytes; `None` for a length that no object
/// can have.
#[must_use]
pub fn plain_length(sealed: u64) -> Option<u64> {
    let body = sealed.checked_sub(HEADER_U64)?;
    let last = (body % STRIDE).checked_sub(TAG_U64)?;
    let plain = (body / STRIDE).checked_mul(SEGMENT_U64)?.checked_add(last)?;
    (plain < PLAIN_LIMIT).then_some(plain)
}

/// The segments that a range of plaintext needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSpan {
    /// The number of the first segment.
    pub first: u64,
    /// Where these segments lie in the object, in bytes from its start.
    pub sealed: Range<u64>,
    /// How many bytes of the first segment come before the range.
    pub skip: u64,
}

/// The segments that hold `plain` in an object of `sealed` bytes.
///
/// `None` when the length is impossible or the range is reversed or reaches beyond the end. An
/// empty range needs the one segment that it lies in.
#[must_use]
pub fn segment_span(sealed: u64, plain: Range<u64>) -> Option<SegmentSpan> {
    let length = plain_length(sealed)?;
    if plain.start > plain.end || plain.end > length {
        return None;
    }
    let first = plain.start / SEGMENT_U64;
    let last = plain.end.max(plain.start + 1).div_ceil(SEGMENT_U64);
    let end = (HEADER_U64 + last * STRIDE).min(sealed);
    Some(SegmentSpan {
        first,
        sealed: HEADER_U64 + first * STRIDE..end,
        skip: plain.start % SEGMENT_U64,
    })
}

/// The number of segments in an object of `plain` bytes.
pub(super) fn segment_count(plain: u64) -> u64 {
    plain / SEGMENT_U64 + 1
}
