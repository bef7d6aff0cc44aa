//! The contents of a snapshot.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use crate::model::{Entry, Kind, Side, TreePath};

use crate::session::access::Access;
use crate::session::choose::{Chosen, Snapshots};
use crate::session::error::Error;
use crate::session::event::{Event, Observer};
use crate::session::open;
use crate::session::options::ListOptions;
use crate::session::paths::{Resolver, Selected, Selection, tree_paths};
use crate::session::report::display;
use crate::session::report::{EntryKind, EntryLine, ListReport, Problem, note};
use crate::session::walk::{SnapshotWalk, Visit};

/// Lists a folder of a snapshot, or everything in it: each entry goes to `each` in order of path,
/// as long as it answers `true`. Memory stays bounded whatever the snapshot holds, but for a few
/// bytes of each folder where sums are asked for.
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
    let found = Resolver::new((&known, &chosen), access, observer).resolve(&options.paths)?;
    let snapshot = Box::new(chosen.line.clone());
    observer.event(Event::Begun { snapshot, paths: found.selection.paths() });
    let problems = chosen.older.iter().cloned().chain(found.problems).collect();
    let mut list = Listing { chosen: &chosen, options, each, observer, enough: false, problems };
    match found.selection {
        Selection::One(one) => list.one(one)?,
        Selection::Several(several) => list.several(several)?,
        Selection::Everything => {
            let roots = tree_paths(&chosen.backup.source.roots);
            let found = roots.into_iter().map(|path| {
                let (_, entry) = chosen.at(&path)?;
                Ok(Selected { path, entry })
            });
            let found: Vec<Selected> = found.collect::<Result<_, Error>>()?;
            // A record may name no root, or the top.
            match found.iter().all(|root| root.entry.is_some()) && !found.is_empty() {
                true => list.several(found)?,
                false => list.one(Selected { path: TreePath::root(), entry: None })?,
            }
        }
    }
    Ok(ListReport { problems: list.problems, snapshot: chosen.line.clone() })
}

/// What is beneath a folder, and which folder that is.
#[derive(Clone, Copy)]
struct Sum {
    path: u64,
    files: u64,
    bytes: u64,
}

/// A listing under way.
struct Listing<'a, 'r> {
    chosen: &'a Chosen<'r>,
    options: &'a ListOptions,
    each: &'a mut dyn FnMut(EntryLine) -> bool,
    observer: &'a dyn Observer,
    /// Nobody wants to see more.
    enough: bool,
    problems: Vec<Problem>,
}

impl Listing<'_, '_> {
    /// What is in a folder, or something else by itself.
    fn one(&mut self, Selected { path, entry }: Selected) -> Result<(), Error> {
        match &entry {
            Some(one) if !matches!(one.kind, Kind::Directory(_)) => {
                self.line(&path, one, (0, None));
                Ok(())
            }
            _ => {
                let above = if path.is_root() { 1 } else { path.as_bytes().len() + 2 };
                self.folder(&path, above)
            }
        }
    }

    /// Several things by themselves.
    fn several(&mut self, several: Vec<Selected>) -> Result<(), Error> {
        let mut last: Option<TreePath> = None;
        for Selected { path, entry } in several {
            let Some(entry) = entry else { continue };
            // What was listed with a folder above it is not listed again.
            let is_told = last.as_ref().is_some_and(|last| path.is_within(last));
            if self.enough || (is_told && self.options.recursive) {
                continue;
            }
            let is_folder = matches!(entry.kind, Kind::Directory(_));
            let sum = match is_folder && self.options.sums {
                true => self.sums(&path)?.first().copied(),
                false => None,
            };
            self.line(&path, &entry, (0, sum));
            if is_folder && self.options.recursive {
                self.folder(&path, 0)?;
                last = Some(path);
            }
        }
        Ok(())
    }

    /// What is in a folder. Of the paths so many bytes are not shown.
    fn folder(&mut self, path: &TreePath, above: usize) -> Result<(), Error> {
        let recursive = self.options.recursive;
        let mut sums = match recursive && self.options.sums {
            // The first one is that of the folder itself.
            true => self.sums(path)?.split_off(1).into_iter(),
            false => Vec::new().into_iter(),
        };
        let (tree, entry) = self.chosen.at(path)?;
        let node = entry.as_ref().and_then(|entry| tree.place(entry)).unwrap_or(tree.root());
        let mut walk = SnapshotWalk::new(tree, (path.clone(), node), (self.observer, "listed"));
        while let Some(visit) = walk.next() {
            match visit? {
                Visit::Entry(path, entry) => {
                    let is_folder = matches!(entry.kind, Kind::Directory(_));
                    let sum = match (is_folder && self.options.sums, recursive) {
                        (false, _) => None,
                        (true, true) => sums.next().filter(|sum| sum.path == hash(&path)),
                        (true, false) => self.sums(&path)?.first().copied(),
                    };
                    self.line(&path, &entry, (above, sum));
                    if self.enough {
                        break;
                    }
                    if !recursive {
                        walk.skip_folder();
                    }
                }
                Visit::Unread(path, error) => {
                    let problem = error.problem(&path, &self.chosen.line.state)?;
                    self.problem(problem);
                }
                Visit::Leave => {}
            }
        }
        Ok(())
    }

    /// What is beneath a folder, and beneath each folder in it, in the order in which a walk comes
    /// to them.
    fn sums(&mut self, path: &TreePath) -> Result<Vec<Sum>, Error> {
        let (tree, entry) = self.chosen.at(path)?;
        let node = entry.as_ref().and_then(|entry| tree.place(entry)).unwrap_or(tree.root());
        let mut sums = vec![Sum { path: hash(path), files: 0, bytes: 0 }];
        let mut within = vec![0];
        for visit in SnapshotWalk::new(tree, (path.clone(), node), (self.observer, "counted")) {
            match visit? {
                Visit::Entry(path, entry) => match &entry.kind {
                    Kind::Directory(_) => {
                        within.push(sums.len());
                        sums.push(Sum { path: hash(&path), files: 0, bytes: 0 });
                    }
                    Kind::File(content) => {
                        let here = within.last().and_then(|at| sums.get_mut(*at));
                        if let Some(here) = here {
                            here.files += 1;
                            here.bytes = here.bytes.saturating_add(content.size);
                        }
                    }
                    _ => {}
                },
                Visit::Unread(path, error) => {
                    let problem = error.problem(&path, &self.chosen.line.state)?;
                    self.problem(problem);
                }
                Visit::Leave => {
                    let left = within.pop().and_then(|at| sums.get(at).copied());
                    let above = within.last().and_then(|at| sums.get_mut(*at));
                    if let (Some(left), Some(above)) = (left, above) {
                        above.files += left.files;
                        above.bytes = above.bytes.saturating_add(left.bytes);
                    }
                }
            }
        }
        Ok(sums)
    }

    /// The same folder may be found to be unreadable while it is counted and while it is listed.
    fn problem(&mut self, problem: Problem) {
        let is_same = |one: &Problem| one.path == problem.path && one.kind == problem.kind;
        if !self.problems.iter().rev().take(1000).any(is_same) {
            note(&mut self.problems, problem);
        }
    }

    fn line(&mut self, path: &TreePath, entry: &Entry, (above, sum): (usize, Option<Sum>)) {
        self.enough |= !(self.each)(line(path, entry, (above, sum)));
    }
}

fn hash(path: &TreePath) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

fn line(path: &TreePath, entry: &Entry, (above, sum): (usize, Option<Sum>)) -> EntryLine {
    let (kind, size, link_target) = match &entry.kind {
        Kind::File(content) => (EntryKind::File, content.size, None),
        Kind::Directory(_) => (EntryKind::Directory, sum.map_or(0, |sum| sum.bytes), None),
        Kind::Symlink(target) => (EntryKind::Symlink, 0, Some(target)),
        Kind::Fifo => (EntryKind::Fifo, 0, None),
        Kind::CharacterDevice(_) => (EntryKind::CharacterDevice, 0, None),
        Kind::BlockDevice(_) => (EntryKind::BlockDevice, 0, None),
    };
    let owner = &entry.metadata.owner;
    EntryLine {
        path: path.to_string(),
        path_bytes: [b"/", path.as_bytes()].concat(),
        above,
        kind,
        size,
        files_beneath: sum.map(|sum| sum.files),
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
