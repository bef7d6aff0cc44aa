//! What is in a snapshot.

use crate::model::{ChunkId, Entry, Kind, Side, TreePath};
use crate::repository::{ObjectReader, PieceReader, SnapshotTree};

use super::access::Access;
use super::choose::{Snapshots, display};
use super::error::Error;
use super::event::Observer;
use super::open;
use super::options::ListOptions;
use super::part::{no_such_path, problem_of};
use super::report::{EntryKind, EntryLine, ListReport};

/// Lists a folder of a snapshot, or everything in it.
///
/// # Errors
/// Whatever keeps the repository from being opened, no such snapshot, no such path.
pub fn list(
    access: &Access,
    options: &ListOptions,
    observer: &dyn Observer,
) -> Result<ListReport, Error> {
    let repository = open::open(access, observer)?;
    let known = Snapshots::read(&repository, access)?;
    let chosen = known.choose(&repository, &options.snapshot)?;
    let objects = ObjectReader::new(&*repository.store, &repository.keys, &repository.listing);
    let mut pieces = PieceReader::new(&objects, &repository.catalogue);
    let mut tree = SnapshotTree::new(&mut pieces, chosen.backup.overlay.clone());
    let mut report =
        ListReport { snapshot: chosen.line, entries: Vec::new(), problems: Vec::new() };
    let mut waiting: Vec<(TreePath, ChunkId)> = Vec::new();
    if options.path.is_root() {
        waiting.push((TreePath::root(), chosen.backup.root));
    } else {
        let found = tree.find(chosen.backup.root, &options.path)?;
        let entry = found.ok_or_else(|| no_such_path(&options.path))?;
        match tree.place(&entry) {
            Some(node) => waiting.push((options.path.clone(), node)),
            None => report.entries.push(line(&options.path, &entry)),
        }
    }
    while let Some((path, node)) = waiting.pop() {
        let entries = match tree.list(&node, &path) {
            Ok(entries) => entries,
            Err(error) => {
                report.problems.push(problem_of(&path, error)?);
                continue;
            }
        };
        let mut below = Vec::new();
        for entry in &entries {
            let at = path.join(&entry.name);
            report.entries.push(line(&at, entry));
            below.extend(tree.place(entry).map(|node| (at, node)));
        }
        if options.recursive {
            waiting.extend(below.into_iter().rev());
        }
    }
    report.entries.sort_by(|a, b| order(&a.path_bytes).cmp(order(&b.path_bytes)));
    Ok(report)
}

fn order(path: &[u8]) -> impl Iterator<Item = u8> + '_ {
    path.iter().map(|byte| if *byte == b'/' { 0 } else { *byte })
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
        uid: owner.uid,
        gid: owner.gid,
        user: owner.user.as_deref().map(display),
        group: owner.group.as_deref().map(display),
        mtime: entry.metadata.mtime.map(|time| time.seconds),
        link_target: link_target.map(|target| display(target)),
        link_target_bytes: link_target.map(|target| target.to_vec()),
    }
}
