//! The copies of the key blocks: which are whole, which are not, and their replacements.
//!
//! A lost copy is replaced by the copy that this machine keeps, or else by another copy's bytes
//! under the missing number: so that two devices put back the same.

use crate::model::RepositoryId;
use crate::seam::Random;

use super::error::RepositoryError;
use super::file_role::is_aside;
use super::key_block::{COPIES, NamedBlock, block_name, seal_family};
use super::key_edition::{Block, Edition, Place};
use super::key_lineage::is_former;
use super::key_open::{Opened, united};

impl Edition {
    fn is_only_kept(&self) -> bool {
        self.blocks.iter().all(|block| block.path.is_none())
    }

    /// Whole copies for a family, each once: those that are here before those that only this machine
    /// keeps.
    fn whole(&self, salt: &[u8; 32]) -> Vec<&Block> {
        let is_of = |block: &&Block| block.copy.is_some() && block.head.salt == *salt;
        let mut whole: Vec<_> = self.blocks.iter().filter(is_of).collect();
        whole.sort_by_key(|block| (!stays(block), block.copy, block.name.as_str()));
        let mut once: Vec<&Block> = Vec::new();
        for block in whole {
            if once.iter().all(|known| known.name != block.name) {
                once.push(block);
            }
        }
        once
    }
}

/// Whether a block is at the destination, and not only in the trash of a sync client.
fn stays(block: &Block) -> bool {
    block.path.as_deref().is_some_and(|path| !is_aside(path))
}

impl Opened {
    fn followed(&self) -> impl Iterator<Item = &Edition> {
        self.editions.iter().filter(|edition| edition.place == Place::Followed)
    }

    /// Copies of the newest blocks that should be here and are not, as file name and bytes. A name
    /// that is taken holds other bytes, which are damaged: it is left alone.
    pub fn missing_copies(
        &self,
        is_taken: &dyn Fn(&str) -> bool,
        random: &dyn Random,
    ) -> Result<Vec<NamedBlock>, RepositoryError> {
        let mut missing = Vec::new();
        for edition in self.followed() {
            for family in &edition.keyring.families {
                let whole = edition.whole(&family.salt);
                if whole.is_empty() {
                    missing.extend(seal_family(
                        &edition.keyring,
                        family,
                        &edition.block_key,
                        random,
                    )?);
                    continue;
                }
                let here = |copy: u8| whole.iter().any(|b| stays(b) && b.copy == Some(copy));
                let count = whole.iter().filter(|block| stays(block)).count();
                let wanted = usize::from(COPIES).saturating_sub(count);
                for copy in (0..COPIES).filter(|copy| !here(*copy)).take(wanted) {
                    // The copy itself, where this machine keeps it.
                    let mut sources: Vec<_> = whole.iter().collect();
                    sources.sort_by_key(|block| block.copy != Some(copy));
                    let mut named = sources.iter().map(|b| (block_name(copy, &b.bytes), b));
                    let free = named.find(|(name, _)| !is_taken(name));
                    missing.extend(free.map(|(name, block)| (name, block.bytes.clone())));
                }
            }
        }
        Ok(missing)
    }

    /// The newest whole copies, for this machine to keep, and those it keeps that did not open now:
    /// another password may open them.
    pub fn to_keep(&self) -> Vec<NamedBlock> {
        let opened = self.followed().flat_map(|edition| {
            let families = edition.keyring.families.iter();
            families.flat_map(|it| edition.whole(&it.salt).into_iter().take(COPIES.into()))
        });
        let is_out = |block: &Block| self.followed().any(|edition| is_former(block, edition));
        let closed = self
            .closed
            .iter()
            .filter(|block| block.is_known && block.copy.is_some() && !is_out(block));
        opened.chain(closed).map(|block| (block.name.clone(), block.bytes.clone())).collect()
    }

    /// Whether an edition lies here, and this machine keeps blocks of another one beside it.
    pub fn has_edition_only_kept(&self) -> bool {
        self.editions.iter().any(Edition::is_only_kept) && !self.is_only_kept()
    }

    /// Gives up editions of which nothing lies here, unless one of their repositories has something
    /// here: else the destination holds another repository than the one this machine knows.
    pub fn retain_kept(&mut self, has_objects: &dyn Fn(RepositoryId) -> bool) {
        let (stay, go) = std::mem::take(&mut self.editions).into_iter().partition(|edition| {
            let mut repositories = edition.keyring.repositories.iter();
            !edition.is_only_kept() || repositories.any(|one| has_objects(one.id))
        });
        self.editions = stay;
        let go: Vec<Edition> = go;
        self.closed.extend(go.into_iter().flat_map(|edition| edition.blocks));
        self.keyring = united(self.editions.iter());
    }

    /// Whether none of the copies lies at the destination: all came from this machine.
    pub fn is_only_kept(&self) -> bool {
        self.followed().all(Edition::is_only_kept)
    }
}
