//! Hashes without a key: of ciphertext, of key blocks and of records.
//!
//! They protect against accidents and give names; secrecy comes from elsewhere, so none of them
//! may ever be computed over plaintext that is then shown to the storage. (A salt is hashed from 32
//! random bytes as well.)

/// Hashes an object's ciphertext as it is written; 16 bytes of BLAKE3.
#[derive(Default)]
pub struct CiphertextHasher(blake3::Hasher);

impl CiphertextHasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes so far.
    #[must_use]
    pub fn finish(&self) -> [u8; 16] {
        first_bytes(self.0.finalize_xof())
    }
}

/// The hash of a whole ciphertext; equals [`CiphertextHasher`] over the same bytes.
#[must_use]
pub fn ciphertext_hash(bytes: &[u8]) -> [u8; 16] {
    let mut hasher = CiphertextHasher::new();
    hasher.update(bytes);
    hasher.finish()
}

/// The 56 bytes from which a key block's name is spelled: as long as any other object's.
///
/// BLAKE3 in its key derivation mode over `copy` ‖ `bytes`, because a key block must be
/// recognisable before any key is known.
#[must_use]
pub fn key_block_name(copy: u8, bytes: &[u8]) -> [u8; 56] {
    let mut hasher = blake3::Hasher::new_derive_key("keepmum v0 key block name");
    hasher.update(&[copy]);
    hasher.update(bytes);
    first_bytes(hasher.finalize_xof())
}

/// The hash by which a record names its predecessor: 32 bytes of BLAKE3.
#[must_use]
pub fn record_hash(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

/// The salt of one sealing: as good as `random` if that is good. If it is not (a machine that is
/// resumed twice from one image draws the same bytes), `circumstances`, which are clocks and the
/// like, and the first content sealed keep two contents from sharing key and nonce.
#[must_use]
pub fn sealing_salt(
    random: &[u8; 32],
    circumstances: &[u8; 32],
    content: &[u8],
) -> [u8; super::SALT] {
    let mut hasher = blake3::Hasher::new_derive_key("keepmum v0 sealing salt");
    hasher.update(random).update(circumstances).update(content);
    first_bytes(hasher.finalize_xof())
}

/// The start of an extendable output.
pub(super) fn first_bytes<const N: usize>(mut output: blake3::OutputReader) -> [u8; N] {
    let mut bytes = [0; N];
    output.fill(&mut bytes);
    bytes
}
