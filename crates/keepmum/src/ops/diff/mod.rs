//! Diff: the merge of a snapshot with another one, or with the source as it is now.
//!
//! It writes nothing. Folders with one node are equal without
//! being entered; of the source, only files are read that have another time and the same size, and
//! new files that are as long as one that is gone, since these may have moved.

mod groups;
mod live;
mod moves;
mod newer;
mod proof;
mod reading;
mod report;

use crate::model::{ChunkId, Entry, Merge, Pair, Side, Step, TreePath};
use crate::repository::SnapshotTree;
use crate::source::SourceErrorKind;

use crate::session::access::Access;
use crate::session::choose::{Chosen, Snapshots};
use crate::session::error::Error;
use crate::session::event::{Event, Observer, Phase};
use crate::session::open;
use crate::session::options::{DiffAgainst, DiffOptions};
use crate::session::report::{Problem, SnapshotState, note};
use crate::session::walk_error::{WalkError, refused};
use groups::Groups;
use moves::{Held, HeldBack};
use newer::Newer;
pub use report::{Aspect, DiffKind, DiffLine, DiffReport};

/// Steps between two progress events.
const PROGRESS_EVERY: u64 = 256;

/// Compares. Each difference goes to `each` in order of path, as long as it answers `true`; the
/// report has only the sums.
///
/// # Errors
/// Whatever keeps the repository from being opened, no such snapshot, roots that are not there.
pub fn diff(
    access: &Access,
    options: &DiffOptions,
    each: &mut dyn FnMut(DiffLine) -> bool,
    observer: &dyn Observer,
) -> Result<DiffReport, Error> {
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    let old = known.choose(&options.old, observer)?;
    observer.event(Event::Phase(Phase::Working));
    let mut report = DiffReport::of(old.line.clone(), old.older.clone());
    let sink: Sink<'_> = (each, observer);
    match &options.new {
        DiffAgainst::Snapshot(choice) => {
            let new = known.choose(choice, observer)?;
            new.older.iter().for_each(|older| note(&mut report.problems, older.clone()));
            report.new = Some(new.line.clone());
            if old.backup.root == new.backup.root {
                return Ok(report);
            }
            let tree = new.tree().past_damage();
            Ok(Diff::new(report, sink).compare(&old, tree, &new.backup.root)?.0)
        }
        DiffAgainst::Source { roots, rules } => {
            let source = live::open(roots, rules, access)?;
            let mut lists = old.pieces();
            let walk = live::Live::new(&source, &repository.keys, &mut lists, observer);
            let (report, walk) = Diff::new(report, sink).compare(&old, walk, &())?;
            Ok(DiffReport { bytes_read: walk.reading.bytes_read, ..report })
        }
    }
}

/// Enters a folder on either or both sides; an unreadable one is a problem of that folder.
fn enter<N: Newer>(
    diff: &mut Diff<'_, N>,
    merge: &mut Merge<SnapshotTree<'_>, N>,
    path: TreePath,
    old: Option<&ChunkId>,
    new: Option<&N::Place>,
) -> Result<(), Error>
where
    WalkError: From<N::Error>,
{
    let before = diff.refused(merge);
    match merge.enter::<WalkError>(path.clone(), old, new) {
        Ok(()) => {
            diff.within.push(before);
            refused(merge, None).into_iter().for_each(|problem| diff.problem(problem));
            Ok(())
        }
        Err(closed) => {
            diff.within.push(before);
            diff.leave(merge);
            refused(merge, Some(&path)).into_iter().for_each(|problem| diff.problem(problem));
            diff.closed(&path, closed)
        }
    }
}

/// The receiver of differences, and of all other events.
type Sink<'a> = (&'a mut dyn FnMut(DiffLine) -> bool, &'a dyn Observer);

/// A comparison under way.
struct Diff<'a, N: Newer> {
    report: DiffReport,
    each: &'a mut dyn FnMut(DiffLine) -> bool,
    observer: &'a dyn Observer,
    /// Nobody wants to hear of more differences.
    enough: bool,
    steps: u64,
    /// Paths that could not be looked at; that they are in no listing says nothing.
    unseen: std::collections::HashSet<TreePath>,
    groups: Groups,
    /// Differences that may be moves.
    held: HeldBack<N::Item>,
    /// Of each folder that the walk is in: how much had been refused on either side before.
    within: Vec<(u64, u64)>,
}

impl<'a, N: Newer> Diff<'a, N>
where
    WalkError: From<N::Error>,
{
    /// Walks a snapshot and its newer side, which is given back.
    fn compare(
        mut self,
        old: &Chosen<'_>,
        new: N,
        at: &N::Place,
    ) -> Result<(DiffReport, N), Error> {
        let mut merge = Merge::new(old.tree().past_damage(), new);
        enter(&mut self, &mut merge, TreePath::root(), Some(&old.backup.root), Some(at))?;
        self.walk(&mut merge)?;
        let mut new = merge.into_new_side();
        self.settle(&mut new)?;
        Ok((self.report, new))
    }

    /// Tells the differences that were held back, with the moves among them.
    fn settle(&mut self, new: &mut N) -> Result<(), Error> {
        let mut held = std::mem::take(&mut self.held);
        for (path, closed) in new.prove(held.lines()) {
            self.told(&path, Err(closed))?;
        }
        let lines = held.with_moves(&mut |path, old, item| {
            self.tick()?;
            let aspects = new.about(path, (old, item), true);
            let Some(mut aspects) = self.told(path, aspects)? else { return Ok(Vec::new()) };
            self.add_links((old, new.group(item)), &mut aspects);
            Ok::<_, Error>(aspects)
        })?;
        self.tell(lines);
        Ok(())
    }

    /// The aspects of an entry, if it could be read. If not, that is a problem, unless it vanished.
    fn told(
        &mut self,
        path: &TreePath,
        about: Result<Vec<Aspect>, WalkError>,
    ) -> Result<Option<Vec<Aspect>>, Error> {
        match about {
            Ok(aspects) => Ok(Some(aspects)),
            Err(WalkError::Source(error)) if error.kind == SourceErrorKind::Vanished => Ok(None),
            Err(closed) => self.closed(path, closed).map(|()| None),
        }
    }

    /// Adds that a file is one with other names than before.
    fn add_links(&mut self, (old, group): (&Entry, Option<u128>), aspects: &mut Vec<Aspect>) {
        let links = !aspects.contains(&Aspect::Links);
        if links && !self.groups.agree(old.metadata.link.map(u128::from), group) {
            aspects.push(Aspect::Links);
        }
    }

    fn new(report: DiffReport, (each, observer): Sink<'a>) -> Self {
        Self {
            report,
            each,
            observer,
            enough: false,
            steps: 0,
            unseen: std::collections::HashSet::new(),
            groups: Groups::default(),
            held: HeldBack::default(),
            within: Vec::new(),
        }
    }

    fn walk(&mut self, merge: &mut Merge<SnapshotTree<'_>, N>) -> Result<(), Error> {
        while let Some(step) = merge.step::<WalkError>().filter(|_| !self.enough) {
            for error in merge.new_side().take_problems() {
                // A thing that vanished while its folder was listed is not there.
                if error.kind != SourceErrorKind::Vanished {
                    self.unseen.insert(error.path.clone());
                    self.closed(&error.path.clone(), WalkError::Source(error))?;
                }
            }
            refused(merge, None).into_iter().for_each(|problem| self.problem(problem));
            match step {
                Step::Pair(path, pair) => {
                    self.tick()?;
                    self.pair(merge, path, pair)?;
                }
                Step::Cut(path, closed) => self.closed(&path, closed)?,
                Step::Leave(_) => self.leave(merge),
            }
        }
        Ok(())
    }

    fn pair(
        &mut self,
        merge: &mut Merge<SnapshotTree<'_>, N>,
        path: TreePath,
        pair: Pair<Entry, N::Item>,
    ) -> Result<(), Error> {
        let new = pair.new.filter(|item| merge.new_side().counts(item));
        let (old_lost, new_lost) = self.is_doubtful(merge);
        match (&pair.old, &new) {
            (None, None) => return Ok(()),
            // What one side does not show may be in a part of it that cannot be read.
            (Some(_), None) if new_lost || self.unseen.contains(&path) => return Ok(()),
            (None, Some(_)) if old_lost => return Ok(()),
            (Some(_), None) | (None, Some(_)) => {
                self.line(merge, &path, (pair.old.as_ref(), new.as_ref()), Vec::new());
            }
            (Some(old), Some(new)) => match merge.new_side().compare(&path, old, new) {
                Ok(mut aspects) => {
                    self.add_links((old, merge.new_side().group(new)), &mut aspects);
                    if !aspects.is_empty() {
                        self.line(merge, &path, (Some(old), Some(new)), aspects);
                    }
                }
                Err(WalkError::Source(error)) if error.kind == SourceErrorKind::Vanished => {
                    self.line(merge, &path, (Some(old), None), Vec::new());
                }
                Err(closed) => self.closed(&path, closed)?,
            },
        }
        if let (Some(old), Some(new)) = (&pair.old, &new)
            && merge.new_side().is_same_folder(old, new)
        {
            return Ok(());
        }
        let before = pair.old.as_ref().and_then(|old| merge.old().place(old));
        let after = new.as_ref().and_then(|new| merge.new_side().place(new));
        if before.is_none() && after.is_none() {
            return Ok(());
        }
        enter(self, merge, path, before.as_ref(), after.as_ref())
    }

    /// How much was refused so far on either side.
    fn refused(&self, merge: &mut Merge<SnapshotTree<'_>, N>) -> (u64, u64) {
        (merge.old().refused(), merge.new_side().refused())
    }

    /// Whether something of the folder that the walk is in could not be read, on either side.
    fn is_doubtful(&self, merge: &mut Merge<SnapshotTree<'_>, N>) -> (bool, bool) {
        let now = self.refused(merge);
        let before = self.within.last().copied().unwrap_or_default();
        (now.0 > before.0, now.1 > before.1)
    }

    /// What was refused in a folder says nothing of the one above it.
    fn leave(&mut self, merge: &mut Merge<SnapshotTree<'_>, N>) {
        let now = self.refused(merge);
        let before = self.within.pop().unwrap_or_default();
        if let Some(above) = self.within.last_mut() {
            above.0 += now.0.saturating_sub(before.0);
            above.1 += now.1.saturating_sub(before.1);
        }
    }

    /// A difference. One side has it, or both.
    fn line(
        &mut self,
        merge: &mut Merge<SnapshotTree<'_>, N>,
        path: &TreePath,
        (old, new): (Option<&Entry>, Option<&N::Item>),
        aspects: Vec<Aspect>,
    ) {
        let before = old.map(newer::kind);
        let after = new.map(|new| merge.new_side().kind(new));
        let (change, likeness) = match (old, new) {
            (Some(old), None) => (DiffKind::Removed, merge.new_side().old_likeness(old)),
            (None, Some(new)) => (DiffKind::Added, merge.new_side().likeness(path, new)),
            _ if aspects.iter().any(|aspect| aspect.is_content()) => (DiffKind::Content, None),
            _ => (DiffKind::Metadata, None),
        };
        let Some((kind, _)) = after.or(before) else { return };
        let is_one_sided = matches!(change, DiffKind::Removed | DiffKind::Added);
        let held = Held {
            path: path.clone(),
            from: None,
            kind,
            change,
            aspects,
            old_size: before.and_then(|(_, size)| size),
            new_size: after.and_then(|(_, size)| size),
            likeness,
            old: old.filter(|_| is_one_sided).cloned().map(Box::new),
            new: new.filter(|_| is_one_sided).cloned().map(Box::new),
        };
        match self.report.moves_known {
            false => self.tell(vec![held]),
            true if self.held.add(held) => {
                self.report.moves_known = false;
                let held = self.held.let_go();
                self.tell(held);
            }
            true => {}
        }
    }

    /// Counts differences, and hands them on.
    fn tell(&mut self, held: Vec<Held<N::Item>>) {
        for line in held.into_iter().map(Held::into_line) {
            let report = &mut self.report;
            *match line.change {
                DiffKind::Added => &mut report.added,
                DiffKind::Removed => &mut report.removed,
                DiffKind::Content => &mut report.content,
                DiffKind::Metadata if line.is_folder_time() => &mut report.folder_times,
                DiffKind::Metadata => &mut report.metadata,
                DiffKind::Moved => &mut report.moved,
            } += 1;
            let bytes = |size: Option<u64>| i64::try_from(size.unwrap_or(0)).unwrap_or(i64::MAX);
            if line.change != DiffKind::Moved {
                let more = bytes(line.new_size).saturating_sub(bytes(line.old_size));
                report.bytes_more = report.bytes_more.saturating_add(more);
            }
            if !self.enough {
                self.enough = !(self.each)(line);
            }
        }
    }

    /// A part that cannot be looked at is a problem of that part.
    fn closed(&mut self, path: &TreePath, closed: WalkError) -> Result<(), Error> {
        let new = self.report.new.as_ref().map(|line| &line.state);
        let waits = |state: &&SnapshotState| {
            matches!(state, SnapshotState::Pending { .. } | SnapshotState::Unknown { .. })
        };
        let state = new.filter(waits).unwrap_or(&self.report.old.state);
        let problem = closed.problem(path, state)?;
        self.problem(problem);
        Ok(())
    }

    fn problem(&mut self, problem: Problem) {
        // An unreadable folder is asked for its attributes, and then for its contents.
        let last = self.report.problems.last();
        if last.is_some_and(|last| last.path == problem.path && last.kind == problem.kind) {
            return;
        }
        self.observer.event(Event::Problem(problem.clone()));
        note(&mut self.report.problems, problem);
    }

    fn tick(&mut self) -> Result<(), Error> {
        self.observer.go_on("compared")?;
        self.steps += 1;
        if !self.steps.is_multiple_of(PROGRESS_EVERY) {
            return Ok(());
        }
        let (entries, bytes) = (self.steps, 0);
        let event = Event::Progress { entries, entries_total: 0, bytes, bytes_total: 0 };
        self.observer.event(event);
        Ok(())
    }
}
