//! Unlocking a destination: the cached key, or the key blocks, and the error if neither opens.

use std::collections::HashSet;

use crate::catalogue::{Catalogue, state};
use crate::crypto;
use crate::model::RepositoryId;
use crate::repository::{self, Keys, Listing, Opened, RawListing, RepositoryError, Unlock};
use crate::store::Store;

use super::access::Access;
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer, Phase};
use super::kept_blocks::{self, KeyBlocks};
use super::{key_cache, shown_code};

/// So many files are tried at most as key blocks where nobody waits: some eight minutes.
const TRIED_UNATTENDED: usize = 1024;

/// So many trials go by without a word: several devices may have begun apart.
const TRIED_SILENTLY: usize = 6;

/// The progress of a phase that begins.
const NOTHING_DONE: Event =
    Event::Progress { entries: 0, entries_total: 0, bytes: 0, bytes_total: 0 };

/// The source of the keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The key that is kept beside the catalogue, where it fits and no key block was damaged since.
    KeptKey,
    /// The key blocks themselves.
    KeyBlocks,
}

/// A destination as it is listed, and this machine's knowledge of it.
pub(crate) struct Locked<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) raw: &'a RawListing,
    pub(crate) catalogue: &'a Catalogue,
}

impl Locked<'_> {
    /// Whether the catalogue knows a repository at this destination.
    pub(crate) fn is_known(&self) -> Result<bool, Error> {
        Ok(self.catalogue.get(&state::REPOSITORIES)?.is_some())
    }

    /// The keys, and the changes that the key blocks need.
    pub(crate) fn unlock(
        &self,
        access: &Access,
        trust: Trust,
        observer: &dyn Observer,
    ) -> Result<(Keys, KeyBlocks), Error> {
        let names = self.raw.key_block_names();
        let damaged = self.damaged()?;
        let is_new_damage =
            self.catalogue.get(&state::DAMAGED_KEY_BLOCKS)?.unwrap_or_default() != damaged;
        if let Some(at) = &access.key_cache
            && trust == Trust::KeptKey
            && !is_new_damage
            && let Some(keys) = key_cache::read(at, &access.passphrase, &names)
        {
            return Ok((keys, KeyBlocks::default()));
        }
        let opened = self.open_key_blocks(access, observer)?;
        let blocks = KeyBlocks::of(&opened, self.raw, access)?;
        if is_new_damage && blocks.are_well() {
            // Where it cannot be written, the blocks are opened again next time.
            self.catalogue.set(&state::DAMAGED_KEY_BLOCKS, &damaged).ok();
        }
        if let Some(at) = access.key_cache.as_ref().filter(|_| blocks.are_well()) {
            // Only a convenience: a cache that cannot be written costs a second next time.
            let random = &*access.seam.random;
            key_cache::write(at, &access.passphrase, &opened.keyring, &names, random);
        }
        let keys = Keys::derive(&opened.keyring)
            .ok_or_else(|| Error::new(ErrorKind::Damaged, "the key block holds no keys"))?;
        Ok((keys, blocks))
    }

    /// The names of files in the place of key blocks whose bytes are others: one kept key would hide
    /// for years that none of them opens.
    fn damaged(&self) -> Result<Vec<u8>, Error> {
        let blocks = self.raw.key_blocks(self.store).map_err(RepositoryError::from)?;
        let mut names: Vec<&str> =
            blocks.iter().filter(|block| !block.is_whole()).map(|block| &*block.path).collect();
        names.sort_unstable();
        Ok(names.join("\n").into_bytes())
    }

    /// Reads and opens the key blocks themselves, ignoring any copy of their contents.
    pub(crate) fn open_key_blocks(
        &self,
        access: &Access,
        observer: &dyn Observer,
    ) -> Result<Opened, Error> {
        observer.event(Event::Phase(Phase::Unlocking));
        let candidates = self.raw.key_blocks(self.store).map_err(RepositoryError::from)?;
        let kept = match candidates.is_empty() && !self.raw.has_object_shapes() {
            true => Vec::new(),
            false => kept_blocks::kept(self.catalogue)?,
        };
        let unlock = Unlock {
            passphrase: &access.passphrase,
            profile: access.profile,
            random: &*access.seam.random,
            kept,
            at_most: (!observer.is_attended()).then_some(TRIED_UNATTENDED),
            tell: &|tried, of| tell_trials(observer, tried, of),
            is_all: &|keyring| {
                Keys::derive(keyring)
                    .is_some_and(|keys| self.raw.open(&keys, access.mode).unopened == 0)
            },
        };
        let opened = repository::open(candidates, unlock);
        observer.event(NOTHING_DONE);
        let mut opened = match opened {
            Err(RepositoryError::NoRepository) => return Err(self.no_keys()?),
            other => other?,
        };
        if opened.has_edition_only_kept()
            && let Some(keys) = Keys::derive(&opened.keyring)
        {
            let listing = self.raw.open(&keys, access.mode);
            let here: HashSet<usize> =
                listing.objects.values().map(|object| object.repository).collect();
            let ids = here.into_iter().filter_map(|place| Some(keys.repository(place)?.id));
            let ids: Vec<RepositoryId> = ids.collect();
            opened.retain_kept(&|id| ids.contains(&id));
        }
        kept_blocks::keep(self.catalogue, &opened.to_keep());
        if let Some(unseen) = shown_code::unseen(self.catalogue)?
            && opened.slots().iter().all(|slot| slot.line.id != unseen)
        {
            // Another device has made a new one since.
            shown_code::settled(self.catalogue)?;
        }
        Ok(opened)
    }

    /// Whether this machine keeps key blocks of the objects that are here.
    pub(crate) fn keeps_key_blocks(&self) -> Result<bool, Error> {
        Ok(self.raw.has_object_shapes() && !kept_blocks::kept(self.catalogue)?.is_empty())
    }

    /// Why there is no key block.
    pub(crate) fn no_keys(&self) -> Result<Error, Error> {
        Ok(if self.raw.has_object_shapes() && self.is_known()? {
            kept_blocks::gone()
        } else if self.raw.has_object_shapes() {
            Error::new(
                ErrorKind::Pending,
                "objects are here, but their key block has not arrived yet",
            )
        } else if self.is_known()? {
            Error::new(
                ErrorKind::Refused,
                "the destination is empty, though this catalogue knows a repository in it",
            )
        } else {
            Error::new(ErrorKind::NoRepository, "there is no repository at the destination")
        })
    }
}

/// Says how far the trials are, where there are more than are usual.
fn tell_trials(observer: &dyn Observer, tried: usize, of: usize) {
    if tried == TRIED_SILENTLY {
        observer.event(Event::Notice(format!(
            "{of} files may be key blocks, and the password does not open those that were tried. Each \
             takes about half a second; files that somebody added cost time and nothing else."
        )));
    }
    if tried >= TRIED_SILENTLY {
        let (entries, entries_total) = (tried as u64, of as u64);
        observer.event(Event::Progress { entries, entries_total, bytes: 0, bytes_total: 0 });
    }
}

/// Reports that objects are here which a recovery code does not open: somebody who opened a part
/// must not take it for all. Objects that no password opens belong to others, and count as foreign.
pub(crate) fn sort_unopened(listing: &mut Listing, access: &Access, observer: &dyn Observer) {
    if crypto::RecoveryCode::parse(access.passphrase.expose()).is_none() {
        listing.foreign += std::mem::take(&mut listing.unopened);
        return;
    }
    let files = match listing.unopened {
        0 => return,
        1 => "1 stored file belongs".to_owned(),
        n => format!("{n} stored files belong"),
    };
    observer.event(Event::Notice(format!(
        "{files} to a keyring that this recovery code does not open; try the password."
    )));
}
