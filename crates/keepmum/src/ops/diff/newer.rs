//! The newer side of a comparison: another snapshot, or the source as it is now.

use crate::model::{Entry, Kind, Metadata, Side, TreePath};
use crate::repository::SnapshotTree;
use crate::source::SourceError;

use super::moves::{Held, Likeness};
use super::report::Aspect;
use crate::session::report::EntryKind;
use crate::session::walk_error::{Refusing, WalkError};

/// The newer side of a comparison.
pub(super) trait Newer: Side<Item: Clone> + Refusing {
    /// How many entries could not be read so far.
    fn refused(&self) -> u64 {
        0
    }

    /// Whether a backup would hold this at all.
    fn counts(&self, item: &Self::Item) -> bool;

    /// How the content, or the kind, differs from the older entry's; children do not matter here.
    fn content(
        &mut self,
        path: &TreePath,
        old: &Entry,
        new: &Self::Item,
    ) -> Result<Option<Aspect>, WalkError>;

    /// How the metadata differs from the older entry's. The kind is known to be the same, or not.
    fn about(
        &mut self,
        path: &TreePath,
        both: (&Entry, &Self::Item),
        same_kind: bool,
    ) -> Result<Vec<Aspect>, WalkError>;

    /// The difference from the older entry of its path; its children do not matter here.
    fn compare(
        &mut self,
        path: &TreePath,
        old: &Entry,
        new: &Self::Item,
    ) -> Result<Vec<Aspect>, WalkError> {
        let content = self.content(path, old, new)?;
        let about = self.about(path, (old, new), content != Some(Aspect::Kind))?;
        Ok(content.into_iter().chain(about).collect())
    }

    /// What this is, and how many bytes a file has.
    fn kind(&self, item: &Self::Item) -> (EntryKind, Option<u64>);

    /// By what an entry of the older side is known again if it moved.
    fn old_likeness(&self, old: &Entry) -> Option<Likeness>;

    /// By what an item of this side is, as far as that is known without reading it.
    fn likeness(&mut self, path: &TreePath, item: &Self::Item) -> Option<Likeness>;

    /// Fills in the likenesses that only reading can tell. Returns the paths that could not be read.
    fn prove(&mut self, lines: &mut [Held<Self::Item>]) -> Vec<(TreePath, WalkError)>;

    /// The group of names that are one file with this one.
    fn group(&self, item: &Self::Item) -> Option<u128>;

    /// Whether all beneath two folders is known to be equal.
    fn is_same_folder(&self, old: &Entry, new: &Self::Item) -> bool;

    /// The paths that could not be looked at since the last call.
    fn take_problems(&mut self) -> Vec<SourceError>;
}

impl Newer for SnapshotTree<'_> {
    fn refused(&self) -> u64 {
        SnapshotTree::refused(self)
    }

    fn counts(&self, _: &Entry) -> bool {
        true
    }

    fn content(
        &mut self,
        _: &TreePath,
        old: &Entry,
        new: &Entry,
    ) -> Result<Option<Aspect>, WalkError> {
        Ok(match (&old.kind, &new.kind) {
            (Kind::File(a), Kind::File(b)) if a.size != b.size => Some(Aspect::Size),
            (Kind::File(a), Kind::File(b)) if a != b => Some(Aspect::Content),
            (Kind::Symlink(a), Kind::Symlink(b)) if a != b => Some(Aspect::LinkTarget),
            (Kind::CharacterDevice(a), Kind::CharacterDevice(b)) if a != b => Some(Aspect::Device),
            (Kind::BlockDevice(a), Kind::BlockDevice(b)) if a != b => Some(Aspect::Device),
            (a, b) if std::mem::discriminant(a) != std::mem::discriminant(b) => Some(Aspect::Kind),
            _ => None,
        })
    }

    fn about(
        &mut self,
        _: &TreePath,
        (old, new): (&Entry, &Entry),
        _: bool,
    ) -> Result<Vec<Aspect>, WalkError> {
        let mut aspects = metadata(&old.metadata, &new.metadata);
        if old.metadata.attributes != new.metadata.attributes {
            aspects.push(Aspect::Attributes);
        }
        let (a, b) = (&old.metadata.owner, &new.metadata.owner);
        if !aspects.contains(&Aspect::Owner) && (&a.user, &a.group) != (&b.user, &b.group) {
            aspects.push(Aspect::Owner);
        }
        Ok(aspects)
    }

    fn kind(&self, item: &Entry) -> (EntryKind, Option<u64>) {
        kind(item)
    }

    fn old_likeness(&self, old: &Entry) -> Option<Likeness> {
        match &old.kind {
            Kind::File(content) if content.size > 0 => Some(Likeness::of(content, false)),
            // Of a folder with something in it, the node says all.
            Kind::Directory(node) => Some(Likeness::of(&node.0, true)),
            _ => by_name(old),
        }
    }

    fn likeness(&mut self, _: &TreePath, item: &Entry) -> Option<Likeness> {
        self.old_likeness(item)
    }

    fn prove(&mut self, _: &mut [Held<Entry>]) -> Vec<(TreePath, WalkError)> {
        Vec::new()
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

/// What an entry is, and how many bytes a file has.
pub(super) fn kind(entry: &Entry) -> (EntryKind, Option<u64>) {
    match &entry.kind {
        Kind::File(content) => (EntryKind::File, Some(content.size)),
        Kind::Directory(_) => (EntryKind::Directory, None),
        Kind::Symlink(_) => (EntryKind::Symlink, None),
        Kind::Fifo => (EntryKind::Fifo, None),
        Kind::CharacterDevice(_) => (EntryKind::CharacterDevice, None),
        Kind::BlockDevice(_) => (EntryKind::BlockDevice, None),
    }
}

/// Of what holds nothing by which it could be told from others: the name and the time, too.
pub(super) fn by_name(entry: &Entry) -> Option<Likeness> {
    let time = entry.metadata.mtime.map(|time| (time.seconds, time.nanos));
    let number = entry.kind.number();
    let name = entry.name.as_bytes();
    match &entry.kind {
        Kind::File(_) | Kind::Fifo => Some(Likeness::of(&(number, name, time), false)),
        Kind::Symlink(text) => Some(Likeness::of(&(number, name, text), false)),
        Kind::CharacterDevice(device) | Kind::BlockDevice(device) => {
            Some(Likeness::of(&(number, name, device.major, device.minor), false))
        }
        Kind::Directory(_) => Some(Likeness::of(&(number, name, time), false)),
    }
}

/// In what metadata differs that costs nothing to know. The number of a link group says nothing
/// by itself, only whether there is one.
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
