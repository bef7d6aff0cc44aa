//! Values that must not leak: keys and passphrases.
//!
//! They cannot be printed, compared, cloned or copied, and their memory is overwritten when they
//! are dropped. They live on the heap, so that moving one leaves no copy behind on the stack.

use std::sync::{Mutex, PoisonError};

use zeroize::Zeroize;

/// `N` secret bytes.
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Takes the bytes over and wipes the argument.
    #[must_use]
    pub fn new(mut bytes: [u8; N]) -> Self {
        let secret = Self(Box::new(bytes));
        bytes.zeroize();
        secret
    }

    /// Copies the bytes; `None` unless there are exactly `N`.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != N {
            return None;
        }
        Some(Self::written_by(|room| room.copy_from_slice(bytes)))
    }

    /// A secret that `write` puts straight into its final place.
    pub(super) fn written_by(write: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        write(&mut secret.0);
        secret
    }

    /// The bytes, for handing to a cipher or for sealing.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, for a cipher that works in place.
    pub(super) fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A password or recovery code as the person typed it. It remembers the dear keys that were derived
/// from it, so that none is derived twice while it lives.
pub struct Passphrase {
    text: String,
    derived: Mutex<Vec<(KeyOf, Secret<32>)>>,
}

/// The inputs of a derived key: a salt, and the number of a profile.
type KeyOf = ([u8; 32], u8);

impl Passphrase {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self { text, derived: Mutex::default() }
    }

    /// The key of this salt, derived unless it is known.
    pub(super) fn key_of<E>(
        &self,
        of: KeyOf,
        derive: impl FnOnce(&str) -> Result<Secret<32>, E>,
    ) -> Result<Secret<32>, E> {
        let copy = |key: &Secret<32>| Secret::written_by(|room| *room = *key.expose());
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = derived.iter().find(|(known, _)| *known == of) {
            return Ok(copy(key));
        }
        let key = derive(&self.text)?;
        derived.push((of, copy(&key)));
        Ok(key)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl Drop for Passphrase {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}
