//! A slot of a key block: 80 secret bytes under a key made from a password or recovery code.
//!
//! `commitment 32 ‖ ciphertext 80 ‖ tag 16`. The commitment is compared before the cipher is
//! asked, so that no ciphertext opens under two passwords. Key, nonce and commitment all come from
//! the slot key and the slot's number; therefore one slot key seals one content per number, ever:
//! nothing that differs from one time to the next may stand in a slot (see [`slot_id`]).

use super::kdf::expand;
use super::secret::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// Bytes of a slot.
pub const SLOT: usize = 128;
/// Secret bytes in a slot.
pub const SLOT_SECRET: usize = 80;

const COMMITMENT: usize = 32;

/// Seals slot `number` of a key block.
#[must_use]
pub fn seal_slot(slot_key: &Secret<32>, number: u8, secret: &[u8; SLOT_SECRET]) -> [u8; SLOT] {
    let (key, nonce, commitment) = derive_slot(slot_key, number);
    let mut slot = [0; SLOT];
    slot[..COMMITMENT].copy_from_slice(&commitment);
    let (body, end) = slot[COMMITMENT..].split_at_mut(SLOT_SECRET);
    body.copy_from_slice(secret);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::empty(), body)
        .expect("80 bytes are within the cipher's limit");
    end.copy_from_slice(tag.as_ref());
    slot
}

/// Opens slot `number`; `None` unless it was sealed by this key under this number.
#[must_use]
pub fn open_slot(slot_key: &Secret<32>, number: u8, slot: &[u8]) -> Option<Secret<SLOT_SECRET>> {
    let slot: &[u8; SLOT] = slot.try_into().ok()?;
    let (commitment, sealed) = slot.split_first_chunk::<COMMITMENT>()?;
    let (key, nonce, expected) = derive_slot(slot_key, number);
    // This type compares in constant time.
    if blake3::Hash::from_bytes(expected) != *commitment {
        return None;
    }
    let mut room = Secret::<{ SLOT - COMMITMENT }>::from_slice(sealed)?;
    let plain = key.open_in_place(nonce, Aad::empty(), room.expose_mut()).ok()?;
    Secret::from_slice(plain)
}

/// The id of slot `number`, from a key that was made with the salt for ids. The same password under
/// the same number always has the same id, so that a slot's content is the same as well: its key
/// and nonce, which are the same too, never seal a second one.
#[must_use]
pub fn slot_id(id_key: &Secret<32>, number: u8) -> [u8; 8] {
    *expand::<8>(id_key, &[b"keepmum v0 slot id", &[number]]).expose()
}

/// key ‖ nonce ‖ commitment for one slot.
fn derive_slot(slot_key: &Secret<32>, number: u8) -> (LessSafeKey, Nonce, [u8; COMMITMENT]) {
    let derived: Secret<76> = expand(slot_key, &[b"keepmum v0 slot", &[number]]);
    let (key, rest) = derived.expose().split_at(32);
    let (nonce, commitment) = rest.split_at(12);
    let key = UnboundKey::new(&AES_256_GCM, key).expect("a key of 32 bytes");
    let nonce = Nonce::try_assume_unique_for_key(nonce).expect("a nonce of 12 bytes");
    let commitment = commitment.try_into().expect("the remaining 32 of 76 bytes");
    (LessSafeKey::new(key), nonce, commitment)
}
