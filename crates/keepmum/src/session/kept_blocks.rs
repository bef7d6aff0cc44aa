//! Key blocks: this machine's copies, putting copies back, and uniting keyrings.
//!
//! The catalogue keeps the newest blocks as they lie at the destination. They are no more secret
//! there, and a folder out of which somebody removes every small file still opens. Nothing here
//! deletes a block.

use crate::catalogue::{Catalogue, state};
use crate::repository::{KeyChange, NamedBlock, Opened, RawListing, RepositoryError};
use crate::store::{Put, Store};

use super::access::Access;
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer};

/// The changes that the key blocks of a destination need.
#[derive(Default)]
pub(crate) struct KeyBlocks {
    /// Copies that should be here and are not, as file name and bytes.
    pub(crate) missing: Vec<NamedBlock>,
    /// New blocks whose keyring holds everything that several families hold, if there are several.
    pub(crate) united: Vec<NamedBlock>,
    /// None is here: they were opened with this machine's copies.
    all_gone: bool,
    /// Families hold different keyrings, and no run can repair that alone.
    pub(crate) is_divided: bool,
}

impl KeyBlocks {
    /// Looks at the opened blocks.
    pub(crate) fn of(
        opened: &Opened,
        raw: &RawListing,
        access: &Access,
    ) -> Result<Self, RepositoryError> {
        let is_divided = opened.is_divided();
        let nothing = KeyChange { remove: Vec::new(), add: None };
        let random = &*access.seam.random;
        // If the united keyring is too large, all is left as it is: a person must remove a slot
        // first.
        let united = is_divided.then(|| opened.change(&nothing, access.profile, random).ok());
        let united = united.flatten();
        Ok(Self {
            missing: opened.missing_copies(&|name| raw.has_name(name), random)?,
            united: united.map(|made| made.blocks).unwrap_or_default(),
            all_gone: opened.is_only_kept(),
            is_divided,
        })
    }

    /// Whether nothing is to be done.
    pub(crate) fn are_well(&self) -> bool {
        self.missing.is_empty() && !self.is_divided && !self.all_gone
    }

    /// Tells readers which problems the next backup will repair.
    pub(crate) fn say(&self, observer: &dyn Observer) {
        if self.all_gone {
            observer.event(Event::Notice(
                "All key blocks are gone from the destination. It was opened with the copies that \
                 this machine keeps; the next backup puts them back."
                    .to_owned(),
            ));
        }
        if self.is_divided {
            observer.event(Event::Notice(
                "Several devices began before the folder was in sync. Until the next backup with \
                 this password each of their recovery codes opens only a part."
                    .to_owned(),
            ));
        }
    }
}

/// The key blocks that the catalogue keeps.
pub(crate) fn kept(catalogue: &Catalogue) -> Result<Vec<NamedBlock>, Error> {
    Ok(catalogue.get(&state::KEY_BLOCKS)?.unwrap_or_default())
}

/// Keeps these key blocks. Where the catalogue cannot be written now, a later run will do it.
pub(crate) fn keep(catalogue: &Catalogue, blocks: &[NamedBlock]) {
    catalogue.set(&state::KEY_BLOCKS, &blocks.to_vec()).ok();
}

/// Unites keyrings, and puts copies back that are gone. The latter not where it is usual that some are
/// missing, unless none is left.
pub(crate) fn mend(
    blocks: &KeyBlocks,
    (store, catalogue): (&dyn Store, &Catalogue),
    is_missing_usual: bool,
    observer: &dyn Observer,
) -> Result<(), Error> {
    if !blocks.united.is_empty() {
        write(store, &blocks.united)?;
        keep(catalogue, &blocks.united);
        observer.event(Event::Notice(
            "Several devices began before the folder was in sync. Their keyrings are one now: each \
             password and each recovery code of theirs opens everything."
                .to_owned(),
        ));
        return Ok(());
    }
    if blocks.is_divided {
        blocks.say(observer);
    }
    if blocks.missing.is_empty() || (is_missing_usual && !blocks.all_gone) {
        return Ok(());
    }
    write(store, &blocks.missing)?;
    let sentence = match blocks.missing.len() {
        _ if blocks.all_gone => {
            "All key blocks were gone from the destination; they were put back from the copies that \
             this machine keeps. See what removes files there."
                .to_owned()
        }
        1 => "A copy of the key block was missing or damaged; it was put back.".to_owned(),
        n => format!("{n} copies of the key block were missing or damaged; they were put back."),
    };
    observer.event(Event::Notice(sentence));
    Ok(())
}

/// Writes key blocks, makes them durable, and sees that they are there as they should be.
pub(crate) fn write(store: &dyn Store, blocks: &[NamedBlock]) -> Result<(), RepositoryError> {
    for (name, bytes) in blocks {
        let (Put::Stored | Put::Existed) = store.put_new(name, bytes)?;
    }
    store.sync()?;
    for (name, bytes) in blocks {
        if store.get(name, bytes.len() as u64)? != *bytes {
            let what = "it does not read as it was written".to_owned();
            return Err(RepositoryError::Damaged { object: name.clone(), what });
        }
    }
    Ok(())
}

/// The error if the catalogue knows key blocks and none is left anywhere.
pub(crate) fn gone() -> Error {
    Error::new(
        ErrorKind::KeysGone,
        "all key blocks were here, and are gone: without one of them nothing opens",
    )
}
