//! Slots of a key block: the block key, sealed to the public key of each password and recovery code.
//!
//! `commitment 32 ‖ ciphertext 40 ‖ tag 16`. The commitment is compared before the cipher is asked,
//! so that no ciphertext opens under two keys. Key, nonce and commitment follow from an ephemeral
//! key that is new in each block, so none of them ever comes twice, whatever is sealed.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

use super::hash::first_bytes;
use super::kdf::{derive, expand};
use super::secret::Secret;

/// Bytes of a slot.
pub const SLOT: usize = 88;
/// Secret bytes in a slot.
pub const SLOT_SECRET: usize = 40;
/// Bytes of a mark.
pub const MARK: usize = 8;
/// Bytes of a mark key.
pub const MARK_KEY: usize = 16;
/// Bytes of the head of a key block that are masked.
pub const MASKED: usize = 64;

const COMMITMENT: usize = 32;

/// A key pair for agreements: of a slot for ever, or of one block.
pub struct AgreementKey(StaticSecret);

impl AgreementKey {
    /// The key pair of the slot that this kek opens.
    #[must_use]
    pub fn of_slot(kek: &Secret<32>) -> Self {
        Self(secret(expand::<32>(kek, &[b"keepmum v0 slot key"]).expose()))
    }

    /// The key pair of one block: as good as `random`; if that repeats, `circumstances` and the
    /// contents of the block keep two blocks from sharing it.
    #[must_use]
    pub fn of_block(random: &[u8; 32], circumstances: &[u8; 32], content: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("keepmum v0 ephemeral key");
        hasher.update(random).update(circumstances);
        content.iter().for_each(|part| {
            hasher.update(part);
        });
        let bytes = Zeroizing::new(first_bytes(hasher.finalize_xof()));
        zeroize::Zeroize::zeroize(&mut hasher);
        Self(secret(&bytes))
    }

    /// Its public part.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        PublicKey::from(&self.0).to_bytes()
    }

    /// The secret shared by both sides of a block's slots.
    #[must_use]
    pub fn with_block(&self, ephemeral: &[u8; 32]) -> Agreed {
        Agreed { shared: self.agree(ephemeral), ephemeral: *ephemeral, slot: self.public_key() }
    }

    fn agree(&self, other: &[u8; 32]) -> Option<SharedSecret> {
        let shared = self.0.diffie_hellman(&PublicKey::from(*other));
        // A public key of small order gives the same secret to everybody.
        shared.was_contributory().then_some(shared)
    }

    /// Seals slot `number` of this key's block to the public key of a slot; nothing if the key is
    /// invalid.
    #[must_use]
    pub fn seal_slot(
        &self,
        slot: &[u8; 32],
        number: u8,
        secret: &[u8; SLOT_SECRET],
    ) -> Option<[u8; SLOT]> {
        let shared = self.agree(slot);
        let agreed = Agreed { shared, ephemeral: self.public_key(), slot: *slot };
        let (key, nonce, commitment) = agreed.derive(number)?;
        let mut sealed = [0; SLOT];
        sealed[..COMMITMENT].copy_from_slice(&commitment);
        let (body, end) = sealed[COMMITMENT..].split_at_mut(SLOT_SECRET);
        body.copy_from_slice(secret);
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::empty(), body)
            .expect("40 bytes are within the cipher's limit");
        end.copy_from_slice(tag.as_ref());
        Some(sealed)
    }
}

fn secret(bytes: &[u8; 32]) -> StaticSecret {
    StaticSecret::from(*bytes)
}

/// A secret that a slot and a block have in common, with the public keys of both.
pub struct Agreed {
    shared: Option<SharedSecret>,
    ephemeral: [u8; 32],
    slot: [u8; 32],
}

impl Agreed {
    /// Opens slot `number`; `None` unless it was sealed for this slot key, block and number.
    #[must_use]
    pub fn open_slot(&self, number: u8, slot: &[u8]) -> Option<Secret<SLOT_SECRET>> {
        let slot: &[u8; SLOT] = slot.try_into().ok()?;
        let (commitment, sealed) = slot.split_first_chunk::<COMMITMENT>()?;
        let (key, nonce, expected) = self.derive(number)?;
        // This type compares in constant time.
        if blake3::Hash::from_bytes(expected) != *commitment {
            return None;
        }
        let mut room = Secret::<{ SLOT - COMMITMENT }>::from_slice(sealed)?;
        let plain = key.open_in_place(nonce, Aad::empty(), room.expose_mut()).ok()?;
        Secret::from_slice(plain)
    }

    /// key ‖ nonce ‖ commitment for one slot.
    fn derive(&self, number: u8) -> Option<(LessSafeKey, Nonce, [u8; COMMITMENT])> {
        let shared = self.shared.as_ref()?.as_bytes();
        let info: [&[u8]; 4] = [b"keepmum v0 slot", &[number], &self.ephemeral, &self.slot];
        let derived: Secret<76> = derive(b"keepmum v0", shared, &info);
        let (key, rest) = derived.expose().split_at(32);
        let (nonce, commitment) = rest.split_at(12);
        let key = UnboundKey::new(&AES_256_GCM, key).expect("a key of 32 bytes");
        let nonce = Nonce::try_assume_unique_for_key(nonce).expect("a nonce of 12 bytes");
        let commitment = commitment.try_into().expect("the remaining 32 of 76 bytes");
        Some((LessSafeKey::new(key), nonce, commitment))
    }
}

/// The mask over salt and ephemeral key of a block, from the beginning of its sealed keyring.
#[must_use]
pub fn key_block_mask(keyring_head: &[u8]) -> [u8; MASKED] {
    let mut hasher = blake3::Hasher::new_derive_key("keepmum v0 key block mask");
    first_bytes(hasher.update(keyring_head).finalize_xof())
}

/// The key by which later blocks say that they follow those with this block key.
#[must_use]
pub fn mark_key(block_key: &Secret<32>) -> Secret<MARK_KEY> {
    expand(block_key, &[b"keepmum v0 mark"])
}

/// The mark of a mark key in the block with this ephemeral public key.
#[must_use]
pub fn mark(mark_key: &[u8; MARK_KEY], ephemeral: &[u8; 32]) -> [u8; MARK] {
    let mut hasher = blake3::Hasher::new_derive_key("keepmum v0 key block mark");
    first_bytes(hasher.update(mark_key).update(ephemeral).finalize_xof())
}
