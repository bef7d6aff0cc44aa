//! The two HKDF-SHA-512 operations that everything else in this room is derived by.
//!
//! Output lengths are at most a few hundred bytes, far below the 16,320 that HKDF allows.

use super::secret::Secret;
use ring::hkdf::{HKDF_SHA512, KeyType, Prk, Salt};

/// The length of an output, in the form that the HKDF implementation asks for.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Extract and one HKDF-Expand: for input that is not yet a uniform key under this salt.
pub(super) fn derive<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Secret<N> {
    fill(&Salt::new(HKDF_SHA512, salt).extract(secret), info)
}

/// HKDF-Expand alone: `prk` is a uniform key already.
pub(super) fn expand<const N: usize>(prk: &Secret<32>, info: &[&[u8]]) -> Secret<N> {
    fill(&Prk::new_less_safe(HKDF_SHA512, prk.expose()), info)
}

fn fill<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Secret<N> {
    Secret::written_by(|room| {
        prk.expand(info, Length(N))
            .and_then(|output| output.fill(room))
            .expect("the length is below 255 digests and equals the room");
    })
}
