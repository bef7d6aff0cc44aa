//! The copies of the key blocks: which are whole, which are not, and what takes their place.
//!
//! A copy has a salt and slots of its own that only all passwords together could make again. So what
//! comes in the place of a lost one is the copy that this machine keeps, or else another copy's bytes
//! under the missing number.

use crate::model::RepositoryId;

use super::key_block::{COPIES, NamedBlock, block_name};
use super::key_open::{Family, Opened, OpenedBlock};
use super::keys::unite;

impl Family {
    fn is_only_kept(&self) -> bool {
        self.blocks.iter().all(|block| block.path.is_none())
    }

    fn newest(&self) -> impl Iterator<Item = &OpenedBlock> {
        let newest = self.blocks.iter().map(|block| block.keyring.generation).max();
        self.blocks.iter().filter(move |block| Some(block.keyring.generation) == newest)
    }

    /// Whole copies of the newest generation, each once: those that are here before those that only
    /// this machine keeps.
    fn whole(&self) -> Vec<&OpenedBlock> {
        let mut whole: Vec<_> = self.newest().filter(|block| block.copy.is_some()).collect();
        whole.sort_by_key(|block| (block.path.is_none(), block.copy, block.name.as_str()));
        let mut once: Vec<&OpenedBlock> = Vec::new();
        for block in whole {
            if once.iter().all(|known| known.name != block.name) {
                once.push(block);
            }
        }
        once
    }

    /// How many copies are missing here.
    fn wanted(&self) -> usize {
        let here = self.whole().iter().filter(|block| block.path.is_some()).count();
        usize::from(COPIES).saturating_sub(here)
    }
}

impl Opened {
    /// Copies of the newest blocks that should be here and are not, as file name and bytes. A name
    /// that is taken holds other bytes, which are damaged: it is left alone.
    pub fn missing_copies(&self, is_taken: &dyn Fn(&str) -> bool) -> Vec<NamedBlock> {
        let mut missing = Vec::new();
        for family in &self.families {
            let whole = family.whole();
            let here = |copy: u8| whole.iter().any(|b| b.path.is_some() && b.copy == Some(copy));
            for copy in (0..COPIES).filter(|copy| !here(*copy)).take(family.wanted()) {
                // The copy itself, where this machine keeps it.
                let mut sources: Vec<_> = whole.iter().collect();
                sources.sort_by_key(|block| block.copy != Some(copy));
                let mut named = sources.iter().map(|b| (block_name(copy, &b.bytes), b));
                let free = named.find(|(name, _)| !is_taken(name));
                missing.extend(free.map(|(name, block)| (name, block.bytes.clone())));
            }
        }
        missing
    }

    /// The newest whole copies, for this machine to keep, and those it keeps that did not open now:
    /// another password may open them.
    pub fn to_keep(&self) -> Vec<NamedBlock> {
        let whole = self
            .families
            .iter()
            .flat_map(|family| family.whole().into_iter().take(usize::from(COPIES)));
        let opened = whole.map(|block| (block.name.clone(), block.bytes.clone()));
        opened.chain(self.kept_closed.iter().cloned()).collect()
    }

    /// Whether families lie here, and this machine keeps blocks of another one beside them.
    pub fn has_family_only_kept(&self) -> bool {
        self.families.iter().any(Family::is_only_kept) && !self.is_only_kept()
    }

    /// Gives up families of which nothing lies here, unless one of their repositories has something
    /// here: else the destination holds another repository than the one this machine knows.
    pub fn retain_kept_families(&mut self, has_objects: &dyn Fn(RepositoryId) -> bool) {
        let mut stay = Vec::new();
        for family in std::mem::take(&mut self.families) {
            let repositories = || family.keyrings().flat_map(|keyring| keyring.repositories);
            if !family.is_only_kept() || repositories().any(|one| has_objects(one.id)) {
                stay.push(family);
            } else {
                let blocks = family.blocks.into_iter().map(|block| (block.name, block.bytes));
                self.kept_closed.extend(blocks);
            }
        }
        self.families = stay;
        let keyrings = self.families.iter().flat_map(Family::keyrings).collect();
        if let Some(keyring) = unite(keyrings) {
            self.keyring = keyring;
        }
    }

    /// Whether none of the copies lies at the destination: all came from this machine.
    pub fn is_only_kept(&self) -> bool {
        self.families.iter().all(Family::is_only_kept)
    }
}
