//! Opening a repository: list once, unlock, open the names, bring the catalogue up to the listing.
//!
//! The destination wins over the catalogue: the catalogue counts only as far as this listing
//! confirms it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::catalogue::{Catalogue, CatalogueError, RunLock, state};
use crate::format::{FormatError, Record};
use crate::history::{Past, Standing};
use crate::model::{DeviceId, ObjectKey, RecordRef};
use crate::repository::{Chain, Chains, Keys, Listing, ObjectReader, RawListing, RepositoryError};
use crate::store::{LocalStore, Store};

use super::access::{Access, CatalogueAt};
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer, Phase};
use super::found_again;
use super::import::{self, Imported};
use super::kept_blocks::KeyBlocks;
use super::roots;
use super::unlock::{Locked, sort_unopened};

pub(crate) use super::unlock::Trust;

/// So long a reader waits for a run that writes into the catalogue; after that it does without.
const PATIENCE: Duration = Duration::from_millis(300);

/// A repository, open.
pub(crate) struct Repository {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Keys,
    pub(crate) listing: Listing,
    pub(crate) catalogue: Catalogue,
    /// The last records of all devices that were heeded before this listing.
    pub(crate) seen: Vec<RecordRef>,
    /// What the heeded records say of snapshots, objects and devices.
    pub(crate) standing: Standing,
    /// Swept objects whose files are here, with their lengths in bytes and these files.
    pub(crate) swept_here: Vec<(ObjectKey, u64, Vec<String>)>,
    /// The result of importing new metadata.
    pub(crate) imported: Imported,
    /// The changes that the key blocks need.
    pub(crate) key_blocks: KeyBlocks,
}

/// The contents of the destination, before any key is known.
pub(crate) struct Destination {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) raw: RawListing,
    pub(crate) catalogue: Catalogue,
    /// The records that were read before this listing.
    read: HashSet<RecordRef>,
}

/// Lists the destination and opens the catalogue, to write. A run hands over its lock.
pub(crate) fn destination(
    access: &Access,
    lock: Option<&RunLock>,
    observer: &dyn Observer,
) -> Result<Destination, Error> {
    let catalogue = match (&access.catalogue, lock) {
        (CatalogueAt::File(file), Some(lock)) => Catalogue::open_for_run(file, lock),
        (CatalogueAt::File(file), None) => Catalogue::open(file),
        (CatalogueAt::Temporary, _) => Catalogue::temporary(),
    }?;
    tell_reset(&catalogue, observer);
    let read = catalogue.record_refs()?.into_iter().collect();
    let (store, raw) = listed(access)?;
    Ok(Destination { store, raw, catalogue, read })
}

fn listed(access: &Access) -> Result<(Arc<dyn Store>, RawListing), Error> {
    let store: Arc<dyn Store> = Arc::new(LocalStore::new(Arc::clone(&access.seam.disk)));
    let raw = RawListing::read(&*store).map_err(RepositoryError::from)?;
    Ok((store, raw))
}

fn tell_reset(catalogue: &Catalogue, observer: &dyn Observer) {
    if let Some(reason) = catalogue.was_reset() {
        observer.event(Event::Notice(format!(
            "The catalogue was begun anew ({reason}); it is rebuilt from the destination."
        )));
    }
}

impl Destination {
    /// The same before it is unlocked.
    pub(crate) fn locked(&self) -> Locked<'_> {
        Locked { store: &*self.store, raw: &self.raw, catalogue: &self.catalogue }
    }

    /// Unlocks and brings the catalogue up to date.
    pub(crate) fn open(
        self,
        access: &Access,
        observer: &dyn Observer,
    ) -> Result<Repository, Error> {
        // Where a check found a copy of the key block damaged, the kept key would hide that.
        let trust = match self.catalogue.get(&state::KEY_COPIES_ARE_ILL)? {
            Some(true) => Trust::KeyBlocks,
            _ => Trust::KeptKey,
        };
        let mut repository = self.open_if_free(access, observer, trust, true)?;
        if trust == Trust::KeyBlocks && repository.key_blocks.missing.is_empty() {
            repository.catalogue.forget(&state::KEY_COPIES_ARE_ILL)?;
        }
        // A writer must not take data for lost that can be read again tomorrow.
        if let Some(error) = repository.imported.unread.take() {
            return Err(error.into());
        }
        match repository.imported.held_up {
            true => Err(CatalogueError::Busy { pid: None }.into()),
            false => Ok(repository),
        }
    }

    /// The same, but where another run holds the catalogue, nothing new is brought in.
    fn open_if_free(
        mut self,
        access: &Access,
        observer: &dyn Observer,
        trust: Trust,
        to_write: bool,
    ) -> Result<Repository, Error> {
        roots::refuse_another(&self.catalogue, &access.installation.roots)?;
        let (keys, key_blocks) = self.locked().unlock(access, trust, observer)?;
        observer.event(Event::Phase(Phase::Opening));
        self.refuse_another_repository(&keys)?;
        let mut listing = self.raw.open(&keys, access.mode);
        listing.own = self.catalogue.get(&state::DEVICE)?;
        if listing.key_blocks.is_empty() && listing.objects.is_empty() {
            // This machine's copy opens, and nothing in the destination belongs to it.
            return Err(self.locked().no_keys()?);
        }
        // With a million objects it is a large part of the memory of a run.
        self.raw = RawListing::default();
        sort_unopened(&mut listing, access, observer);
        super::doubt::set_aside(&self.catalogue, &mut listing)?;
        if to_write {
            listing.count_what_lasts();
            super::healing::set_aside(&self.catalogue, &mut listing)?;
        }
        let imported = import::bring_up(
            &mut self.catalogue,
            &*self.store,
            &keys,
            &listing,
            access.mode,
            observer,
        )?;
        imported.arriving.iter().for_each(|key| listing.set_arriving(key));
        listing.not_understood = imported.not_understood.keys().copied().collect();
        let mut repository = Repository {
            store: self.store,
            keys,
            listing,
            catalogue: self.catalogue,
            seen: Vec::new(),
            standing: Standing::default(),
            swept_here: Vec::new(),
            imported,
            key_blocks,
        };
        repository.heed(&self.read)?;
        Ok(repository)
    }

    fn refuse_another_repository(&self, keys: &Keys) -> Result<(), Error> {
        let Some(known) = self.catalogue.get(&state::REPOSITORIES)? else { return Ok(()) };
        if keys.repositories().iter().any(|one| known.contains(&one.id)) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Refused,
            "the destination holds another repository than the one this catalogue knows",
        ))
    }
}

/// Notes in the catalogue which repositories are at its destination, so that an emptied folder is
/// never taken for a new one.
pub(crate) fn remember_repositories(repository: &Repository) -> Result<(), Error> {
    let ids: Vec<_> = repository.keys.repositories().iter().map(|one| one.id).collect();
    if repository.catalogue.get(&state::REPOSITORIES)?.is_some_and(|known| known == ids) {
        return Ok(());
    }
    repository.catalogue.set(&state::REPOSITORIES, &ids)?;
    Ok(repository.catalogue.make_durable()?)
}

/// Lists, unlocks and opens in one go, for commands that only read. Reading needs no writable
/// catalogue: on a read-only or full disk, or without the right to write there, it continues with a
/// private copy.
pub(crate) fn open(access: &Access, observer: &dyn Observer) -> Result<Repository, Error> {
    open_to_read(access, Trust::KeptKey, observer)
}

/// The same, with a say in whether a key that is kept beside the catalogue is enough.
pub(crate) fn open_to_read(
    access: &Access,
    trust: Trust,
    observer: &dyn Observer,
) -> Result<Repository, Error> {
    reading(access, observer, &|catalogue| open_with(access, catalogue, trust, observer))
}

/// Reads with the catalogue, and where that cannot be written with a private copy of it.
pub(crate) fn reading<T>(
    access: &Access,
    observer: &dyn Observer,
    read: &dyn Fn(Catalogue) -> Result<T, Error>,
) -> Result<T, Error> {
    let CatalogueAt::File(file) = &access.catalogue else {
        return read(Catalogue::temporary()?);
    };
    let refused = match Catalogue::open(file) {
        Ok(catalogue) => {
            tell_reset(&catalogue, observer);
            match read(catalogue) {
                Err(error) if error.kind() == ErrorKind::Local => error,
                other => return other,
            }
        }
        Err(error) => error.into(),
    };
    let sentence = format!("{refused}. This command goes on without it: {}", file.display());
    observer.event(Event::Notice(sentence));
    read(Catalogue::private_copy(file)?)
}

/// The destination and a catalogue that is there already, to read.
pub(crate) fn beside(access: &Access, catalogue: Catalogue) -> Result<Destination, Error> {
    let (store, raw) = listed(access)?;
    catalogue.wait_at_most(PATIENCE)?;
    Ok(Destination { store, raw, catalogue, read: HashSet::new() })
}

fn open_with(
    access: &Access,
    catalogue: Catalogue,
    trust: Trust,
    observer: &dyn Observer,
) -> Result<Repository, Error> {
    let mut repository = beside(access, catalogue)?.open_if_free(access, observer, trust, false)?;
    repository.key_blocks.say(observer);
    if repository.imported.held_up {
        repository.leave_catalogue(access, observer)?;
    }
    Ok(repository)
}

impl Repository {
    /// Continues with a private catalogue, since a run holds the other one: commands that only read
    /// need not wait for it to end.
    fn leave_catalogue(&mut self, access: &Access, observer: &dyn Observer) -> Result<(), Error> {
        let mut private = Catalogue::temporary()?;
        private.copy_fact(&state::REPOSITORIES, &self.catalogue)?;
        private.copy_fact(&state::DEVICE, &self.catalogue)?;
        private.copy_fact(&state::KEY_BLOCKS, &self.catalogue)?;
        private.copy_fact(&state::UNSEEN_CODE, &self.catalogue)?;
        // Only the other catalogue knows which objects were here once.
        let gone = std::mem::take(&mut self.imported.gone);
        let imported = import::bring_up(
            &mut private,
            &*self.store,
            &self.keys,
            &self.listing,
            access.mode,
            observer,
        )?;
        imported.arriving.iter().for_each(|key| self.listing.set_arriving(key));
        self.listing.not_understood = imported.not_understood.keys().copied().collect();
        self.imported = Imported { gone, ..imported };
        self.catalogue = private;
        self.heed(&HashSet::new())
    }

    /// Concludes from the records which snapshots stand, and takes swept objects out of the
    /// listing. These records were read before it.
    fn heed(&mut self, read: &HashSet<RecordRef>) -> Result<(), Error> {
        found_again::move_records(&self.catalogue, &self.listing, &self.keys)?;
        let chains = self.chains()?;
        // Who names a record says that all of its device up to it was read and heeded.
        let mut first: HashMap<DeviceId, u32> = HashMap::new();
        for key in &self.listing.not_understood {
            let run = first.entry(key.device).or_insert(key.run);
            *run = key.run.min(*run);
        }
        let is_understood = |at: &RecordRef| first.get(&at.device).is_none_or(|run| at.run < *run);
        let past = Past::new(&chains, is_understood);
        self.seen = match past.records().iter().all(|at| read.contains(at)) {
            true => past.heads(),
            false => Past::new(&chains, |at| is_understood(at) && read.contains(at)).heads(),
        };
        self.standing = Standing::new(past, &chains);
        self.take_out_swept();
        match self.standing.swept().is_empty() {
            true => Ok(()),
            // A record whose object was swept, and is here once more, lies elsewhere.
            false => found_again::move_records(&self.catalogue, &self.listing, &self.keys),
        }
    }

    /// Concludes anew, after records were stored again.
    pub(crate) fn reconsider(&mut self) -> Result<(), Error> {
        let seen = std::mem::take(&mut self.seen);
        self.heed(&HashSet::new())?;
        self.seen = seen;
        Ok(())
    }

    fn take_out_swept(&mut self) {
        // What is to be deleted may be gone before the record that says so arrives.
        let open = self.standing.open().iter().flat_map(|intent| &intent.objects);
        let open: HashSet<&ObjectKey> = open.collect();
        self.imported.gone.retain(|(key, _)| !open.contains(key));
        let swept = self.standing.swept();
        for key in swept {
            let Some(object) = self.listing.objects.get(key) else { continue };
            let paths = (0..object.files()).filter_map(|file| object.path(file, &self.keys));
            self.swept_here.push((*key, object.name.length, paths.collect()));
        }
        if !swept.is_empty() {
            self.listing.objects.retain(|key| !swept.contains(key));
            self.catalogue.count_out(swept);
            self.imported.gone.retain(|(key, _)| !swept.contains(key));
        }
    }

    /// A reader of the objects that are here.
    pub(crate) fn objects(&self) -> ObjectReader<'_> {
        ObjectReader::new(&*self.store, &self.keys, &self.listing)
    }

    /// The chains of all devices, from the records that the catalogue keeps.
    pub(crate) fn chains(&self) -> Result<Chains, Error> {
        let (mut records, mut unknown) = (Vec::new(), Vec::new());
        for (at, bytes, object) in self.catalogue.records()? {
            // Only a record whose object is here counts: the destination wins.
            if self.listing.here(&object).is_none() {
                continue;
            }
            match Record::decode(&bytes) {
                Ok(record) => records.push((at, record, object)),
                Err(FormatError::Unknown { .. }) => unknown.push((at, object)),
                Err(_) => {}
            }
        }
        Ok(Chains::new(records, unknown))
    }

    /// The file name of an object that is here.
    pub(crate) fn name_of(&self, key: &ObjectKey) -> String {
        self.listing.here(key).and_then(|object| object.path(0, &self.keys)).unwrap_or_default()
    }

    /// Which device this is, if it has ever written here: as the catalogue says, or, when that
    /// was lost, by the token of a join.
    pub(crate) fn device(&self, access: &Access) -> Result<Option<DeviceId>, Error> {
        if let Some(device) = self.catalogue.get(&state::DEVICE)? {
            return Ok(Some(device));
        }
        self.device_in(access, &self.chains()?)
    }

    /// The same where the chains are at hand.
    pub(crate) fn device_in(
        &self,
        access: &Access,
        chains: &Chains,
    ) -> Result<Option<DeviceId>, Error> {
        if let Some(device) = self.catalogue.get(&state::DEVICE)? {
            return Ok(Some(device));
        }
        // Which repository a device writes to may change when several unite, and its id does not.
        let identity = access.installation.identity();
        let repositories = self.keys.repositories().iter();
        let tokens: Vec<_> = repositories.map(|one| one.token("machine", &identity)).collect();
        let is_mine = |chain: &Chain| chain.token().is_some_and(|token| tokens.contains(&token));
        let mine = chains.iter().filter(|(_, chain)| is_mine(chain));
        // Of several, all but one were given up by this installation, which went on counting.
        let newest = mine.max_by_key(|(_, chain)| chain.last().map(|(at, ..)| at.run));
        Ok(newest.map(|(device, _)| *device))
    }

    /// The greatest run number of a device among all objects that are here, whole or not.
    pub(crate) fn last_listed_run(&self, device: DeviceId) -> u32 {
        let runs = self.listing.objects.keys().filter(|key| key.device == device);
        runs.map(|key| key.run).max().unwrap_or(0)
    }
}
