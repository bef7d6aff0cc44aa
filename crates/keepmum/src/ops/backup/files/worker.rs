//! A worker's task for a small file: open, read, cut, hash, and check whether it stayed the same.

use std::ops::Range;

use crate::chunk::Chunker;
use crate::format::PieceKind;
use crate::model::{ChunkId, Found, Stamp, TreePath};
use crate::repository::RepositoryAccess;
use crate::source::{Attributes, OpenFile, Source, SourceError};

/// Files up to this size are read whole by one worker, several at a time.
pub(super) const SMALL_FILE: u64 = 512 * 1024;
/// How often a file that changes while it is read is tried again.
const TRIES: u32 = 3;

/// A piece of a small file.
pub(super) enum Part {
    /// Bytes of the buffer and their id.
    Chunk(ChunkId, Range<usize>),
    /// Zero bytes that are not stored.
    Hole(u64),
}

/// A small file, read into the buffer of its group.
pub(super) struct SmallFile {
    pub(super) parts: Vec<Part>,
    pub(super) attributes: Attributes,
    pub(super) stamp: Stamp,
    pub(super) changed: bool,
    /// How many bytes were read, if the file says that there are more or fewer.
    pub(super) untrue: Option<u64>,
}

/// The shared inputs of reading, beside the file.
#[derive(Clone, Copy)]
pub(super) struct Reading<'env> {
    pub(super) source: &'env Source,
    pub(super) repository: &'env RepositoryAccess,
    pub(super) chunker: &'env Chunker,
}

impl Reading<'_> {
    /// Reads one small file and appends its data to `bytes`; nothing if it is not small any more.
    pub(super) fn small_file(
        self,
        path: &TreePath,
        found: &Found,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<SmallFile>, SourceError> {
        let file = self.source.open_file(path, &found.stamp)?;
        if file.stamp().size > SMALL_FILE {
            // It grew since it was listed, to any size: that must not be taken into memory.
            return Ok(None);
        }
        let attributes = file.attributes();
        let mut before = *file.stamp();
        let mut parts = Vec::new();
        let begin = bytes.len();
        let may_be_longer = file.may_be_longer();
        for _ in 0..TRIES {
            bytes.truncate(begin);
            parts.clear();
            let mut at = 0;
            let mut is_whole = true;
            for range in file.data_ranges() {
                let (start, length) = range?;
                if start > at {
                    parts.push(Part::Hole(start - at));
                }
                let from = bytes.len();
                append_range(&file, start, length, bytes)?;
                let read = (bytes.len() - from) as u64;
                is_whole = read == length;
                if is_whole && start + read == before.size && may_be_longer {
                    append_rest(&file, start, bytes, from)?;
                    if bytes.len() - from > SMALL_FILE as usize {
                        return Ok(None);
                    }
                }
                self.cut(from, bytes, &mut parts);
                at = start + (bytes.len() - from) as u64;
                if !is_whole {
                    break;
                }
            }
            if before.size == 0 && may_be_longer {
                let from = bytes.len();
                append_rest(&file, 0, bytes, from)?;
                if bytes.len() - from > SMALL_FILE as usize {
                    return Ok(None);
                }
                self.cut(from, bytes, &mut parts);
                at = (bytes.len() - from) as u64;
            }
            // After an end that came too early there is no hole, but nothing.
            if before.size > at && is_whole {
                parts.push(Part::Hole(before.size - at));
                at = before.size;
            }
            let after = file.stamp_now()?;
            if after == before && after.size == file.stamp().size {
                let untrue = Some(at).filter(|read| *read != after.size);
                let stamp = after;
                return Ok(Some(SmallFile { parts, attributes, stamp, changed: false, untrue }));
            }
            before = after;
        }
        let stamp = before;
        Ok(Some(SmallFile { parts, attributes, stamp, changed: true, untrue: None }))
    }

    fn cut(self, mut from: usize, bytes: &[u8], parts: &mut Vec<Part>) {
        while from < bytes.len() {
            let end = from + self.chunker.next_cut(&bytes[from..]);
            parts.push(Part::Chunk(
                self.repository.piece_id(PieceKind::Chunk, &bytes[from..end]),
                from..end,
            ));
            from = end;
        }
    }
}

/// Appends the data after a range of a file that begins at `start` and was appended from `from` on,
/// until it is too much for a small file.
fn append_rest(
    file: &OpenFile,
    start: u64,
    bytes: &mut Vec<u8>,
    from: usize,
) -> Result<(), SourceError> {
    let mut page = vec![0; 64 << 10];
    while bytes.len() - from <= SMALL_FILE as usize {
        match file.read_at(start + (bytes.len() - from) as u64, &mut page)? {
            0 => break,
            count => bytes.extend_from_slice(&page[..count]),
        }
    }
    Ok(())
}

/// Appends a range of the file; less if it ends before.
fn append_range(
    file: &OpenFile,
    start: u64,
    length: u64,
    bytes: &mut Vec<u8>,
) -> Result<(), SourceError> {
    let from = bytes.len();
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if start == 0 {
        return file.append_to(bytes, length);
    }
    bytes.resize(from + length, 0);
    let mut done = 0;
    while done < length {
        match file.read_at(start + done as u64, &mut bytes[from + done..])? {
            0 => break,
            count => done += count,
        }
    }
    bytes.truncate(from + done);
    Ok(())
}
