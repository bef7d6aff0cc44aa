//! The files at the destination, sorted by the fields of their names. No object is opened for this.

use std::collections::{BTreeMap, BTreeSet};

use crate::crypto::NAME_SEALED;
use crate::format::{NAME_LENGTH, ObjectName, base32, is_key_block_length, split_file_name};
use crate::model::{DeviceId, ObjectKey};
use crate::pipeline::{self, Mode};
use crate::seam::is_staging_name;
use crate::store::{Listed, Store, StoreError, StoreErrorKind};

use super::key_block::Candidate;
use super::keys::Keys;

/// So many files are named of those that are not ours.
const NAMED: usize = 5;

/// So many names are opened in one go.
const AT_ONCE: usize = 16 << 10;

/// A destination as listed, before any key is known. There can be a million objects: one under its
/// own name takes 64 bytes.
#[derive(Default)]
pub struct RawListing {
    originals: Vec<Original>,
    others: Vec<Listed>,
}

/// A file in the destination's own folder under a name that an object could have.
struct Original {
    sealed: [u8; NAME_SEALED],
    length: u64,
}

impl Original {
    fn path(&self) -> String {
        base32::encode(&self.sealed)
    }
}

/// Under which names an object is here.
#[derive(Clone, Debug)]
enum Place {
    /// Under its own name, in the destination's own folder.
    Original,
    /// Elsewhere, or under several: the original before copies; only files of the right length.
    Files(Box<[String]>),
    /// Not whole: the length of the longest file of its name.
    Partial(u64),
}

/// One object that is here under its own name or as a copy.
#[derive(Clone, Debug)]
pub struct ListedObject {
    /// The fields of its name.
    pub name: ObjectName,
    /// Which repository of the keyring it belongs to.
    pub repository: usize,
    place: Place,
}

impl ListedObject {
    /// Whether a file of the right length is here.
    pub fn is_here(&self) -> bool {
        !matches!(self.place, Place::Partial(_))
    }

    /// Whether one of its files has the object's own name, and not that of a copy.
    pub fn has_original(&self) -> bool {
        match &self.place {
            Place::Original => true,
            Place::Files(paths) => {
                paths.first().is_some_and(|path| last_component(path).len() == NAME_LENGTH)
            }
            Place::Partial(_) => false,
        }
    }

    /// How many files of the right length there are.
    pub fn files(&self) -> usize {
        match &self.place {
            Place::Original => 1,
            Place::Files(paths) => paths.len(),
            Place::Partial(_) => 0,
        }
    }

    /// Where one of its files lies; the original is the first.
    pub fn path(&self, file: usize, keys: &Keys) -> Option<String> {
        match &self.place {
            Place::Original if file == 0 => {
                Some(keys.repository(self.repository)?.seal_name(&self.name))
            }
            Place::Files(paths) => paths.get(file).cloned(),
            Place::Original | Place::Partial(_) => None,
        }
    }
}

/// Objects by the fields of their names.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// Those of the listing that lie under their own names, in the order of their keys.
    originals: Vec<ListedObject>,
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

    fn get_mut(&mut self, key: &ObjectKey) -> Option<&mut ListedObject> {
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

    /// Keeps only some.
    pub fn retain(&mut self, keep: impl Fn(&ObjectKey) -> bool) {
        self.originals.retain(|object| keep(&object.name.key()));
        self.more.retain(|key, _| keep(key));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.originals.is_empty() && self.more.is_empty()
    }

    fn insert(&mut self, object: ListedObject) {
        let key = object.name.key();
        match self.get_mut(&key) {
            Some(known) => *known = object,
            None => drop(self.more.insert(key, object)),
        }
    }
}

/// A destination as listed, with the names opened.
#[derive(Default)]
pub struct Listing {
    /// Every object by the fields of its name.
    pub objects: Objects,
    /// Files whose names are not of the right shape.
    pub foreign: u64,
    /// Files of the right shape that no key opens: of a keyring that was not opened, or whose key
    /// block has not arrived.
    pub unopened: u64,
    /// Copies that a sync client made.
    pub copies: u64,
    /// Paths of the first few foreign files, in order.
    pub foreign_names: Vec<String>,
    /// Paths of the first few copies, in order.
    pub copy_names: Vec<String>,
    /// Files of a key block's size: path and file name.
    pub key_blocks: Vec<(String, String)>,
    /// Objects that were read and are not understood, or not in all that they hold.
    pub not_understood: BTreeSet<ObjectKey>,
    /// The device that writes here: its own objects are never on their way.
    pub own: Option<DeviceId>,
}

impl RawListing {
    /// Lists the destination once.
    pub fn read(store: &dyn Store) -> Result<Self, StoreError> {
        let mut raw = Self::default();
        store.list(&mut |file| raw.add(file))?;
        Ok(raw)
    }

    fn add(&mut self, file: Listed) {
        let sealed = match file.path.len() {
            NAME_LENGTH => base32::decode(file.path.as_bytes()),
            _ => None,
        };
        match sealed {
            Some(sealed) => self.originals.push(Original { sealed, length: file.length }),
            None => self.others.push(file),
        }
    }

    /// Files that are no originals here and have such a name all the same, with it.
    fn copies(&self) -> impl Iterator<Item = (&Listed, &str)> {
        self.others.iter().filter_map(|file| {
            let (name, _) = split_file_name(&file.path)?;
            Some((file, name))
        })
    }

    /// Whether anything has a name that an object could have.
    pub fn has_object_shapes(&self) -> bool {
        !self.originals.is_empty() || self.copies().next().is_some()
    }

    /// Whether a half-written file lies here, of a run that is at work or was killed.
    pub fn has_staging(&self) -> bool {
        self.others.iter().any(|file| is_staging_name(file.path.as_bytes()))
    }

    /// Whether a file has this name already, whole or not, with or without the mark of a copy.
    pub fn has_name(&self, name: &str) -> bool {
        self.originals.iter().any(|one| one.path() == name)
            || self.copies().any(|(_, shaped)| shaped == name)
    }

    /// Files that do not have such a name.
    pub fn foreign(&self) -> u64 {
        (self.others.len() - self.copies().count()) as u64
    }

    /// File names of possible key blocks.
    pub fn key_block_names(&self) -> Vec<String> {
        self.key_block_files().map(|(_, name, _)| name).collect()
    }

    /// Reads possible key blocks; unreadable ones are left out, as long as another one can be read.
    pub fn key_blocks(&self, store: &dyn Store) -> Result<Vec<Candidate>, StoreError> {
        use StoreErrorKind::{Missing, Truncated};
        let mut candidates = Vec::new();
        let mut unread = None;
        for (path, name, length) in self.key_block_files() {
            match store.get(&path, length) {
                Ok(bytes) => candidates.push(Candidate { path, name, bytes }),
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

    /// Path, name and length of possible key blocks.
    fn key_block_files(&self) -> impl Iterator<Item = (String, String, u64)> {
        let originals = self.originals.iter().filter(|one| is_key_block_length(one.length));
        let originals = originals.map(|one| (one.path(), one.path(), one.length));
        let copies = self.copies().filter(|(file, _)| is_key_block_length(file.length));
        let copies = copies.map(|(file, name)| (file.path.clone(), name.to_owned(), file.length));
        originals.chain(copies)
    }

    /// Opens all names; by threads where there are many.
    pub fn open(&self, keys: &Keys, mode: Mode) -> Listing {
        let key_blocks = self.key_block_files().map(|(path, name, _)| (path, name)).collect();
        let mut listing = Listing { key_blocks, ..Listing::default() };
        let mut originals = Vec::with_capacity(self.originals.len());
        let open = |part: &[Original]| open_originals(part, keys);
        for (opened, unopened) in pipeline::in_parts(mode, &self.originals, AT_ONCE, open) {
            originals.extend(opened);
            listing.unopened += unopened;
        }
        originals.sort_unstable_by_key(|object| object.name.key());
        listing.objects.originals = originals;
        listing.foreign = self.foreign();
        let is_foreign = |file: &&Listed| split_file_name(&file.path).is_none();
        listing.foreign_names = first_names(self.others.iter().filter(is_foreign));
        listing.copy_names = first_names(self.copies().map(|(file, _)| file));
        for (file, name) in self.copies() {
            let Some(sealed) = base32::decode(name.as_bytes()) else { continue };
            if is_key_block_length(file.length) {
                continue;
            }
            match keys.open_name(&sealed) {
                Some(opened) => listing.add(file, opened, keys),
                None => listing.unopened += 1,
            }
        }
        listing
    }
}

/// The first few paths, in order.
fn first_names<'a>(files: impl Iterator<Item = &'a Listed>) -> Vec<String> {
    let mut names: Vec<&str> = files.map(|file| file.path.as_str()).collect();
    names.sort_unstable();
    names.into_iter().take(NAMED).map(str::to_owned).collect()
}

/// Objects under their own names, and how many names no key opens.
fn open_originals(originals: &[Original], keys: &Keys) -> (Vec<ListedObject>, u64) {
    let (mut opened, mut unopened) = (Vec::with_capacity(originals.len()), 0);
    for Original { sealed, length } in originals {
        if is_key_block_length(*length) {
            continue;
        }
        let Some((repository, name)) = keys.open_name(sealed) else {
            unopened += 1;
            continue;
        };
        // The key block of an epoch that is not known has not arrived.
        let place = match *length == name.length && keys.knows_epoch(repository, name.epoch) {
            true => Place::Original,
            false => Place::Partial(*length),
        };
        opened.push(ListedObject { name, repository, place });
    }
    (opened, unopened)
}

impl Listing {
    /// Adds a file that is not an original in the destination's own folder.
    fn add(&mut self, file: &Listed, (repository, name): (usize, ObjectName), keys: &Keys) {
        let is_original = last_component(&file.path).len() == NAME_LENGTH;
        self.copies += u64::from(!is_original);
        let key = name.key();
        if self.objects.get(&key).is_none() {
            let place = Place::Partial(0);
            self.objects.insert(ListedObject { name, repository, place });
        }
        let Some(object) = self.objects.get_mut(&key) else { return };
        if file.length != name.length || !keys.knows_epoch(repository, name.epoch) {
            if let Place::Partial(length) = &mut object.place {
                *length = file.length.max(*length);
            }
            return;
        }
        let mut paths: Vec<String> =
            (0..object.files()).filter_map(|file| object.path(file, keys)).collect();
        match is_original {
            true => paths.insert(0, file.path.clone()),
            false => paths.push(file.path.clone()),
        }
        object.place = Place::Files(paths.into());
    }

    /// An object that is here whole.
    pub fn here(&self, key: &ObjectKey) -> Option<&ListedObject> {
        self.objects.get(key).filter(|object| object.is_here())
    }

    /// Whether this version understands an object as far as is known, and all that it has read of it.
    pub fn is_understood(&self, key: &ObjectKey) -> bool {
        let named = self.objects.get(key).is_none_or(|object| object.name.is_understood());
        named && !self.not_understood.contains(key)
    }

    /// Counts an object as not here though its files have the right length: its bytes have not
    /// arrived.
    pub fn set_arriving(&mut self, key: &ObjectKey) {
        if let Some(object) = self.objects.get_mut(key) {
            object.place = Place::Partial(object.name.length);
        }
    }

    /// Counts an object that was just written, in the destination's own folder.
    pub fn add_written(&mut self, name: &ObjectName, repository: usize) {
        self.objects.insert(ListedObject { name: *name, repository, place: Place::Original });
    }
}

fn last_component(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
