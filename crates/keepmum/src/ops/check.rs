//! Check: everything that is referred to is here and, when asked, whole.
//!
//! It reads; it mends nothing and deletes nothing.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::catalogue::Catalogue;
use crate::compress::Decompressor;
use crate::format::ObjectKind;
use crate::model::{
    ChunkId, Content, DeviceId, Kind, Named, ObjectKey, Piece, Pieces, Side, TreePath,
};
use crate::pipeline::{self, Stage, Ticket};
use crate::repository::{ObjectReader, PieceReader, RepositoryError, SnapshotTree, pieces_of};

use super::access::Access;
use super::choose::{Snapshots, display};
use super::error::{Error, ErrorKind};
use super::event::{Event, Observer, Phase};
use super::examine::{Examined, chosen, examine};
use super::open::{self, Repository};
use super::options::CheckOptions;
use super::part::problem_of;
use super::report::{CheckReport, Problem, ProblemKind, SnapshotState};
use super::whole::above;

const READING: Stage = Stage(1);

/// Checks the repository.
///
/// # Errors
/// Whatever keeps the repository from being opened, or a destination that fails.
pub fn check(
    access: &Access,
    options: &CheckOptions,
    observer: &dyn Observer,
) -> Result<CheckReport, Error> {
    let started = access.seam.clock.elapsed();
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    observer.event(Event::Phase(Phase::Working));
    let mut check = Check {
        repository: &repository,
        known: &known,
        observer,
        bad: HashMap::new(),
        clean: HashSet::new(),
        lost: 0,
        pending: 0,
        misses: false,
        report: CheckReport {
            foreign_files: repository.listing.foreign,
            conflict_copies: repository.listing.copies,
            ..CheckReport::default()
        },
    };
    check.objects();
    if options.read_data_percent > 0 {
        check.read_data(access, options.read_data_percent)?;
    }
    for (object, what) in &repository.imported.damaged {
        if !check.report.problems.iter().any(|problem| problem.path == *object) {
            check.damaged_object(object, what);
        }
    }
    check.snapshots()?;
    if check.misses {
        check.report.objects_lost += check.lost;
        check.report.objects_pending += check.pending;
    }
    let mut report = check.report;
    report.seconds = (access.seam.clock.elapsed() - started).as_secs_f64();
    Ok(report)
}

struct Check<'a> {
    repository: &'a Repository,
    known: &'a Snapshots,
    observer: &'a dyn Observer,
    /// Pieces that were read and are damaged, with what is wrong.
    bad: HashMap<ChunkId, String>,
    /// Nodes beneath which all is well.
    clean: HashSet<ChunkId>,
    /// Listed objects that are lost, and those that are pending. They count if any snapshot
    /// misses anything; else what they held is stored elsewhere.
    lost: u64,
    pending: u64,
    misses: bool,
    report: CheckReport,
}

impl Check<'_> {
    fn problem(&mut self, problem: Problem) {
        self.observer.event(Event::Problem(problem.clone()));
        self.report.problems.push(problem);
    }

    fn damaged_object(&mut self, object: &str, what: &str) {
        self.report.objects_damaged += 1;
        self.problem(Problem {
            kind: ProblemKind::Damaged,
            path: object.to_owned(),
            sentence: format!("this stored object is damaged: {what}"),
        });
    }

    /// What records list against what is here.
    fn objects(&mut self) {
        let listed = self.known.chains.listed_objects();
        let records: HashSet<ObjectKey> =
            self.known.chains.iter().flat_map(|(_, chain)| &chain.records).map(|r| r.2).collect();
        for (key, object) in &self.repository.listing.objects {
            if !object.is_here() {
                continue;
            }
            self.report.objects += 1;
            if !listed.contains_key(key) && !records.contains(key) {
                self.report.objects_unclaimed += 1;
            }
        }
        for key in listed.keys() {
            if self.repository.listing.here(key).is_some() {
                continue;
            }
            if self.known.is_lost(self.repository, key.device, key) {
                self.lost += 1;
            } else {
                self.pending += 1;
            }
        }
        self.records();
        for (key, object) in &self.repository.listing.objects {
            let claimed = listed.contains_key(key);
            if !object.is_here() && !claimed && object.partial.is_some() {
                self.report.objects_pending += 1;
            }
        }
    }

    /// Records that were here or that others name: without them there is no snapshot.
    fn records(&mut self) {
        let repository = self.repository;
        let mut gone: HashMap<DeviceId, u64> = HashMap::new();
        for (key, kind) in &repository.imported.gone {
            if *kind == ObjectKind::Record as u8 {
                *gone.entry(key.device).or_default() += 1;
                self.lost_record(key.device, &format!("the record of run {}", key.run));
            }
        }
        for (device, chain) in self.known.chains.iter() {
            let known = gone.get(device).copied().unwrap_or(0);
            for _ in known..chain.missing {
                if self.known.own == Some(*device) {
                    self.lost_record(*device, "a record that a later one names");
                } else {
                    self.report.objects_pending += 1;
                }
            }
        }
    }

    fn lost_record(&mut self, device: DeviceId, what: &str) {
        self.report.objects_lost += 1;
        self.problem(Problem {
            kind: ProblemKind::Damaged,
            path: format!("device {device}"),
            sentence: format!("{what} is gone from the destination, and with it its snapshot"),
        });
    }

    /// Reads stored data and proves every piece.
    fn read_data(&mut self, access: &Access, percent: u8) -> Result<(), Error> {
        let repository = self.repository;
        let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
        let mut keys: Vec<ObjectKey> = repository
            .listing
            .objects
            .iter()
            .filter(|(key, object)| object.is_here() && chosen(key, percent))
            .map(|(key, _)| *key)
            .collect();
        keys.sort_unstable();
        let total = keys.len() as u64;
        let examined = pipeline::run(access.mode, Decompressor::new, |pool| {
            let mut waiting: VecDeque<Ticket<'_, Result<Examined, RepositoryError>>> =
                VecDeque::new();
            let mut done = Vec::new();
            let mut keys = keys.into_iter();
            loop {
                while waiting.len() < pool.width() * 2
                    && let Some(key) = keys.next()
                {
                    let objects = &objects;
                    let task = move |d: &mut Decompressor| examine(objects, key, d);
                    waiting.push_back(pool.submit(READING, task));
                }
                let Some(ticket) = waiting.pop_front() else { return Ok(done) };
                done.push(ticket.wait()?);
                if self.observer.stopping() {
                    return Err(Error::new(
                        ErrorKind::Interrupted,
                        "stopped before all was checked",
                    ));
                }
                self.observer.event(Event::Progress {
                    entries: done.len() as u64,
                    entries_total: total,
                    bytes: done.iter().map(|one| one.bytes).sum(),
                    bytes_total: 0,
                });
            }
        })?;
        for one in examined {
            self.report.bytes_read += one.bytes;
            if let Some(what) = one.damage {
                let object = repository.listing.here(&one.key);
                let name = object.and_then(|object| object.paths.first().cloned());
                self.damaged_object(&name.unwrap_or_default(), &what);
                self.bad.extend(one.bad.into_iter().map(|id| (id, what.clone())));
            }
        }
        Ok(())
    }

    /// Walks every snapshot and asks for every piece.
    fn snapshots(&mut self) -> Result<(), Error> {
        let repository = self.repository;
        let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
        let lines = self.known.lines(repository);
        for (snapshot, line) in self.known.chains.snapshots().zip(lines) {
            self.report.snapshots += 1;
            let pending = matches!(line.state, SnapshotState::Pending { .. });
            let mut pieces = PieceReader::new(&objects, &repository.catalogue);
            let mut contents = PieceReader::new(&objects, &repository.catalogue);
            let overlay = snapshot.backup.overlay.clone();
            let touched: HashSet<TreePath> = overlay.0.iter().flat_map(|(p, _)| above(p)).collect();
            let mut walk = Walk {
                tree: SnapshotTree::new(&mut pieces, overlay),
                contents: &mut contents,
                catalogue: &repository.catalogue,
                touched,
                pending,
                id: line.id[..12].to_owned(),
            };
            self.walk(&mut walk, snapshot.backup.root)?;
        }
        Ok(())
    }

    fn walk(&mut self, walk: &mut Walk<'_, '_>, root: ChunkId) -> Result<(), Error> {
        // Each frame: the node, its path, whether all beneath was well, what is left of it.
        let mut frames = vec![Frame::Enter(TreePath::root(), root)];
        let mut well: Vec<bool> = Vec::new();
        while let Some(frame) = frames.pop() {
            match frame {
                Frame::Leave(node, exact) => {
                    let fine = well.pop().unwrap_or(false);
                    if fine && exact {
                        self.clean.insert(node);
                    }
                    if let Some(parent) = well.last_mut() {
                        *parent &= fine;
                    }
                }
                Frame::Enter(path, node) => {
                    let exact = !walk.touched.contains(&path);
                    if exact && self.clean.contains(&node) {
                        continue;
                    }
                    if self.observer.stopping() {
                        return Err(Error::new(
                            ErrorKind::Interrupted,
                            "stopped before all was checked",
                        ));
                    }
                    well.push(true);
                    frames.push(Frame::Leave(node, exact));
                    let fine = self.directory(walk, &path, &node, &mut frames)?;
                    if let Some(last) = well.last_mut() {
                        *last &= fine;
                    }
                }
            }
        }
        Ok(())
    }

    fn directory(
        &mut self,
        walk: &mut Walk<'_, '_>,
        path: &TreePath,
        node: &ChunkId,
        frames: &mut Vec<Frame>,
    ) -> Result<bool, Error> {
        let entries = match walk.tree.list(node, path) {
            Ok(entries) => entries,
            Err(error) => {
                self.attribute(walk, path, error)?;
                return Ok(false);
            }
        };
        let mut fine = true;
        for entry in entries {
            let at = path.join(entry.name());
            match &entry.kind {
                Kind::Directory(node) => frames.push(Frame::Enter(at, *node)),
                Kind::File(content) => match self.content(walk, content) {
                    Ok(()) => {}
                    Err(error) => {
                        self.attribute(walk, &at, error)?;
                        fine = false;
                    }
                },
                _ => {}
            }
        }
        Ok(fine)
    }

    fn content(
        &mut self,
        walk: &mut Walk<'_, '_>,
        content: &Content,
    ) -> Result<(), RepositoryError> {
        let listed;
        let pieces = match &content.pieces {
            Pieces::Inline(pieces) => pieces,
            Pieces::Lists { .. } => {
                listed = pieces_of(walk.contents, content)?;
                &listed
            }
        };
        for piece in pieces {
            let Piece::Chunk { id, .. } = piece else { continue };
            self.report.chunks += 1;
            if let Some(what) = self.bad.get(id) {
                let others = crate::model::Locate::locate(walk.catalogue, id)?.len() > 1;
                if !others || walk.contents.piece(id).is_err() {
                    let object = format!("chunk {id}");
                    return Err(RepositoryError::Damaged { object, what: what.clone() });
                }
            } else if !crate::model::Locate::holds(walk.catalogue, id)? {
                return Err(RepositoryError::Missing(*id));
            }
        }
        Ok(())
    }

    /// Says which file of which snapshot a missing or damaged piece belongs to.
    fn attribute(
        &mut self,
        walk: &Walk<'_, '_>,
        path: &TreePath,
        error: RepositoryError,
    ) -> Result<(), Error> {
        let missing = matches!(error, RepositoryError::Missing(_));
        self.misses |= missing;
        let lost = missing && !walk.pending;
        let mut problem = problem_of(path, error)?;
        if lost {
            problem.kind = ProblemKind::Damaged;
        }
        problem.path = format!("{}:/{}", walk.id, display(path.as_bytes()));
        self.problem(problem);
        Ok(())
    }
}

enum Frame {
    Enter(TreePath, ChunkId),
    Leave(ChunkId, bool),
}

struct Walk<'a, 'r> {
    tree: SnapshotTree<'a, 'r>,
    contents: &'r mut PieceReader<'a>,
    catalogue: &'a Catalogue,
    /// Directories that the overlay reaches into: their nodes do not say all.
    touched: HashSet<TreePath>,
    pending: bool,
    id: String,
}
