//! The source as it is now, as the newer side of a comparison.

use std::path::PathBuf;

use crate::format::PieceKind;
use crate::model::{
    Attribute, ChunkId, Content, Entry, Found, FoundKind, Kind, Metadata, PageOf, Piece, Pieces,
    Side, TreePath, Value,
};
use crate::repository::{Keys, PieceReader};
use crate::source::{Rest, Rules, Source, SourceError, Walk};

use super::moves::{Held, Likeness};
use super::newer::{Newer, by_name, metadata};
use super::proof::prove;
use super::reading::Reading;
use super::report::Aspect;
use crate::session::access::Access;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::Observer;
use crate::session::report::EntryKind;
use crate::session::walk_error::{Refusing, WalkError};

/// Opens the roots; a comparison with roots that are not there would call everything removed.
pub(super) fn open(roots: &[PathBuf], rules: &Rules, access: &Access) -> Result<Source, Error> {
    Source::open(roots, rules.clone(), access.seam.gate.clone(), access.seam.clock.clone())
        .map_err(|problem| Error::new(ErrorKind::Unusable, problem.to_string()))
}

/// The source, walked and where needed read.
pub(super) struct Live<'a, 'r> {
    source: &'a Source,
    walk: Walk,
    pub(super) reading: Reading<'a, 'r>,
}

impl<'a, 'r> Live<'a, 'r> {
    pub(super) fn new(
        source: &'a Source,
        keys: &'a Keys,
        lists: &'r mut PieceReader<'a>,
        observer: &'a dyn Observer,
    ) -> Self {
        let (walk, _) = source.walk(0);
        let reading = Reading { source, keys, lists, observer, bytes_read: 0 };
        Self { source, walk, reading }
    }

    /// Whether these are the attributes of an entry; values that are stored are known by their ids.
    fn are_attributes(&self, now: &[Attribute], entry: &[Attribute]) -> bool {
        let same = |(now, entry): (&Attribute, &Attribute)| {
            let value = now.value().unwrap_or_default();
            now.key() == entry.key()
                && match &entry.value {
                    Value::Inline(known) => **known == *value,
                    Value::Stored(content) => self.is_value(value, content),
                }
        };
        now.len() == entry.len() && now.iter().zip(entry).all(same)
    }

    fn is_value(&self, value: &[u8], content: &Content) -> bool {
        let Pieces::Inline(pieces) = &content.pieces else { return false };
        let mut rest = value;
        let all = pieces.iter().all(|piece| {
            let length = usize::try_from(piece.length()).unwrap_or(usize::MAX);
            let Some((bytes, after)) = rest.split_at_checked(length) else { return false };
            rest = after;
            match piece {
                Piece::Chunk { id, .. } => self.reading.keys.proves(PieceKind::Chunk, id, bytes),
                Piece::Hole { .. } => bytes.iter().all(|byte| *byte == 0),
            }
        });
        all && rest.is_empty()
    }
}

impl Side for Live<'_, '_> {
    type Item = Found;
    type Place = ();
    type Rest = Rest;
    type Error = SourceError;

    fn place(&self, item: &Found) -> Option<()> {
        self.walk.place(item)
    }

    fn list(&mut self, place: &(), path: &TreePath) -> Result<PageOf<Self>, SourceError> {
        self.walk.list(place, path)
    }

    fn more(&mut self, rest: Rest, path: &TreePath) -> Result<PageOf<Self>, SourceError> {
        self.walk.more(rest, path)
    }
}

impl Refusing for Live<'_, '_> {}

impl Newer for Live<'_, '_> {
    fn counts(&self, item: &Found) -> bool {
        item.kind != FoundKind::Other
    }

    fn content(
        &mut self,
        path: &TreePath,
        old: &Entry,
        new: &Found,
    ) -> Result<Option<Aspect>, WalkError> {
        Ok(match (&old.kind, new.kind) {
            (Kind::File(content), FoundKind::File) => {
                if content.size != new.stamp.size {
                    Some(Aspect::Size)
                } else if old.metadata.mtime == Some(new.stamp.mtime) {
                    None
                } else {
                    let same = self.reading.holds(path, content, new)?;
                    (!same).then_some(Aspect::Content)
                }
            }
            (Kind::Symlink(target), FoundKind::Symlink) => {
                let same = self.source.read_link(path)? == **target;
                (!same).then_some(Aspect::LinkTarget)
            }
            (Kind::CharacterDevice(a), FoundKind::CharacterDevice(b))
            | (Kind::BlockDevice(a), FoundKind::BlockDevice(b)) => {
                (*a != b).then_some(Aspect::Device)
            }
            (Kind::Directory(_), FoundKind::Directory) | (Kind::Fifo, FoundKind::Fifo) => None,
            _ => Some(Aspect::Kind),
        })
    }

    fn about(
        &mut self,
        path: &TreePath,
        (old, new): (&Entry, &Found),
        same_kind: bool,
    ) -> Result<Vec<Aspect>, WalkError> {
        let link = (new.kind == FoundKind::File && new.links > 1).then_some(0);
        let mut now = Metadata { link, ..new.metadata.clone() };
        if self.source.is_unsteady(path) {
            // As a backup has it: its time is that of the last run.
            now.mtime = old.metadata.mtime;
        }
        let mut aspects = metadata(&old.metadata, &now);
        // They change nothing that a listing shows, so each entry is asked for them.
        if same_kind {
            let attributes = self.source.all_attributes(path, new.kind)?;
            if !self.are_attributes(&attributes, &old.metadata.attributes) {
                aspects.push(Aspect::Attributes);
            }
        }
        Ok(aspects)
    }

    fn kind(&self, item: &Found) -> (EntryKind, Option<u64>) {
        match item.kind {
            FoundKind::Directory => (EntryKind::Directory, None),
            FoundKind::Symlink => (EntryKind::Symlink, None),
            FoundKind::Fifo => (EntryKind::Fifo, None),
            FoundKind::CharacterDevice(_) => (EntryKind::CharacterDevice, None),
            FoundKind::BlockDevice(_) => (EntryKind::BlockDevice, None),
            FoundKind::File | FoundKind::Other => (EntryKind::File, Some(item.stamp.size)),
        }
    }

    fn old_likeness(&self, old: &Entry) -> Option<Likeness> {
        match &old.kind {
            Kind::File(content) if content.size > 0 => Some(Likeness::of(content, false)),
            _ => by_name(old),
        }
    }

    fn likeness(&mut self, path: &TreePath, item: &Found) -> Option<Likeness> {
        let kind = match item.kind {
            // Only reading it tells.
            FoundKind::File if item.stamp.size > 0 => return None,
            FoundKind::File => Kind::File(Content { size: 0, pieces: Pieces::Inline(Vec::new()) }),
            // Nothing of a folder is known but its name.
            FoundKind::Directory => Kind::Directory(ChunkId([0; 32])),
            FoundKind::Symlink => Kind::Symlink(self.source.read_link(path).ok()?.into()),
            FoundKind::Fifo => Kind::Fifo,
            FoundKind::CharacterDevice(device) => Kind::CharacterDevice(device),
            FoundKind::BlockDevice(device) => Kind::BlockDevice(device),
            FoundKind::Other => return None,
        };
        by_name(&Entry { name: item.name.clone(), kind, metadata: item.metadata.clone() })
    }

    fn prove(&mut self, lines: &mut [Held<Found>]) -> Vec<(TreePath, WalkError)> {
        prove(&mut self.reading, lines)
    }

    fn group(&self, item: &Found) -> Option<u128> {
        let linked = item.kind == FoundKind::File && item.links > 1;
        let stamp = &item.stamp;
        linked.then(|| u128::from(stamp.device) << 64 | u128::from(stamp.inode))
    }

    fn is_same_folder(&self, _: &Entry, _: &Found) -> bool {
        false
    }

    fn take_problems(&mut self) -> Vec<SourceError> {
        self.walk.take_problems()
    }
}
