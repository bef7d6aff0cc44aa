//! Dump: a file of a snapshot as it is, a folder as a tar archive, straight into a writer.
//!
//! Memory stays bounded whatever the size. Nothing unverified is written; damage found in the
//! middle of a large file ends the output there, because no honest byte can follow.

mod acl;
mod holes;
mod tar;

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::catalogue::{Catalogue, FirstNames};
use crate::format::PieceKind;
use crate::model::{ChunkId, Content, Entry, Kind, Piece, Side, TreePath};
use crate::repository::{PieceReader, PieceWalk, RepositoryError, SeenLists, SnapshotTree};

use crate::session::access::Access;
use crate::session::choose::Snapshots;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::{Event, Observer, Phase};
use crate::session::linked::link_key;
use crate::session::open;
use crate::session::options::DumpOptions;
use crate::session::paths::Resolver;
use crate::session::placed::placed;
use crate::session::report::{Outcome, Problem, ProblemKind, SnapshotState, note, worst};
use crate::session::values::fetch_values;
use crate::session::walk::{SnapshotWalk, Visit};
use crate::session::walk_error::{absent, problem_of};
use holes::Regions;
use tar::Member;

/// Files of an archive up to this size are read before their header is written.
const READ_FIRST: u64 = 4 << 20;
/// So many bytes are handed on at once, and so many zeros at a time for a hole.
const AT_ONCE: usize = 256 * 1024;

/// The result of `dump`.
#[derive(Debug, Default, Serialize)]
pub struct DumpReport {
    /// From which snapshot.
    pub snapshot: String,
    /// Whether it is a tar archive.
    pub archive: bool,
    /// Entries written.
    pub entries: u64,
    /// Bytes of the files written.
    pub bytes: u64,
    /// The things that could not be written.
    pub problems: Vec<Problem>,
}

impl DumpReport {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        worst(&self.problems)
    }
}

/// Writes a file, or a folder as a tar archive.
///
/// # Errors
/// Whatever keeps the repository from being opened, no such path, a path that is neither, a file
/// that is not all here or found damaged, and [`ErrorKind::Target`] for a writer that fails.
pub fn dump(
    access: &Access,
    options: &DumpOptions,
    out: &mut dyn Write,
    observer: &dyn Observer,
) -> Result<DumpReport, Error> {
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    let chosen = known.choose(&options.snapshot, observer)?;
    let found = Resolver::new((&known, &chosen), access, observer).resolve(&options.paths)?;
    let path = one(found.selection.paths())?;
    observer.event(Event::Phase(Phase::Working));
    let (tree, entry) = chosen.at(&path)?;
    let mut dump = Dump {
        out: BufWriter::with_capacity(AT_ONCE, out),
        contents: chosen.pieces(),
        catalogue: &repository.catalogue,
        lists: SeenLists::default(),
        observer,
        firsts: FirstNames::default(),
        state: chosen.line.state.clone(),
        report: DumpReport {
            snapshot: chosen.line.id.clone(),
            problems: chosen.older.iter().cloned().chain(found.problems).collect(),
            ..DumpReport::default()
        },
    };
    match entry.as_ref().map(|entry| &entry.kind) {
        None | Some(Kind::Directory(_)) => dump.folder(tree, entry, &path)?,
        Some(Kind::File(content)) => dump.file(content)?,
        Some(_) => {
            let path = path.to_string();
            let sentence = "this is neither a file nor a folder";
            return Err(Error::new(ErrorKind::Usage, sentence).at(path));
        }
    }
    dump.out.flush().map_err(|error| not_written(&error))?;
    Ok(dump.report)
}

/// The one path that is meant; the root for everything.
fn one(mut paths: Vec<TreePath>) -> Result<TreePath, Error> {
    match &paths[..] {
        [] => Ok(TreePath::root()),
        [_] => Ok(paths.remove(0)),
        [first, second, ..] => {
            let sentence = format!(
                "{} paths match, and dump writes one file or folder: {first}, {second}{}",
                paths.len(),
                if paths.len() > 2 { " ..." } else { "" }
            );
            Err(Error::new(ErrorKind::Unusable, sentence))
        }
    }
}

fn not_written(error: &io::Error) -> Error {
    Error::new(ErrorKind::Target, format!("the output cannot be written: {error}"))
}

/// An output under way.
struct Dump<'a, 'o> {
    out: BufWriter<&'o mut dyn Write>,
    contents: PieceReader<'a>,
    catalogue: &'a Catalogue,
    /// Lists all of whose chunks are here.
    lists: SeenLists,
    observer: &'a dyn Observer,
    /// The first name in the archive of each file with several.
    firsts: FirstNames,
    /// Whether all of the snapshot is here, or will be.
    state: SnapshotState,
    report: DumpReport,
}

impl Dump<'_, '_> {
    fn file(&mut self, content: &Content) -> Result<(), Error> {
        let here = self.is_all_here(content);
        here.map_err(|error| absent(error, &self.state, "not all of this file is here yet"))?;
        self.stream(content, None)?;
        self.report.entries = 1;
        Ok(())
    }

    /// A folder under its own name, or everything. Each folder is written with all beneath it
    /// before the next one beside it, so that tar can set its time when it leaves it.
    fn folder(
        &mut self,
        tree: SnapshotTree<'_>,
        entry: Option<Entry>,
        path: &TreePath,
    ) -> Result<(), Error> {
        self.report.archive = true;
        let node = entry.as_ref().and_then(|entry| tree.place(entry)).unwrap_or(tree.root());
        // Names in the archive begin with that of the folder itself.
        let above = path.split().map_or(0, |(above, _)| above.as_bytes().len());
        let above = if above > 0 { above + 1 } else { 0 };
        if let Some(entry) = &entry {
            let name = path.as_bytes().get(above..).unwrap_or_default();
            self.header(path, name, entry, (None, None))?;
        }
        let begin = (path.clone(), node);
        for visit in SnapshotWalk::new(tree, begin, (self.observer, "written")) {
            match visit? {
                Visit::Entry(path, entry) => {
                    let name = path.as_bytes().get(above..).unwrap_or_default();
                    match entry.kind {
                        Kind::Directory(_) => self.header(&path, name, &entry, (None, None))?,
                        _ => self.entry(&path, name, &entry)?,
                    }
                }
                Visit::Unread(path, error) => {
                    let problem = error.problem(&path, &self.state)?;
                    self.problem(problem);
                }
                Visit::Leave => {}
            }
        }
        tar::end(&mut self.out).map_err(|error| not_written(&error))
    }

    /// Anything but a folder. Missing or damaged things are left out and reported.
    fn entry(&mut self, path: &TreePath, name: &[u8], entry: &Entry) -> Result<(), Error> {
        self.tick()?;
        let Kind::File(content) = &entry.kind else {
            return self.header(path, name, entry, (None, None));
        };
        let key = link_key(entry);
        if let Some(first) = key.map(|key| self.firsts.get(&key)).transpose()?.flatten() {
            return self.header(path, name, entry, (Some(first.path.as_bytes()), None));
        }
        let mut regions = None;
        if content.size <= READ_FIRST {
            let bytes = match self.read(content) {
                Ok(bytes) => bytes,
                Err(error) => {
                    self.problem(problem_of(path, error, &self.state)?);
                    return Ok(());
                }
            };
            self.header(path, name, entry, (None, None))?;
            self.write(&bytes)?;
        } else {
            if let Err(error) = self.is_all_here(content) {
                self.problem(problem_of(path, error, &self.state)?);
                return Ok(());
            }
            regions = self.regions(content)?;
            self.header(path, name, entry, (None, regions.as_ref()))?;
            let sentence = "the archive ends here, in the middle of this file";
            self.stream(content, regions.as_ref()).map_err(|error| match error.kind() {
                ErrorKind::Damaged => {
                    Error::new(ErrorKind::Damaged, sentence).at(path.to_string()).because(error)
                }
                _ => error,
            })?;
        }
        if let Some((key, name)) = key.zip(TreePath::new(name).ok()) {
            self.firsts.put(&key, &name, None)?;
        }
        let length = regions.as_ref().map_or(content.size, Regions::length);
        tar::pad(&mut self.out, length).map_err(|error| not_written(&error))
    }

    /// The form of a file with large holes.
    fn regions(&mut self, content: &Content) -> Result<Option<Regions>, Error> {
        let mut regions = Regions::default();
        let mut walk = PieceWalk::new(content);
        while let Some(piece) = walk.next(&mut self.contents)? {
            regions.add(&piece);
        }
        Ok(regions.worth())
    }

    fn header(
        &mut self,
        path: &TreePath,
        name: &[u8],
        entry: &Entry,
        (same_as, regions): (Option<&[u8]>, Option<&Regions>),
    ) -> Result<(), Error> {
        self.report.entries += 1;
        let mut fetched = None;
        if entry.metadata.stored().next().is_some() && same_as.is_none() {
            let metadata = fetched.insert(entry.metadata.clone());
            let problems = fetch_values(&mut self.contents, (path, metadata), &self.state)?;
            problems.into_iter().for_each(|problem| self.problem(problem));
        }
        let metadata = fetched.as_ref().unwrap_or(&entry.metadata);
        let member = Member { path: name, kind: &entry.kind, metadata, same_as, regions };
        let left_out = member.write(&mut self.out).map_err(|error| not_written(&error))?;
        if !left_out.is_empty() {
            self.problem(Problem::at(
                ProblemKind::Metadata,
                path,
                format!("an archive cannot hold its attributes {}", left_out.join(", ")),
            ));
        }
        Ok(())
    }

    /// A small file, whole.
    fn read(&mut self, content: &Content) -> Result<Vec<u8>, RepositoryError> {
        let mut bytes = Vec::new();
        let mut walk = PieceWalk::new(content);
        while let Some(piece) = walk.next(&mut self.contents)? {
            match piece {
                Piece::Chunk { id, length } => bytes.extend(self.chunk(&id, length)?),
                Piece::Hole { length } => {
                    let end = bytes.len() as u64 + length;
                    // The caller bounds the file; a larger one is refused below.
                    bytes.resize(usize::try_from(end.min(READ_FIRST)).unwrap_or(0), 0);
                }
            }
        }
        match bytes.len() as u64 == content.size {
            true => Ok(bytes),
            false => Err(wrong_length()),
        }
    }

    fn chunk(&mut self, id: &ChunkId, length: u64) -> Result<Vec<u8>, RepositoryError> {
        let bytes = self.contents.piece(PieceKind::Chunk, id)?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(wrong_length()) }
    }

    /// Finds out whether an object that is here holds each chunk, before anything is written.
    fn is_all_here(&mut self, content: &Content) -> Result<(), RepositoryError> {
        let catalogue = self.catalogue;
        let lists = &mut self.lists;
        lists.each_chunk(&mut self.contents, content, |_, id, length| {
            placed(catalogue, id, length).map(drop)
        })
    }

    /// Writes a file piece by piece; with regions their map first, and then nothing else of it.
    fn stream(&mut self, content: &Content, regions: Option<&Regions>) -> Result<(), Error> {
        if let Some(regions) = regions {
            regions.write_map(&mut self.out).map_err(|error| not_written(&error))?;
        }
        let mut walk = PieceWalk::new(content);
        let mut at = 0;
        while let Some(piece) = walk.next(&mut self.contents)? {
            self.tick()?;
            let begin = at;
            at += piece.length();
            match piece {
                Piece::Chunk { id, length } => {
                    let bytes = self.chunk(&id, length)?;
                    self.write(&bytes)?;
                }
                Piece::Hole { length } => {
                    let mut zeros = regions.map_or(length, |regions| regions.within(begin, at));
                    while zeros > 0 {
                        let count = zeros.min(AT_ONCE as u64);
                        self.write(&vec![0; usize::try_from(count).unwrap_or(AT_ONCE)])?;
                        zeros -= count;
                    }
                }
            }
        }
        if at == content.size { Ok(()) } else { Err(wrong_length().into()) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.report.bytes += bytes.len() as u64;
        self.out.write_all(bytes).map_err(|error| not_written(&error))
    }

    fn problem(&mut self, problem: Problem) {
        self.observer.event(Event::Problem(problem.clone()));
        note(&mut self.report.problems, problem);
    }

    fn tick(&self) -> Result<(), Error> {
        self.observer.go_on("written")?;
        let (entries, bytes) = (self.report.entries, self.report.bytes);
        let event = Event::Progress { entries, entries_total: 0, bytes, bytes_total: 0 };
        self.observer.event(event);
        Ok(())
    }
}

fn wrong_length() -> RepositoryError {
    RepositoryError::Damaged {
        object: "a file's list of chunks".to_owned(),
        what: "its lengths do not fit".to_owned(),
    }
}
