//! Reading objects whole, and comparing their bytes with the hash in their name.
//!
//! The seal proves that bytes are of an object with these numbers. If two objects have the same
//! numbers, as those of a fork have, only the hash distinguishes them.

use std::sync::PoisonError;

use crate::crypto::{CiphertextHasher, HEADER, ciphertext_hash};
use crate::format::plain_for_sealed;
use crate::model::ObjectKey;

use super::error::RepositoryError;
use super::listed::ListedObject;
use super::reader::ObjectReader;

/// So many bytes of a large object are read at a time.
const STEP: u64 = 1024 * 1024;

impl ObjectReader<'_> {
    /// Reads an object whole and compares its bytes with the hash in its name. A file with other
    /// bytes is not read any more. The plaintext of an object of at most `keep` bytes is kept,
    /// until another one is read in this way: nothing is read again for its ranges. An object that
    /// cannot be read whole is read range by range, and then its problem shows.
    pub fn read_at_once(&self, key: &ObjectKey, keep: u64) {
        *self.whole.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let Ok(object) = self.object(key) else { return };
        for copy in 0..object.files() {
            let read = match object.name.length <= keep {
                true => {
                    self.plaintext(object, &self.path(object, copy)).map(|plain| plain.map(Some))
                }
                false => self.is_its_own(key, object, copy).map(|own| own.then_some(None)),
            };
            match read {
                Ok(Some(plain)) => {
                    let plain = plain.map(|plain| (*key, plain));
                    *self.whole.lock().unwrap_or_else(PoisonError::into_inner) = plain;
                    return;
                }
                Ok(None) => {
                    let mut known = self.exchanged.lock().unwrap_or_else(PoisonError::into_inner);
                    known.insert((*key, copy));
                }
                Err(_) => {}
            }
        }
    }

    /// Whether a file of an object that has others turns out to have the bytes of another object.
    pub(super) fn finds_exchanged(&self, key: &ObjectKey) -> bool {
        let count = || self.exchanged.lock().unwrap_or_else(PoisonError::into_inner).len();
        let (before, several) = (count(), self.object(key).is_ok_and(|one| one.files() > 1));
        if several {
            self.read_at_once(key, 0);
        }
        count() > before
    }

    /// The plaintext of a file; nothing if it has not the hash of its name, as long as it opens.
    fn plaintext(
        &self,
        object: &ListedObject,
        path: &str,
    ) -> Result<Option<Vec<u8>>, RepositoryError> {
        let mut bytes = self.store.get(path, object.name.length)?;
        let fits = ciphertext_hash(&bytes) == object.name.hash;
        let opener = self.opener_with(object, &bytes)?;
        bytes.drain(..HEADER.min(bytes.len()));
        let opened = opener.open_segments(0, &mut bytes);
        opened.map_err(|error| self.damaged(object, &error.to_string()))?;
        Ok(fits.then_some(bytes))
    }

    /// Whether a file has the hash of its name, or does not open: a flipped bit costs only the data
    /// it is in.
    fn is_its_own(
        &self,
        key: &ObjectKey,
        object: &ListedObject,
        copy: usize,
    ) -> Result<bool, RepositoryError> {
        if self.has_its_hash(object, &self.path(object, copy))? {
            return Ok(true);
        }
        self.each_range(key, object, copy)?;
        Ok(false)
    }

    /// Opens all of the file of an object at this path; answers whether there is one of its length.
    pub fn opens_whole(&self, key: &ObjectKey, path: &str) -> Result<bool, RepositoryError> {
        let Ok(object) = self.object(key) else { return Ok(false) };
        match (0..object.files()).find(|file| self.path(object, *file) == path) {
            Some(copy) => self.each_range(key, object, copy).map(|()| true),
            None => Ok(false),
        }
    }

    /// Reads a file segment by segment.
    fn each_range(
        &self,
        key: &ObjectKey,
        object: &ListedObject,
        copy: usize,
    ) -> Result<(), RepositoryError> {
        let plain = plain_for_sealed(object.name.length).unwrap_or(0);
        let mut at = 0;
        while at < plain {
            let length = STEP.min(plain - at);
            self.range_of_copy(key, object, copy, at, length)?;
            at += length;
        }
        Ok(())
    }

    fn has_its_hash(&self, object: &ListedObject, path: &str) -> Result<bool, RepositoryError> {
        let mut hasher = CiphertextHasher::new();
        let mut at = 0;
        while at < object.name.length {
            let length = STEP.min(object.name.length - at);
            let count = usize::try_from(length).unwrap_or(usize::MAX);
            hasher.update(&self.store.get_range(path, at, count)?);
            at += length;
        }
        Ok(hasher.finish() == object.name.hash)
    }
}
