//! Proves which file of the source is one that is gone from its place: by its content, never by
//! its size and time.
//!
//! A file is read only if one that is gone is as long, and to its end only if it begins as that
//! one does.

use std::collections::{BTreeMap, HashMap};

use crate::format::{CHUNK_MAX, PieceKind};
use crate::model::{ChunkId, Content, Entry, Found, Kind, Piece, TreePath};
use crate::repository::PieceWalk;
use crate::session::report::EntryKind;
use crate::session::walk_error::WalkError;

use super::moves::{Held, Likeness};
use super::reading::Reading;
use super::report::DiffKind;

/// So many lengths of a first piece are tried for a file, and so many contents that begin alike.
const TRIES: usize = 32;

/// The contents of files that are gone and have one size, by their first piece. Of equal contents
/// there is one.
#[derive(Default)]
struct Gone {
    by_chunk: BTreeMap<u64, HashMap<ChunkId, Vec<usize>>>,
    with_hole: Vec<usize>,
}

/// The size and the content of a file that has some.
fn content(entry: &Entry) -> Option<&Content> {
    match &entry.kind {
        Kind::File(content) if content.size > 0 => Some(content),
        _ => None,
    }
}

/// The paths that could not be read, and why.
type Unread = Vec<(TreePath, WalkError)>;

/// Reads the new files that are as long as one that is gone, and says what they hold if it is the
/// same.
pub(super) fn prove(reading: &mut Reading<'_, '_>, lines: &mut [Held<Found>]) -> Unread {
    let mut unread = Vec::new();
    let gone = reading.gone(lines, &mut unread);
    for at in 0..lines.len() {
        let held = &lines[at];
        let is_file = held.change == DiffKind::Added && held.kind == EntryKind::File;
        let Some(new) = held.new.as_deref().filter(|_| is_file) else { continue };
        let Some(alike) = gone.get(&new.stamp.size) else { continue };
        match reading.recognise(&held.path, new, alike, lines) {
            Ok(likeness) => lines[at].likeness = likeness,
            Err(error) => unread.push((held.path.clone(), error)),
        }
    }
    unread
}

impl Reading<'_, '_> {
    /// Files that are gone, by size; only of those sizes that a new file has.
    fn gone(&mut self, lines: &[Held<Found>], unread: &mut Unread) -> HashMap<u64, Gone> {
        let new = lines.iter().filter_map(|held| held.new.as_deref());
        let mut gone: HashMap<u64, Gone> = new
            .filter(|new| new.stamp.size > 0)
            .map(|new| (new.stamp.size, Gone::default()))
            .collect();
        let mut known = std::collections::HashSet::new();
        for (at, held) in lines.iter().enumerate() {
            let Some(content) = held.old.as_deref().and_then(content) else { continue };
            let Some(alike) = gone.get_mut(&content.size) else { continue };
            if !known.insert(Likeness::of(content, false)) {
                continue;
            }
            match PieceWalk::new(content).next(self.lists) {
                Ok(Some(Piece::Chunk { id, length })) => {
                    let with_length = alike.by_chunk.entry(length).or_default();
                    with_length.entry(id).or_default().push(at);
                }
                Ok(Some(Piece::Hole { .. })) => alike.with_hole.push(at),
                Ok(None) => {}
                Err(error) => unread.push((held.path.clone(), error.into())),
            }
        }
        gone
    }

    /// What a file holds, if one of these does.
    fn recognise(
        &mut self,
        path: &TreePath,
        new: &Found,
        alike: &Gone,
        lines: &[Held<Found>],
    ) -> Result<Option<Likeness>, WalkError> {
        self.observer.go_on("compared")?;
        let with_hole = alike.with_hole.iter().take(TRIES);
        let mut candidates: Vec<(usize, bool)> = with_hole.map(|at| (*at, false)).collect();
        let (mut begin, mut buffer) = (None, Vec::new());
        for (length, ids) in alike.by_chunk.iter().take(TRIES) {
            let length = usize::try_from((*length).min(CHUNK_MAX)).unwrap_or(usize::MAX);
            let file = match &begin {
                Some(file) => file,
                None => begin.insert(self.source.open_file(path, &new.stamp)?),
            };
            // Shorter ones come first.
            let known = buffer.len();
            buffer.resize(length.max(known), 0);
            let mut filled = known;
            while filled < length {
                match file.read_at(filled as u64, &mut buffer[filled..])? {
                    0 => return Ok(None),
                    count => filled += count,
                }
            }
            self.bytes_read += (filled - known) as u64;
            for repository in self.keys.repositories() {
                let found = ids.get(&repository.piece_id(PieceKind::Chunk, &buffer));
                let is_all = buffer.len() as u64 == new.stamp.size;
                let found = found.into_iter().flatten().take(TRIES);
                candidates.extend(found.map(|at| (*at, is_all)));
            }
        }
        for (at, is_proven) in candidates {
            let Some(content) = lines[at].old.as_deref().and_then(content) else { continue };
            if is_proven || self.holds(path, content, new)? {
                return Ok(Some(Likeness::of(content, false)));
            }
        }
        Ok(None)
    }
}
