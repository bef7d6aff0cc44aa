//! Optional items of later versions, kept as they were read (§3): a program that rewrites a keyring
//! must not drop items that a later version added.

use zeroize::Zeroizing;

use super::cbor::{Reader, Writer};
use super::error::FormatError;

/// The items of a map under odd keys that this version does not know. They may be secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Further(Vec<(u64, Zeroizing<Vec<u8>>)>);

impl Further {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Bytes that their CBOR takes at most.
    pub(super) fn room(&self) -> usize {
        self.0.iter().map(|(_, value)| 9 + value.len()).sum()
    }

    /// Keeps the value of an unknown key; answers `false` where it is even, as rule 1.1 asks.
    pub(super) fn keep(&mut self, reader: &mut Reader<'_>, key: u64) -> Result<bool, FormatError> {
        if key.is_multiple_of(2) {
            return Ok(false);
        }
        let value = reader.item("an optional item")?;
        self.0.push((key, Zeroizing::new(value.to_vec())));
        Ok(true)
    }

    /// The map of an item with these keys of its own, in ascending order; `write` writes their
    /// values. Kept items go between them in their place.
    pub(super) fn map<'a>(
        &self,
        out: &mut Writer<'a>,
        keys: &[u64],
        mut write: impl FnMut(&mut Writer<'a>, u64),
    ) {
        out.map(keys.len() + self.len());
        let mut all: Vec<(u64, Option<&[u8]>)> = keys.iter().map(|key| (*key, None)).collect();
        all.extend(self.0.iter().map(|(key, value)| (*key, Some(&value[..]))));
        all.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in all {
            out.uint(key);
            match value {
                Some(value) => out.raw(value),
                None => write(out, key),
            }
        }
    }

    /// An item as a later version would write it.
    #[cfg(test)]
    pub(super) fn insert_for_tests(&mut self, key: u64, value: &[u8]) {
        self.0.push((key, Zeroizing::new(value.to_vec())));
    }

    /// In the order in which they are written.
    #[cfg(test)]
    pub(super) fn sort_for_tests(&mut self) {
        self.0.sort_unstable_by_key(|(key, _)| *key);
    }
}
