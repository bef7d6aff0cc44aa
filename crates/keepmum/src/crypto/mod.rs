//! Everything that needs a key, and the only user of ciphers.
//!
//! All functions are pure: randomness comes in as bytes, nothing is printed, and secrets
//! ([`Secret`], [`Passphrase`]) can be neither printed nor copied. Plaintext that failed
//! authentication never leaves this room.

mod hash;
mod kdf;
mod keys;
mod names;
mod password;
mod recovery;
mod recovery_slip;
mod seal;
mod seal_layout;
mod secret;
mod slot;
#[cfg(test)]
mod tests;

pub use hash::{CiphertextHasher, ciphertext_hash, key_block_name, record_hash, sealing_salt};
pub use keys::{EpochKey, RepositoryKeys};
pub use names::{NAME_SEALED, open_name, seal_name};
pub use password::{PasswordError, Profile, cache_key, password_key};
pub use recovery::{RecoveryCode, recovery_key};
pub use recovery_slip::{CodeReading, read_code};
pub use seal::{Opener, Sealer, open, seal};
pub use seal_layout::{HEADER, SALT, sealed_length};
pub use secret::{Passphrase, Secret};
pub use slot::{AgreementKey, MARK, MARK_KEY, key_block_mask, mark, mark_key};
