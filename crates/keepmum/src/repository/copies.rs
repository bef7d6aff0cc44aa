//! The copies of stored files that a sync client made, with the original of each.

use std::collections::{BTreeMap, HashMap};

use crate::crypto::{CiphertextHasher, NAME_SEALED};
use crate::format::key_block::KEY_BLOCK_MAX;
use crate::format::{FileName, base32, is_key_block_length};
use crate::model::ObjectKey;
use crate::store::Listed;

use super::file_role::{Role, is_aside, is_original, order};
use super::key_block::Candidate;
use super::keys::Keys;
use super::listing::RawListing;

/// The stored file that some files are copies of.
#[derive(Clone, Copy, Debug)]
pub enum Stored {
    /// An object, and the hash in its name.
    Object(ObjectKey, [u8; 16]),
    /// A key block.
    KeyBlock,
}

/// The copies of one stored file.
#[derive(Debug)]
pub struct Copies {
    /// What they are copies of.
    pub stored: Stored,
    /// Where the original is, if it is here.
    pub original: Option<String>,
    /// Path and length of each copy.
    pub copies: Vec<(String, u64)>,
}

impl RawListing {
    /// The copies of all objects that these keys open, and of key blocks; none in the folders that
    /// clients keep for themselves.
    pub fn copies_by_original(&self, keys: &Keys) -> Vec<Copies> {
        let mut further: BTreeMap<[u8; NAME_SEALED], Vec<&Listed>> = BTreeMap::new();
        for (file, name) in self.named() {
            if Role::of(&name) == Role::Bytes && !is_aside(&file.path) {
                further.entry(name.sealed).or_default().push(file);
            }
        }
        let at_top: HashMap<_, _> =
            self.at_top().filter(|(sealed, _)| further.contains_key(sealed)).collect();
        let mut found = Vec::new();
        for (sealed, mut files) in further {
            files.sort_by(|one, other| order(&one.path).cmp(&order(&other.path)));
            let top = at_top.get(&sealed).copied();
            let lengths = files.iter().map(|file| file.length).chain(top);
            let stored = match keys.open_name(&sealed) {
                Some((_, name)) => Stored::Object(name.key(), name.hash),
                None if lengths.into_iter().any(is_key_block_length) => Stored::KeyBlock,
                None => continue,
            };
            let first = files.first().filter(|file| top.is_none() && is_original(&file.path));
            let original = match (top, first) {
                (Some(_), _) => Some(base32::encode(&sealed)),
                (None, first) => first.map(|file| file.path.clone()),
            };
            let copies = files.iter().skip(usize::from(first.is_some()));
            let copies = copies.map(|file| (file.path.clone(), file.length)).collect::<Vec<_>>();
            if !copies.is_empty() {
                found.push(Copies { stored, original, copies });
            }
        }
        found
    }
}

/// The bytes of an original, as they go by.
pub enum Proof {
    /// Of an object: their hash.
    Object(Box<CiphertextHasher>),
    /// Of a key block: all of them.
    KeyBlock(Vec<u8>),
}

impl Proof {
    /// Takes the next bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        match self {
            Self::Object(hasher) => hasher.update(bytes),
            Self::KeyBlock(all) if all.len() <= KEY_BLOCK_MAX => all.extend_from_slice(bytes),
            Self::KeyBlock(_) => {}
        }
    }
}

impl Stored {
    /// To be given all bytes of the original.
    pub fn proof(&self) -> Proof {
        match self {
            Self::Object(..) => Proof::Object(Box::default()),
            Self::KeyBlock => Proof::KeyBlock(Vec::new()),
        }
    }

    /// Whether the bytes are those that the name of the file at this path says.
    pub fn is_proved(&self, proof: Proof, path: &str) -> bool {
        match (self, proof) {
            (Self::Object(_, hash), Proof::Object(hasher)) => hasher.finish() == *hash,
            (Self::KeyBlock, Proof::KeyBlock(bytes)) => FileName::find(path).is_some_and(|name| {
                Candidate { path: path.to_owned(), name: name.name(), bytes }.is_whole()
            }),
            _ => false,
        }
    }
}
