//! The files at the destination, sorted by the fields of their names. No object is opened for this.

use std::collections::{BTreeSet, HashSet};

use crate::crypto::NAME_SEALED;
use crate::format::{FileName, NAME_LENGTH, ObjectName, base32, is_key_block_length};
use crate::model::{DeviceId, ObjectKey};
use crate::pipeline::{self, Mode};
use crate::seam::is_staging_name;
use crate::store::{Listed, Store, StoreError, StoreErrorKind};

use super::file_role::{Role, is_aside, is_original, order};
use super::key_block::Candidate;
use super::keys::Keys;
use super::listed::Place;
pub use super::listed::{ListedObject, Objects};

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

    /// Names and lengths of the files under their own names in the destination's own folder.
    pub(super) fn at_top(&self) -> impl Iterator<Item = ([u8; NAME_SEALED], u64)> {
        self.originals.iter().map(|one| (one.sealed, one.length))
    }

    /// Other files that have such a name.
    pub(super) fn named(&self) -> impl Iterator<Item = (&Listed, FileName<'_>)> {
        self.others.iter().filter_map(|file| Some((file, FileName::find(&file.path)?)))
    }

    /// Whether anything has a name that an object could have, be it still on its way.
    pub fn has_object_shapes(&self) -> bool {
        !self.originals.is_empty() || self.named().next().is_some()
    }

    /// Whether a half-written file lies here, of a run that is at work or was killed.
    pub fn has_staging(&self) -> bool {
        self.others.iter().any(|file| is_staging_name(file.path.as_bytes()))
    }

    /// Whether a file has this name already, whole or not, with or without the mark of a copy.
    pub fn has_name(&self, name: &str) -> bool {
        let Some(sealed) = base32::decode(name.as_bytes()) else { return false };
        let is_it =
            |found: &FileName<'_>| found.sealed == sealed && Role::of(found) != Role::OnItsWay;
        self.originals.iter().any(|one| one.sealed == sealed)
            || self.named().any(|(file, found)| is_it(&found) && !is_aside(&file.path))
    }

    /// Files that do not have such a name, nor that of a half-written file of ours.
    fn foreign_files(&self) -> impl Iterator<Item = &Listed> {
        self.others.iter().filter(|file| {
            FileName::find(&file.path).is_none() && !is_staging_name(file.path.as_bytes())
        })
    }

    /// How many those are.
    pub fn foreign(&self) -> u64 {
        self.foreign_files().count() as u64
    }

    /// File names of possible key blocks. One in a client's trash is not counted on to stay.
    pub fn key_block_names(&self) -> Vec<String> {
        let lasting = self.key_block_files().filter(|(path, ..)| !is_aside(path));
        lasting.map(|(_, name, _)| name).collect()
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
        let is_one = |(file, name): &(&Listed, FileName<'_>)| {
            is_key_block_length(file.length) && Role::of(name) == Role::Bytes
        };
        let copies = self.named().filter(is_one);
        let copies = copies.map(|(file, name)| (file.path.clone(), name.name(), file.length));
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
        listing.foreign_names = first_names(self.foreign_files());
        let blocks: HashSet<&String> = listing.key_blocks.iter().map(|(_, name)| name).collect();
        let mut copies = Vec::new();
        let mut further = Vec::new();
        for (file, found) in self.named() {
            let role = Role::of(&found);
            let is_copy = role == Role::Bytes && !found.is_own() && !is_aside(&file.path);
            if is_key_block_length(file.length) {
                copies.extend(is_copy.then_some(file));
                continue;
            }
            match keys.open_name(&found.sealed) {
                Some((repository, name)) => {
                    further.push(Further { file, role, repository, name });
                }
                // Whatever is on its way may be a key block.
                None if role != Role::Bytes => {}
                // A copy of one that was cut.
                None if blocks.contains(&found.name()) => copies.push(file),
                None => listing.unopened += 1,
            }
        }
        further.sort_by(|one, other| {
            let key = |it: &Further<'_>| it.name.key();
            key(one)
                .cmp(&key(other))
                .then_with(|| order(&one.file.path).cmp(&order(&other.file.path)))
        });
        for files in further.chunk_by(|one, other| one.name == other.name) {
            copies.extend(listing.add(files, keys));
        }
        listing.copies = copies.len() as u64;
        listing.copy_names = first_names(copies.into_iter());
        listing
    }
}

/// A file that is not an original in the destination's own folder, with its opened name.
struct Further<'a> {
    file: &'a Listed,
    role: Role,
    repository: usize,
    name: ObjectName,
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
    /// Adds the files of one object that are no originals in the destination's own folder, in their
    /// order; returns those that are copies.
    fn add<'f>(&mut self, files: &[Further<'f>], keys: &Keys) -> Vec<&'f Listed> {
        let Some(Further { repository, name, .. }) = files.first() else { return Vec::new() };
        let (repository, name, key) = (*repository, *name, name.key());
        let known = self.objects.get(&key);
        let is_at_top = known.is_some();
        let mut paths: Vec<String> =
            known.and_then(|known| known.path(0, keys)).into_iter().collect();
        let mut longest = match known.map(|known| &known.place) {
            Some(Place::Partial(length)) => *length,
            _ => 0,
        };
        let (mut has_stub, mut copies) = (false, Vec::new());
        for (number, Further { file, role, .. }) in files.iter().enumerate() {
            if *role == Role::Placeholder {
                has_stub = true;
                continue;
            }
            longest = longest.max(file.length);
            if *role == Role::OnItsWay {
                continue;
            }
            let is_the_original = number == 0 && !is_at_top && is_original(&file.path);
            if !is_aside(&file.path) && !is_the_original {
                copies.push(*file);
            }
            if file.length == name.length && keys.knows_epoch(repository, name.epoch) {
                paths.push(file.path.clone());
            }
        }
        let place = match (paths.is_empty(), has_stub) {
            (false, _) => Place::Files(paths.into()),
            (true, true) => Place::Placeholder { counts: false },
            (true, false) => Place::Partial(longest),
        };
        self.objects.insert(ListedObject { name, repository, place });
        copies
    }

    /// Counts objects as absent of which only a client's trash or cache holds a file: it may be
    /// emptied at any time. Those of which the sync service has left a stub count as here: their
    /// bytes need not be uploaded again. For a backup.
    pub fn count_what_lasts(&mut self) {
        self.objects.retain_objects(|object| !object.is_only_aside());
        for object in self.objects.values_mut() {
            if let Place::Placeholder { counts } = &mut object.place {
                *counts = true;
            }
        }
    }

    /// Whether the sync service has an object, and this computer only a stub of it.
    pub fn is_placeholder(&self, key: &ObjectKey) -> bool {
        self.objects.get(key).is_some_and(ListedObject::is_placeholder)
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
            object.place = match object.is_placeholder() {
                true => Place::Placeholder { counts: false },
                false => Place::Partial(object.name.length),
            };
        }
    }

    /// Counts an object that was just written, in the destination's own folder.
    pub fn add_written(&mut self, name: &ObjectName, repository: usize) {
        self.objects.insert(ListedObject { name: *name, repository, place: Place::Original });
    }
}
