//! Hard links in a comparison: which names are one file on either side.

use std::collections::HashMap;

/// Which group of names on one side is which on the other. Their numbers say nothing, since each
/// snapshot has its own; that two names belong together does.
#[derive(Default)]
pub(super) struct Groups {
    new_of: HashMap<u128, u128>,
    old_of: HashMap<u128, u128>,
}

impl Groups {
    /// Whether a file of these groups fits the earlier ones.
    pub(super) fn agree(&mut self, old: Option<u128>, new: Option<u128>) -> bool {
        let (Some(old), Some(new)) = (old, new) else { return true };
        match (self.new_of.get(&old), self.old_of.get(&new)) {
            (None, None) => {
                self.new_of.insert(old, new);
                self.old_of.insert(new, old);
                true
            }
            (known, _) => known == Some(&new),
        }
    }
}
