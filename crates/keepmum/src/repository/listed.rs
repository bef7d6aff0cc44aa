//! The objects of a listing, and the files that hold each of them.

use std::collections::BTreeMap;

use crate::format::ObjectName;
use crate::model::ObjectKey;

use super::file_role::{is_aside, is_original};
use super::keys::Keys;

/// Under which names an object is here.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Under its own name, in the destination's own folder.
    Original,
    /// Elsewhere, or under several, in the order in which they are read; only files of the right
    /// length.
    Files(Box<[String]>),
    /// Not whole: the length of the longest file of its name.
    Partial(u64),
    /// The sync service has it, and this computer only a stub of it.
    Placeholder {
        /// Whether it counts as here all the same.
        counts: bool,
    },
}

/// One object that is here under its own name or as a copy.
#[derive(Clone, Debug)]
pub struct ListedObject {
    /// The fields of its name.
    pub name: ObjectName,
    /// Which repository of the keyring it belongs to.
    pub repository: usize,
    pub(super) place: Place,
}

impl ListedObject {
    /// Whether a file of the right length is here.
    pub fn is_here(&self) -> bool {
        !matches!(self.place, Place::Partial(_) | Place::Placeholder { counts: false })
    }

    /// Whether the sync service has it, and this computer only a stub of it.
    pub fn is_placeholder(&self) -> bool {
        matches!(self.place, Place::Placeholder { .. })
    }

    /// Whether one of its files has the object's own name, and not that of a copy.
    pub fn has_original(&self) -> bool {
        match &self.place {
            Place::Original => true,
            Place::Files(paths) => paths.first().is_some_and(|path| is_original(path)),
            Place::Partial(_) | Place::Placeholder { .. } => false,
        }
    }

    /// Whether its only files are in folders that a client keeps for itself.
    pub(super) fn is_only_aside(&self) -> bool {
        match &self.place {
            Place::Files(paths) => paths.first().is_some_and(|path| is_aside(path)),
            _ => false,
        }
    }

    /// How many files of the right length there are.
    pub fn files(&self) -> usize {
        match &self.place {
            Place::Original => 1,
            Place::Files(paths) => paths.len(),
            Place::Partial(_) | Place::Placeholder { .. } => 0,
        }
    }

    /// Where one of its files is; the original is the first.
    pub fn path(&self, file: usize, keys: &Keys) -> Option<String> {
        match &self.place {
            Place::Files(paths) => paths.get(file).cloned(),
            Place::Original | Place::Placeholder { .. } if file == 0 => {
                Some(keys.repository(self.repository)?.seal_name(&self.name))
            }
            _ => None,
        }
    }
}

/// Objects by the fields of their names.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// Those of the listing that lie under their own names, in the order of their keys.
    pub(super) originals: Vec<ListedObject>,
    /// Those of which there are only copies, and those that were written since.
    more: BTreeMap<ObjectKey, ListedObject>,
}

impl Objects {
    fn place(&self, key: &ObjectKey) -> Option<usize> {
        self.originals.binary_search_by(|object| object.name.key().cmp(key)).ok()
    }

    /// An object, whole or not.
    pub fn get(&self, key: &ObjectKey) -> Option<&ListedObject> {
        self.more.get(key).or_else(|| self.originals.get(self.place(key)?))
    }

    pub(super) fn get_mut(&mut self, key: &ObjectKey) -> Option<&mut ListedObject> {
        match self.place(key) {
            Some(place) => self.originals.get_mut(place),
            None => self.more.get_mut(key),
        }
    }

    /// All objects with their keys.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectKey, &ListedObject)> {
        self.values().map(|object| (object.name.key(), object))
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = ObjectKey> {
        self.values().map(|object| object.name.key())
    }

    /// All objects.
    pub fn values(&self) -> impl Iterator<Item = &ListedObject> {
        self.originals.iter().chain(self.more.values())
    }

    /// All objects, to be changed.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut ListedObject> {
        self.originals.iter_mut().chain(self.more.values_mut())
    }

    /// Keeps only some.
    pub fn retain(&mut self, keep: impl Fn(&ObjectKey) -> bool) {
        self.retain_objects(|object| keep(&object.name.key()));
    }

    /// The same by more than their keys.
    pub(super) fn retain_objects(&mut self, keep: impl Fn(&ListedObject) -> bool) {
        self.originals.retain(&keep);
        self.more.retain(|_, object| keep(object));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.originals.is_empty() && self.more.is_empty()
    }

    pub(super) fn insert(&mut self, object: ListedObject) {
        let key = object.name.key();
        match self.get_mut(&key) {
            Some(known) => *known = object,
            None => drop(self.more.insert(key, object)),
        }
    }
}
