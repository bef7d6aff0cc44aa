//! What lies at the destination, sorted by what the names say. No object is opened for this.

use std::collections::HashMap;

use crate::crypto::NAME_SEALED;
use crate::format::key_block::KEY_BLOCK_LENGTH as BLOCK_LENGTH;
use crate::format::{NAME_LENGTH, ObjectName, base32, split_file_name};
use crate::model::{DeviceId, ObjectKey};
use crate::store::{Listed, Store, StoreError, StoreErrorKind};

use super::key_block::Candidate;
use super::keys::Keys;

/// A destination as listed, before any key is known.
pub struct RawListing {
    files: Vec<Shaped>,
}

/// A file, and what its name would be if an object had it.
struct Shaped {
    file: Listed,
    sealed: Option<[u8; NAME_SEALED]>,
}

impl Shaped {
    fn new(file: Listed) -> Self {
        let sealed =
            split_file_name(&file.path).and_then(|(name, _)| base32::decode(name.as_bytes()));
        Self { file, sealed }
    }
}

/// One object that is here under its own name or as a copy.
#[derive(Clone, Debug)]
pub struct ListedObject {
    /// What its name says.
    pub name: ObjectName,
    /// Which repository of the keyring it belongs to.
    pub repository: usize,
    /// Where it lies, the original before copies; only files of the right length.
    pub paths: Vec<String>,
    /// Length of the longest file of this name when none has the right length.
    pub partial: Option<u64>,
}

impl ListedObject {
    /// Whether a file of the right length is here.
    pub fn is_here(&self) -> bool {
        !self.paths.is_empty()
    }

    /// Whether one of them has the object's own name, and not that of a copy.
    pub fn has_original(&self) -> bool {
        self.paths.first().is_some_and(|path| last_component(path).len() == NAME_LENGTH)
    }
}

/// A destination as listed, with the names opened.
#[derive(Default)]
pub struct Listing {
    /// Every object by what its name says.
    pub objects: HashMap<ObjectKey, ListedObject>,
    /// Files whose names are not of the right shape, or say what no name says.
    pub foreign: u64,
    /// Files of the right shape that no key opens: of a keyring that was not opened, or whose key
    /// block has not arrived.
    pub unopened: u64,
    /// Copies that a sync client made.
    pub copies: u64,
    /// Files of a key block's size: path and file name.
    pub key_blocks: Vec<(String, String)>,
    /// The device that writes here: what it wrote is never on its way.
    pub own: Option<DeviceId>,
}

impl RawListing {
    /// Lists the destination once.
    pub fn read(store: &dyn Store) -> Result<Self, StoreError> {
        store.list().map(|files| Self { files: files.into_iter().map(Shaped::new).collect() })
    }

    /// Whether anything has a name that an object could have.
    pub fn has_object_shapes(&self) -> bool {
        self.files.iter().any(|file| file.sealed.is_some())
    }

    /// Whether a file has this name already, whole or not, with or without the mark of a copy.
    pub fn has_name(&self, name: &str) -> bool {
        let is_it = |one: &Shaped| split_file_name(&one.file.path).is_some_and(|it| it.0 == name);
        self.files.iter().any(|one| one.sealed.is_some() && is_it(one))
    }

    /// Files that do not have such a name.
    pub fn foreign(&self) -> u64 {
        self.files.iter().filter(|file| file.sealed.is_none()).count() as u64
    }

    /// File names of what may be key blocks.
    pub fn key_block_names(&self) -> Vec<String> {
        self.key_block_files().map(|(_, name)| name).collect()
    }

    /// Reads what may be key blocks; what cannot be read is left out, as long as another one can.
    pub fn key_blocks(&self, store: &dyn Store) -> Result<Vec<Candidate>, StoreError> {
        use StoreErrorKind::{Missing, Truncated};
        let mut candidates = Vec::new();
        let mut unread = None;
        for (path, name) in self.key_block_files() {
            match store.get(path, BLOCK_LENGTH as u64) {
                Ok(bytes) => {
                    candidates.push(Candidate { path: path.to_owned(), name, bytes });
                }
                // It went away after it was listed, or is not all here yet.
                Err(error) if matches!(error.kind, Missing | Truncated) => {}
                Err(error) if error.path.is_some() => unread = Some(error),
                Err(error) => return Err(error),
            }
        }
        match unread {
            Some(error) if candidates.is_empty() => Err(error),
            _ => Ok(candidates),
        }
    }

    fn key_block_files(&self) -> impl Iterator<Item = (&str, String)> {
        let block = |one: &&Shaped| one.file.length == BLOCK_LENGTH as u64 && one.sealed.is_some();
        self.files.iter().filter(block).filter_map(|one| {
            let (name, _) = split_file_name(&one.file.path)?;
            Some((one.file.path.as_str(), name.to_owned()))
        })
    }

    /// Opens all names.
    pub fn open(&self, keys: &Keys) -> Listing {
        let key_blocks = self.key_block_files().map(|(path, name)| (path.to_owned(), name));
        let mut listing = Listing { key_blocks: key_blocks.collect(), ..Listing::default() };
        for Shaped { file, sealed } in &self.files {
            let Some(sealed) = sealed else {
                listing.foreign += 1;
                continue;
            };
            if file.length == BLOCK_LENGTH as u64 {
                continue;
            }
            match keys.open_name(sealed) {
                None => listing.unopened += 1,
                Some((repository, name)) => {
                    let original = last_component(&file.path).len() == NAME_LENGTH;
                    listing.add(file, original, repository, name);
                }
            }
        }
        listing
    }
}

impl Listing {
    fn add(&mut self, file: &Listed, original: bool, repository: usize, name: ObjectName) {
        self.copies += u64::from(!original);
        let object = self.objects.entry(name.key()).or_insert_with(|| ListedObject {
            name,
            repository,
            paths: Vec::new(),
            partial: None,
        });
        if file.length != name.length {
            object.partial = object.partial.max(Some(file.length));
        } else if original {
            object.paths.insert(0, file.path.clone());
        } else {
            object.paths.push(file.path.clone());
        }
    }

    /// An object that is here whole.
    pub fn here(&self, key: &ObjectKey) -> Option<&ListedObject> {
        self.objects.get(key).filter(|object| object.is_here())
    }

    /// Counts an object as not here though its files have the right length: its bytes have not
    /// arrived.
    pub fn set_arriving(&mut self, key: &ObjectKey) {
        if let Some(object) = self.objects.get_mut(key) {
            object.paths.clear();
            object.partial = Some(object.name.length);
        }
    }

    /// Counts an object that was just written.
    pub fn add_written(&mut self, name: &ObjectName, repository: usize, path: String) {
        let object = ListedObject { name: *name, repository, paths: vec![path], partial: None };
        self.objects.insert(name.key(), object);
    }
}

fn last_component(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
