//! Whether all copies of the key blocks are here and whole, for a check.
//!
//! One copy opens the repository, so nobody notices that the others are gone until the last one
//! is. While the key is kept on this machine, no command needs any of them.

use crate::catalogue::state;
use crate::repository::{COPIES, RawListing, RepositoryError};
use crate::store::LocalStore;

use super::access::Access;
use super::error::Error;
use super::open::{Repository, Trust};
use super::report::{Problem, ProblemKind};

/// The files that may be key blocks, as far as they can be judged without the password.
pub(crate) struct KeyFiles {
    /// Names that do not match the contents of their files.
    damaged: Vec<String>,
    whole: usize,
}

impl KeyFiles {
    /// Reads them.
    pub(crate) fn read(access: &Access) -> Result<Self, Error> {
        let store = LocalStore::new(access.seam.disk.clone());
        let blocks = RawListing::read(&store).and_then(|listing| listing.key_blocks(&store));
        let blocks = blocks.map_err(RepositoryError::from)?;
        let damaged = blocks.iter().filter(|block| !block.is_whole());
        let mut whole: Vec<&str> =
            blocks.iter().filter(|block| block.is_whole()).map(|block| &*block.name).collect();
        whole.sort_unstable();
        whole.dedup();
        let damaged = damaged.map(|block| block.path.clone()).collect();
        Ok(Self { damaged, whole: whole.len() })
    }

    /// Only the key blocks themselves show which copies are missing, and opening them takes a
    /// second or more. If nothing is wrong at first sight, the cached key will do: it is bound to
    /// the names of all of them, and is only kept if none is missing.
    pub(crate) fn trust(&self) -> Trust {
        let is_well = self.damaged.is_empty() && self.whole.is_multiple_of(usize::from(COPIES));
        if is_well { Trust::KeptKey } else { Trust::KeyBlocks }
    }

    /// The problems of the copies. A damaged one that was put back under another name is of no more
    /// use, and does no harm.
    pub(crate) fn problems(&self, repository: &Repository) -> Result<Vec<Problem>, Error> {
        let missing = repository.key_blocks.missing.len();
        // Where this device never was, the others may be on their way.
        let is_known = repository.catalogue.get(&state::DEVICE)?.is_some();
        let one = |number: usize| {
            let damaged = self.damaged.get(number);
            let (kind, what) = match damaged {
                Some(_) => (ProblemKind::Damaged, "is damaged"),
                None if is_known => (ProblemKind::Damaged, "is missing"),
                None => (ProblemKind::Pending, "is not here yet"),
            };
            let next = match kind {
                ProblemKind::Damaged => "; the next backup puts it back",
                _ => "",
            };
            Problem {
                kind,
                path: damaged.cloned().unwrap_or_else(|| "key block".to_owned()),
                sentence: format!("this copy of the key block {what}{next}"),
            }
        };
        Ok((0..missing).map(one).collect())
    }
}
