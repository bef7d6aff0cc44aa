//! Things that are neither files nor directories: symlinks, pipes, device nodes.

use crate::model::{Entry, Found, FoundKind, Kind, TreePath};

use super::plan::Plan;
use crate::session::error::Error;

impl Plan<'_, '_, '_> {
    /// Makes one of them; it counts as written unless it does not get its name.
    pub(super) fn other(
        &mut self,
        path: &TreePath,
        entry: &Entry,
        there: Option<&Found>,
    ) -> Result<(), Error> {
        let Some(target) = self.target else { return Ok(()) };
        let there = there.map(|found| found.kind);
        let Some(existing) = self.room_for(path, there)? else { return Ok(()) };
        let metadata = &entry.metadata;
        let made = match &entry.kind {
            Kind::Symlink(text) => target.symlink(path, text, metadata, existing),
            Kind::Fifo => target.fifo(path, metadata, existing),
            Kind::CharacterDevice(number) => {
                let kind = FoundKind::CharacterDevice(*number);
                target.device(path, kind, metadata, existing)
            }
            Kind::BlockDevice(number) => {
                let kind = FoundKind::BlockDevice(*number);
                target.device(path, kind, metadata, existing)
            }
            _ => return Ok(()),
        };
        if made.is_ok() {
            self.count_written(path, entry, there.is_some());
        }
        self.applied(made)?;
        self.take_unplaced()
    }
}
