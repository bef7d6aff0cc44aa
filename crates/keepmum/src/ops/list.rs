//! The contents of a snapshot.

use crate::model::{Entry, Kind, Side, TreePath};

use crate::session::access::Access;
use crate::session::choose::Snapshots;
use crate::session::error::Error;
use crate::session::event::Observer;
use crate::session::open;
use crate::session::options::ListOptions;
use crate::session::report::display;
use crate::session::report::{EntryKind, EntryLine, ListReport, note};
use crate::session::walk::{SnapshotWalk, Visit};

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
    let chosen = known.choose(&options.snapshot, observer)?;
    let (tree, entry) = chosen.at(&options.path)?;
    let problems = chosen.older.iter().cloned().collect();
    let mut report = ListReport { snapshot: chosen.line.clone(), problems };
    let node = match entry {
        None => tree.root(),
        Some(entry) => match tree.place(&entry) {
            Some(node) => node,
            None => {
                each(line(&options.path, &entry));
                return Ok(report);
            }
        },
    };
    let mut walk = SnapshotWalk::new(tree, (options.path.clone(), node), (observer, "listed"));
    while let Some(visit) = walk.next() {
        match visit? {
            Visit::Entry(path, entry) => {
                if !each(line(&path, &entry)) {
                    break;
                }
                if !options.recursive {
                    walk.skip_folder();
                }
            }
            Visit::Unread(path, error) => {
                let problem = error.problem(&path, &report.snapshot.state)?;
                note(&mut report.problems, problem);
            }
            Visit::Leave => {}
        }
    }
    Ok(report)
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
        path: path.to_string(),
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
