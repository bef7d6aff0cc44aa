//! One block written to whatever files use it: read, opened and proved once. A file gets its chunks
//! in any order and is whole with the last one. Nothing here knows which files those are, or why.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::waiting::Unwritten;
use crate::compress::Decompressor;
use crate::format::PieceKind;
use crate::model::{ChunkId, Content, Metadata, TreePath};
use crate::repository::{ObjectReader, Recipe, RepositoryError};
use crate::target::{Existing, Target, TargetError, TargetFile};

/// Files put together in memory may hold so many bytes at once; beyond, they are written as they
/// come.
const ASSEMBLED: usize = 48 * 1024 * 1024;

/// Each worker's own state.
pub(super) struct Worker {
    pub(super) decompressor: Decompressor,
}

/// A file that waits for chunks.
pub(super) struct FileState {
    pub(super) path: TreePath,
    pub(super) size: u64,
    pub(super) content: Content,
    pub(super) metadata: Metadata,
    pub(super) existing: Existing,
    /// Chunks still to come.
    pub(super) waiting: AtomicU64,
    pub(super) output: Mutex<Output>,
}

/// Where the chunks of a file go until it is whole.
pub(super) enum Output {
    /// It is one chunk.
    Whole,
    /// Put together in memory; not begun yet.
    Assemble,
    /// Put together in memory.
    Memory(Vec<u8>),
    /// Written as they come; not begun yet.
    Open,
    /// Written as they come.
    File(Arc<TargetFile>),
    /// Done, or given up after a problem that was reported.
    Closed,
}

impl FileState {
    /// The same for the count of things that could not be written.
    pub(super) fn unwritten(&self) -> Unwritten<'_> {
        Unwritten { path: &self.path, size: self.size, linked: self.metadata.link.is_some() }
    }

    /// Gives the file up: its written part is removed.
    pub(super) fn close(&self) {
        *lock(self) = Output::Closed;
    }

    /// Whether it is done or given up.
    pub(super) fn is_closed(&self) -> bool {
        matches!(*lock(self), Output::Closed)
    }
}

impl Output {
    pub(super) fn new(assemble: bool, whole: bool) -> Self {
        match (whole, assemble) {
            (true, _) => Self::Whole,
            (_, true) => Self::Assemble,
            _ => Self::Open,
        }
    }
}

/// The result of writing a block.
#[derive(Default)]
pub(super) struct Written {
    pub(super) problems: Vec<TargetError>,
    pub(super) failed: Vec<(Arc<FileState>, TargetError)>,
    pub(super) damaged: Vec<(Arc<FileState>, RepositoryError)>,
    pub(super) fetched: u64,
}

/// One chunk of one file, and where it is.
pub(super) struct Use {
    pub(super) block: Recipe,
    /// Where the chunk begins in the plain block.
    pub(super) at: u32,
    pub(super) length: u32,
    pub(super) id: ChunkId,
    pub(super) file: Arc<FileState>,
    /// Where it goes in the file.
    pub(super) offset: u64,
}

/// Reads one block and writes all parts of files that use it.
pub(super) fn write_block(
    objects: &ObjectReader<'_>,
    target: &Target,
    worker: &mut Worker,
    uses: &[Use],
    assembled: &AtomicUsize,
) -> Result<Written, RepositoryError> {
    let Some(Use { block: recipe, .. }) = uses.first() else { return Ok(Written::default()) };
    let place = recipe.place;
    let mut written = Written { fetched: u64::from(place.stored), ..Written::default() };
    let block = match objects.plain(recipe, &mut worker.decompressor) {
        Ok(block) => block,
        Err(error) if error.is_of_one_object() => {
            // Data in other places is still restored.
            let object = place.object.number.to_string();
            for used in uses {
                give_up(&used.file, error.again(&object), &mut written);
            }
            return Ok(written);
        }
        Err(error) => return Err(error),
    };
    let mut proved = None;
    let mut rest = uses.iter().peekable();
    while let Some(used) = rest.next() {
        let mut run =
            Run { file: &used.file, offset: used.offset, chunks: 0, at: used.at, end: used.at };
        let mut next = Some(used);
        while let Some(used) = next.take() {
            let start = used.at as usize;
            let bytes = block.get(start..start.saturating_add(used.length as usize));
            let known = proved == Some((used.at, used.id));
            if !bytes.is_some_and(|bytes| {
                known || objects.keys().proves(PieceKind::Chunk, &used.id, bytes)
            }) {
                let error = RepositoryError::Damaged {
                    object: format!("{}/{}", place.object.run, place.object.number),
                    what: "a chunk is not what its id says".to_owned(),
                };
                give_up(&used.file, error, &mut written);
                break;
            }
            proved = Some((used.at, used.id));
            (run.chunks, run.end) = (run.chunks + 1, used.at + used.length);
            next = rest.next_if(|next| run.goes_on_with(next));
        }
        if run.chunks == 0 {
            continue;
        }
        match write_run(target, &run, &block[run.at as usize..run.end as usize], assembled) {
            Ok(problems) => written.problems.extend(problems),
            Err(error) => {
                *lock(run.file) = Output::Closed;
                written.failed.push((Arc::clone(run.file), error));
            }
        }
    }
    Ok(written)
}

/// Chunks of a file that follow each other in the block as they do in the file: they are written
/// at once.
struct Run<'a> {
    file: &'a Arc<FileState>,
    /// Where they go in the file.
    offset: u64,
    chunks: u64,
    /// Where they begin and end in the plain block.
    at: u32,
    end: u32,
}

impl Run<'_> {
    fn goes_on_with(&self, next: &Use) -> bool {
        let length = u64::from(self.end - self.at);
        Arc::ptr_eq(self.file, &next.file)
            && next.at == self.end
            && next.offset == self.offset + length
    }
}

fn lock(file: &FileState) -> std::sync::MutexGuard<'_, Output> {
    file.output.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes a file whose content is damaged, once.
fn give_up(file: &Arc<FileState>, error: RepositoryError, written: &mut Written) {
    let mut output = lock(file);
    if !matches!(*output, Output::Closed) {
        *output = Output::Closed;
        written.damaged.push((Arc::clone(file), error));
    }
}

/// Puts chunks where they belong; finishes the file if they were the last.
fn write_run(
    target: &Target,
    run: &Run<'_>,
    bytes: &[u8],
    assembled: &AtomicUsize,
) -> Result<Vec<TargetError>, TargetError> {
    let file = &**run.file;
    let mut output = lock(file);
    if let Output::Closed = *output {
        return Ok(Vec::new());
    }
    if let Output::Whole = *output {
        *output = Output::Closed;
        drop(output);
        return target.write_small(&file.path, bytes, &file.metadata, file.existing);
    }
    let size = usize::try_from(file.size).unwrap_or(usize::MAX);
    if let Output::Assemble = *output {
        let total = assembled.fetch_add(size, Ordering::Relaxed) + size;
        *output = if total <= ASSEMBLED {
            Output::Memory(vec![0; size])
        } else {
            assembled.fetch_sub(size, Ordering::Relaxed);
            Output::Open
        };
    }
    if let Output::Open = *output {
        *output = Output::File(Arc::new(target.begin_file(&file.path, file.existing)?));
    }
    let last = file.waiting.fetch_sub(run.chunks, Ordering::AcqRel) == run.chunks;
    match &mut *output {
        Output::Memory(memory) => {
            let start = usize::try_from(run.offset).unwrap_or(usize::MAX);
            if let Some(place) = memory.get_mut(start..start.saturating_add(bytes.len())) {
                place.copy_from_slice(bytes);
            }
            if !last {
                return Ok(Vec::new());
            }
            let memory = std::mem::take(memory);
            *output = Output::Closed;
            drop(output);
            assembled.fetch_sub(size, Ordering::Relaxed);
            target.write_small(&file.path, &memory, &file.metadata, file.existing)
        }
        Output::File(open) => {
            let open = Arc::clone(open);
            if !last {
                // Others may write to it meanwhile; the last one to come finds all written,
                // because each writes before it lets go of the lock.
                open.write_at(run.offset, bytes)?;
                return Ok(Vec::new());
            }
            open.write_at(run.offset, bytes)?;
            *output = Output::Closed;
            open.set_length(file.size)?;
            open.finish(&file.metadata)
        }
        _ => Ok(Vec::new()),
    }
}
