//! Entries that left their place, entries that arrived at another, and the moves among both.
//!
//! Moves are known once both sides are walked. Until then no departure is reported, and no arrival
//! of a source that was saved before.

use crate::catalogue::{DirectoryId, Likeness, Move, Passage, Remembered, Sighting};
use crate::format::encode_entry;
use crate::model::{Entry, Found, FoundKind, Kind, Metadata, Name, Owner, Stamp, Time, TreePath};

use super::Backup;
use super::entry::{kind_number, remembered_entry};
use super::places::Vanished;
use crate::session::error::Error;
use crate::session::event::{ChangeKind, Event};

/// Most folders whose new kind is reported.
const TOLD: usize = 20;

impl Backup<'_, '_, '_> {
    /// An entry that is there no more.
    pub(super) fn gone(&mut self, path: &TreePath, old: &Remembered) -> Result<(), Error> {
        if old.directory.is_some_and(|id| self.tree.is_claimed(id)) {
            // That was said when it turned up at its new place.
            return Ok(());
        }
        let is_left_out = self.is_left_out(path);
        let unit = self.unit();
        let unit = self.places.units.at(path, unit);
        self.leave_place(path, old, unit, is_left_out)
    }

    /// Another kind of thing has the name now: the former thing, and everything beneath it, is
    /// gone.
    pub(super) fn replaced(
        &mut self,
        path: &TreePath,
        old: &Remembered,
        new: FoundKind,
    ) -> Result<(), Error> {
        match old.directory {
            Some(id) if self.tree.is_claimed(id) => {}
            Some(id) => {
                let around = self.unit();
                let unit = self.places.units.turn(path, new, around);
                self.leave_place(path, old, unit, false)?;
                if self.places.turned.len() <= TOLD {
                    self.places.turned.push((id, path.clone(), new));
                }
            }
            None => {
                let unit = self.unit();
                self.leave_place(path, old, unit, false)?;
            }
        }
        Ok(())
    }

    /// The part of the source that the walk is in.
    pub(super) fn unit(&self) -> u32 {
        self.open.last().map_or(0, |open| open.unit)
    }

    /// Whether something that is not listed any more is there all the same, or lies where the
    /// config does not look any more.
    fn is_left_out(&self, path: &TreePath) -> bool {
        self.set.source.hides(path) || !super::guard::is_asked_for(&self.set.options.roots, path)
    }

    /// Takes an entry out of its folder. A directory may turn up elsewhere.
    fn leave_place(
        &mut self,
        path: &TreePath,
        old: &Remembered,
        unit: u32,
        is_left_out: bool,
    ) -> Result<(), Error> {
        self.tree.take_out(self.parent().id, old)?;
        if let Some(id) = old.directory {
            let vanished = Vanished { path: path.clone(), unit, is_left_out };
            self.places.vanished.insert(id, vanished);
        } else {
            self.report.gone += 1;
            match is_left_out {
                true => self.places.left_out += 1,
                false => self.departed(path, old, unit)?,
            }
        }
        Ok(())
    }

    fn make_tables(&mut self) -> Result<(), Error> {
        if !self.places.has_tables {
            self.catalogue.begin_moves()?;
            self.places.has_tables = true;
        }
        Ok(())
    }

    /// Notes that a file is not at its place any more.
    fn departed(&mut self, path: &TreePath, old: &Remembered, unit: u32) -> Result<(), Error> {
        self.places.units.of(unit).gone += 1;
        self.make_tables()?;
        let entry = remembered_entry(old);
        let (size, mtime) = entry.as_ref().map_or((0, None), size_and_time);
        let seen = Sighting {
            path,
            unit,
            kind: old.kind,
            identity: old.stamp.as_ref().map(Stamp::identity_in),
            size,
            mtime,
            content: entry.and_then(|entry| self.likeness(entry.kind, size, mtime)),
        };
        Ok(self.catalogue.note(Passage::Departed, &seen)?)
    }

    /// Notes that a file is at a place where it was not before. `entry` is its content, if known.
    pub(super) fn arrived(
        &mut self,
        (path, unit): (&TreePath, u32),
        found: &Found,
        entry: Option<&Entry>,
    ) -> Result<(), Error> {
        self.report.new += 1;
        self.places.units.of(unit).new += 1;
        if !self.places.is_known {
            self.change(ChangeKind::New, path);
            return Ok(());
        }
        self.make_tables()?;
        let (size, mtime) = entry.map_or((found.stamp.size, found.metadata.mtime), size_and_time);
        let kind = entry.map(|entry| entry.kind.number()).or(kind_number(found.kind));
        let seen = Sighting {
            path,
            unit,
            kind: kind.unwrap_or(u8::MAX),
            identity: (!found.renumbers).then_some((found.file_system, found.stamp.inode)),
            size,
            mtime,
            content: entry.and_then(|entry| self.likeness(entry.kind.clone(), size, mtime)),
        };
        Ok(self.catalogue.note(Passage::Arrived, &seen)?)
    }

    /// A name for the content of an entry. Nothing distinguishes pipes, and only the time
    /// distinguishes empty files.
    pub(super) fn likeness(&self, kind: Kind, size: u64, mtime: Option<Time>) -> Option<[u8; 32]> {
        if !matches!(kind, Kind::File(_) | Kind::Symlink(_)) {
            return None;
        }
        let metadata = Metadata {
            mode: None,
            mtime: mtime.filter(|_| size == 0),
            owner: Owner::default(),
            link: None,
            attributes: Vec::new(),
        };
        let name = Name::new(b"any").expect("it is a name");
        let mut bytes = Vec::new();
        encode_entry(&Entry { name, kind, metadata }, &mut bytes);
        Some(self.set.repository().likeness(&bytes))
    }

    /// A directory turned up at another place.
    pub(super) fn moved_directory(&mut self, id: DirectoryId, from: &TreePath, to: &TreePath) {
        self.places.vanished.remove(&id);
        self.report.moved += 1;
        self.report.directories_moved += 1;
        self.tell_move(from.clone(), to.clone());
    }

    fn tell_move(&self, from: TreePath, to: TreePath) {
        if self.set.options.list_changes {
            self.set.observer.event(Event::Moved { from, to });
        }
    }

    /// Counts missing entries, finds those that moved, and reports both.
    pub(super) fn settle_places(&mut self) -> Result<(), Error> {
        let mut vanished: Vec<_> = std::mem::take(&mut self.places.vanished).into_iter().collect();
        vanished.retain(|(id, _)| !self.tree.is_claimed(*id));
        vanished.sort_by(|(_, a), (_, b)| a.path.cmp(&b.path));
        for (id, vanished) in vanished {
            self.forget_beneath(id, vanished)?;
        }
        self.match_moves()?;
        if self.places.has_tables && self.set.options.list_changes {
            for (passage, kind) in
                [(Passage::Departed, ChangeKind::Gone), (Passage::Arrived, ChangeKind::New)]
            {
                let this = &*self;
                this.catalogue.unmatched(passage, &mut |path, _| {
                    this.change(kind, &path);
                    true
                })?;
            }
        }
        self.tell_turned();
        Ok(())
    }

    fn match_moves(&mut self) -> Result<(), Error> {
        if !self.places.has_tables {
            return Ok(());
        }
        for likeness in [Likeness::Inode, Likeness::Content, Likeness::Look] {
            let mut moves = 0;
            let (units, set) = (&mut self.places.units, self.set);
            self.catalogue.match_moves(likeness, &mut |Move { from, to, unit }| {
                moves += 1;
                units.of(unit).moved += 1;
                if set.options.list_changes {
                    set.observer.event(Event::Moved { from, to });
                }
            })?;
            self.report.moved += moves;
            self.report.new = self.report.new.saturating_sub(moves);
            self.report.gone = self.report.gone.saturating_sub(moves);
            if likeness == Likeness::Inode && set.options.dry_run {
                self.read_arrivals()?;
            }
        }
        Ok(())
    }

    /// Forgets a directory that is gone, counting and noting all beneath it.
    fn forget_beneath(&mut self, top: DirectoryId, vanished: Vanished) -> Result<(), Error> {
        let Vanished { path, unit, is_left_out } = vanished;
        self.report.gone += 1;
        self.report.directories_gone += 1;
        if is_left_out {
            let (entries, directories) = self.catalogue.remove_detached(top)?;
            self.report.gone += entries;
            self.report.directories_gone += directories;
            self.places.left_out += entries - directories;
            return Ok(());
        }
        self.departed_directory(&path)?;
        let mut open = vec![(top, path, unit)];
        while let Some((id, path, unit)) = open.pop() {
            self.set.progress.go_on()?;
            let mut is_empty = true;
            let catalogue = self.catalogue;
            for child in catalogue.children(id) {
                let child = child?;
                is_empty = false;
                let beneath = path.join(&child.name);
                self.report.gone += 1;
                match child.directory {
                    Some(id) => {
                        self.report.directories_gone += 1;
                        self.departed_directory(&beneath)?;
                        let unit = self.places.units.at(&beneath, unit);
                        open.push((id, beneath, unit));
                    }
                    None => self.departed(&beneath, &child, unit)?,
                }
            }
            if !is_empty && self.places.mounts.contains(&path) {
                self.places.unmounted.push(path);
            }
        }
        self.catalogue.remove_detached(top)?;
        Ok(())
    }

    /// Notes a directory that is gone, so that it is reported in its place.
    fn departed_directory(&mut self, path: &TreePath) -> Result<(), Error> {
        if !self.set.options.list_changes {
            return Ok(());
        }
        self.make_tables()?;
        let (identity, mtime, content) = (None, None, None);
        let kind = kind_number(FoundKind::Directory).unwrap_or(u8::MAX);
        let seen = Sighting { path, unit: 0, kind, identity, size: 0, mtime, content };
        Ok(self.catalogue.note(Passage::Departed, &seen)?)
    }

    /// Reports which folders are something else now, and which the config excludes now.
    fn tell_turned(&mut self) {
        for (id, path, kind) in std::mem::take(&mut self.places.turned) {
            if self.tree.is_claimed(id) {
                continue;
            }
            let kind = match kind {
                FoundKind::Symlink => "a symbolic link",
                FoundKind::File => "a file",
                FoundKind::Fifo => "a pipe",
                _ => "a device",
            };
            let path = String::from_utf8_lossy(path.as_bytes()).into_owned();
            self.set.observer.event(Event::Notice(format!(
                "/{path} was a folder and is {kind} now; what was beneath it is no longer saved \
                 from there."
            )));
        }
        let files = match self.places.left_out {
            0 => return,
            1 => "1 file of the last snapshot is".to_owned(),
            many => format!("{many} files of the last snapshot are"),
        };
        let sentence = format!("{files} no longer saved, because the config leaves it out now.");
        let sentence = match self.places.left_out {
            1 => sentence,
            _ => sentence.replace("leaves it out", "leaves them out"),
        };
        self.set.observer.event(Event::Notice(sentence));
    }
}

/// Size and time in an entry.
fn size_and_time(entry: &Entry) -> (u64, Option<Time>) {
    let size = match &entry.kind {
        Kind::File(content) => content.size,
        Kind::Symlink(target) => target.len() as u64,
        _ => 0,
    };
    (size, entry.metadata.mtime)
}
