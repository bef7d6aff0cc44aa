//! Frames made on other plain bytes: as long as the difference.
//!
//! The prefix is raw content whatever it begins with, so it may be anybody's. Decoding writes
//! exactly the length that was asked for, or fails, as for any other block.

use zstd::zstd_safe::{CCtx, CParameter, DCtx, compress_bound};

use super::MAX_BLOCK;
use super::decode::{CompressError, is_one_frame_of};

/// The effort: small differences are found at any level, and the rest should be small.
const LEVEL: i32 = 12;
/// A prefix and a block on it fit such a window.
const WINDOW_LOG: u32 = 23;

/// A frame of `plain` on `prefix` that was decoded again and compared; nothing if it is longer than
/// `most`, or either is longer than a block.
#[must_use]
pub fn delta(prefix: &[u8], plain: &[u8], most: usize) -> Option<Vec<u8>> {
    if prefix.len() > MAX_BLOCK || plain.len() > MAX_BLOCK || plain.is_empty() {
        return None;
    }
    let mut context = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(LEVEL),
        CParameter::WindowLog(WINDOW_LOG),
        CParameter::ContentSizeFlag(true),
        CParameter::ChecksumFlag(false),
        CParameter::DictIdFlag(false),
    ] {
        context.set_parameter(parameter).expect("level, window and flags are within zstd's limits");
    }
    let mut frame = Vec::with_capacity(compress_bound(plain.len()));
    context.ref_prefix(prefix).ok()?;
    context.compress2(&mut frame, plain).ok()?;
    let is_right = frame.len() <= most
        && undelta(prefix, &frame, plain.len()).is_ok_and(|again| again == plain);
    is_right.then_some(frame)
}

/// The `plain_len` plain bytes of a frame on `prefix`. Never more than that is written.
///
/// # Errors
/// See [`CompressError`]. A wrong prefix need not show: the output has to be verified by its id.
pub fn undelta(prefix: &[u8], frame: &[u8], plain_len: usize) -> Result<Vec<u8>, CompressError> {
    let longest = plain_len.max(prefix.len());
    if longest > MAX_BLOCK {
        return Err(CompressError::TooLong(longest));
    }
    if !is_one_frame_of(frame, plain_len) {
        return Err(CompressError::Malformed);
    }
    // The room is exactly the length, so that zstd cannot write more.
    let mut plain = vec![0; plain_len];
    let mut context = DCtx::create();
    context.ref_prefix(prefix).map_err(|_| CompressError::Malformed)?;
    match context.decompress(plain.as_mut_slice(), frame) {
        Ok(written) if written == plain_len => Ok(plain),
        _ => Err(CompressError::Malformed),
    }
}
