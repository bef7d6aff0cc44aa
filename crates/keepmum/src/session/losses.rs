//! Walking the trees of snapshots: which file of which snapshot misses what.
//!
//! A search tells what it finds. One made on trial tells nothing and ends with the first thing that
//! is not well: it can go on while nobody knows yet which objects are damaged, and counts only if
//! none is.

use std::collections::HashMap;

use crate::catalogue::{Catalogue, CatalogueError};
use crate::format::PieceKind;
use crate::model::{
    ChunkId, Content, DeviceId, Kind, Merge, Nothing, ObjectKey, Pair, Step, TreePath,
};
use crate::repository::{
    ENTRIES_MAX, ObjectReader, PieceReader, RepositoryError, SeenLists, SnapshotTree,
};

use super::choose::{Snapshots, display};
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer};
use super::open::Repository;
use super::part::{problem_of, refused};
use super::placed::placed;
use super::report::{Problem, ProblemKind, SnapshotState, note};

/// A search for what snapshots miss.
pub(crate) struct Losses<'a> {
    repository: &'a Repository,
    known: &'a Snapshots,
    observer: &'a dyn Observer,
    /// Only in snapshots of this device, if of any.
    pub(crate) of: Option<DeviceId>,
    /// Pieces that were read and are damaged or still arriving, with what is wrong.
    pub(crate) bad: HashMap<ChunkId, Fault>,
    /// Pieces that stand on something that does not open, at least in one of its places.
    pub(crate) on_bad: HashMap<ChunkId, Fault>,
    /// Objects of which nothing can be read, with what is wrong.
    pub(crate) unreadable: HashMap<ObjectKey, Fault>,
    /// Nodes beneath which all is well, with the number of entries there.
    clean: HashMap<ChunkId, u64>,
    /// Lists of files that are well.
    lists: SeenLists,
    /// Snapshots looked at.
    pub(crate) snapshots: u64,
    /// Chunks asked for.
    pub(crate) chunks: u64,
    /// Whether anything is missing.
    pub(crate) misses: bool,
    /// What was found.
    pub(crate) problems: Vec<Problem>,
    /// How the trial goes, if it is one.
    trial: Option<Trial>,
}

/// What is wrong with something that was read.
#[derive(Clone)]
pub(crate) struct Fault {
    pub(crate) what: String,
    pub(crate) kind: FaultKind,
}

/// What that means for what lies in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Damaged,
    /// Its bytes may still arrive.
    Arriving,
    /// Only a newer version understands it.
    Unknown,
}

impl Fault {
    /// What an error says of the object that it is about.
    pub(crate) fn from_error(error: &RepositoryError) -> Self {
        let kind = match error {
            RepositoryError::Arriving { .. } => FaultKind::Arriving,
            RepositoryError::NotUnderstood { .. } => FaultKind::Unknown,
            _ => FaultKind::Damaged,
        };
        Self { what: error.to_string(), kind }
    }

    /// What it means for a file with this chunk.
    fn of(&self, id: &ChunkId) -> RepositoryError {
        let (object, what) = (format!("chunk {id}"), self.what.clone());
        match self.kind {
            FaultKind::Arriving => RepositoryError::Arriving { object, what },
            FaultKind::Unknown => RepositoryError::NotUnderstood { object, what },
            FaultKind::Damaged => RepositoryError::Damaged { object, what },
        }
    }
}

/// How a search on trial goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trial {
    Well,
    Over,
}

/// What is done between two steps of a search; an error ends the search.
type Meanwhile<'m> = &'m mut dyn FnMut() -> Result<(), Error>;

/// Why the walk does not go on with a file.
enum Halt {
    /// A piece of it is missing or damaged.
    Piece(RepositoryError),
    /// Nothing goes on.
    Search(Error),
}

impl From<RepositoryError> for Halt {
    fn from(error: RepositoryError) -> Self {
        Self::Piece(error)
    }
}

impl From<CatalogueError> for Halt {
    fn from(error: CatalogueError) -> Self {
        Self::Search(error.into())
    }
}

impl<'a> Losses<'a> {
    /// A search that has not begun.
    pub(crate) fn new(
        repository: &'a Repository,
        known: &'a Snapshots,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            repository,
            known,
            observer,
            of: None,
            bad: HashMap::new(),
            on_bad: HashMap::new(),
            unreadable: HashMap::new(),
            clean: HashMap::new(),
            lists: SeenLists::default(),
            snapshots: 0,
            chunks: 0,
            misses: false,
            problems: Vec::new(),
            trial: None,
        }
    }

    /// Whether nothing that was read is damaged or still to arrive.
    pub(crate) fn is_without_faults(&self) -> bool {
        self.bad.is_empty() && self.on_bad.is_empty() && self.unreadable.is_empty()
    }

    fn problem(&mut self, problem: Problem) {
        if let Some(trial) = &mut self.trial {
            *trial = Trial::Over;
            return;
        }
        self.observer.event(Event::Problem(problem.clone()));
        note(&mut self.problems, problem);
    }

    /// Walks every snapshot and asks for every piece.
    pub(crate) fn find(&mut self) -> Result<(), Error> {
        let observer = self.observer;
        self.look(&mut || go_on(observer))
    }

    /// The same on trial, with something to do meanwhile: whether all is well. Only then do the
    /// counts say anything.
    pub(crate) fn finds_nothing(&mut self, meanwhile: Meanwhile<'_>) -> Result<bool, Error> {
        self.trial = Some(Trial::Well);
        self.look(meanwhile)?;
        Ok(!self.is_over())
    }

    fn is_over(&self) -> bool {
        self.trial == Some(Trial::Over)
    }

    fn look(&mut self, meanwhile: Meanwhile<'_>) -> Result<(), Error> {
        let repository = self.repository;
        repository.catalogue.reading(|| self.each_snapshot(meanwhile))
    }

    fn each_snapshot(&mut self, meanwhile: Meanwhile<'_>) -> Result<(), Error> {
        let repository = self.repository;
        let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
        let lines = self.known.lines(repository);
        for (snapshot, line) in self.known.chains.snapshots().zip(lines) {
            if self.of.is_some_and(|device| device != snapshot.at.device) {
                continue;
            }
            self.snapshots += 1;
            let mut pieces = PieceReader::new(&objects, &repository.catalogue);
            let mut contents = PieceReader::new(&objects, &repository.catalogue);
            let root = snapshot.backup.root;
            let tree = SnapshotTree::new(&mut pieces, root);
            let mut walk = Walk {
                merge: Merge::new(Nothing, tree),
                contents: &mut contents,
                catalogue: &repository.catalogue,
                id: line.id[..12].to_owned(),
                state: line.state,
                open: vec![Open::default()],
                meanwhile: &mut *meanwhile,
            };
            self.walk(&mut walk, root)?;
            if self.is_over() {
                break;
            }
        }
        Ok(())
    }

    fn walk(&mut self, walk: &mut Walk<'_, '_>, root: ChunkId) -> Result<(), Error> {
        self.enter(walk, TreePath::root(), root)?;
        while let Some(step) = walk.merge.step::<RepositoryError>() {
            self.unknown(walk, None);
            (walk.meanwhile)()?;
            if self.is_over() {
                return Ok(());
            }
            match step {
                Step::Pair(path, Pair { new: Some(entry), .. }) => {
                    walk.take(&Open { entries: 1, ..Open::default() });
                    match &entry.kind {
                        Kind::Directory(node) => self.enter(walk, path, *node)?,
                        Kind::File(content) => match self.content(walk, content) {
                            Ok(()) => {}
                            Err(Halt::Piece(error)) => {
                                self.attribute(walk, &path, error)?;
                                walk.take(&FAULTY);
                            }
                            Err(Halt::Search(error)) => return Err(error),
                        },
                        _ => {}
                    }
                }
                Step::Pair(..) => {}
                Step::Cut(path, error) => {
                    self.attribute(walk, &path, error)?;
                    walk.take(&FAULTY);
                }
                Step::Leave(_) => {
                    let left = walk.open.pop().unwrap_or_default();
                    if let Some(node) = left.node.filter(|_| !left.faulty) {
                        self.clean.insert(node, left.entries);
                    }
                    walk.take(&left);
                }
            }
        }
        let entries = walk.open.pop().unwrap_or_default().entries;
        if entries > ENTRIES_MAX {
            self.problem(Problem {
                kind: ProblemKind::Damaged,
                path: walk.place(&TreePath::root()),
                sentence: "the tree unfolds into more entries than can be".to_owned(),
            });
        }
        Ok(())
    }

    /// Goes into a directory, unless all beneath it is known to be well.
    fn enter(
        &mut self,
        walk: &mut Walk<'_, '_>,
        path: TreePath,
        node: ChunkId,
    ) -> Result<(), Error> {
        if let Some(entries) = self.clean.get(&node) {
            walk.take(&Open { entries: *entries, ..Open::default() });
            return Ok(());
        }
        match walk.merge.enter::<RepositoryError>(path.clone(), None, Some(&node)) {
            Ok(()) => {
                walk.open.push(Open { node: Some(node), ..Open::default() });
                self.unknown(walk, None);
            }
            Err(error) => {
                self.unknown(walk, Some(&path));
                self.attribute(walk, &path, error)?;
                walk.take(&FAULTY);
            }
        }
        Ok(())
    }

    /// Says how many entries of a folder, the one that the walk is in if it is not said, are of a
    /// kind that this version does not know.
    fn unknown(&mut self, walk: &mut Walk<'_, '_>, path: Option<&TreePath>) {
        if let Some(problem) = refused(&mut walk.merge, path) {
            let path = walk.place(path.unwrap_or(walk.merge.at()));
            self.problem(Problem { path, ..problem });
            walk.take(&FAULTY);
        }
    }

    fn content(&mut self, walk: &mut Walk<'_, '_>, content: &Content) -> Result<(), Halt> {
        let (bad, on_bad, unreadable) = (&self.bad, &self.on_bad, &self.unreadable);
        let all_is_well = self.is_without_faults();
        let chunks = &mut self.chunks;
        let (catalogue, meanwhile) = (walk.catalogue, &mut walk.meanwhile);
        self.lists.each_chunk(walk.contents, content, |contents, id, length| {
            // A file may have more chunks than a tree has entries.
            meanwhile().map_err(Halt::Search)?;
            *chunks += 1;
            if all_is_well && catalogue.holds_as_long(id, length)? {
                return Ok(());
            }
            if let Some(what) = bad.get(id) {
                let others = placed(catalogue, id, length)?.len() > 1;
                if !others || contents.piece(PieceKind::Chunk, id).is_err() {
                    return Err(what.of(id).into());
                }
                return Ok(());
            }
            if let Some(what) = on_bad.get(id) {
                placed(catalogue, id, length)?;
                let read = contents.piece(PieceKind::Chunk, id);
                return read.map(drop).map_err(|_| what.of(id).into());
            }
            let places = placed(catalogue, id, length)?;
            let faults = places.iter().map(|place| unreadable.get(&place.object));
            let Some(faults) = faults.collect::<Option<Vec<&Fault>>>() else { return Ok(()) };
            let well = faults.iter().find(|fault| fault.kind != FaultKind::Damaged);
            match well.or_else(|| faults.first()) {
                Some(fault) => Err(Halt::Piece(fault.of(id))),
                None => Ok(()),
            }
        })
    }

    /// Says which file of which snapshot a missing or damaged piece belongs to.
    fn attribute(
        &mut self,
        walk: &Walk<'_, '_>,
        path: &TreePath,
        error: RepositoryError,
    ) -> Result<(), Error> {
        self.misses |= matches!(error, RepositoryError::Missing(_));
        let mut problem = problem_of(path, error, &walk.state)?;
        problem.path = walk.place(path);
        self.problem(problem);
        Ok(())
    }
}

/// An error if the user wants the check to stop.
pub(crate) fn go_on(observer: &dyn Observer) -> Result<(), Error> {
    match observer.stopping() {
        true => Err(Error::new(ErrorKind::Interrupted, "stopped before all was checked")),
        false => Ok(()),
    }
}

/// A directory that the walk is in: whether anything beneath it is not well, and how many entries
/// there are so far.
#[derive(Default)]
struct Open {
    faulty: bool,
    entries: u64,
    /// Its node.
    node: Option<ChunkId>,
}

const FAULTY: Open = Open { faulty: true, entries: 0, node: None };

struct Walk<'a, 'r> {
    merge: Merge<Nothing, SnapshotTree<'a, 'r>>,
    contents: &'r mut PieceReader<'a>,
    catalogue: &'a Catalogue,
    id: String,
    state: SnapshotState,
    /// The directories that the walk is in, and what is above the root.
    open: Vec<Open>,
    meanwhile: Meanwhile<'r>,
}

impl Walk<'_, '_> {
    /// Counts what a directory that the walk is in has shown.
    fn take(&mut self, shown: &Open) {
        if let Some(open) = self.open.last_mut() {
            open.faulty |= shown.faulty;
            open.entries = open.entries.saturating_add(shown.entries);
        }
    }

    /// A path with the snapshot that it is in.
    fn place(&self, path: &TreePath) -> String {
        format!("{}:/{}", self.id, display(path.as_bytes()))
    }
}
