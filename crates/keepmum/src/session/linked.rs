//! Which names of a snapshot are one file (`doc/format.md` §6.2): entries with equal hard link
//! groups, contents and metadata. Others of a group are files of their own.
//!
//! It must never take two entries for one file by their group alone: one of them would be given
//! back with the content of the other.

use std::hash::{Hash, Hasher};

use crate::catalogue::LinkKey;
use crate::crypto::CiphertextHasher;
use crate::model::{Entry, Kind};

/// Gives the hashed bytes to the hasher that makes 16 bytes of them.
struct Feed(CiphertextHasher);

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0.finish();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// The common data of the names of one file; nothing for a file without other names. Contents may
/// be long and files many, so it is short.
pub fn link_key(entry: &Entry) -> Option<LinkKey> {
    let Kind::File(content) = &entry.kind else { return None };
    let group = entry.metadata.link?;
    let mut feed = Feed(CiphertextHasher::new());
    content.hash(&mut feed);
    entry.metadata.hash(&mut feed);
    Some((group, feed.0.finish()))
}
