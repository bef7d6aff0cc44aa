//! Objects: C2SP chunked-encryption in its instance Cobblestone-256 (`c2sp.org/chunked-encryption`).
//!
//! AES-256-GCM under a key, base nonce and commitment that HKDF-SHA-512 makes for each object from
//! the epoch's key, a random salt and a context. The commitment is checked before anything else;
//! plaintext that did not authenticate is never handed out.

use super::kdf::expand;
use super::seal_layout::{
    HEADER, SALT, SEGMENT, SegmentSpan, TAG, plain_length, sealed_length, segment_count,
    segment_span,
};
use super::secret::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use std::ops::Range;
use thiserror::Error;

const STRIDE: usize = SEGMENT + TAG;

/// Why an object did not open.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// The length is one that no object or run of segments can have; the object is cut or grown.
    #[error("the object has an impossible length")]
    BadLength,
    /// Another key, another context, or a damaged header.
    #[error("the object was not sealed with this key and under this name")]
    Commitment,
    /// A segment does not authenticate.
    #[error("the object is damaged: a segment does not authenticate")]
    Authentication,
}

/// The key and nonces of one object.
struct ObjectCipher {
    key: LessSafeKey,
    base_nonce: [u8; 12],
    commitment: [u8; 32],
}

impl ObjectCipher {
    fn new(key: &Secret<32>, salt: &[u8; SALT], context: &[u8]) -> Self {
        const LABEL: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";
        let derived: Secret<76> = expand(key, &[LABEL, salt, context]);
        let (key, rest) = derived.expose().split_at(32);
        let (base_nonce, commitment) = rest.split_at(12);
        Self {
            key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key of 32 bytes")),
            base_nonce: base_nonce.try_into().expect("a nonce of 12 bytes"),
            commitment: commitment.try_into().expect("the remaining 32 of 76 bytes"),
        }
    }

    /// The base nonce XORed with the segment's number as a big-endian integer.
    fn nonce(&self, segment: u64) -> Nonce {
        let mut nonce = self.base_nonce;
        for (byte, counter) in nonce[4..].iter_mut().zip(segment.to_be_bytes()) {
            *byte ^= counter;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Seals an object whose content comes piece by piece: sealed parts can leave at once.
pub struct Sealer {
    cipher: ObjectCipher,
    segments: u64,
    /// Content that does not fill a segment yet. It is sealed where it lies, so that none of it
    /// is left in memory.
    open: Vec<u8>,
}

impl Sealer {
    /// Begins an object and appends its header to `out`. `salt` must be random and never used
    /// twice.
    #[must_use]
    pub fn new(key: &Secret<32>, salt: [u8; SALT], context: &[u8], out: &mut Vec<u8>) -> Self {
        let cipher = ObjectCipher::new(key, &salt, context);
        out.extend_from_slice(&salt);
        out.extend_from_slice(&cipher.commitment);
        Self { cipher, segments: 0, open: Vec::with_capacity(SEGMENT) }
    }

    /// Takes content; segments that it fills are sealed and appended to `out`.
    pub fn push(&mut self, mut content: &[u8], out: &mut Vec<u8>) {
        if !self.open.is_empty() {
            let (now, later) = content.split_at(content.len().min(SEGMENT - self.open.len()));
            self.open.extend_from_slice(now);
            if self.open.len() == SEGMENT {
                self.seal_open(out);
            }
            content = later;
        }
        let (whole, rest) = content.as_chunks::<SEGMENT>();
        for segment in whole {
            let start = out.len();
            out.extend_from_slice(segment);
            let tag = self.seal_segment(&mut out[start..]);
            out.extend_from_slice(tag.as_ref());
        }
        self.open.extend_from_slice(rest);
    }

    /// Seals the rest, which ends the object.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.seal_open(out);
    }

    fn seal_open(&mut self, out: &mut Vec<u8>) {
        let mut open = std::mem::take(&mut self.open);
        let tag = self.seal_segment(&mut open);
        out.extend_from_slice(&open);
        out.extend_from_slice(tag.as_ref());
        open.clear();
        self.open = open;
    }

    fn seal_segment(&mut self, content: &mut [u8]) -> Tag {
        let nonce = self.cipher.nonce(self.segments);
        self.segments += 1;
        let sealed = self.cipher.key.seal_in_place_separate_tag(nonce, Aad::empty(), content);
        sealed.expect("a segment is far below the cipher's limit")
    }
}

/// Seals a whole object. `salt` must be random and never used twice.
#[must_use]
pub fn seal(key: &Secret<32>, salt: [u8; SALT], context: &[u8], plain: &[u8]) -> Vec<u8> {
    let length = sealed_length(plain.len() as u64);
    let mut sealed = Vec::with_capacity(usize::try_from(length).unwrap_or(usize::MAX));
    let mut sealer = Sealer::new(key, salt, context, &mut sealed);
    sealer.push(plain, &mut sealed);
    sealer.finish(&mut sealed);
    sealed
}

/// Opens an object, whole or by ranges of segments.
pub struct Opener {
    cipher: ObjectCipher,
    sealed: u64,
    segments: u64,
}

impl Opener {
    /// Checks the length, then in constant time the commitment.
    ///
    /// `header` is the object's first [`HEADER`] bytes or more, `sealed` its whole length.
    ///
    /// # Errors
    /// [`OpenError::BadLength`] and [`OpenError::Commitment`].
    pub fn new(
        key: &Secret<32>,
        header: &[u8],
        sealed: u64,
        context: &[u8],
    ) -> Result<Self, OpenError> {
        let plain = plain_length(sealed).ok_or(OpenError::BadLength)?;
        let header: &[u8; HEADER] = header.first_chunk().ok_or(OpenError::BadLength)?;
        let (salt, commitment) = header.split_first_chunk().ok_or(OpenError::BadLength)?;
        let cipher = ObjectCipher::new(key, salt, context);
        // This type compares in constant time.
        if blake3::Hash::from_bytes(cipher.commitment) != *commitment {
            return Err(OpenError::Commitment);
        }
        Ok(Self { cipher, sealed, segments: segment_count(plain) })
    }

    /// The segments that a range of the plaintext needs; `None` when it reaches beyond the end.
    #[must_use]
    pub fn segments_for(&self, plain: Range<u64>) -> Option<SegmentSpan> {
        segment_span(self.sealed, plain)
    }

    /// Opens whole consecutive segments, the first of them number `first`, in place: afterwards
    /// `bytes` holds their plaintext without gaps. On failure it is empty.
    ///
    /// # Errors
    /// [`OpenError::BadLength`] when `bytes` is not a run of whole segments of this object,
    /// [`OpenError::Authentication`] when one was changed.
    pub fn open_segments(&self, first: u64, bytes: &mut Vec<u8>) -> Result<(), OpenError> {
        self.open_from(first, 0, bytes)
    }

    /// As [`Self::open_segments`], where the segments begin `offset` bytes into `bytes`.
    fn open_from(&self, first: u64, offset: usize, bytes: &mut Vec<u8>) -> Result<(), OpenError> {
        let outcome = self.open_in_place(first, offset, bytes);
        bytes.truncate(outcome.unwrap_or(0));
        outcome.map(|_| ())
    }

    /// Returns the length of the plaintext, which then lies at the front of `bytes`.
    fn open_in_place(
        &self,
        first: u64,
        offset: usize,
        bytes: &mut [u8],
    ) -> Result<usize, OpenError> {
        let length = bytes.len().checked_sub(offset).ok_or(OpenError::BadLength)?;
        let count = length.div_ceil(STRIDE);
        self.check_run(first, length, count)?;
        let mut plain = 0;
        for (number, index) in (first..).zip(0..count) {
            // Plaintext is written where it finally belongs: to the left of its ciphertext by the
            // header and by the tags of the segments before it.
            let shift = offset + index * TAG;
            let end = bytes.len().min(offset + (index + 1) * STRIDE);
            let opened = self
                .cipher
                .key
                .open_within(
                    self.cipher.nonce(number),
                    Aad::empty(),
                    &mut bytes[plain..end],
                    shift..,
                )
                .map_err(|_| OpenError::Authentication)?;
            plain += opened.len();
        }
        Ok(plain)
    }

    /// Whether `length` bytes are exactly `count` whole segments from number `first`.
    fn check_run(&self, first: u64, length: usize, count: usize) -> Result<(), OpenError> {
        let after = first.checked_add(count as u64).ok_or(OpenError::BadLength)?;
        let start = (HEADER as u64).saturating_add(first.saturating_mul(STRIDE as u64));
        let end = start.saturating_add(length as u64);
        let whole = if after == self.segments {
            end == self.sealed
        } else {
            after < self.segments && length == count * STRIDE
        };
        if whole { Ok(()) } else { Err(OpenError::BadLength) }
    }
}

/// Opens a whole object in its own memory.
///
/// # Errors
/// See [`OpenError`].
pub fn open(key: &Secret<32>, context: &[u8], mut sealed: Vec<u8>) -> Result<Vec<u8>, OpenError> {
    let opener = Opener::new(key, &sealed, sealed.len() as u64, context)?;
    opener.open_from(0, HEADER, &mut sealed)?;
    Ok(sealed)
}
