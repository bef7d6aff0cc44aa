//! What is neither a file nor a directory: symlinks, pipes, device nodes.

use crate::model::{Entry, Found, FoundKind, Kind, TreePath};

use super::super::error::Error;
use super::plan::Plan;

impl Plan<'_, '_, '_> {
    /// Makes one of them; it counts as written when it is there.
    pub(super) fn other(
        &mut self,
        path: &TreePath,
        entry: &Entry,
        there: Option<&Found>,
    ) -> Result<(), Error> {
        let Some(target) = self.target else { return Ok(()) };
        if !self.make_room(path, there.map(|found| found.kind))? {
            return Ok(());
        }
        let (made, kind) = match &entry.kind {
            Kind::Symlink(text) => (target.symlink(path, text), FoundKind::Symlink),
            Kind::Fifo => (target.fifo(path), FoundKind::Fifo),
            Kind::CharacterDevice(number) => {
                let kind = FoundKind::CharacterDevice(*number);
                (target.device(path, kind), kind)
            }
            Kind::BlockDevice(number) => {
                let kind = FoundKind::BlockDevice(*number);
                (target.device(path, kind), kind)
            }
            _ => return Ok(()),
        };
        if let Err(error) = made {
            return self.target_problem(&error);
        }
        self.count_written(path, entry);
        let applied = target.apply_metadata(path, kind, &entry.metadata);
        self.applied(applied)
    }
}
