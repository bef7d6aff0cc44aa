//! The newer side of a comparison: another snapshot, or the source as it is now.

use crate::model::{Entry, Kind, Metadata, Side, TreePath};
use crate::repository::SnapshotTree;
use crate::source::SourceError;

use super::report::Aspect;
use crate::session::walk_error::{Refusing, WalkError};

/// The newer side of a comparison.
pub(super) trait Newer: Side + Refusing {
    /// Whether a backup would hold this at all.
    fn counts(&self, item: &Self::Item) -> bool;

    /// The difference from the older entry of its path; its children do not matter here.
    fn compare(
        &mut self,
        path: &TreePath,
        old: &Entry,
        new: &Self::Item,
    ) -> Result<Vec<Aspect>, WalkError>;

    /// The group of names that are one file with this one.
    fn group(&self, item: &Self::Item) -> Option<u128>;

    /// Whether all beneath two folders is known to be equal.
    fn is_same_folder(&self, old: &Entry, new: &Self::Item) -> bool;

    /// The paths that could not be looked at since the last call.
    fn take_problems(&mut self) -> Vec<SourceError>;
}

impl Newer for SnapshotTree<'_> {
    fn counts(&self, _: &Entry) -> bool {
        true
    }

    fn compare(
        &mut self,
        _: &TreePath,
        old: &Entry,
        new: &Entry,
    ) -> Result<Vec<Aspect>, WalkError> {
        let mut aspects = match (&old.kind, &new.kind) {
            (Kind::File(a), Kind::File(b)) if a.size != b.size => vec![Aspect::Size],
            (Kind::File(a), Kind::File(b)) if a != b => vec![Aspect::Content],
            (Kind::Symlink(a), Kind::Symlink(b)) if a != b => vec![Aspect::LinkTarget],
            (Kind::CharacterDevice(a), Kind::CharacterDevice(b)) if a != b => vec![Aspect::Device],
            (Kind::BlockDevice(a), Kind::BlockDevice(b)) if a != b => vec![Aspect::Device],
            (a, b) if std::mem::discriminant(a) != std::mem::discriminant(b) => vec![Aspect::Kind],
            _ => Vec::new(),
        };
        aspects.extend(metadata(&old.metadata, &new.metadata));
        if old.metadata.attributes != new.metadata.attributes {
            aspects.push(Aspect::Attributes);
        }
        let (a, b) = (&old.metadata.owner, &new.metadata.owner);
        if !aspects.contains(&Aspect::Owner) && (&a.user, &a.group) != (&b.user, &b.group) {
            aspects.push(Aspect::Owner);
        }
        Ok(aspects)
    }

    fn group(&self, item: &Entry) -> Option<u128> {
        item.metadata.link.map(u128::from)
    }

    fn is_same_folder(&self, old: &Entry, new: &Entry) -> bool {
        matches!((&old.kind, &new.kind), (Kind::Directory(a), Kind::Directory(b)) if a == b)
    }

    fn take_problems(&mut self) -> Vec<SourceError> {
        Vec::new()
    }
}

/// Differences of metadata that cost nothing to know. The number of a link group means nothing by
/// itself, only whether there is one.
pub(super) fn metadata(old: &Metadata, new: &Metadata) -> Vec<Aspect> {
    let mut aspects = Vec::new();
    // If only one side has a value, that is no difference: a system may have neither.
    if old.mode.zip(new.mode).is_some_and(|(old, new)| old != new) {
        aspects.push(Aspect::Mode);
    }
    if old.owner.numbers.zip(new.owner.numbers).is_some_and(|(old, new)| old != new) {
        aspects.push(Aspect::Owner);
    }
    if old.mtime != new.mtime {
        aspects.push(Aspect::Mtime);
    }
    if old.link.is_some() != new.link.is_some() {
        aspects.push(Aspect::Links);
    }
    aspects
}
