//! What is in a snapshot.

use crate::model::{ChunkId, Entry, Kind, Merge, Nothing, Pair, Side, Step, TreePath};
use crate::repository::{ObjectReader, PieceReader, RepositoryError, SnapshotTree};

use crate::session::access::Access;
use crate::session::choose::{Snapshots, display};
use crate::session::error::{Error, ErrorKind};
use crate::session::event::Observer;
use crate::session::open;
use crate::session::options::ListOptions;
use crate::session::part::{no_such_path, problem_of, refused, unreachable};
use crate::session::report::{EntryKind, EntryLine, ListReport, note};

/// Lists a folder of a snapshot, or everything in it: each entry goes to `each` in order of path,
/// as long as it answers `true`. Memory stays bounded whatever the snapshot holds.
///
/// # Errors
/// Whatever keeps the repository from being opened, no such snapshot, no such path.
pub fn list(
    access: &Access,
    options: &ListOptions,
    each: &mut dyn FnMut(EntryLine) -> bool,
    observer: &dyn Observer,
) -> Result<ListReport, Error> {
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    let chosen = known.choose(&repository, &options.snapshot, observer)?;
    let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
    let mut pieces = PieceReader::new(&objects, &repository.catalogue);
    let mut tree = SnapshotTree::new(&mut pieces, chosen.backup.root);
    let problems = chosen.older.into_iter().collect();
    let mut report = ListReport { snapshot: chosen.line, problems };
    let mut root = tree.root();
    if !options.path.is_root() {
        let found = tree.find(&options.path);
        let found = found.map_err(|e| unreachable(&options.path, e, &report.snapshot.state))?;
        let entry = found.ok_or_else(|| no_such_path(&options.path))?;
        match tree.place(&entry) {
            Some(node) => root = node,
            None => {
                each(line(&options.path, &entry));
                return Ok(report);
            }
        }
    }
    let mut merge = Merge::new(Nothing, tree);
    enter(&mut merge, &mut report, options.path.clone(), &root)?;
    while let Some(step) = merge.step::<RepositoryError>() {
        if let Some(problem) = refused(&mut merge, None) {
            note(&mut report.problems, problem);
        }
        let (path, entry) = match step {
            Step::Pair(path, Pair { new: Some(entry), .. }) => (path, entry),
            Step::Cut(path, error) => {
                let problem = problem_of(&path, error, &report.snapshot.state)?;
                note(&mut report.problems, problem);
                continue;
            }
            Step::Pair(..) | Step::Leave(_) => continue,
        };
        if observer.stopping() {
            return Err(Error::new(ErrorKind::Interrupted, "stopped before all was listed"));
        }
        if !each(line(&path, &entry)) {
            break;
        }
        if let Some(node) = merge.new_side().place(&entry).filter(|_| options.recursive) {
            enter(&mut merge, &mut report, path, &node)?;
        }
    }
    Ok(report)
}

fn enter(
    merge: &mut Merge<Nothing, SnapshotTree<'_, '_>>,
    report: &mut ListReport,
    path: TreePath,
    node: &ChunkId,
) -> Result<(), Error> {
    let entered = merge.enter::<RepositoryError>(path.clone(), None, Some(node));
    if let Err(error) = entered {
        let problem = problem_of(&path, error, &report.snapshot.state)?;
        note(&mut report.problems, problem);
    }
    if let Some(problem) = refused(merge, Some(&path)) {
        note(&mut report.problems, problem);
    }
    Ok(())
}

fn line(path: &TreePath, entry: &Entry) -> EntryLine {
    let (kind, size, link_target) = match &entry.kind {
        Kind::File(content) => (EntryKind::File, content.size, None),
        Kind::Directory(_) => (EntryKind::Directory, 0, None),
        Kind::Symlink(target) => (EntryKind::Symlink, 0, Some(target)),
        Kind::Fifo => (EntryKind::Fifo, 0, None),
        Kind::CharacterDevice(_) => (EntryKind::CharacterDevice, 0, None),
        Kind::BlockDevice(_) => (EntryKind::BlockDevice, 0, None),
    };
    let owner = &entry.metadata.owner;
    EntryLine {
        path: format!("/{}", display(path.as_bytes())),
        path_bytes: [b"/", path.as_bytes()].concat(),
        kind,
        size,
        mode: entry.metadata.mode,
        uid: owner.numbers.map(|(user, _)| user),
        gid: owner.numbers.map(|(_, group)| group),
        user: owner.user.as_deref().map(display),
        group: owner.group.as_deref().map(display),
        mtime: entry.metadata.mtime.map(|time| time.seconds),
        link_target: link_target.map(|target| display(target)),
        link_target_bytes: link_target.map(|target| target.to_vec()),
    }
}
