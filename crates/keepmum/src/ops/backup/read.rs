//! What a worker does with a small file: open, read, cut, hash, and look whether it held still.

use std::ops::Range;

use crate::chunk::Chunker;
use crate::model::{Attribute, ChunkId, Found, Stamp, TreePath};
use crate::repository::RepositoryAccess;
use crate::source::{OpenFile, Source, SourceError};

use super::reading::SMALL_FILE;

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
    pub(super) attributes: Vec<Attribute>,
    pub(super) stamp: Stamp,
    pub(super) changed: bool,
}

/// What reading needs beside the file.
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
        let attributes = file.attributes()?;
        let mut before = *file.stamp();
        let mut parts = Vec::new();
        let begin = bytes.len();
        for _ in 0..TRIES {
            bytes.truncate(begin);
            parts.clear();
            let mut at = 0;
            for range in file.data_ranges() {
                let (start, length) = range?;
                if start > at {
                    parts.push(Part::Hole(start - at));
                }
                let from = bytes.len();
                append_range(&file, start, length, bytes)?;
                self.cut(from, bytes, &mut parts);
                at = start + (bytes.len() - from) as u64;
            }
            if before.size > at {
                parts.push(Part::Hole(before.size - at));
            }
            let after = file.stamp_now()?;
            if after == before && after.size == file.stamp().size {
                return Ok(Some(SmallFile { parts, attributes, stamp: after, changed: false }));
            }
            before = after;
        }
        Ok(Some(SmallFile { parts, attributes, stamp: before, changed: true }))
    }

    fn cut(self, mut from: usize, bytes: &[u8], parts: &mut Vec<Part>) {
        while from < bytes.len() {
            let end = from + self.chunker.next_cut(&bytes[from..]);
            parts.push(Part::Chunk(self.repository.chunk_id(&bytes[from..end]), from..end));
            from = end;
        }
    }
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
