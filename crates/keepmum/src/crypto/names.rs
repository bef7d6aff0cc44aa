//! Object names: the fields of a name, sealed so that it looks like noise to everybody else.
//!
//! AES-256-SIV (RFC 5297) without associated data or nonce. It is deterministic on purpose: one
//! object has one name, and a name that was not made with our key does not open. The result is
//! 16 bytes of synthetic IV ‖ 40 bytes of ciphertext.

use super::keys::RepositoryKeys;
use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;

/// Bytes of a name before sealing.
pub const NAME_PLAIN: usize = 40;
/// Bytes of a sealed name.
pub const NAME_SEALED: usize = 56;

const TAG: usize = NAME_SEALED - NAME_PLAIN;
/// RFC 5297 allows a list of associated data; ours is empty.
const NO_HEADERS: [&[u8]; 0] = [];

/// Seals one name.
#[must_use]
pub fn seal_name(keys: &RepositoryKeys, plain: &[u8; NAME_PLAIN]) -> [u8; NAME_SEALED] {
    let mut sealed = [0; NAME_SEALED];
    let (tag, body) = sealed.split_at_mut(TAG);
    body.copy_from_slice(plain);
    let siv = cipher(keys)
        .encrypt_inout_detached(NO_HEADERS, body.into())
        .expect("an empty list of headers is within the limit");
    tag.copy_from_slice(&siv);
    sealed
}

/// Opens one name; `None` unless it was sealed with the same key.
#[must_use]
pub fn open_name(keys: &RepositoryKeys, sealed: &[u8; NAME_SEALED]) -> Option<[u8; NAME_PLAIN]> {
    let (tag, body) = sealed.split_first_chunk::<TAG>()?;
    let mut plain = <[u8; NAME_PLAIN]>::try_from(body).ok()?;
    cipher(keys)
        .decrypt_inout_detached(NO_HEADERS, plain.as_mut_slice().into(), &(*tag).into())
        .ok()?;
    Some(plain)
}

/// The library's cipher carries running state, so it cannot be shared between threads behind
/// `&RepositoryKeys`. A fresh one costs a fraction of a microsecond, which a listing never feels.
/// The key is lent and not copied, and the cipher wipes its schedule when it is dropped.
fn cipher(keys: &RepositoryKeys) -> Aes256Siv {
    Aes256Siv::new(keys.name().expose().into())
}
