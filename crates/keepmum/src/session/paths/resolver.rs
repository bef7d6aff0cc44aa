//! The thing that finds paths: one snapshot, and all that is known of the others.

use crate::model::TreePath;

use super::roots::tree_paths;
use crate::session::access::Access;
use crate::session::choose::{Chosen, Snapshots};
use crate::session::event::Observer;

/// Finds typed paths in one snapshot.
pub(crate) struct Resolver<'s, 'r> {
    pub(super) known: &'s Snapshots<'r>,
    pub(super) chosen: &'s Chosen<'r>,
    pub(super) access: &'s Access,
    pub(super) observer: &'s dyn Observer,
    pub(super) roots: Vec<TreePath>,
}

impl<'s, 'r> Resolver<'s, 'r> {
    pub(crate) fn new(
        (known, chosen): (&'s Snapshots<'r>, &'s Chosen<'r>),
        access: &'s Access,
        observer: &'s dyn Observer,
    ) -> Self {
        let roots = tree_paths(&chosen.backup.source.roots);
        Self { known, chosen, access, observer, roots }
    }
}
