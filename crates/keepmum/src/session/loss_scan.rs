//! Walking the trees of snapshots to find which pieces each file of each snapshot misses.
//!
//! A search reports its findings. A speculative one reports nothing and ends with the first
//! problem: it can run before anybody knows which objects are damaged, and counts only if none is.

use std::collections::{BTreeSet, HashMap};

use crate::catalogue::Catalogue;
use crate::format::PieceKind;
use crate::model::{ChunkId, Content, DeviceId, Entry, Kind, ObjectKey, SnapshotId, TreePath};
use crate::repository::{ENTRIES_MAX, PieceReader, RepositoryError, SeenLists, SnapshotTree};

use super::choose::Snapshots;
use super::descent::Candidate;
use super::error::Error;
use super::event::{Event, Observer};
use super::open::Repository;
use super::placed::placed;
use super::report::display;
use super::report::{DIGITS, Problem, ProblemKind, SnapshotState, note};
use super::walk::{SnapshotWalk, Visit};
use super::walk_error::WalkError;

/// A search for missing parts of snapshots.
pub(crate) struct LossScan<'a> {
    repository: &'a Repository,
    known: &'a Snapshots<'a>,
    observer: &'a dyn Observer,
    /// Only in snapshots of this device, if of any.
    pub(crate) of: Option<DeviceId>,
    /// Pieces that were read and are damaged or still arriving, with the problem.
    pub(crate) bad: HashMap<ChunkId, Fault>,
    /// Pieces with a base that does not open, at least in one of its places.
    pub(crate) on_bad: HashMap<ChunkId, Fault>,
    /// Objects of which nothing can be read, with the problem.
    pub(crate) unreadable: HashMap<ObjectKey, Fault>,
    /// Nodes beneath which all is well, with the number of entries there.
    clean: HashMap<ChunkId, u64>,
    /// Lists of files that are well.
    lists: SeenLists,
    /// Snapshots looked at.
    pub(crate) snapshots: u64,
    /// Chunks asked for.
    pub(crate) chunks: u64,
    /// Snapshots of which something is lost or damaged.
    pub(crate) damaged: BTreeSet<SnapshotId>,
    /// Whether anything is missing.
    pub(crate) misses: bool,
    /// The findings.
    pub(crate) problems: Vec<Problem>,
    /// How the trial goes, if it is one.
    trial: Option<Speculation>,
}

/// The problem of something that was read.
#[derive(Clone)]
pub(crate) struct Fault {
    pub(crate) what: String,
    pub(crate) kind: FaultKind,
}

/// Its consequence for the contents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Damaged,
    /// Its bytes may still arrive.
    Arriving,
    /// Only a newer version understands it.
    Unknown,
}

impl Fault {
    /// The verdict of an error about its object.
    pub(crate) fn from_error(error: &RepositoryError) -> Self {
        let kind = match error {
            RepositoryError::Arriving { .. } => FaultKind::Arriving,
            RepositoryError::NotUnderstood { .. } => FaultKind::Unknown,
            _ => FaultKind::Damaged,
        };
        Self { what: error.to_string(), kind }
    }

    /// Its consequence for a file with this chunk.
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
enum Speculation {
    Well,
    Over,
}

/// The action between two steps of a search; an error ends the search.
type Meanwhile<'m> = &'m mut dyn FnMut() -> Result<(), Error>;

impl<'a> LossScan<'a> {
    /// A search that has not begun.
    pub(crate) fn new(
        repository: &'a Repository,
        known: &'a Snapshots<'a>,
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
            damaged: BTreeSet::new(),
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
            *trial = Speculation::Over;
            return;
        }
        self.observer.event(Event::Problem(problem.clone()));
        note(&mut self.problems, problem);
    }

    /// Walks every snapshot and asks for every piece.
    pub(crate) fn find(&mut self) -> Result<(), Error> {
        let observer = self.observer;
        self.look(&mut || observer.go_on("checked"))
    }

    /// The same on trial, with something to do meanwhile: whether all is well. Only then do the
    /// counts say anything.
    pub(crate) fn finds_nothing(&mut self, meanwhile: Meanwhile<'_>) -> Result<bool, Error> {
        self.trial = Some(Speculation::Well);
        self.look(meanwhile)?;
        Ok(!self.is_over())
    }

    fn is_over(&self) -> bool {
        self.trial == Some(Speculation::Over)
    }

    fn look(&mut self, meanwhile: Meanwhile<'_>) -> Result<(), Error> {
        let repository = self.repository;
        repository.catalogue.reading(|| self.each_snapshot(meanwhile))
    }

    fn each_snapshot(&mut self, meanwhile: Meanwhile<'_>) -> Result<(), Error> {
        let (known, repository) = (self.known, self.repository);
        let objects = repository.objects();
        for one in known.candidates() {
            let snapshot = one.snapshot;
            if self.of.is_some_and(|device| device != snapshot.at.device) {
                continue;
            }
            self.snapshots += 1;
            let pieces = || PieceReader::new(&objects, &repository.catalogue);
            let (root, mut contents) = (snapshot.backup.root, pieces());
            let mut place = Place {
                contents: &mut contents,
                catalogue: &repository.catalogue,
                one: &one,
                state: None,
                open: vec![Open::default()],
                meanwhile: &mut *meanwhile,
            };
            self.walk(&mut place, SnapshotTree::new(pieces(), root).past_damage(), root)?;
            if self.is_over() {
                break;
            }
        }
        Ok(())
    }

    fn walk(
        &mut self,
        place: &mut Place<'_, '_>,
        tree: SnapshotTree<'_>,
        root: ChunkId,
    ) -> Result<(), Error> {
        let mut walk =
            SnapshotWalk::new(tree, (TreePath::root(), root), (self.observer, "checked"));
        if !self.is_to_be_entered(place, root) {
            walk.skip_folder();
        }
        while let Some(visit) = walk.next() {
            (place.meanwhile)()?;
            match visit? {
                Visit::Entry(path, entry) => {
                    place.take(&Open { entries: 1, ..Open::default() });
                    match self.contents(place, &entry) {
                        Ok(()) => {}
                        Err(WalkError::Run(error)) => return Err(error),
                        Err(error) => self.attribute(place, &path, error)?,
                    }
                    match &entry.kind {
                        Kind::Directory(node) if !self.is_to_be_entered(place, *node) => {
                            walk.skip_folder();
                        }
                        _ => {}
                    }
                }
                Visit::Unread(path, error) => self.attribute(place, &path, error)?,
                Visit::Leave => {
                    let left = place.open.pop().unwrap_or_default();
                    if let Some(node) = left.node.filter(|_| !left.faulty) {
                        self.clean.insert(node, left.entries);
                    }
                    place.take(&left);
                }
            }
            if self.is_over() {
                return Ok(());
            }
        }
        let entries = place.open.pop().unwrap_or_default().entries;
        if entries > ENTRIES_MAX {
            self.problem(Problem {
                kind: ProblemKind::Damaged,
                path: place.of(&TreePath::root()),
                sentence: "the tree unfolds into more entries than can be".to_owned(),
            });
        }
        Ok(())
    }

    /// Whether to go into a directory: not if all beneath it is known to be well.
    fn is_to_be_entered(&self, place: &mut Place<'_, '_>, node: ChunkId) -> bool {
        match self.clean.get(&node) {
            Some(entries) => place.take(&Open { entries: *entries, ..Open::default() }),
            None => place.open.push(Open { node: Some(node), ..Open::default() }),
        }
        !self.clean.contains_key(&node)
    }

    /// The contents of an entry beside its node: a file's content, and values of attributes.
    fn contents(&mut self, place: &mut Place<'_, '_>, entry: &Entry) -> Result<(), WalkError> {
        if let Kind::File(content) = &entry.kind {
            self.content(place, content)?;
        }
        entry.metadata.stored().try_for_each(|content| self.content(place, content))
    }

    fn content(&mut self, place: &mut Place<'_, '_>, content: &Content) -> Result<(), WalkError> {
        let (bad, on_bad, unreadable) = (&self.bad, &self.on_bad, &self.unreadable);
        let all_is_well = self.is_without_faults();
        let chunks = &mut self.chunks;
        let (catalogue, meanwhile) = (place.catalogue, &mut place.meanwhile);
        self.lists.each_chunk(place.contents, content, |contents, id, length| {
            // A file may have more chunks than a tree has entries.
            meanwhile()?;
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
                Some(fault) => Err(fault.of(id).into()),
                None => Ok(()),
            }
        })
    }

    /// Says which file of which snapshot a missing or damaged piece belongs to.
    fn attribute(
        &mut self,
        place: &mut Place<'_, '_>,
        path: &TreePath,
        error: WalkError,
    ) -> Result<(), Error> {
        self.misses |= matches!(error, WalkError::Snapshot(RepositoryError::Missing(_)));
        // On trial nobody hears of it, and the tree is walked again.
        let (known, one, on_trial) = (self.known, place.one, self.trial.is_some());
        let ask = || if on_trial { SnapshotState::Complete } else { known.state(one) };
        let problem = error.problem(path, place.state.get_or_insert_with(ask))?;
        if problem.kind == ProblemKind::Damaged && !on_trial {
            self.damaged.insert(one.snapshot.at.hash.into());
        }
        self.problem(Problem { path: place.of(path), ..problem });
        place.take(&Open { faulty: true, ..Open::default() });
        Ok(())
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

/// Where a search is.
struct Place<'a, 'r> {
    contents: &'r mut PieceReader<'a>,
    catalogue: &'a Catalogue,
    /// The snapshot, and how much of it is here once that was asked.
    one: &'r Candidate<'r>,
    state: Option<SnapshotState>,
    /// The directories that the walk is in, and those above the root.
    open: Vec<Open>,
    meanwhile: Meanwhile<'r>,
}

impl Place<'_, '_> {
    /// Counts the entries that the current directory has shown.
    fn take(&mut self, shown: &Open) {
        if let Some(open) = self.open.last_mut() {
            open.faulty |= shown.faulty;
            open.entries = open.entries.saturating_add(shown.entries);
        }
    }

    /// A path with the snapshot that it is in.
    fn of(&self, path: &TreePath) -> String {
        format!("{}:/{}", &self.one.id()[..DIGITS], display(path.as_bytes()))
    }
}
