//! The key schedule.
//!
//! ```text
//! repository secret ─ HKDF-SHA-512 ─┬─ "name"      64  object names        (AES-256-SIV)
//!  (32 bytes, never changes)        ├─ "chunk id"  32  ids of pieces       (keyed BLAKE3)
//!                                   ├─ "chunker"   32  chunk boundaries
//!                                   ├─ "padding"   32  reserved
//!                                   └─ "token"     32  machines and trees  (keyed BLAKE3)
//! epoch secret ────── HKDF-SHA-512 ─── "object"    32  object contents     (Cobblestone-256)
//!  (32 bytes, one per rotation)
//! ```
//!
//! The extract salt is `keepmum v0`, the info is the label. Ids and names hang on the repository
//! secret, so that a rotation leaves them as they are and a chunk is still found again after it.
//! No derived key serves two purposes.

use super::hash::first_bytes;
use super::kdf::derive;
use super::secret::Secret;
use zeroize::Zeroize;

/// The extract salt of every derivation from a stored secret.
const SALT: &[u8] = b"keepmum v0";

/// The keys derived from the repository secret, which outlive a rotation.
pub struct RepositoryKeys {
    name: Secret<64>,
    piece_id: Secret<32>,
    chunker: Secret<32>,
    padding: Secret<32>,
    token: Secret<32>,
}

impl RepositoryKeys {
    /// Derives all keys.
    #[must_use]
    pub fn derive(repository_secret: &Secret<32>) -> Self {
        let secret = repository_secret.expose();
        Self {
            name: derive(SALT, secret, &[b"name"]),
            piece_id: derive(SALT, secret, &[b"chunk id"]),
            chunker: derive(SALT, secret, &[b"chunker"]),
            padding: derive(SALT, secret, &[b"padding"]),
            token: derive(SALT, secret, &[b"token"]),
        }
    }

    /// The id of a piece of this kind: without the key nobody can test whether a known text is
    /// stored, and a piece of one kind never stands in for one of another. The kind comes last, so
    /// that the bytes keep their place in the chunks of the hash, which is faster (decision 0049).
    #[must_use]
    pub fn piece_id(&self, kind: u8, piece: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(self.piece_id.expose());
        hasher.update(piece).update(&[kind]);
        let id = *hasher.finalize().as_bytes();
        hasher.zeroize();
        id
    }

    /// A keyed hash that identifies something (`label` names its kind) without revealing it: BLAKE3
    /// over the label's length as one byte ‖ label ‖ bytes.
    ///
    /// # Panics
    /// If the label is longer than 255 bytes; labels are constants of the program.
    #[must_use]
    pub fn token(&self, label: &str, bytes: &[u8]) -> [u8; 16] {
        let length = u8::try_from(label.len()).expect("labels are short constants");
        let mut hasher = blake3::Hasher::new_keyed(self.token.expose());
        hasher.update(&[length]).update(label.as_bytes()).update(bytes);
        let token = first_bytes(hasher.finalize_xof());
        hasher.zeroize();
        token
    }

    /// The key of the chunker.
    #[must_use]
    pub fn chunker(&self) -> &[u8; 32] {
        self.chunker.expose()
    }

    /// Reserved for a keyed choice of padding.
    #[must_use]
    pub fn padding(&self) -> &[u8; 32] {
        self.padding.expose()
    }

    /// The AES-256-SIV key of the names.
    pub(super) fn name(&self) -> &Secret<64> {
        &self.name
    }
}

/// The key derived from an epoch secret: it seals the objects written in that epoch.
pub struct EpochKey {
    object: Secret<32>,
}

impl EpochKey {
    /// Derives the key.
    #[must_use]
    pub fn derive(epoch_secret: &Secret<32>) -> Self {
        Self { object: derive(SALT, epoch_secret.expose(), &[b"object"]) }
    }

    /// The input key for sealing and opening objects.
    #[must_use]
    pub fn object(&self) -> &Secret<32> {
        &self.object
    }
}
