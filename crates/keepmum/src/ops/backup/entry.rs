//! One name of the merge: its old state, its new state, and the consequence.

use crate::catalogue::Remembered;
use crate::format::decode_entry;
use crate::model::{Entry, Found, FoundKind, Kind, Merge, Metadata, Pair, Stamp, TreePath};
use crate::source::{SourceError, SourceErrorKind, Walk};

use super::Backup;
use super::files::Job;
use super::setting::OpenDirectory;
use super::sides::Old;
use crate::session::error::Error;
use crate::session::event::ChangeKind;
use crate::session::report::ProblemKind;

/// The place of an entry, as needed to remember it.
pub(super) struct Remembering<'x> {
    pub(super) parent: &'x OpenDirectory,
    pub(super) path: &'x TreePath,
    pub(super) old: Option<&'x Remembered>,
    pub(super) found: &'x Found,
}

/// The walk's entries between two progress events.
const PROGRESS_EVERY: u64 = 256;

/// The format's number of a kind found by the walk; nothing for kinds that it cannot hold.
pub(super) fn kind_number(kind: FoundKind) -> Option<u8> {
    Some(match kind {
        FoundKind::File => Kind::FILE,
        FoundKind::Directory => Kind::DIRECTORY,
        FoundKind::Symlink => Kind::SYMLINK,
        FoundKind::Fifo => Kind::FIFO,
        FoundKind::CharacterDevice(_) => Kind::CHARACTER_DEVICE,
        FoundKind::BlockDevice(_) => Kind::BLOCK_DEVICE,
        FoundKind::Other => return None,
    })
}

impl Backup<'_, '_, '_> {
    pub(super) fn pair(
        &mut self,
        merge: &mut Merge<Old<'_>, Walk>,
        path: TreePath,
        pair: Pair<Remembered, Found>,
    ) -> Result<(), Error> {
        if self.set.progress.saw().is_multiple_of(PROGRESS_EVERY) {
            self.set.progress.tick()?;
            // They are few, and shall not wait for the end.
            self.take_notes(merge.new_side());
        }
        let new = pair.new.filter(|found| kind_number(found.kind).is_some());
        let Some(mut new) = new else {
            return match pair.old {
                None => Ok(()),
                Some(old) => {
                    self.take_notes(merge.new_side());
                    // If a thing could not be looked at, its remembered state stays.
                    match self.unseen.contains(&path) {
                        true => Ok(()),
                        false => self.gone(&path, &old),
                    }
                }
            };
        };
        new.file_system = self.file_system(&new, pair.old.as_ref())?;
        let mut old = pair.old;
        if let Some(before) = &old
            && Some(before.kind) != kind_number(new.kind)
        {
            self.replaced(&path, before, new.kind)?;
            old = None;
        }
        match new.kind {
            FoundKind::Directory => self.directory(merge, path, old, &new),
            FoundKind::File => self.file(path, old, new),
            _ => self.other(&path, old.as_ref(), &new),
        }
    }

    fn file(&mut self, path: TreePath, old: Option<Remembered>, new: Found) -> Result<(), Error> {
        self.report.files += 1;
        self.count_file();
        self.report.bytes += new.stamp.size;
        let stamp = new.kept_stamp();
        if old.as_ref().is_some_and(|old| old.stamp == Some(stamp)) {
            return Ok(());
        }
        if self.set.options.dry_run {
            return self.foresee(&path, old.as_ref(), &new);
        }
        let parent = self.parent();
        self.files.add(Job { parent, path, old: old.map(Box::new), found: new });
        self.go_on_reading()
    }

    /// The verdict of a run about a file that it reads. It counts as unchanged if everything that
    /// an entry keeps, and that can be seen without reading, is as it was: the move of another of
    /// its names, or a mode that was set and set back, changes nothing but the stamp.
    fn foresee(
        &mut self,
        path: &TreePath,
        old: Option<&Remembered>,
        new: &Found,
    ) -> Result<(), Error> {
        let before = old.and_then(remembered_entry);
        if let Some(Entry { kind: Kind::File(content), metadata: was, .. }) = before
            && content.size == new.stamp.size
            && was.mtime == new.metadata.mtime
        {
            let attributes = self.set.source.all_attributes(path, new.kind);
            let attributes = attributes.unwrap_or_else(|_| was.attributes.clone());
            let attributes = self.place_values(attributes)?;
            let link = self.link_group(new);
            let mut metadata = Metadata { attributes, link, ..new.metadata.clone() };
            self.names.fill(&mut metadata.owner);
            if metadata == was {
                return Ok(());
            }
        }
        self.report.bytes_to_read += new.stamp.size;
        if old.is_none() {
            return self.arrived((path, self.unit()), new, None);
        }
        self.report.changed += 1;
        self.change(ChangeKind::Changed, path);
        Ok(())
    }

    /// The number of the file system that something lies on.
    pub(super) fn file_system(
        &mut self,
        found: &Found,
        old: Option<&Remembered>,
    ) -> Result<u64, Error> {
        let device = found.stamp.device;
        if let Some(number) = self.file_systems.number(device) {
            return Ok(number);
        }
        let stamp = old.and_then(|old| old.stamp.as_ref());
        let before = match (stamp, old.and_then(|old| old.directory)) {
            (Some(stamp), _) => Some(Stamp::identity_in(stamp).0),
            (None, Some(id)) => self.catalogue.file_system(id)?,
            (None, None) => None,
        };
        Ok(self.file_systems.meet(device, before.filter(|number| *number != 0)))
    }

    /// Counts a file in its part of the source.
    fn count_file(&mut self) {
        let unit = self.unit();
        self.places.units.of(unit).files += 1;
    }

    /// Symlinks, pipes and device nodes.
    fn other(
        &mut self,
        path: &TreePath,
        old: Option<&Remembered>,
        new: &Found,
    ) -> Result<(), Error> {
        self.report.others += 1;
        self.count_file();
        if old.is_some_and(|old| old.stamp == Some(new.kept_stamp())) {
            return Ok(());
        }
        let kind = match new.kind {
            FoundKind::Symlink => match self.set.source.read_link(path) {
                Ok(target) => Kind::Symlink(target.into()),
                Err(error) => {
                    self.source_problem(&error);
                    return Ok(());
                }
            },
            FoundKind::CharacterDevice(number) => Kind::CharacterDevice(number),
            FoundKind::BlockDevice(number) => Kind::BlockDevice(number),
            _ => Kind::Fifo,
        };
        let attributes = match self.set.source.attributes(path, new.kind) {
            Ok(attributes) => attributes,
            Err(error) => {
                self.source_problem(&error);
                return Ok(());
            }
        };
        let (attributes, fits) = self.fit_attributes(path, new.kind, attributes, old)?;
        let mut metadata = Metadata { attributes, ..new.metadata.clone() };
        self.names.fill(&mut metadata.owner);
        let entry = Entry { name: new.name.clone(), kind, metadata };
        let parent = self.parent();
        let stamp = new.lasting_stamp().filter(|_| fits);
        self.remember(
            &Remembering { parent: &parent, path, old, found: new },
            &entry,
            stamp.as_ref(),
        )
    }

    /// A source error costs one file.
    pub(super) fn source_problem(&mut self, error: &SourceError) {
        let kind = match error.kind {
            SourceErrorKind::Changed => ProblemKind::ChangedWhileRead,
            _ => ProblemKind::Unreadable,
        };
        let sentence = match error.kind {
            SourceErrorKind::Vanished => "was deleted while the source was read".to_owned(),
            _ => error.sentence(),
        };
        self.problem(kind, &error.path, sentence);
    }

    /// Writes an entry that is not a directory into the remembered tree, if it differs.
    pub(super) fn remember(
        &mut self,
        at: &Remembering<'_>,
        entry: &Entry,
        stamp: Option<&[u8; Stamp::LENGTH]>,
    ) -> Result<(), Error> {
        if !self.tree.put(at.parent.id, at.old, entry, stamp)? {
            return Ok(());
        }
        if at.old.is_none() {
            return self.arrived((at.path, at.parent.unit), at.found, Some(entry));
        }
        self.report.changed += 1;
        self.change(ChangeKind::Changed, at.path);
        Ok(())
    }
}

/// The remembered entry, if it can still be understood.
pub(super) fn remembered_entry(old: &Remembered) -> Option<Entry> {
    decode_entry(&old.entry).ok()
}
