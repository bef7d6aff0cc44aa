//! From a password to the key that opens a slot.
//!
//! Nothing about the cost is ever read from storage: otherwise the keeper of the storage could ask
//! for a cheap derivation, or for one that needs all memory.

use super::secret::{Passphrase, Secret};
use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The number of lanes of every profile.
const LANES: u32 = 4;

/// How dear one guess is. Compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Argon2id with 256 MiB and three passes: about half a second on two cores.
    Standard,
    /// Argon2id with 64 KiB and one pass. For tests only; the program never tries it, because a
    /// key block written with it would fall to a short search.
    Test,
}

impl Profile {
    /// Memory in KiB and number of passes.
    const fn cost(self) -> (u32, u32) {
        match self {
            Self::Standard => (256 * 1024, 3),
            Self::Test => (64, 1),
        }
    }
}

/// The derivation did not take place.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// There was no memory for the profile.
    #[error("not enough memory to derive the key from the password ({needed} MiB)")]
    OutOfMemory {
        /// The memory that the profile needs, in MiB.
        needed: u32,
    },
    /// The passphrase is longer than Argon2 takes (4 GiB).
    #[error("the password is too long")]
    TooLong,
}

/// The key for a password: Unicode NFC, then Argon2id version 1.3 with four lanes. The passphrase
/// remembers each derived key.
///
/// NFC, because the same password typed on another system may arrive decomposed.
///
/// # Errors
/// See [`PasswordError`].
pub fn password_key(
    passphrase: &Passphrase,
    salt: &[u8; 32],
    profile: Profile,
) -> Result<Secret<32>, PasswordError> {
    passphrase.key_of((*salt, profile as u8), |text| derive_key(text, salt, profile))
}

fn derive_key(text: &str, salt: &[u8; 32], profile: Profile) -> Result<Secret<32>, PasswordError> {
    let (memory, passes) = profile.cost();
    let parameters = Params::new(memory, passes, LANES, Some(32))
        .expect("the compiled-in profiles are within Argon2's limits");
    let password = composed(text);
    let mut outcome = Ok(());
    let key =
        Secret::written_by(|room| {
            outcome = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
                .hash_password_into(password.as_bytes(), salt, room);
        });
    match outcome {
        Ok(()) => Ok(key),
        Err(argon2::Error::PwdTooLong) => Err(PasswordError::TooLong),
        Err(_) => Err(PasswordError::OutOfMemory { needed: memory.div_ceil(1024) }),
    }
}

/// The key of the cached keyring: from the password and from a secret that does not lie beside the
/// cache. Not slow on purpose: without the secret there is nothing to try a password on, and who has
/// the secret has the file with the password beside it.
#[must_use]
pub fn cache_key(passphrase: &Passphrase, secret: &Secret<32>, salt: &[u8; 32]) -> Secret<32> {
    let password = composed(passphrase.expose());
    let mut input = Zeroizing::new(Vec::with_capacity(32 + password.len()));
    input.extend_from_slice(secret.expose());
    input.extend_from_slice(password.as_bytes());
    super::kdf::derive(salt, &input, &[b"key cache 2"])
}

/// The text in NFC, in memory that is wiped.
fn composed(text: &str) -> Zeroizing<String> {
    // NFC grows a text to at most three times its bytes. Room for that is taken at once, because
    // growing would leave unwiped copies behind.
    let mut composed = Zeroizing::new(String::with_capacity(text.len().saturating_mul(3)));
    composed.extend(text.nfc());
    composed
}
