//! `--delete`: things that the target has and the snapshot does not.
//!
//! Only below the roots of the snapshot, and only paths that its run looked at. Things to delete
//! are counted before anything is written, and removed after everything is: nothing is removed if
//! something that should have come back did not. Other mounts are not entered.

use std::collections::HashSet;

use crate::model::{Entry, Found, FoundKind, Kind, Merge, Metadata, Name, Pair, Step, TreePath};
use crate::target::{Staying, Target, TargetErrorKind, TargetTree};

use super::copies::is_copy;
use super::looked::Looked;
use super::part::{Only, Part, below};
use super::refusals::{reaches, refused, unreadable};
use crate::session::choose::Chosen;
use crate::session::error::{Error, ErrorKind};
use crate::session::event::Observer;
use crate::session::options::{Overwrite, RestoreOptions};
use crate::session::paths::tree_paths;
use crate::session::report::Problem;
use crate::session::walk_error::WalkError;

/// The values that a deletion uses.
#[derive(Clone, Copy)]
pub(super) struct Setting<'r> {
    pub(super) options: &'r RestoreOptions,
    pub(super) observer: &'r dyn Observer,
    pub(super) chosen: &'r Chosen<'r>,
    pub(super) target: &'r Target,
    pub(super) staying: &'r Staying,
    /// Where the part of the snapshot lies that the target is to be.
    pub(super) prefix: &'r TreePath,
    /// What is restored, and deleted in.
    pub(super) path: &'r TreePath,
}

/// The things found, and those among them that go or went.
#[derive(Default)]
pub(super) struct Tally {
    /// Entries of the target that were looked at.
    there: u64,
    /// Those that go.
    pub(super) gone: u64,
    /// Folders in the way of something else that go with all that is in them.
    pub(super) freed: HashSet<TreePath>,
    pub(super) problems: Vec<Problem>,
}

/// A deletion, first thought, then done.
pub(super) struct Deletion<'r> {
    pub(super) set: Setting<'r>,
    looked: Looked,
    /// The folders below which something may go, as the snapshot has them.
    scopes: Vec<TreePath>,
    /// Set once it is to be done; then no more goes than was accepted of so many.
    pub(super) doing: Option<u64>,
    pub(super) tally: Tally,
    pub(super) folders: Vec<Folder>,
}

/// A folder that the walk is in.
pub(super) struct Folder {
    /// The snapshot does not have it.
    surplus: bool,
    /// The snapshot has something else of its name.
    in_the_way: bool,
    /// Something in it stays.
    pub(super) stays: bool,
    /// Something in it went, and with that its time.
    pub(super) touched: bool,
    /// Its metadata from the restore.
    pub(super) metadata: Option<Metadata>,
    mount: (u64, u64),
}

impl Folder {
    /// One that the snapshot has too.
    fn kept(mount: (u64, u64), metadata: Option<Metadata>) -> Self {
        Self { surplus: false, in_the_way: false, stays: true, touched: false, metadata, mount }
    }
}

impl<'r> Deletion<'r> {
    /// The things that may go. Nothing is looked at yet.
    pub(super) fn new(set: Setting<'r>, roots: &[TreePath]) -> Result<Self, Error> {
        let looked = Looked::new(&set.chosen.backup)?;
        let path = set.path;
        let scope = |root: &TreePath| {
            let lower = if path.is_within(root) { path } else { root };
            (lower.is_within(path) && lower.is_within(root)).then(|| lower.clone())
        };
        let scopes: Vec<TreePath> = roots.iter().filter_map(scope).collect();
        let real: Vec<TreePath> =
            scopes.iter().map(|scope| set.target.real(&set.at(scope))).collect();
        for (number, one) in real.iter().enumerate() {
            let others = real.iter().enumerate().filter(|(other, _)| *other != number);
            if others.into_iter().any(|(_, other)| one.is_within(other)) {
                let sentence =
                    "--delete is refused: by links in the target one root lies in another";
                return Err(refused(sentence).at(one.to_string()));
            }
        }
        for scope in &scopes {
            let reached = set.target.reaches(&set.at(scope), set.staying);
            let reached = reached.map_err(|error| unreadable(&error))?;
            if let Some(stay) = reached {
                return Err(reaches(stay));
            }
        }
        let (tally, folders) = (Tally::default(), Vec::new());
        Ok(Self { set, looked, scopes, doing: None, tally, folders })
    }

    /// Counts the things that would go, and refuses if that is too much.
    pub(super) fn think(&mut self) -> Result<(), Error> {
        self.walk()?;
        let Tally { there, gone, .. } = self.tally;
        match self.set.options.deletions.accept(gone, there) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorKind::ManyDeletions,
                format!(
                    "{gone} of {there} entries in the target are not in the snapshot and would be \
                     removed; nothing was changed"
                ),
            )),
        }
    }

    /// The number counted, or done, since the last call.
    pub(super) fn take(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// Removes it. `there` is the number counted before.
    pub(super) fn act(&mut self, counted: &Tally) -> Result<Tally, Error> {
        self.doing = Some(counted.there);
        self.walk()?;
        Ok(self.take())
    }

    fn walk(&mut self) -> Result<(), Error> {
        for scope in self.scopes.clone() {
            self.folders.clear();
            if !self.looked.leaves_out_above(&scope) {
                self.walk_scope(&scope)?;
            }
        }
        Ok(())
    }

    fn walk_scope(&mut self, scope: &TreePath) -> Result<(), Error> {
        let mut tree = self.set.chosen.tree();
        let (node, metadata) = match tree.find(scope)? {
            Some(Entry { kind: Kind::Directory(node), metadata, .. }) => (node, Some(metadata)),
            _ if scope.is_root() => (tree.root(), None),
            _ => return Ok(()),
        };
        let at = self.set.at(scope);
        let mount = match self.set.target.mount(&at) {
            Ok(mount) => mount,
            Err(error)
                if matches!(error.kind, TargetErrorKind::Missing | TargetErrorKind::Occupied) =>
            {
                return Ok(());
            }
            Err(error) => return Err(unreadable(&error)),
        };
        let prefix = self.set.prefix.clone();
        let part = Part { tree, prefix, given: None, only: Only::default() };
        let mut merge = Merge::new(self.set.target.tree(), part);
        let is_root = self.is_root(scope);
        if !is_root && self.is_cache(&mut merge, &at)? {
            return Ok(());
        }
        if let Err(closed) = merge.enter::<WalkError>(at, Some(&()), Some(&node)) {
            return self.closed(closed);
        }
        self.folders.push(Folder::kept(mount, metadata));
        while let Some(step) = merge.step::<WalkError>() {
            if merge.new_side().tree.refused() > 0 {
                return Err(refused("--delete is refused: not all of the snapshot is understood"));
            }
            self.set.observer.go_on("removed")?;
            match step {
                Step::Pair(path, pair) => self.pair(&mut merge, path, pair)?,
                Step::Cut(_, closed) => {
                    self.something_stays();
                    self.closed(closed)?;
                }
                Step::Leave(path) => self.leave(&path)?,
            }
        }
        Ok(())
    }

    fn is_root(&self, scope: &TreePath) -> bool {
        tree_paths(&self.set.chosen.backup.source.roots).contains(scope)
    }

    fn pair(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_>>,
        path: TreePath,
        pair: Pair<Found, Entry>,
    ) -> Result<(), Error> {
        let Some(found) = pair.old else { return Ok(()) };
        self.tally.there += 1;
        if let Some(stay) = self.set.staying.is(found.stamp.device, found.stamp.inode) {
            return Err(reaches(stay));
        }
        let is_folder = found.kind == FoundKind::Directory;
        let both = match pair.new {
            None => None,
            Some(Entry { kind: Kind::Directory(node), metadata, .. }) if is_folder => {
                Some((node, metadata))
            }
            // A folder is in the way of something else; all other things are replaced or stay.
            Some(_) if is_folder && self.set.options.overwrite != Overwrite::Never => {
                return self.surplus(merge, path, &found, true);
            }
            Some(_) => return Ok(()),
        };
        let Some((node, metadata)) = both else {
            return self.surplus(merge, path, &found, false);
        };
        if !self.may_look_into(merge, &path, &found)? {
            return Ok(());
        }
        let Some(mount) = self.same_mount(&path) else { return Ok(()) };
        match merge.enter::<WalkError>(path, Some(&()), Some(&node)) {
            Ok(()) => {
                self.folders.push(Folder::kept(mount, Some(metadata)));
                Ok(())
            }
            Err(closed) => self.closed(closed),
        }
    }

    /// Something that the snapshot does not have.
    fn surplus(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_>>,
        path: TreePath,
        found: &Found,
        in_the_way: bool,
    ) -> Result<(), Error> {
        if is_copy(&path) || !self.may_look_into(merge, &path, found)? {
            self.something_stays();
            return Ok(());
        }
        if found.kind != FoundKind::Directory {
            return self.goes(&path, false);
        }
        let Some(mount) = self.same_mount(&path) else {
            self.something_stays();
            return Ok(());
        };
        if self.doing.is_some() {
            // Its owner is let in, who may have been shut out.
            self.set.target.make_directory(&self.set.target.real(&path)).ok();
        }
        match merge.enter::<WalkError>(path, Some(&()), None) {
            Ok(()) => {
                let folder = Folder::kept(mount, None);
                self.folders.push(Folder { surplus: true, in_the_way, stays: false, ..folder });
                Ok(())
            }
            Err(closed) => {
                self.something_stays();
                self.closed(closed)
            }
        }
    }

    /// Whether the run that made the snapshot looked at this, and into it.
    fn may_look_into(
        &mut self,
        merge: &mut Merge<TargetTree, Part<'_>>,
        path: &TreePath,
        found: &Found,
    ) -> Result<bool, Error> {
        if !self.looked.at(&path.under(self.set.prefix), found) {
            return Ok(false);
        }
        Ok(found.kind != FoundKind::Directory || !self.is_cache(merge, path)?)
    }

    /// Whether a folder's content was left out because of its tag, at that time or now.
    fn is_cache(
        &self,
        merge: &mut Merge<TargetTree, Part<'_>>,
        path: &TreePath,
    ) -> Result<bool, Error> {
        if !self.looked.caches {
            return Ok(false);
        }
        if self.set.target.is_cache(path) {
            return Ok(true);
        }
        let Ok(tag) = Name::new(b"CACHEDIR.TAG") else { return Ok(false) };
        let tag = path.under(self.set.prefix).join(&tag);
        let found = merge.new_side().tree.find(&tag)?;
        Ok(found.is_some_and(|entry| matches!(entry.kind, Kind::File(_))))
    }

    /// The mount of a folder, if the folder above it is on the same one.
    fn same_mount(&mut self, path: &TreePath) -> Option<(u64, u64)> {
        let above = self.folders.last().map(|folder| folder.mount);
        self.set.target.mount(path).ok().filter(|mount| Some(*mount) == above)
    }

    pub(super) fn something_stays(&mut self) {
        if let Some(folder) = self.folders.last_mut() {
            folder.stays = true;
        }
    }

    fn leave(&mut self, path: &TreePath) -> Result<(), Error> {
        let Some(folder) = self.folders.pop() else { return Ok(()) };
        match (folder.surplus, folder.stays) {
            (false, _) => {
                self.mend(path, &folder);
                Ok(())
            }
            (true, true) => {
                self.something_stays();
                Ok(())
            }
            (true, false) => {
                self.goes(path, true)?;
                if folder.in_the_way {
                    self.tally.freed.insert(path.clone());
                }
                Ok(())
            }
        }
    }
}

impl Setting<'_> {
    /// Where something of the snapshot is in the target.
    fn at(&self, path: &TreePath) -> TreePath {
        below(path, self.prefix).unwrap_or_else(TreePath::root)
    }
}
